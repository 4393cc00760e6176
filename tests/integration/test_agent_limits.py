"""The agent under load: memory, connections, jobs and output are bounded."""

import json
import os
import subprocess
import threading
import time

import pytest

from support import apps, rpc
from support.process import binary
from support.wait import wait_until
from test_agent_rows import agent_for, invoke_async
from test_agent_worker import children


@pytest.fixture(scope="module", autouse=True)
def installed(host):
    apps.shell(host.apps, "sh", "run.sh", 'eval "$(printf %s "$3" | base64 -d)"')
    apps.python(
        host.apps, "big", "run.py",
        """
        import base64, sys
        size = int(base64.b64decode(sys.argv[3]))
        block = b"0123456789abcde\\n" * 65536
        while size > 0:
            sys.stdout.buffer.write(block[:size]); size -= len(block)
        """,
    )


# Row 7: memory.


@pytest.mark.slow
def test_row_7_output_is_bounded_and_marked_as_cut(alone):
    agent = alone.agent({"worker.outputLimit": 1 << 20})
    apps.shell(agent.apps, "sh", "run.sh", 'eval "$(printf %s "$3" | base64 -d)"')
    before = agent.rss()
    with agent.client(timeout=60) as client:
        for _ in range(3):
            reins = client.instructionInvokeSync(
                rpc.instruct(app="sh", func="f", proxy="run.sh", param="head -c 104857600 /dev/zero | tr '\\0' x", timeout=60)
            )
            assert reins.truncated
            assert reins.outputBytes == 104857600 or reins.outputBytes >= 1 << 20
            assert reins.result is None or len(reins.result) <= (1 << 20) + 1000
    assert agent.rss() - before < 30 << 20


@pytest.mark.slow
def test_row_7_memory_is_given_back_after_large_results(alone):
    agent = alone.agent({"worker.outputLimit": 16 << 20, "thrift.maxMessage": 32 << 20})
    apps.shell(agent.apps, "sh", "run.sh", 'eval "$(printf %s "$3" | base64 -d)"')
    with agent.client(timeout=60) as client:
        for _ in range(10):
            reins = client.instructionInvokeSync(
                rpc.instruct(app="sh", func="f", proxy="run.sh", param="head -c 8000000 /dev/zero | tr '\\0' x", timeout=60)
            )
            assert (reins.flag, len(reins.result)) == (1, 8_000_000)
    wait_until(lambda: agent.rss() < 60 << 20, "ten results of 8 MB do not stay in memory")


def test_row_7_result_of_16_megabytes_is_bounded(host, run):
    reins = run("big", param=str(16 << 20), proxy="run.py", timeout=30)
    assert reins.flag in (1, -1)
    assert reins.flag == 1 and len(reins.result) == 16 << 20 or reins.truncated or reins.reason == "too-large"
    assert run("elves", "ping", param="alive").result == "alive"


def test_row_7_connections_are_limited(alone):
    agent = alone.agent({"agent.maxConnections": 10})
    held = [rpc.connect(agent.host, agent.port) for _ in range(40)]
    time.sleep(0.2)
    assert agent.descriptors() < 60
    for connection in held:
        connection.close()


def test_row_7_jobs_are_limited_and_the_rest_is_told_so(alone):
    scheduler = alone.fake_scheduler()
    agent = agent_for(
        alone, **{"worker.maxRunning": 2, "worker.maxWaiting": 3, "scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port}
    )
    jobs = [dict(id=f"L{n}", app="sh", func="f", param="sleep 0.5; echo ran") for n in range(20)]
    answers = invoke_async(agent, *jobs)
    accepted = [answer.ins.id for answer in answers if answer.flag == 1]
    refused = [answer for answer in answers if answer.flag == -1]
    assert (len(accepted), len(refused)) == (5, 15)
    assert {answer.reason for answer in refused} == {"busy"}
    time.sleep(0.2)
    assert len(children(agent.pid)) <= 2
    wait_until(lambda: len(scheduler.results) == 5, "each accepted job has a result", 20)
    assert sorted(r.ins.id for r in scheduler.results) == sorted(accepted)


def test_row_7_jobs_that_wait_when_the_agent_stops_are_answered(alone):
    scheduler = alone.fake_scheduler()
    settings = {"worker.maxRunning": 1, "journal.enabled": "false"}  # with a journal they stay for the next start
    agent = agent_for(alone, **settings, **{"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port})
    jobs = [dict(id=f"S{n}", app="sh", func="f", param="sleep 1; echo ran") for n in range(50)]
    assert all(answer.flag == 1 for answer in invoke_async(agent, *jobs))
    wait_until(lambda: children(agent.pid), "the first one runs")
    assert agent.terminate() == 0
    outcomes = {r.ins.id: (r.flag, r.reason) for r in scheduler.results}
    assert len(outcomes) == 50
    assert outcomes.pop("S0") == (1, None), "what ran was left to end"
    assert set(outcomes.values()) == {(-1, "cancelled")}


# Row 8: the 42-byte message, at the limit of memory that killed the original.


def test_row_8_list_of_2_31_in_42_bytes_under_a_memory_limit(alone):
    agent = alone.agent(prefix=["prlimit", "--data=300000000", "--"])
    apps.shell(agent.apps, "echo", "run.sh", *apps.echo_marked())
    message = rpc.strict_header("instructionInvokeAsync") + rpc.field(rpc.LIST, 1, b"\x0c\x7f\xff\xff\xff")
    assert len(message) == 42
    before = agent.rss()
    for _ in range(20):
        with rpc.connect(agent.host, agent.port) as connection:
            connection.sendall(message)
            assert rpc.reads_end(connection)
    assert agent.rss() - before < 5 << 20
    with agent.client() as client:
        assert client.aliveCheck() == "success"


@pytest.mark.slow
def test_row_9_more_apps_than_a_node_can_hold(stage):
    agent = stage.agent(start=False)
    for number in range(10_000):
        os.mkdir(os.path.join(str(agent.apps), f"{number:05}-" + "x" * 100))
    apps.shell(agent.apps, "zz", "run.sh", *apps.echo_marked())
    agent.start()
    stage.wait_registered(agent)
    data, _ = stage.kazoo.get(f"{stage.root}/agent/{agent.ip}")
    assert 500_000 < len(data) < 1 << 20
    assert 5_000 < len(json.loads(data)["apps"]) < 10_000
    assert "too many apps to register" in agent.log()
    with agent.client() as client:
        assert client.instructionInvokeSync(rpc.instruct(app="zz", func="f", proxy="run.sh")).flag == 1


# Numbers.


@pytest.mark.slow
def test_hundred_parallel_calls(host):
    apps.shell(host.apps, "nap", "run.sh", "sleep 1", *apps.echo_marked())
    outcomes = []

    def one(number):
        with host.client(timeout=30) as client:
            reins = client.instructionInvokeSync(rpc.instruct(app="nap", func="f", param=str(number), proxy="run.sh", timeout=30))
            outcomes.append((reins.flag, reins.result))

    threads = [threading.Thread(target=one, args=(n,)) for n in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=lambda o: int(o[1])) == [(1, str(n)) for n in range(100)]


@pytest.mark.slow
def test_quick_workers_leave_nothing_behind(host, run):
    for _ in range(20):
        run("sh", param="exit 0", proxy="run.sh")
    descriptors, memory = host.descriptors(), host.rss()
    for _ in range(300):
        assert run("sh", param="exit 0", proxy="run.sh").flag == 1
    assert host.descriptors() <= descriptors + 1
    assert host.rss() - memory < 1 << 20
    with open(f"/proc/{host.pid}/task/{host.pid}/children") as file:
        assert file.read().split() == [], "no zombies"


def test_idle_agent_is_small(host):
    if "asan" in subprocess.run(["ldd", binary("elves-agent")], capture_output=True, text=True).stdout:
        pytest.skip("a sanitizer's memory is not the agent's")
    fresh_limit = 32 << 20  # after everything this module did
    assert host.rss() < fresh_limit
