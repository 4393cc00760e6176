"""What the agent starts, with what, and what it makes of the output: elves-agent.md section 2."""

import base64
import json
import os
import resource
import time

import pytest

from support import apps, rpc
from support.wait import wait_until

FLAG = "<ElvesWFlag>{}</ElvesWFlag>"
RESULT = "<ElvesWResult>{}</ElvesWResult>"


@pytest.fixture(scope="module", autouse=True)
def installed(host):
    apps.python(
        host.apps, "spy", "run.py",
        """
        import json, os, sys
        fds = {n: os.path.exists("/proc/self/fd/%d" % n) for n in range(3, 256)}
        open(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "seen.json"), "w").write(json.dumps({
            "argv": sys.argv, "cwd": os.getcwd(), "environment": dict(os.environ),
            "session": os.getsid(0) == os.getpid(), "group": os.getpgid(0) == os.getpid(),
            "stdin": os.readlink("/proc/self/fd/0"), "fds": [n for n in fds if fds[n]][:5],
        }))
        print("<ElvesWFlag>true</ElvesWFlag> <ElvesWResult>ok</ElvesWResult>")
        """,
    )
    apps.shell(host.apps, "echo", "run.sh", *apps.echo_marked())
    # Prints its parameter, as it is.
    apps.shell(host.apps, "print", "run.sh", 'printf %s "$3" | base64 -d')
    apps.shell(host.apps, "sh", "run.sh", 'eval "$(printf %s "$3" | base64 -d)"')
    apps.shell(host.apps, "file", "app-worker.py", "exit 1")
    apps.python(host.apps, "py", "app-worker.py", "import sys; print('default', sys.argv[1:3])")


def seen(host):
    with open(os.path.join(str(host.apps), "spy", "seen.json")) as file:
        return json.load(file)


def children(pid):
    """Living processes whose parent it is."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(entry))
    return found


def processes_with(word):
    """Processes whose command line has the word."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as line:
                if word.encode() in line.read().split(b"\0"):
                    found.append(int(entry))
        except OSError:
            continue
    return found


# The call


@pytest.mark.parametrize(
    "func, param",
    [("f", ""), ("test", '{"a":"b"}'), ("-x; $(touch /tmp/no) `id` 'q' \"", "päram ☃\n"), ("", "x"), ("f", "x" * 50000)],
    ids=["empty", "json", "shell-characters", "no-func", "long"],
)
def test_e26_arguments_are_app_func_and_base64(host, run, func, param):
    assert run("spy", func, param=param, proxy="run.py").flag == 1
    program, *arguments = seen(host)["argv"]
    assert program == os.path.join(str(host.apps), "spy", "run.py")
    assert arguments == ["spy", func, base64.b64encode(param.encode()).decode()]


def test_e26_own_session_empty_input_no_descriptors(host, run):
    run("spy", proxy="run.py")
    view = seen(host)
    assert view["session"] and view["group"]
    assert view["stdin"] == "/dev/null"
    assert view["fds"] == []


def test_e26_limits_and_signals_are_those_of_a_fresh_program(host, run):
    script = "ulimit -Sn; grep -E 'Sig(Blk|Ign)' /proc/$$/status | cut -f2 | sort -u"
    lines = run("sh", param=script, proxy="run.sh").result.splitlines()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)  # the agent was started with ours
    assert lines == [str(soft), "0" * 16]


def test_e26_environment_is_clean_and_named(alone):
    agent = alone.agent(environment={"SECRET_OF_THE_AGENT": "x", "LD_PRELOAD_TEST": "y"})
    apps.shell(agent.apps, "env", "run.sh", "env")
    with agent.client() as client:
        text = client.instructionInvokeSync(
            rpc.instruct(id="ID7", app="env", func="f", proxy="run.sh", timeout=9)
        ).result
    variables = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert "SECRET_OF_THE_AGENT" not in variables and "LD_PRELOAD_TEST" not in variables
    assert variables["ELVES_ID"] == "ID7"
    assert (variables["ELVES_APP"], variables["ELVES_FUNC"]) == ("env", "f")
    assert "PATH" in variables and "ELVES_PARAM_FILE" not in variables


# The output


MARKED = [
    ("both", FLAG.format("true") + " " + RESULT.format("text"), 1, "text"),
    ("false", FLAG.format("false") + " " + RESULT.format("no"), 0, "no"),
    ("other-case", FLAG.format("True") + RESULT.format("r"), 1, "r"),  # the original: 0
    ("blanks-around", FLAG.format(" true ") + RESULT.format("r"), 1, "r"),  # the original: 0
    ("other-word", FLAG.format("yes") + RESULT.format("r"), 0, "r"),
    ("empty-flag", FLAG.format("") + RESULT.format("r"), 0, "r"),
    ("other-order", RESULT.format("r") + FLAG.format("true"), 1, "r"),
    ("noise-around", "noise\n" + FLAG.format("true") + "mid" + RESULT.format("r") + "\nend", 1, "r"),
    ("lines", FLAG.format("true") + RESULT.format("a\nb\r\n\tc\n"), 1, "a\nb\r\n\tc\n"),
    ("untrimmed", FLAG.format("true") + RESULT.format("  r  "), 1, "  r  "),
    ("empty-result", FLAG.format("true") + RESULT.format(""), 1, ""),
    ("unicode", FLAG.format("true") + RESULT.format("你好 ☃ 😀"), 1, "你好 ☃ 😀"),
]


@pytest.mark.parametrize("name, output, flag, result", MARKED, ids=[row[0] for row in MARKED])
def test_e27_marked_output(run, name, output, flag, result):
    reins = run("print", param=output, proxy="run.sh")
    assert (reins.flag, reins.result) == (flag, result)


GREEDY = [
    ("opening-tag-inside", "x <ElvesWResult> y"),
    ("closing-tag-inside", "x </ElvesWResult> y"),
    ("whole-element-inside", "x <ElvesWResult>in</ElvesWResult> y"),
    ("flag-closing-inside", "x </ElvesWFlag> y"),
    ("flag-inside", "x <ElvesWFlag>false</ElvesWFlag> y"),
]


@pytest.mark.parametrize("name, result", GREEDY, ids=[row[0] for row in GREEDY])
def test_e27_result_that_holds_marker_text(run, name, result):
    reins = run("print", param=FLAG.format("true") + " " + RESULT.format(result), proxy="run.sh")
    assert (reins.flag, reins.result) == (1, result)


def test_e27_without_markers_the_exit_status_decides(run):
    reins = run("print", param="plain text\n", proxy="run.sh")
    assert reins.flag == 1
    assert reins.result.rstrip("\n") == "plain text"


def test_e27_texts_of_the_original_for_output_without_markers(alone):
    agent = alone.agent({"worker.unmarked": "error"})
    apps.shell(agent.apps, "print", "run.sh", 'printf %s "$3" | base64 -d')
    with agent.client() as client:
        def output(text):
            reins = client.instructionInvokeSync(rpc.instruct(app="print", func="f", param=text, proxy="run.sh"))
            return reins.flag, reins.result

        assert output("plain") == (-1, "app output flag error : plain")
        only_result = RESULT.format("r")
        assert output(only_result) == (-1, "app output flag error : " + only_result)
        only_flag = FLAG.format("true") + "x"
        assert output(only_flag) == (-1, "app output result error : " + only_flag)
        typo = "<ElvesWFlag>true</ElvesWflag>" + RESULT.format("r")
        assert output(typo)[0] == -1


def test_e27_exit_status(run):
    reins = run("sh", param="exit 3", proxy="run.sh")
    assert reins.flag == -1
    assert reins.result.startswith("app exec error : exit status 3")
    assert (reins.reason, reins.exitStatus) == ("exit-status", 3)


def test_e27_exit_status_goes_before_markers(run):
    good = (FLAG.format("true") + RESULT.format("r")).replace("<", "\\<").replace(">", "\\>")
    reins = run("sh", param=f"echo {good}; exit 3", proxy="run.sh")
    assert reins.flag == -1
    assert reins.result.startswith("app exec error : exit status 3")


def test_e27_signal(run):
    reins = run("sh", param="kill -SEGV $$", proxy="run.sh")
    assert (reins.flag, reins.reason) == (-1, "signal")
    assert reins.result.startswith("app exec error : signal: segmentation fault")


@pytest.mark.parametrize("app", ["nope", "", "no such", "x" * 500])
def test_e27_app_that_is_not_installed(run, app):
    reins = run(app)
    assert reins.flag == -1
    assert reins.result == f"app [{app}] not install !"
    assert reins.reason in ("app-missing", "invalid")


def test_e27_worker_that_is_missing(run):
    reins = run("echo", proxy="missing.sh")
    assert (reins.flag, reins.reason) == (-1, "worker-missing")
    assert reins.result.startswith("app exec error : ") and "missing.sh" in reins.result


def test_e27_only_apps_of_the_configuration(alone):
    agent = alone.agent({"apps.allowed": "one, two"})
    for app in ("one", "two", "three"):
        apps.shell(agent.apps, app, "run.sh", "echo ran")
    with agent.client() as client:
        flags = {
            app: client.instructionInvokeSync(rpc.instruct(app=app, func="f", proxy="run.sh")).flag
            for app in ("one", "two", "three")
        }
    assert flags == {"one": 1, "two": 1, "three": -1}


# The timeout


def test_e28_timeout_kills_the_worker(run):
    mark = "31415926.5"
    started = time.monotonic()
    reins = run("sh", param=f"exec sleep {mark}", proxy="run.sh", timeout=1)
    assert time.monotonic() - started < 15
    assert (reins.flag, reins.result) == (-1, "app exec timeout")
    assert reins.reason == "timeout"
    assert 900 <= reins.costtime < 15000
    assert processes_with(mark) == []


def test_e28_timeout_zero_is_no_limit(run):
    assert run("sh", param="sleep 1.2; echo done", proxy="run.sh", timeout=0).flag == 1


def test_e28_configured_limit_caps_every_timeout(alone):
    agent = alone.agent({"worker.maxTimeout": 1})
    apps.shell(agent.apps, "sleep", "run.sh", "sleep 20")
    with agent.client() as client:
        for timeout in (0, 1000):
            reins = client.instructionInvokeSync(
                rpc.instruct(app="sleep", func="f", proxy="run.sh", timeout=timeout)
            )
            assert (reins.flag, reins.result) == (-1, "app exec timeout")


# proxy


def test_e29_interpreter_and_file(run):
    reins = run("echo", param="p", proxy="sh|run.sh")
    assert (reins.flag, reins.result) == (1, "p")


def test_e29_file_alone(run):
    assert run("echo", param="p", proxy="run.sh").result == "p"


def test_e29_text_before_the_first_of_several_bars(run):
    assert run("echo", param="p", proxy="run.sh|x|y").result == "p"


def test_e29_default_is_python_with_app_worker(run):
    reins = run("py", "func")
    assert reins.flag == 1
    assert reins.result.strip() == "default ['py', 'func']"


@pytest.mark.parametrize(
    "proxy",
    [
        "../echo/run.sh", "../../../../../../bin/echo", "/bin/echo", "sh|../echo/run.sh", "sh|/etc/passwd",
        "sh|sub/../../echo/run.sh", "link.sh", "sh|link.sh", "..", "sh|..", ".",
    ],
)
def test_e29_nothing_outside_of_the_app_is_started(host, run, proxy):
    outside = apps.write_program(host.folder, "outside", "evil.sh", "#!/bin/sh\ntouch started\necho started\n")
    inside = os.path.join(str(host.apps), "sh", "link.sh")
    if not os.path.islink(inside):
        os.symlink(outside, inside)
    reins = run("sh", proxy=proxy)
    assert reins.flag == -1
    assert reins.reason in ("invalid", "worker-missing", "spawn-failed")
    assert "started" not in (reins.result or "")


@pytest.mark.parametrize("app", ["../echo", "..", ".", "/etc", "a/b", "echo/", ".hidden"])
def test_e29_app_that_leaves_the_folder_is_refused(run, app):
    reins = run(app, proxy="run.sh")
    assert reins.flag == -1
    assert reins.reason in ("invalid", "app-missing")


def test_e29_interpreter_that_is_missing(run):
    reins = run("echo", proxy="no-such-interpreter|run.sh")
    assert reins.flag == -1
    assert reins.result.startswith("app exec error : ")


# The processor


def processor_setup(alone, **settings):
    scheduler, processor = alone.fake_scheduler(), alone.fake_processor()
    agent = alone.agent({"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port, **settings})
    apps.shell(agent.apps, "echo", "run.sh", *apps.echo_marked())
    appcfg = {"Processor": {"Addr": "127.0.0.1", "Port": processor.port, "Timeout": 2, "Commnet": "x"}}
    write_appcfg(agent, json.dumps(appcfg))
    return agent, scheduler, processor


def write_appcfg(agent, text):
    with open(os.path.join(str(agent.apps), "echo", "appcfg.json"), "w") as file:
        file.write(text)


def invoke_async(agent, **fields):
    with agent.client() as client:
        client.instructionInvokeAsync([rpc.instruct(app="echo", func="f", proxy="run.sh", type="queue", **fields)])


@pytest.mark.parametrize("mode", ["P", "p"])
def test_e30_processor_gets_the_same_result_as_the_scheduler(alone, mode):
    agent, scheduler, processor = processor_setup(alone)
    invoke_async(agent, id="P1", mode=mode, param="both")
    wait_until(lambda: scheduler.results and processor.results, "both get the result")
    mine, theirs = processor.results[0], scheduler.results[0]
    assert (mine.flag, mine.costtime, mine.result) == (theirs.flag, theirs.costtime, theirs.result) == (
        1, theirs.costtime, "both"
    )
    assert (mine.ins.id, mine.ins.param, mine.ins.mode) == ("P1", "both", mode)


def test_e30_not_for_mode_np_and_not_for_sync_calls(alone):
    agent, scheduler, processor = processor_setup(alone)
    invoke_async(agent, id="N1", mode="NP", param="x")
    with agent.client() as client:
        client.instructionInvokeSync(rpc.instruct(app="echo", func="f", proxy="run.sh", mode="P"))
    wait_until(lambda: scheduler.results, "the scheduler gets the result")
    time.sleep(0.3)
    assert processor.results == []


def test_e30_names_in_any_case(alone):
    agent, scheduler, processor = processor_setup(alone)
    write_appcfg(agent, '{"processor":{"ADDR":"127.0.0.1","port":%d}}' % processor.port)
    invoke_async(agent, id="C1", mode="P")
    wait_until(lambda: processor.results, "the processor gets the result")
