"""elvesctl ping: to one agent, to all, to sick ones, and without anybody to answer."""

import json

import pytest
from support.mq import job_body
from support.process import run_tool
from support.stage import Stage


@pytest.fixture(scope="module")
def fleet(services, tmp_path_factory):
    """Two agents that answer, one that does not listen."""
    stage = Stage(services, tmp_path_factory.mktemp("ping"))
    stage.daemon = stage.scheduler()
    stage.hosts = [stage.agent(), stage.fake_agent()]
    stage.wait_registered(stage.hosts[0])
    stage.dead = stage.dead_agent()
    yield stage
    stage.close()


def ping(stage, *arguments, timeout=60):
    settings = stage.scheduler_settings()
    wanted = ("mq.ip", "mq.port", "mq.user", "mq.password", "mq.exchange", "zookeeper.host", "zookeeper.root")
    config = stage.folder / "ping.properties"
    config.write_text("".join(f"{key} = {settings[key]}\n" for key in wanted))
    config.chmod(0o600)
    return run_tool("elvesctl", "--config", config, "ping", *arguments, timeout=timeout)


def hops_of(answer):
    return [answer[key] for key in ("total_us", "broker_us", "scheduler_us", "agent_us")]


def test_one_agent_and_where_the_time_went(fleet):
    done = ping(fleet, fleet.hosts[0].ip, "--count", "3", "--interval", "0", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [each["ip"] for each in answer["pings"]] == [fleet.hosts[0].ip] * 3
    for each in answer["pings"]:
        total, broker, scheduler, agent = hops_of(each)
        assert total == broker + scheduler + agent
        assert min(total, broker, agent) > 0 and scheduler >= 0
    summary = answer["summary"]
    assert (summary["sent"], summary["failed"]) == (3, 0)
    totals = sorted(each["total_us"] for each in answer["pings"])
    assert [summary["total_us"][key] for key in ("min", "p50", "max")] == totals


def test_text_says_every_hop(fleet):
    done = ping(fleet, fleet.hosts[0].ip)
    assert done.returncode == 0, done.stderr
    first, counts = done.stdout.splitlines()[:2]
    assert first.startswith(fleet.hosts[0].ip + ": total ")
    assert [word in first for word in (", broker ", ", scheduler ", ", agent ")] == [True] * 3
    assert counts == "1 sent, 1 came back, 0 failed"


def test_all_agents_and_a_dead_one(fleet):
    done = ping(fleet, "all", "--json")
    assert done.returncode == 3
    pings = {each["ip"]: each for each in json.loads(done.stdout)["pings"]}
    assert set(pings) == {fleet.hosts[0].ip, fleet.hosts[1].ip, fleet.dead}
    assert [pings[host.ip]["ok"] for host in fleet.hosts] == [True, True]
    assert not pings[fleet.dead]["ok"]
    assert "(refused)" in pings[fleet.dead]["problem"]
    assert ping(fleet).stdout.splitlines()[-5:][0] == "3 sent, 2 came back, 1 failed"


def test_unregistered_agent(fleet):
    done = ping(fleet, "10.99.99.99")
    assert done.returncode == 3
    assert "(not-registered)" in done.stdout


def test_nobody_answers(services, tmp_path):
    stage = Stage(services, tmp_path)
    try:
        stage.asker  # declares what a scheduler would
        done = ping(stage, "10.99.99.99", "--timeout", "1")
        assert done.returncode == 4
        assert done.stdout.startswith("10.99.99.99: no answer within 1 s\n")
    finally:
        stage.close()


def test_no_agents_at_all(services, tmp_path):
    stage = Stage(services, tmp_path)
    try:
        stage.asker
        done = ping(stage, "all")
        assert done.returncode == 4
        assert "no agent is registered" in done.stderr
    finally:
        stage.close()


@pytest.mark.parametrize(
    "arguments", [("a", "b"), ("--count", "0"), ("--timeout", "0"), ("--interval", "-1"), ("--count", "x")]
)
def test_usage(fleet, arguments):
    done = ping(fleet, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""


def test_replies_say_the_time_only_when_asked(fleet):
    ip = fleet.hosts[0].ip
    asked = fleet.asker.call(job_body(ip, app="elves", func="ping", timing=True)).json["mqbody"]
    assert set(asked["timing"]) == {"scheduler_us", "agent_us"}
    assert 0 < asked["timing"]["agent_us"] <= asked["timing"]["scheduler_us"]
    assert "timing" not in fleet.asker.call(job_body(ip, app="elves", func="ping")).json["mqbody"]
