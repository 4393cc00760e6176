"""Configuration and command line of the two daemons: what is accepted, what is refused and how."""

import os
import re
import signal

import pytest

from support.process import binary, run_tool
from support.rpc import TOP
from support.wait import wait_until
from test_scheduler_registry import SEED_TEXT

GOOD = {
    "elves-scheduler": SEED_TEXT,
    "elves-agent": "agent.ip = 127.0.0.1\napps.dir = /tmp\n",
}
DAEMONS = sorted(GOOD)


def check(tmp_path, name, text, *arguments, environment=None):
    path = tmp_path / "test.properties"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path, run_tool(name, "--config", path, "--check-config", *arguments, environment=environment)


@pytest.mark.parametrize("name", DAEMONS)
def test_version(name):
    answer = run_tool(name, "--version")
    assert answer.returncode == 0
    assert re.search(r"\d+\.\d+", answer.stdout)


@pytest.mark.parametrize("name", DAEMONS)
def test_help_names_the_options(name):
    answer = run_tool(name, "--help")
    assert answer.returncode == 0
    for option in ("--config", "--set", "--check-config", "--ready-file", "--version"):
        assert option in answer.stdout


@pytest.mark.parametrize("name", DAEMONS)
def test_good_file_is_said_to_be_good(tmp_path, name):
    _, answer = check(tmp_path, name, GOOD[name])
    assert answer.returncode == 0, answer.stderr


def test_e17_file_of_the_first_documents_is_good(tmp_path):
    for text in (SEED_TEXT, SEED_TEXT.replace("\n", "\r\n"), SEED_TEXT.rstrip("\n")):
        _, answer = check(tmp_path, "elves-scheduler", text)
        assert answer.returncode == 0, answer.stderr


def test_example_files_are_good(tmp_path):
    for name in DAEMONS:
        answer = run_tool(name, "--config", os.path.join(TOP, "conf", name + ".properties"), "--check-config")
        assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("name", DAEMONS)
def test_unknown_key_is_exit_2_with_file_line_and_key(tmp_path, name):
    path, answer = check(tmp_path, name, GOOD[name] + "no.such.key = 1\n")
    line = GOOD[name].count("\n") + 1
    assert answer.returncode == 2
    assert str(path) in answer.stderr
    assert re.search(rf"\b{line}\b", answer.stderr)
    assert "no.such.key" in answer.stderr


@pytest.mark.parametrize("name", DAEMONS)
def test_unknown_key_also_stops_the_start(tmp_path, name):
    path = tmp_path / "x.properties"
    path.write_text(GOOD[name] + "typo = 1\n")
    answer = run_tool(name, "--config", path)
    assert answer.returncode == 2
    assert "typo" in answer.stderr


BAD = [
    ("elves-scheduler", "mq.port", "abc"), ("elves-scheduler", "mq.port", "0"), ("elves-scheduler", "mq.port", "65536"),
    ("elves-scheduler", "mq.port", "-1"), ("elves-scheduler", "mq.port", "99999999999999999999"),
    ("elves-scheduler", "mq.port", ""), ("elves-scheduler", "mq.port", "5672x"), ("elves-scheduler", "mq.port", "0x10"),
    ("elves-scheduler", "zookeeper.outTime", "ten"), ("elves-scheduler", "mq.queueType", "fast"),
    ("elves-scheduler", "agents.unregistered", "maybe"), ("elves-scheduler", "mq.persistent", "perhaps"),
    ("elves-scheduler", "thrift.scheduler.listen", "0.0.0.0"), ("elves-scheduler", "zookeeper.root", "elves"),
    ("elves-agent", "agent.port", "70000"), ("elves-agent", "worker.unmarked", "x"), ("elves-agent", "worker.grace", "1s"),
    ("elves-agent", "authips", "10.0.0.0/33"), ("elves-agent", "authips", "nonsense"), ("elves-agent", "worker.stopSignal", "NOPE"),
    ("elves-agent", "app.x.concurrency", "many"), ("elves-agent", "agent.listen", "0.0.0.0"), ("elves-agent", "agent.listen", "::"),
]


@pytest.mark.parametrize("name, key, value", BAD, ids=lambda value: str(value) or "empty")
def test_bad_value_is_exit_2_and_names_the_key(tmp_path, name, key, value):
    text = "".join(line + "\n" for line in GOOD[name].splitlines() if not line.startswith(key))
    _, answer = check(tmp_path, name, text + f"{key} = {value}\n")
    assert answer.returncode == 2
    assert key in answer.stderr


@pytest.mark.parametrize("name", DAEMONS)
def test_bad_values_of_the_command_line_and_the_environment(tmp_path, name):
    for arguments, environment in (
        (["--set", "retry.first=x"], None), (["--set", "nonsense=1"], None), (["--set", "retry.first"], None),
        ([], {"ELVES_RETRY_FIRST": "x"}), (["--no-such-option"], None),
    ):
        _, answer = check(tmp_path, name, GOOD[name], *arguments, environment=environment)
        assert answer.returncode == 2, (arguments, environment, answer.stderr)


@pytest.mark.parametrize("name, key", [("elves-scheduler", "mq.ip"), ("elves-agent", "agent.ip"), ("elves-agent", "apps.dir")])
def test_missing_key_that_is_needed(tmp_path, name, key):
    text = "".join(line + "\n" for line in GOOD[name].splitlines() if not line.startswith(key))
    _, answer = check(tmp_path, name, text)
    assert answer.returncode == 2
    assert key in answer.stderr


def test_order_file_environment_command_line(tmp_path):
    text = GOOD["elves-agent"] + "agent.port = bad\n"
    assert check(tmp_path, "elves-agent", text)[1].returncode == 2
    good = {"ELVES_AGENT_PORT": "1234"}
    bad = {"ELVES_AGENT_PORT": "bad"}
    assert check(tmp_path, "elves-agent", GOOD["elves-agent"], environment=bad)[1].returncode == 2
    answer = check(tmp_path, "elves-agent", GOOD["elves-agent"], "--set", "agent.port=bad", environment=good)[1]
    assert answer.returncode == 2


@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize(
    "text", [b"\x00\x01\x02", b"key = \\u12", b"=value", b"\xff\xfe", b"a" * 10_000_000, b"x = \\"],
    ids=["nul", "escape", "no-key", "bytes", "ten-megabytes", "open-end"],
)
def test_file_of_garbage_is_exit_2(tmp_path, name, text):
    assert check(tmp_path, name, text)[1].returncode == 2


@pytest.mark.parametrize("name", DAEMONS)
def test_file_that_is_not_there(tmp_path, name):
    answer = run_tool(name, "--config", tmp_path / "none.properties")
    assert answer.returncode == 2
    assert "none.properties" in answer.stderr


def test_password_is_not_shown(tmp_path):
    text = SEED_TEXT.replace("mq.password=root", "mq.password=hush-hush")
    for more in ("", "mq.port = x\n", "unknown = 1\n"):
        _, answer = check(tmp_path, "elves-scheduler", text + more)
        assert "hush-hush" not in answer.stdout + answer.stderr


def test_password_is_not_logged(stage):
    daemon = stage.scheduler()
    assert f"password={stage.services.mq_password}" not in daemon.log()


def test_agent_listens_beyond_loopback_only_with_a_list(alone):
    agent = alone.agent({"agent.listen": "0.0.0.0"}, start=False)
    agent.start(ready=False)
    agent.expected = (2,)
    assert agent.wait(10) == 2
    assert "authips" in agent.log()
    allowed = alone.agent({"agent.listen": "0.0.0.0", "authips": "127.0.0.0/8"})
    with open(f"/proc/{allowed.pid}/net/tcp") as table:
        assert ":%04X " % allowed.port in table.read()


def test_agent_on_any_free_port(alone):
    agent = alone.agent({"agent.port": 0})
    assert agent.alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_in_order(alone, number):
    agent = alone.agent()
    agent.process.send_signal(number)
    assert agent.wait(10) == 0


def test_sighup_and_sigpipe_do_not_end_a_daemon(alone):
    agent = alone.agent()
    agent.process.send_signal(signal.SIGPIPE)
    with agent.client() as client:
        assert client.aliveCheck() == "success"


def test_apps_folder_that_is_missing_is_said(alone, tmp_path):
    agent = alone.agent({"apps.dir": tmp_path / "apps"}, start=False)
    os.rmdir(tmp_path / "apps")
    agent.start(ready=False)
    agent.expected = (0, 1, 2)
    wait_until(lambda: agent.ready_path.exists() or not agent.alive(), "it serves, or says why not")
    assert "apps" in agent.log()


@pytest.mark.slow
def test_scheduler_starts_every_time(stage):
    """Its threads and its loop begin at once: forty starts, and none may hang."""
    for _ in range(40):
        daemon = stage.scheduler(start=False)
        daemon.start(timeout=5)
        assert daemon.terminate(5) == 0


def test_idle_scheduler_is_small(stage):
    daemon = stage.scheduler()
    with open(binary("elves-scheduler"), "rb") as program:
        if b"__asan_init" in program.read():
            pytest.skip("a sanitizer's memory is not the scheduler's")
    assert daemon.rss() < 16 << 20


def test_idle_agent_is_small(stage):
    daemon = stage.agent()
    with open(binary("elves-agent"), "rb") as program:
        if b"__asan_init" in program.read():
            pytest.skip("a sanitizer's memory is not the agent's")
    # Less than 1 MiB of it is anonymous; the rest are pages of libraries.
    assert daemon.rss() < 8 << 20
