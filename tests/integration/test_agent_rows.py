"""What the original agent got wrong, row by row; rows 7 and 8 are in test_agent_limits.py."""

import hashlib
import json
import os
import signal
import time

import pytest

from support import apps, rpc
from support.fake_agent import NeverAnswer
from support.wait import wait_until
from test_agent_worker import processes_with

FLAG = "<ElvesWFlag>true</ElvesWFlag>"


@pytest.fixture(scope="module", autouse=True)
def installed(host):
    apps.shell(host.apps, "echo", "run.sh", *apps.echo_marked())
    apps.shell(host.apps, "sh", "run.sh", 'eval "$(printf %s "$3" | base64 -d)"')
    apps.python(
        host.apps, "param", "run.py",
        """
        import base64, hashlib, os, sys
        path = os.environ.get("ELVES_PARAM_FILE")
        data = open(path, "rb").read() if path else base64.b64decode(sys.argv[3])
        print("file" if path else "argv", len(sys.argv), repr(sys.argv[3][:0]), hashlib.md5(data).hexdigest(), path)
        """,
    )


def shell_run(run, script, **fields):
    return run("sh", param=script, proxy="run.sh", **fields)


def agent_for(alone, **settings):
    agent = alone.agent(settings)
    apps.shell(agent.apps, "echo", "run.sh", *apps.echo_marked())
    apps.shell(agent.apps, "sh", "run.sh", 'eval "$(printf %s "$3" | base64 -d)"')
    return agent


def invoke_async(agent, *jobs):
    with agent.client() as client:
        return client.instructionInvokeAsync([rpc.instruct(proxy="run.sh", type="queue", **job) for job in jobs])


# Row 1, as far as an agent in memory goes: a scheduler that is away for a while gets the result.


@pytest.mark.slow
def test_row_1_result_is_reported_again_until_it_is_taken(alone):
    scheduler = alone.fake_scheduler()
    port = scheduler.port
    scheduler.close()
    agent = agent_for(alone, **{"scheduler.addr": "127.0.0.1", "scheduler.port": port, "retry.first": 100, "retry.cap": 500})
    invoke_async(agent, dict(id="R1", app="echo", func="f", param="kept"))
    time.sleep(0.8)
    scheduler = alone.fake_scheduler(port=port)
    (reins,) = wait_until(lambda: scheduler.results, "the result comes when the scheduler is back")
    assert (reins.ins.id, reins.result) == ("R1", "kept")
    time.sleep(0.7)
    assert len(scheduler.results) == 1, "once it is taken it does not come again"


# Row 2: one bad name or file kills the agent.


@pytest.mark.parametrize("addr", ["no.such.host.invalid", "256.1.1.1"])
def test_row_2_scheduler_whose_name_does_not_resolve(alone, addr):
    agent = agent_for(alone, **{"scheduler.addr": addr, "scheduler.port": 10101, "shutdown.timeout": 1})
    invoke_async(agent, dict(id="X", app="echo", func="f"))
    time.sleep(0.5)
    with agent.client() as client:
        assert client.aliveCheck() == "success"


def test_row_2_no_scheduler_at_all(alone):
    agent = agent_for(alone, **{"shutdown.timeout": 1})
    invoke_async(agent, dict(id="X", app="echo", func="f"))
    time.sleep(0.3)
    with agent.client() as client:
        assert client.aliveCheck() == "success"


BAD_APPCFG = {
    "empty": "", "object": "{}", "not-json": "{", "array": "[]", "null": '{"Processor":null}',
    "text": '{"Processor":"x"}', "port-text": '{"Processor":{"Addr":"127.0.0.1","Port":"10010"}}',
    "port-high": '{"Processor":{"Addr":"127.0.0.1","Port":99999}}',
    "port-low": '{"Processor":{"Addr":"127.0.0.1","Port":-1}}',
    "no-addr": '{"Processor":{"Addr":"","Port":1}}',
    "unresolvable": '{"Processor":{"Addr":"no.such.host.invalid","Port":10010}}',
    "refused": '{"Processor":{"Addr":"127.0.0.1","Port":1}}',
    "deep": "[" * 100_000,
    "bytes": "\x00\x01",
}


def test_row_2_application_configuration_of_any_kind(alone):
    scheduler = alone.fake_scheduler()
    agent = agent_for(alone, **{"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port})
    path = os.path.join(str(agent.apps), "echo", "appcfg.json")
    for number, (name, text) in enumerate(BAD_APPCFG.items(), 1):
        with open(path, "w") as file:
            file.write(text)
        invoke_async(agent, dict(id=name, app="echo", func="f", mode="P"))
        wait_until(lambda: len(scheduler.results) == number, f"the scheduler gets the result of {name}")
    os.unlink(path)
    os.mkdir(path)
    invoke_async(agent, dict(id="folder", app="echo", func="f", mode="P"))
    wait_until(lambda: len(scheduler.results) == len(BAD_APPCFG) + 1, "and that of a folder")
    assert [r.ins.id for r in scheduler.results] == list(BAD_APPCFG) + ["folder"]


def test_row_2_processor_that_never_answers_does_not_hold_up_the_result(alone):
    scheduler, processor = alone.fake_scheduler(), alone.fake_processor()
    agent = agent_for(alone, **{"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port})

    def hang(_):
        raise NeverAnswer()

    processor.on_result = hang
    with open(os.path.join(str(agent.apps), "echo", "appcfg.json"), "w") as file:
        json.dump({"Processor": {"Addr": "127.0.0.1", "Port": processor.port, "Timeout": 1}}, file)
    invoke_async(agent, dict(id="H", app="echo", func="f", mode="P"))
    wait_until(lambda: scheduler.results and processor.results, "both are called")


# Row 3: descriptors run out.


@pytest.mark.slow
def test_row_3_more_connections_than_descriptors(alone):
    limit = ["prlimit", "--nofile=96:96", "--"]
    agent = alone.agent({"agent.maxConnections": 1000}, prefix=limit)
    apps.shell(agent.apps, "echo", "run.sh", *apps.echo_marked())
    held = []
    for _ in range(150):
        try:
            held.append(rpc.connect(agent.host, agent.port, timeout=1))
        except OSError:
            break
    time.sleep(0.5)
    assert agent.alive(), agent.log()
    for connection in held:
        connection.close()

    def served():
        try:
            with agent.client(timeout=2) as client:
                return client.instructionInvokeSync(rpc.instruct(app="echo", func="f", param="x", proxy="run.sh")).flag == 1
        except Exception:
            return False

    wait_until(served, "it serves again when there is room")


def test_row_3_more_parallel_calls_than_descriptors(alone):
    agent = alone.agent({"worker.maxRunning": 500, "worker.maxWaiting": 500}, prefix=["prlimit", "--nofile=128:128", "--"])
    apps.shell(agent.apps, "echo", "run.sh", "sleep 0.3", *apps.echo_marked())
    scheduler = alone.fake_scheduler()
    jobs = [rpc.instruct(id=f"J{n}", type="queue", app="echo", func="f", proxy="run.sh", origin=f"127.0.0.1:{scheduler.port}") for n in range(100)]
    with agent.client() as client:
        assert len(client.instructionInvokeAsync(jobs)) == 100
    wait_until(lambda: len(scheduler.results) == 100, "each has an outcome", 20)
    assert agent.alive()


def test_row_3_port_in_use_is_exit_1(alone):
    agent = agent_for(alone)
    other = alone.agent({"agent.ip": agent.ip, "agent.listen": agent.host, "agent.port": agent.port}, start=False)
    other.start(ready=False)
    other.expected = (1,)
    assert other.wait(10) == 1
    assert str(agent.port) in other.log()


# Row 4: the timeout reaches the whole tree, the reply is on time, and the text says so.


TREES = {
    "child": "sleep {mark}; true",
    "grandchild": "sh -c 'sleep {mark}; true'; true",
    "background": "sleep {mark} & wait",
    "ignores-term": "trap '' TERM; sleep {mark}; sleep {mark}",
    "setsid": "setsid sleep {mark} & wait",
    "setsid-holds-pipe": "setsid sleep {mark} & sleep {mark}",
    "double-fork": "(setsid sh -c '(sleep {mark} &) ; exit' &) ; sleep {mark}",
    "many": "for i in 1 2 3 4 5 6 7 8 9 10; do sleep {mark} & done; wait",
    "stopped": "sleep {mark} & kill -STOP $!; kill -STOP $$",
}


@pytest.mark.parametrize("name", TREES)
def test_row_4_timeout_ends_the_whole_tree_in_time(host, run, name):
    mark = f"9{list(TREES).index(name)}{os.getpid()}.25"
    started = time.monotonic()
    reins = shell_run(run, TREES[name].format(mark=mark), timeout=1)
    seconds = time.monotonic() - started
    assert (reins.flag, reins.result, reins.reason) == (-1, "app exec timeout", "timeout")
    assert 0.9 < seconds < 20, "timeout, then at most the grace time"
    if name != "ignores-term" and name != "stopped":
        assert seconds < 5.5, "without the grace time"
    assert processes_with(mark) == [], "no process is left when the reply is there"


def test_row_4_grandchild_that_holds_the_pipe_does_not_delay_the_reply(run):
    mark = "8123.125"
    started = time.monotonic()
    reins = shell_run(run, f"sleep {mark} & echo early", timeout=30)
    assert time.monotonic() - started < 20
    assert (reins.flag, reins.result.strip()) == (1, "early")
    assert (reins.killed, reins.survivors) == (1, 0), "the result says what was left"
    assert processes_with(mark) == []


def test_row_4_leftovers_may_live_when_configured(alone):
    agent = agent_for(alone, **{"worker.leftovers": "leave"})
    mark = "8124.125"
    with agent.client() as client:
        reins = client.instructionInvokeSync(
            rpc.instruct(app="sh", func="f", proxy="run.sh", param=f"sleep {mark} >/dev/null 2>&1 </dev/null & echo ok")
        )
    assert reins.flag == 1
    assert reins.survivors == 1, "the result says that a process lives on"
    (pid,) = processes_with(mark)
    os.kill(pid, signal.SIGKILL)


# Row 5: diagnostics.


def test_row_5_stderr_and_output_of_a_failed_worker_are_told(run):
    reins = shell_run(run, "echo on-stdout; echo why-it-failed >&2; exit 4")
    assert reins.flag == -1
    assert reins.result.startswith("app exec error : exit status 4")
    assert "why-it-failed" in reins.result


def test_row_5_output_without_markers_is_not_lost(run):
    assert shell_run(run, "echo precious").result.strip() == "precious"


def test_row_5_a_shouting_stderr_is_bounded(run):
    reins = shell_run(run, "head -c 50000000 /dev/zero | tr '\\0' e >&2; echo end >&2; exit 1", timeout=20)
    assert reins.flag == -1
    assert len(reins.result) < 1 << 20
    assert "end" in reins.result


# Row 6: markers. The greedy cases are in test_agent_worker.py.


def test_row_6_markers_twice(run):
    twice = FLAG + "<ElvesWResult>first</ElvesWResult>\n" + FLAG + "<ElvesWResult>second</ElvesWResult>"
    reins = shell_run(run, f"cat <<'END'\n{twice}\nEND")
    assert reins.flag == 1
    assert reins.result.startswith("first") or reins.result == "second"


# Row 9 is in test_agent_worker.py (E29). Row 10: stopping, idle connections, environment, python.


@pytest.mark.slow
def test_row_10_sigterm_finishes_what_runs_and_reports_it(alone):
    scheduler = alone.fake_scheduler()
    agent = agent_for(alone, **{"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port, "shutdown.timeout": 10})
    invoke_async(agent, dict(id="G", app="sh", func="f", param="sleep 1; echo finished"))
    time.sleep(0.3)
    assert agent.terminate() == 0
    assert [(r.ins.id, r.flag, r.result.strip()) for r in scheduler.results] == [("G", 1, "finished")]


@pytest.mark.slow
def test_row_10_sigterm_ends_what_takes_too_long_and_says_so(alone):
    scheduler = alone.fake_scheduler()
    agent = agent_for(alone, **{"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port, "shutdown.timeout": 1})
    mark = "7771.5"
    invoke_async(agent, dict(id="T", app="sh", func="f", param=f"sleep {mark}"))
    wait_until(lambda: processes_with(mark), "the worker runs")
    started = time.monotonic()
    assert agent.terminate() == 0
    assert time.monotonic() - started < 20
    assert processes_with(mark) == []
    assert [(r.ins.id, r.flag, r.reason) for r in scheduler.results] == [("T", -1, "cancelled")]


@pytest.mark.slow
def test_row_10_idle_connections_are_closed(alone):
    agent = alone.agent({"agent.idleTimeout": 1})
    with rpc.connect(agent.host, agent.port) as connection:
        connection.sendall(rpc.call("aliveCheck"))
        rpc.Reader(connection).message()
        started = time.monotonic()
        assert rpc.reads_end(connection, 30)
        assert 0.5 < time.monotonic() - started < 20


def test_row_10_default_python_is_one_that_exists(run, host):
    apps.write_program(host.apps, "pydefault", "app-worker.py", "print('python works')\n")
    reins = run("pydefault")
    assert (reins.flag, reins.result.strip()) == (1, "python works")


# Row 11: parameters too large for an argument.


@pytest.mark.parametrize("size", [98301, 98302, 100_000, 1_000_000])
def test_row_11_large_parameter_reaches_the_worker(run, host, size):
    param = ("0123456789" * (size // 10 + 1))[:size]
    reins = run("param", param=param, proxy="run.py")
    assert reins.flag == 1, reins.result
    way, count, third, digest, path = reins.result.split()
    assert digest == hashlib.md5(param.encode()).hexdigest()
    assert way == "file" or size < 98302
    if way == "file":
        wait_until(lambda: not os.path.exists(path), "the file is gone after the job")
