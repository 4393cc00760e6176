"""/metrics and /healthz of running daemons, asked with urllib."""

import json
import re
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from support import apps, rpc
from support.mq import async_body
from support.wait import wait_until

SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z]+="[^"]*",?)+)\})? (\S+)$')


def get(daemon, path, timeout=10):
    """The status code and the text of a page."""
    url = f"http://127.0.0.1:{daemon.status_port}{path}"
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


def health(daemon):
    code, text = get(daemon, "/healthz")
    assert text.count("\n") == 1 and text.endswith("\n"), "one line"
    return code, json.loads(text)


def metrics(daemon):
    """{'name{label="x"}': number} of a page in which every line is as it should be."""
    code, text = get(daemon, "/metrics")
    assert code == 200
    samples, typed = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in typed, "rows of one name stand together"
            typed[name] = kind
        elif not line.startswith("# HELP "):
            found = SAMPLE.match(line)
            assert found, line
            base = re.sub(r"_(bucket|sum|count)$", "", found.group(1))
            assert found.group(1) in typed or typed.get(base) == "histogram", line
            key = found.group(1) + (f"{{{found.group(2)}}}" if found.group(2) else "")
            assert key not in samples, key
            samples[key] = float(found.group(3))
    return samples


def is_healthy(daemon):
    return health(daemon)[0] == 200


def up(part):
    return f'elves_scheduler_up{{part="{part}"}}'


def hop(side, name):
    return f'elves_{side}_hop_seconds_count{{hop="{name}"}}'


def test_jobs_are_counted_on_their_way(stage):
    scheduler, agent = stage.scheduler(), stage.agent()
    stage.wait_registered(agent)
    apps.shell(agent.apps, "good", "run.sh", *apps.echo_marked())
    wait_until(lambda: is_healthy(scheduler), "the scheduler is registered")
    assert is_healthy(agent)
    code, state = health(scheduler)
    assert (code, state["status"], state["daemon"]) == (200, "ok", "elves-scheduler")

    for _ in range(3):
        stage.asker.flat_sync(agent_ip=agent.ip, app="good", func="f", param="x", proxy="run.sh")
    stage.asker.flat_sync(agent_ip="10.255.255.1", app="good", func="f", param="x", proxy="run.sh")
    stage.asker.flat_sync(agent_ip=agent.ip, app="none", func="f", param="x", proxy="run.sh")

    wait_until(lambda: metrics(scheduler)["elves_scheduler_acks_total"] == 5, "all is acknowledged")
    of_scheduler, of_agent = metrics(scheduler), metrics(agent)
    assert of_scheduler["elves_scheduler_deliveries_total"] == 5
    assert of_scheduler['elves_scheduler_jobs_total{outcome="success"}'] == 3
    jobs = 'elves_scheduler_jobs_total{outcome="error",reason="%s"}'
    assert of_scheduler[jobs % "not-registered"] == 1
    assert of_scheduler[jobs % "app-missing"] == 1
    assert of_scheduler["elves_scheduler_in_flight"] == 0
    assert of_scheduler["elves_scheduler_unconfirmed"] == 0
    assert of_scheduler['elves_scheduler_agents{state="registered"}'] == 1
    assert of_scheduler['elves_scheduler_agents{state="connected"}'] == 1
    assert of_scheduler[hop("scheduler", "intake-call")] == 4
    assert of_scheduler[hop("scheduler", "call-answer")] == 4
    assert of_scheduler[hop("scheduler", "outcome-confirm")] == 5
    assert of_scheduler[up("consumer")] == of_scheduler[up("publisher")] == 1
    assert of_agent['elves_agent_jobs_asked_total{kind="sync"}'] == 4
    assert of_agent['elves_agent_executions_total{outcome="success"}'] == 3
    assert of_agent[hop("agent", "accept-start")] == of_agent[hop("agent", "start-finish")] == 3
    assert of_agent["elves_agent_running"] == of_agent["elves_agent_waiting"] == 0


def test_async_jobs_are_counted_on_their_way(stage):
    scheduler, agent = stage.scheduler(), stage.agent()
    stage.wait_registered(agent)
    apps.shell(agent.apps, "good", "run.sh", *apps.echo_marked())
    agents = 'elves_scheduler_agents{state="journal"}'
    wait_until(lambda: metrics(scheduler)[agents] == 1, "the agent is known")
    inbox = stage.asker.inbox("scheduler.cron")
    for _ in range(3):
        stage.asker.cast(async_body(agent.ip, "cron", app="good", proxy="run.sh"), "cron")
    inbox.take_many(3)

    wait_until(lambda: metrics(agent)["elves_agent_results_taken_total"] == 3, "all are taken")
    wait_until(lambda: metrics(scheduler)["elves_scheduler_acks_total"] == 3, "all is acknowledged")
    of_scheduler, of_agent = metrics(scheduler), metrics(agent)
    assert of_scheduler["elves_scheduler_results_total"] == 3
    assert of_scheduler['elves_scheduler_jobs_total{outcome="success"}'] == 3
    assert of_scheduler[hop("scheduler", "accept-outcome")] == 3
    assert of_agent['elves_agent_jobs_asked_total{kind="async"}'] == 3
    assert of_agent["elves_agent_journal_records"] == 3
    assert of_agent["elves_agent_journal_bytes"] > 0
    assert of_agent["elves_agent_journal_commits_total"] >= 1
    assert of_agent["elves_agent_journal_failing"] == of_agent["elves_agent_outbox_results"] == 0
    for name in ("accept-durable", "accept-start", "start-finish", "finish-taken"):
        assert of_agent[hop("agent", name)] == 3, name


@pytest.mark.slow
def test_broker_away_is_said_and_its_return_counted(faults):
    scheduler = faults.scheduler({"retry.cap": 500})
    wait_until(lambda: is_healthy(scheduler), "all is well")
    connects = [f'elves_scheduler_connects_total{{to="broker",use="{use}"}}' for use in ("consume", "publish")]
    before = metrics(scheduler)
    assert [before[name] for name in connects] == [1, 1]

    faults.broker.kill()
    wait_until(lambda: "not publishing" in health(scheduler)[1].get("problem", ""), "it is noticed")
    code, state = health(scheduler)
    assert (code, state["status"]) == (503, "failing")
    assert "not consuming" in state["problem"]
    assert metrics(scheduler)[up("consumer")] == 0

    faults.broker.start()
    wait_until(lambda: is_healthy(scheduler), "it works again", 40)
    after = metrics(scheduler)
    assert all(after[name] >= 2 for name in connects)


@pytest.mark.slow
def test_zookeeper_away_is_said(faults):
    scheduler, agent = faults.scheduler({"retry.cap": 500}), faults.agent()
    wait_until(lambda: is_healthy(scheduler), "all is well")
    faults.zookeeper.kill()
    wait_until(lambda: not is_healthy(scheduler), "it is noticed", 20)
    assert health(scheduler)[1]["problem"] == "not connected to ZooKeeper"
    assert is_healthy(agent), "schedulers go on calling it"
    faults.zookeeper.start()
    wait_until(lambda: is_healthy(scheduler), "it works again", 40)
    assert metrics(scheduler)['elves_scheduler_connects_total{to="zookeeper",use="registry"}'] >= 2


def test_stopping_agent_is_not_healthy(alone):
    agent = alone.agent({"shutdown.timeout": 5})
    apps.shell(agent.apps, "slow", "run.sh", "sleep 2")
    with agent.client(timeout=10) as client:
        slow = rpc.instruct(app="slow", func="f", proxy="run.sh", timeout=5)
        thread = threading.Thread(target=client.instructionInvokeSync, args=(slow,))
        thread.start()
        wait_until(lambda: metrics(agent)["elves_agent_running"] == 1, "it runs")
        agent.process.terminate()
        wait_until(lambda: not is_healthy(agent), "it says that it stops")
        assert "stopping" in health(agent)[1]["problem"]
        thread.join(10)
    assert agent.wait(10) == 0


def test_taken_port_is_said_and_no_more(alone):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        agent = alone.agent({"metrics.port": taken.getsockname()[1]})
        assert "no status is served" in agent.log()
        with agent.client() as client:
            assert client.aliveCheck() == "success"


def test_no_status(alone):
    agent = alone.agent({"metrics.listen": ""})
    with pytest.raises(urllib.error.URLError):
        get(agent, "/metrics")


def test_status_beyond_loopback_only_with_a_list(alone):
    agent = alone.agent({"metrics.listen": "0.0.0.0"}, start=False)
    agent.start(ready=False)
    agent.expected = (2,)
    assert agent.wait(10) == 2
    assert "metrics.authips" in agent.log()
    closed = alone.agent({"metrics.listen": "0.0.0.0", "metrics.authips": "10.0.0.1"})
    assert get(closed, "/metrics")[0] == 403


def test_connections_and_their_lives_are_bounded(alone):
    agent = alone.agent()
    before = agent.descriptors()
    idle = [socket.create_connection(("127.0.0.1", agent.status_port)) for _ in range(30)]
    time.sleep(0.5)
    assert agent.descriptors() - before <= 16
    for connection in idle[:20]:
        connection.close()
    assert get(agent, "/healthz")[0] == 200
    for connection in idle[20:]:
        connection.settimeout(10)
        assert connection.recv(1) == b"", "an idle one is closed"
    wait_until(lambda: agent.descriptors() == before, "nothing is left")


def test_asking_for_long_costs_no_memory(alone):
    agent = alone.agent()
    for _ in range(100):
        get(agent, "/metrics")
    before = agent.rss()
    for _ in range(500):
        get(agent, "/metrics")
    assert agent.rss() - before < 256 << 10
