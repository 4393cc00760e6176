"""Workers that stay alive: elves-worker(7), with real processes that keep to it, and some that do not."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest
from thrift.transport.TTransport import TTransportException

from support import apps, rpc
from support.wait import stays, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(HERE)), "examples")

# Speaks the protocol by itself, so that it can also break it.
WORKER = r"""
import json, os, signal, subprocess, sys, threading, time, base64
CONCURRENCY = int(os.environ.get("CONCURRENCY", "%(concurrency)d"))
lock = threading.Lock()
def say(text):
    with lock:
        sys.stdout.write(text + "\n"); sys.stdout.flush()
def answer(call, result, flag=True):
    say(json.dumps({"call": call["call"], "flag": flag, "result": result}))
def serve(call):
    func, param = call["func"], base64.b64decode(call["param"]).decode()
    if func == "echo": answer(call, param)
    elif func == "no": answer(call, param, False)
    elif func == "pid": answer(call, str(os.getpid()))
    elif func == "view": answer(call, json.dumps({"call": call, "argv": sys.argv[1:], "cwd": os.getcwd(),
        "environment": dict(os.environ), "session": os.getsid(0) == os.getpid()}))
    elif func == "sleep": open(param.split()[1], "w").close(); time.sleep(float(param.split()[0])); answer(call, str(os.getpid()))
    elif func == "hang": open(param, "w").write(str(os.getpid())); time.sleep(600)
    elif func == "crash": sys.stderr.write("about to die\n"); sys.stderr.flush(); os.kill(os.getpid(), signal.SIGSEGV)
    elif func == "exit": sys.stderr.write("bad day\n"); sys.stderr.flush(); os._exit(int(param))
    elif func == "garbage": say("this is no answer"); time.sleep(600)
    elif func == "long": sys.stdout.write("x" * int(param)); sys.stdout.flush(); time.sleep(600)
    elif func == "unknown": say('{"call":999999,"flag":true,"result":""}'); time.sleep(600)
    elif func == "big": answer(call, "y" * int(param))
    elif func == "grow": serve.kept = bytearray(int(param)); serve.kept[::4096] = b"z" * len(serve.kept[::4096]); answer(call, str(os.getpid()))
    elif func == "leave": child = subprocess.Popen(["sleep", "600"], start_new_session=True); answer(call, str(child.pid))
    elif func == "bytes": say(json.dumps({"call": call["call"], "flag": True, "result64": base64.b64encode(b"a\0b\xff").decode()}))
    else: answer(call, "no such function", False)
say('{"elves":1,"concurrency":%%d}' %% CONCURRENCY)
for line in sys.stdin:
    call = json.loads(line)
    if CONCURRENCY > 1: threading.Thread(target=serve, args=(call,), daemon=True).start()
    else: serve(call)
"""


def install(agent, name="warm", worker=WORKER, concurrency=1, **manifest):
    apps.python(agent.apps, name, "app-worker.py", worker % {"concurrency": concurrency} if worker is WORKER else worker)
    apps.write_program(agent.apps, name, "appcfg.json", json.dumps({"Worker": {"Warm": True, **manifest}}), 0o644)


@pytest.fixture
def warm(alone):
    """An agent with an app whose worker stays alive; settings and manifest as wanted."""

    def start(settings=None, concurrency=1, **manifest):
        agent = alone.agent({"worker.grace": 300, **(settings or {})})
        install(agent, concurrency=concurrency, **manifest)
        return Host(agent)

    return start


class Host:
    def __init__(self, agent):
        self.agent = agent
        self.folder = os.path.join(str(agent.apps), "warm")

    def call(self, func, param="", app="warm", timeout=20, **fields):
        with self.agent.client() as client:
            return client.instructionInvokeSync(rpc.instruct(app=app, func=func, param=param, timeout=timeout, **fields))

    def background(self, *arguments, **fields):
        return Background(self, arguments, fields)

    def pid(self):
        reins = self.call("pid")
        assert reins.flag == 1, reins
        return int(reins.result)

    def mark(self, name="mark"):
        return os.path.join(str(self.agent.folder), name)


class Background(threading.Thread):
    """A call under way."""

    def __init__(self, host, arguments, fields):
        super().__init__(daemon=True)
        self.host, self.arguments, self.fields = host, arguments, fields
        self.result = None
        self.start()

    def run(self):
        with contextlib.suppress(TTransportException):  # the agent was killed
            self.result = self.host.call(*self.arguments, **self.fields)

    def answer(self):
        self.join(30)
        assert self.result is not None, "no answer"
        return self.result


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def wait_dead(pid):
    wait_until(lambda: not is_alive(pid), f"process {pid} has ended")


# A call


def test_calls_go_to_one_worker(warm):
    host = warm()
    pids = {host.pid() for _ in range(20)}
    assert len(pids) == 1 and is_alive(pids.pop())


@pytest.mark.parametrize("param", ["", "text", 'with "quotes" and \\ and\nlines', "päram ☃ 😀", "x" * 200000],
                         ids=["empty", "plain", "escapes", "unicode", "large"])
def test_parameter_and_result_are_unchanged(warm, param):
    reins = warm().call("echo", param)
    assert (reins.flag, reins.result) == (1, param)


def test_flag_false_is_the_functions_no(warm):
    reins = warm().call("no", "reason")
    assert (reins.flag, reins.result, reins.reason) == (0, "reason", None)


def test_result_of_any_bytes_is_cleaned(warm):
    assert warm().call("bytes").result == "a\ufffdb\ufffd"


def test_worker_sees_the_job_and_a_clean_environment(warm):
    host = warm()
    view = json.loads(host.call("view", "p", id="ID7", timeout=9).result)
    assert view["argv"] == ["warm"] and view["session"] and view["cwd"] == host.folder
    assert (view["call"]["id"], view["call"]["func"], view["call"]["timeout"]) == ("ID7", "view", 9)
    assert view["environment"]["ELVES_WARM"] == "1" and view["environment"]["ELVES_APP"] == "warm"
    assert "ELVES_ID" not in view["environment"]


def test_result_over_the_limit_is_cut(warm):
    reins = warm({"worker.outputLimit": 2000}).call("big", "5000")
    assert reins.flag == 1 and reins.truncated
    assert reins.result.startswith("y" * 1000) and "[cut: 2000 of 5000 bytes]" in reins.result


def test_other_programs_of_the_app_run_per_call(warm):
    host = warm()
    apps.shell(host.agent.apps, "warm", "run.sh", "echo $$")
    pids = {host.call("f", proxy="run.sh").result for _ in range(3)}
    assert len(pids) == 3


def test_named_program_stays_alive(warm):
    host = warm(Proxy="app-worker.py")
    assert len({host.call("pid", proxy="app-worker.py").result for _ in range(3)}) == 1


def test_switched_off_by_configuration(warm):
    reins = warm({"warm.enabled": "false"}).call("pid")
    assert reins.result != "" and reins.flag == 1  # a program without markers: its output


def test_what_a_call_leaves_behind_is_said(warm):
    host = warm()
    reins = host.call("leave")
    assert reins.flag == 1 and reins.survivors == 1
    assert host.call("echo").survivors == 1
    os.kill(int(reins.result), signal.SIGKILL)
    wait_until(lambda: host.call("echo").survivors == 0, "nothing is left")


# Several at one time


def test_concurrency_as_the_worker_says(warm):
    host = warm(concurrency=4, Workers=1)
    pid = host.pid()
    calls = [host.background("sleep", f"0.5 {host.mark(i)}") for i in "abcd"]
    wait_until(lambda: all(os.path.exists(host.mark(i)) for i in "abcd"), "four run at one time")
    assert {call.answer().result for call in calls} == {str(pid)}


def test_more_calls_than_places_wait(warm):
    host = warm(Workers=1)
    first = host.background("sleep", f"0.3 {host.mark()}")
    wait_until(lambda: os.path.exists(host.mark()), "the first runs")
    second = host.pid()
    assert first.answer().result == str(second)


def test_more_workers_when_calls_wait(warm):
    host = warm(Workers=2)
    calls = [host.background("sleep", f"0.5 {host.mark(i)}") for i in "ab"]
    wait_until(lambda: all(os.path.exists(host.mark(i)) for i in "ab"), "both run at one time")
    assert len({call.answer().result for call in calls}) == 2


def test_all_apps_share_the_limit_of_workers(warm):
    host = warm({"warm.maxWorkers": 1})
    install(host.agent, "other")
    first = host.pid()
    assert host.call("pid", app="other").flag == 1
    wait_dead(first)
    assert host.pid() != first


# What goes wrong


def test_crash_is_said_and_the_next_call_has_a_new_worker(warm):
    host = warm()
    pid = host.pid()
    reins = host.call("crash")
    assert (reins.flag, reins.reason) == (-1, "signal")
    assert reins.result.startswith("app exec error : signal: segmentation fault") and "about to die" in reins.result
    assert host.pid() != pid


def test_exit_status_is_said(warm):
    reins = warm().call("exit", "3")
    assert (reins.flag, reins.reason, reins.exitStatus) == (-1, "exit-status", 3)
    assert reins.result.startswith("app exec error : exit status 3") and "bad day" in reins.result


def test_exit_without_an_answer_is_no_success(warm):
    reins = warm().call("exit", "0")
    assert (reins.flag, reins.reason) == (-1, "bad-output")
    assert "without an answer" in reins.result


def test_timeout_ends_that_worker_with_its_tree(warm):
    host = warm(Workers=2)
    child = int(host.call("leave").result)
    hanging = host.background("hang", host.mark(), timeout=1)
    wait_until(lambda: os.path.exists(host.mark()) and open(host.mark()).read(), "it hangs")
    other = host.pid()
    reins = hanging.answer()
    assert (reins.flag, reins.reason, reins.result) == (-1, "timeout", "app exec timeout")
    wait_dead(int(open(host.mark()).read()))
    wait_dead(child)
    assert is_alive(other) and host.pid() == other


def test_timeout_ends_the_workers_other_calls_as_unknown(warm):
    host = warm(concurrency=2, Workers=1)
    host.pid()
    other = host.background("sleep", f"20 {host.mark('other')}", timeout=30)
    wait_until(lambda: os.path.exists(host.mark("other")), "the other call runs")
    assert host.call("hang", host.mark(), timeout=1).reason == "timeout"
    reins = other.answer()
    assert (reins.flag, reins.reason) == (-1, "outcome-unknown")
    assert "another call of it has timed out" in reins.result


@pytest.mark.parametrize("func, text", [("garbage", "none of the protocol"), ("unknown", "does not have")])
def test_line_that_is_none_ends_the_worker(warm, func, text):
    host = warm()
    pid = host.pid()
    reins = host.call(func)
    assert (reins.flag, reins.reason) == (-1, "bad-output") and text in reins.result
    wait_dead(pid)
    assert host.pid() != pid


def test_line_over_the_limit_ends_the_worker(warm):
    host = warm({"warm.lineLimit": 100000})
    pid = host.pid()
    assert host.call("long", "90000", timeout=1).reason == "timeout"
    reins = host.call("long", "200000")
    assert (reins.flag, reins.reason) == (-1, "too-large") and "warm.lineLimit" in reins.result
    wait_dead(pid)


def test_worker_that_is_not_ready_in_time_fails_its_calls(warm):
    host = warm({"warm.startTimeout": 300})
    install(host.agent, "mute", "import time; time.sleep(600)")
    reins = host.call("f", app="mute")
    assert (reins.flag, reins.reason) == (-1, "spawn-failed") and "warm.startTimeout" in reins.result


def test_worker_that_ends_before_it_is_ready_fails_its_calls(warm):
    host = warm()
    install(host.agent, "dead", "import sys; sys.exit('no way')")
    reins = host.call("f", app="dead")
    assert (reins.flag, reins.reason) == (-1, "spawn-failed")
    assert "exit status 1" in reins.result and "no way" in reins.result


def test_worker_that_dies_at_once_is_not_started_all_the_time(warm):
    host = warm({"warm.retryFirst": 2000})
    count = host.mark("count")
    install(host.agent, "dead", f"import sys; open({count!r}, 'a').write('x'); sys.exit('no way')")
    for _ in range(50):
        assert host.call("f", app="dead").reason == "spawn-failed"
    assert len(open(count).read()) < 10


def test_missing_program_is_worker_missing(warm):
    host = warm({"worker.python": "/no/such/python"})
    reins = host.call("f")
    assert (reins.flag, reins.reason) == (-1, "worker-missing")


# Its life


def test_idle_worker_ends(warm):
    host = warm({"warm.idleTimeout": 1})
    pid = host.pid()
    wait_dead(pid)
    assert host.pid() != pid


def test_worker_is_replaced_after_its_calls(warm):
    host = warm(MaxCalls=3)
    pids = [host.pid() for _ in range(7)]
    assert len(set(pids)) == 3 and pids[0] == pids[2] and pids[2] != pids[3]
    wait_dead(pids[0])


def test_worker_that_has_grown_is_replaced_after_its_call(warm):
    host = warm({"warm.maxMemory": 64 << 20})
    pid = host.pid()
    time.sleep(1.1)  # its memory is looked at once a second
    assert host.call("grow", str(200 << 20)).result == str(pid)
    wait_dead(pid)
    assert host.pid() != pid


def rewrite(host, name, text):
    """As a deployment does: a new file takes the place of the old one."""
    path = os.path.join(host.folder, name)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)


@pytest.mark.parametrize("way", ["program", "module", "folder", "manifest"])
def test_changed_files_bring_a_new_worker_and_running_calls_end_with_the_old(warm, way):
    host = warm(Workers=1)
    with open(os.path.join(host.folder, "module.py"), "w") as file:
        file.write("x = 1\n")
    old = host.pid()
    running = host.background("sleep", f"1 {host.mark()}")
    wait_until(lambda: os.path.exists(host.mark()), "a call runs")
    if way == "program":
        rewrite(host, "app-worker.py", open(os.path.join(host.folder, "app-worker.py")).read() + "# new\n")
    elif way == "module":
        with open(os.path.join(host.folder, "module.py"), "w") as file:
            file.write("x = 2\n")
    elif way == "manifest":
        rewrite(host, "appcfg.json", '{"worker": {"warm": true, "workers": 1, "maxcalls": 1000}}')
    else:
        shutil.copytree(host.folder, host.folder + ".new")
        os.rename(host.folder, host.folder + ".old")
        os.rename(host.folder + ".new", host.folder)
    wait_until(lambda: host.pid() != old, "new calls have a new worker")
    assert running.answer().result == str(old)
    wait_dead(old)


def test_what_an_app_writes_beside_its_code_changes_nothing(warm):
    host = warm()
    pid = host.pid()
    os.makedirs(os.path.join(host.folder, "__pycache__"))
    for name in ("app.log", "__pycache__/x.pyc", ".hidden.py"):
        with open(os.path.join(host.folder, name), "w") as file:
            file.write("x")
    stays(lambda: host.pid() == pid, "it is the same worker", 0.5)


def test_no_longer_warm(warm):
    host = warm()
    pid = host.pid()
    os.unlink(os.path.join(host.folder, "appcfg.json"))
    host.call("pid")
    wait_dead(pid)


# The agent's own end


@pytest.mark.parametrize("containment", ["auto", "process"])
def test_workers_end_with_the_agent(warm, containment):
    host = warm({"worker.containment": containment})
    pid, child = host.pid(), int(host.call("leave").result)
    host.agent.terminate()
    wait_dead(pid)
    wait_dead(child)


@pytest.mark.parametrize("containment", ["auto", "process"])
def test_workers_of_a_killed_agent_are_ended_by_the_next(warm, containment):
    host = warm({"worker.containment": containment})
    host.agent.expected = (0, -signal.SIGKILL)
    deaf = "import signal, subprocess, sys\nsys.stdout.write('{\"elves\":1}\\n'); sys.stdout.flush()\n"
    deaf += f"open({host.mark()!r}, 'w').write(str(subprocess.Popen(['sleep', '600'], start_new_session=True).pid))\n"
    deaf += "import time; time.sleep(600)\n"
    install(host.agent, "deaf", deaf)
    host.background("f", app="deaf", timeout=60)
    wait_until(lambda: os.path.exists(host.mark()) and open(host.mark()).read(), "it runs")
    child = int(open(host.mark()).read())
    host.agent.kill()
    assert is_alive(child)
    host.agent.start()
    wait_dead(child)


DETACH = """
import json, subprocess, sys
print('{"elves":1}', flush=True)
for line in sys.stdin:
    subprocess.run(["sh", "-c", "env -i setsid sleep 600 & echo $! >%s"])
    print(json.dumps({"call": json.loads(line)["call"], "flag": True, "result": ""}), flush=True)
"""


def test_detached_processes_of_idle_workers_are_ended_by_the_next(warm):
    """Neither environment, session nor parent says whose they are: only the cgroup does."""
    host = warm()
    if "containment: cgroup" not in host.agent.log():
        pytest.skip("no cgroup can be made here")
    host.agent.expected = (0, -signal.SIGKILL)
    install(host.agent, "detach", DETACH % host.mark())
    assert host.call("f", app="detach").flag == 1
    child = int(open(host.mark()).read())
    wait_until(lambda: open(f"/proc/{child}/cmdline").read().startswith("sleep"), "it is detached")
    host.agent.kill()
    assert is_alive(child)
    host.agent.start()
    wait_dead(child)


def test_p2_call_of_a_killed_agent_is_not_run_again(alone):
    scheduler = alone.fake_scheduler()
    scheduler.on_result = lambda _: "success"
    agent = alone.agent({"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port, "retry.first": 20},
                        environment={"ELVES_CRASH": "after-start"})
    agent.expected = (0, -signal.SIGKILL)
    install(agent)
    host = Host(agent)
    job = rpc.instruct(id="a", type="queue", app="warm", func="hang", param=host.mark(), execution="a", timeout=60)
    with pytest.raises(Exception):
        with agent.client() as client:
            client.instructionInvokeAsync([job])
            wait_until(lambda: not agent.alive(), "the agent dies")
            client.aliveCheck()
    wait_until(lambda: not agent.alive(), "the agent dies")
    agent.environment = None
    agent.start()
    wait_until(lambda: scheduler.results, "it is reported")
    assert (scheduler.results[0].flag, scheduler.results[0].reason) == (-1, "agent-restarted")
    if os.path.exists(host.mark()):
        wait_dead(int(open(host.mark()).read()))
    with agent.client() as client:
        (answer,) = client.instructionInvokeAsync([job])
    assert answer.state in (2, 3)


def test_journaled_calls_of_a_crashing_worker_end_once(alone):
    scheduler = alone.fake_scheduler()
    scheduler.on_result = lambda _: "success"
    agent = alone.agent({"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port, "warm.retryFirst": 10})
    install(agent)
    jobs = [rpc.instruct(id=f"j{i}", type="queue", app="warm", func="crash" if i % 3 == 0 else "pid",
                         execution=f"j{i}", timeout=20) for i in range(12)]
    with agent.client() as client:
        client.instructionInvokeAsync(jobs)
    wait_until(lambda: len(scheduler.results) >= 12, "all are reported")
    reasons = {r.ins.id: r.reason for r in scheduler.results}
    assert len(scheduler.results) == len(reasons) == 12
    assert {i for i, reason in reasons.items() if reason == "signal"} == {"j0", "j3", "j6", "j9"}


# The kits


def copy_example(agent, name):
    shutil.copytree(os.path.join(EXAMPLES, "apps", name), os.path.join(str(agent.apps), name), dirs_exist_ok=True)


@pytest.mark.parametrize("stays_alive", [True, False])
def test_python_kit_serves_both_ways(alone, stays_alive):
    agent = alone.agent()
    copy_example(agent, "warm-python")
    if not stays_alive:
        os.unlink(os.path.join(str(agent.apps), "warm-python", "appcfg.json"))
    host = Host(agent)
    assert host.call("greet", "Ada", app="warm-python").result == "Hello, Ada!"
    assert host.call("nothing", app="warm-python").flag == 0
    counts = [host.call("count", app="warm-python").result.split()[0] for _ in range(3)]
    assert counts == (["1", "2", "3"] if stays_alive else ["1", "1", "1"])


@pytest.mark.parametrize("stays_alive", [True, False])
def test_shell_kit_serves_both_ways(alone, stays_alive):
    agent = alone.agent()
    copy_example(agent, "warm-shell")
    if not stays_alive:
        os.unlink(os.path.join(str(agent.apps), "warm-shell", "appcfg.json"))
    host = Host(agent)
    call = dict(app="warm-shell", proxy="sh|run.sh")
    assert host.call("greet", "Ada ☃ \\n \"x\"", **call).result == "Hello, Ada ☃ \\n \"x\"!"
    assert host.call("greet", "x" * 100000, **call).result == "Hello, " + "x" * 100000 + "!"
    assert host.call("disk", "/no/such", **call).flag == 0
    for name in ("rm", 'x","param":"eA==', "greet disk", "*"):
        reins = host.call(name, **call)
        assert (reins.flag, reins.reason) == (0, None), reins


def test_c_example(alone):
    agent = alone.agent()
    copy_example(agent, "warm-c")
    folder = os.path.join(str(agent.apps), "warm-c")
    subprocess.run(["cc", "-o", "worker", "worker.c"], cwd=folder, check=True)
    host = Host(agent)
    assert [host.call("sum", p, app="warm-c", proxy="worker").result for p in ("1 2 3.5", "", "-1")] == ["6.5", "0", "-1"]
    assert host.call("other", app="warm-c", proxy="worker").flag == 0


PYTHON_KIT = """
import threading, elves_worker
barrier = threading.Barrier(4)
def pair(parameter): return False, "no"
def none(parameter): pass
def number(parameter): return {"n": parameter["n"] + 1}
def fail(parameter): raise ValueError("wrong")
def noisy(parameter): print("noise"); import os; os.system("echo more noise"); return "said"
def about(parameter, call): return "%s %s %d" % (call.id, call.func, call.timeout)
def raw(parameter): return b"a\\0b"
def meet(parameter): barrier.wait(20); return "met"
elves_worker.run(dict(pair=pair, none=none, number=number, fail=fail, noisy=noisy, about=about, raw=raw, meet=meet),
                 concurrency=CONCURRENCY, json_parameter=True)
"""


@pytest.mark.parametrize("kind", ["warm", "warm-threads", "per-call"])
def test_python_kit_has_one_contract(alone, kind):
    agent = alone.agent()
    install(agent, "kit", PYTHON_KIT.replace("CONCURRENCY", "4" if kind == "warm-threads" else "1"))
    folder = os.path.join(str(agent.apps), "kit")
    shutil.copy(os.path.join(EXAMPLES, "apps", "warm-python", "elves_worker.py"), folder)
    if kind == "per-call":
        os.unlink(os.path.join(folder, "appcfg.json"))
    host = Host(agent)

    def call(func, param="", **fields):
        reins = host.call(func, param, app="kit", **fields)
        return reins.flag, reins.result

    assert call("pair") == (0, "no")
    assert call("none") == (1, "")
    assert call("number", '{"n": 41}') == (1, '{"n": 42}')
    assert call("number", "no json")[0] == 0
    assert call("fail") == (0, "ValueError: wrong")
    assert call("noisy") == (1, "said")
    assert call("about", id="ID7", timeout=9) == (1, "ID7 about 9")
    assert call("raw") == (1, "a\ufffdb")
    assert call("_private")[0] == 0
    if kind == "warm-threads":
        running = [host.background("meet", app="kit", timeout=30) for _ in range(4)]
        assert all(r.answer().result == "met" for r in running)
