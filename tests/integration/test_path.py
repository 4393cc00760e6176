"""The whole path of a job: asker, broker, scheduler, ZooKeeper, agent, worker, and back."""

import collections
import json
import os
import signal
import time

import pytest

from support import apps
from support.mq import async_body, flat_async_members, job_body, new_id
from support.process import run_tool
from support.stage import Stage
from support.wait import wait_until


@pytest.fixture(scope="module")
def path(services, tmp_path_factory):
    """A scheduler and an agent that know each other through ZooKeeper."""
    one = Stage(services, tmp_path_factory.mktemp("path"))
    one.daemon = one.scheduler()
    one.host = one.agent()
    install(one.host)
    wait_served(one, one.host)
    yield one
    one.close()


def install(agent):
    apps.shell(agent.apps, "shell", "run.sh", *apps.echo_marked("sh $2 $PARAM"))
    apps.shell(agent.apps, "raw", "run.sh", 'eval "$(printf %s "$3" | base64 -d)"')
    apps.write_program(
        agent.apps, "pyapp", "app-worker.py",
        "import base64, json, sys\n"
        "param = json.loads(base64.b64decode(sys.argv[3]))\n"
        "print('<ElvesWFlag>true</ElvesWFlag> <ElvesWResult>%s %s</ElvesWResult>'\n"
        "      % (sys.argv[2], sorted(param.items())))\n",
    )


def wait_served(stage, agent):
    stage.wait_registered(agent)
    wait_until(
        lambda: stage.asker.call(job_body(agent.ip, app="elves", func="ping")).json["mqbody"]["flag"] == "true",
        "the scheduler reaches the agent",
    )


def sync(stage, agent, app, func="f", **body):
    reply = stage.asker.call(job_body(agent.ip, app=app, func=func, **body), 30).json["mqbody"]
    assert reply["flag"] == "true", reply
    return reply["result"]


def ctl(stage, *arguments, timeout=30):
    settings = stage.scheduler_settings()
    wanted = ("mq.ip", "mq.port", "mq.user", "mq.password", "mq.exchange", "mq.queue", "zookeeper.host", "zookeeper.root")
    config = stage.folder / "ctl.properties"
    config.write_text("".join(f"{key} = {settings[key]}\n" for key in wanted))
    return run_tool("elvesctl", "--config", config, *arguments, timeout=timeout)


# Registration


def test_agent_registers_with_the_members_of_its_node(path):
    data, stat = path.kazoo.get(f"{path.root}/agent/{path.host.ip}")
    node = json.loads(data)
    assert stat.ephemeralOwner != 0
    assert {"ip", "port", "asset", "version", "type", "apps", "started", "features"} <= set(node)
    assert (node["ip"], node["port"], node["type"]) == (path.host.ip, path.host.port, "elves-c")
    assert isinstance(node["apps"], dict) and isinstance(node["features"], list)


@pytest.mark.slow
def test_agent_node_goes_when_it_ends_and_comes_again(stage):
    agent = stage.agent({"zookeeper.outTime": 2000})
    node = f"{stage.root}/agent/{agent.ip}"
    stage.wait_registered(agent)
    assert agent.terminate() == 0
    assert not stage.kazoo.exists(node), "an orderly end takes it away at once"
    agent.start()
    stage.wait_registered(agent)
    agent.kill()
    wait_until(lambda: not stage.kazoo.exists(node), "the session of a killed agent ends", 8)
    agent.expected = (0,)
    agent.start()
    stage.wait_registered(agent)


@pytest.mark.slow
def test_agent_that_was_killed_registers_at_once_again(stage):
    """The node of the old session is still there."""
    agent = stage.agent({"zookeeper.outTime": 6000})
    stage.wait_registered(agent)
    node = f"{stage.root}/agent/{agent.ip}"
    owner = stage.kazoo.exists(node).ephemeralOwner
    agent.kill()
    agent.expected = (0,)
    agent.start()
    wait_until(
        lambda: (stat := stage.kazoo.exists(node)) and stat.ephemeralOwner != owner,
        "the node is the new session's", 15,
    )


@pytest.mark.slow
def test_agent_whose_session_expired_registers_again(stage):
    agent = stage.agent({"zookeeper.outTime": 1000})
    stage.wait_registered(agent)
    node = f"{stage.root}/agent/{agent.ip}"
    agent.process.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: not stage.kazoo.exists(node), "the session has ended", 10)
    finally:
        agent.process.send_signal(signal.SIGCONT)
    stage.wait_registered(agent)


# Jobs


def test_e03_whole_path_of_the_flat_form(path):
    reply = path.asker.flat_sync(agent_ip=path.host.ip, app="shell", func="go", param="p", proxy="run.sh", mode="sap").json
    assert (reply["mqflag"], reply["data"]["result_flag"]) == ("1", 1)
    assert reply["data"]["worker_message"] == "sh go p"
    assert reply["data"]["worker_costtime"] >= 0


def test_e11_whole_path_of_the_later_forms(path):
    assert sync(path, path.host, "shell", "go", param="x", proxy="run.sh")["worker_message"] == "sh go x"
    body = job_body(path.host.ip, app="pyapp", func="fn", param='{"k":1}')
    assert path.asker.call_id(body).json["mqbody"]["result"]["worker_message"] == "fn [('k', 1)]"


@pytest.mark.parametrize("type", ["cron", "queue"])
def test_e02_whole_path_of_an_async_job(path, type):
    inbox = path.asker.inbox(f"scheduler.{type}")
    body = async_body(path.host.ip, type, app="shell", func="go", param="later", proxy="run.sh")
    path.asker.cast(body, type)
    message = inbox.take().json["mqbody"]
    assert (message["flag"], message["error"]) == ("true", "")
    assert message["result"]["id"] == body["id"]
    assert (message["result"]["worker_flag"], message["result"]["worker_message"]) == (1, "sh go later")


def test_e07_whole_path_of_the_flat_async_form(path):
    inbox = path.asker.inbox("scheduler.queue")
    id, rand_id = new_id(), new_id()
    members = flat_async_members(agent_ip=path.host.ip, app="shell", func="go", param="x", proxy="run.sh")
    path.asker.flat("sendAsync", "call", id, job_type="queue", rand_id=rand_id, **members)
    result = inbox.take().json["mqbody"]["result"]
    assert (result["id"], result["rand_id"], result["worker_message"]) == (id, rand_id, "sh go x")


def test_e27_app_not_installed_through_the_whole_path(path):
    result = sync(path, path.host, "missing")
    assert (result["worker_flag"], result["worker_message"]) == (-1, "app [missing] not install !")
    assert result["reason"] == "app-missing"


def test_e28_timeout_through_the_whole_path(path):
    started = time.monotonic()
    result = sync(path, path.host, "raw", param="sleep 100", proxy="run.sh", timeout=1)
    assert time.monotonic() - started < 20
    assert (result["worker_flag"], result["worker_message"], result["reason"]) == (-1, "app exec timeout", "timeout")


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_large_parameter_reaches_the_worker_through_the_whole_path(path, size):
    script = 'test -n "$ELVES_PARAM_FILE" && wc -c < "$ELVES_PARAM_FILE"; echo in-file'
    apps.shell(path.host.apps, "count", "run.sh", script)
    result = sync(path, path.host, "count", param="p" * size, proxy="run.sh")
    assert result["worker_message"].split() == [str(size), "in-file"]


def test_result_that_is_no_text_leaves_valid_json(path):
    result = sync(path, path.host, "raw", param="printf 'a\\000b\\377\\376c'", proxy="run.sh")
    assert result["worker_flag"] == 1
    assert result["worker_message"].startswith("a") and result["worker_message"].endswith("c")


@pytest.mark.slow
def test_result_of_16_megabytes_comes_back_bounded(path):
    result = sync(path, path.host, "raw", param="head -c 16777216 /dev/zero | tr '\\0' x", proxy="run.sh", timeout=30)
    assert result["worker_flag"] in (1, -1)
    assert len(result["worker_message"]) <= (16 << 20) + 1000
    assert sync(path, path.host, "elves", "ping", param="alive")["worker_message"] == "alive"


@pytest.mark.slow
def test_200_async_jobs_quickly(path):
    inbox = path.asker.inbox("scheduler.queue")
    ids = [new_id() for _ in range(200)]
    started = time.monotonic()
    for id in ids:
        path.asker.cast(async_body(path.host.ip, "queue", id=id, app="shell", param=id, proxy="run.sh"), "queue")
    seen = collections.Counter(m.json["mqbody"]["result"]["id"] for m in inbox.take_many(200, 60))
    assert time.monotonic() - started < 60
    assert seen == collections.Counter(ids)


@pytest.mark.slow
def test_agent_that_dies_in_mid_flow_fails_its_sync_jobs_at_once(stage):
    stage.scheduler()
    agent = stage.agent()
    install(agent)
    wait_served(stage, agent)
    inbox = stage.asker.inbox()
    stage.asker.later(
        "syncJob", job_body(agent.ip, app="raw", param="sleep 60", proxy="run.sh", timeout=100), reply_to=inbox.name
    )
    wait_until(lambda: os.path.exists(f"/proc/{agent.pid}") and worker_runs(agent), "the worker runs")
    started = time.monotonic()
    agent.kill()
    body = inbox.take(30).json["mqbody"]
    assert time.monotonic() - started < 20
    assert body["error"] == "[410.0]Send Job To Agent Fail"
    assert body["reason"] in ("agent-lost", "outcome-unknown")


def worker_runs(agent):
    with open(f"/proc/{agent.pid}/task/{agent.pid}/children") as file:
        return file.read().split()


@pytest.mark.slow
def test_kill_9_of_the_scheduler_with_a_real_agent(stage):
    """200 jobs queued and 50 in flight: every one has a result."""
    settings = {"mq.prefetch": 50}
    first = stage.scheduler(settings)
    agent = stage.agent({"retry.cap": 500, "worker.maxRunning": 50, "worker.maxRunningPerApp": 50})
    apps.shell(agent.apps, "slow", "run.sh", "sleep 1", *apps.echo_marked())
    wait_served(stage, agent)
    inbox = stage.asker.inbox("scheduler.queue")
    ids = [new_id() for _ in range(250)]
    for id in ids:
        stage.asker.cast(async_body(agent.ip, "queue", id=id, app="slow", param=id, proxy="run.sh", timeout=60), "queue")
    wait_until(lambda: len(worker_runs(agent)) >= 40, "workers run")
    first.kill()
    second = stage.scheduler({**settings, "thrift.scheduler.port": first.port})
    seen = set()

    def complete():
        seen.update(m.json["mqbody"]["result"]["id"] for m in iter(inbox.poll, None))
        return set(ids) <= seen

    wait_until(complete, "every job has a result", 40)
    wait_until(lambda: stage.asker.waiting() == 0, "the queue is empty")
    assert second.terminate() == 0
    assert stage.asker.waiting() == 0


@pytest.mark.slow
def test_same_job_delivered_twice_is_run_once(stage):
    """A queue task keeps its id: while it runs, a second delivery of it does not start it again."""
    stage.scheduler()
    agent = stage.agent()
    apps.shell(agent.apps, "slow", "run.sh", f'echo x >> {agent.apps}/starts; sleep 1', *apps.echo_marked())
    wait_served(stage, agent)
    inbox = stage.asker.inbox("scheduler.queue")
    body = async_body(agent.ip, "queue", app="slow", proxy="run.sh")
    for _ in range(2):
        stage.asker.cast(body, "queue")
    assert inbox.take().json["mqbody"]["result"]["worker_flag"] == 1
    time.sleep(1.5)
    with open(f"{agent.apps}/starts") as file:
        assert file.read() == "x\n"


# elvesctl


def test_ctl_exec_prints_the_result(path):
    answer = ctl(path, "exec", path.host.ip, "elves", "ping", "hello")
    assert answer.returncode == 0, answer.stderr
    assert "hello" in answer.stdout


def test_ctl_exec_json(path):
    answer = ctl(path, "exec", path.host.ip, "shell", "go", "p", "--proxy", "run.sh", "--timeout", "5", "--json")
    assert answer.returncode == 0, answer.stderr
    assert "sh go p" in json.dumps(json.loads(answer.stdout))


def test_ctl_exec_status_follows_the_outcome(path):
    failed = ctl(path, "exec", path.host.ip, "raw", "f", "exit 3", "--proxy", "run.sh")
    assert failed.returncode != 0
    assert "exit status 3" in failed.stdout + failed.stderr
    nobody = ctl(path, "exec", "10.255.255.2", "raw", "f")
    assert nobody.returncode != 0
    assert "not-registered" in nobody.stdout + nobody.stderr


def test_ctl_exec_async(path):
    answer = ctl(path, "exec", path.host.ip, "shell", "go", "p", "--proxy", "run.sh", "--async")
    assert answer.returncode == 0, answer.stderr


def test_ctl_agents_lists_the_table(path):
    answer = ctl(path, "agents")
    assert answer.returncode == 0, answer.stderr
    assert path.host.ip in answer.stdout and str(path.host.port) in answer.stdout


def test_ctl_help_has_examples():
    answer = run_tool("elvesctl", "--help")
    assert answer.returncode == 0
    assert "exec" in answer.stdout and "agents" in answer.stdout


def test_ctl_says_what_cannot_be_reached(path, tmp_path):
    config = tmp_path / "ctl.properties"
    config.write_text("mq.ip = 127.0.0.1\nmq.port = 1\nmq.user = x\nmq.password = y\nzookeeper.host = 127.0.0.1:1\n")
    broker = run_tool("elvesctl", "--config", config, "exec", "10.0.0.1", "elves", "ping")
    assert broker.returncode not in (0, None)
    assert "127.0.0.1" in broker.stderr
    zookeeper = run_tool("elvesctl", "--config", config, "agents", timeout=60)
    assert zookeeper.returncode != 0
    assert "127.0.0.1:1" in zookeeper.stderr


def test_ctl_usage_errors_are_exit_2(path):
    for arguments in (["exec"], ["nonsense"], ["exec", "10.0.0.1"], ["exec", "10.0.0.1", "a", "f", "--timeout", "x"]):
        assert ctl(path, *arguments).returncode == 2, arguments
