"""elvesctl run: one function on many real agents, through elves-queue and the scheduler; and what bash completes."""

import json
import os
import subprocess

import pytest

from support import apps
from support.process import binary, clean_environment, run_tool

HERE = os.path.dirname(os.path.abspath(__file__))
COMPLETION = os.path.join(HERE, "..", "..", "packaging", "bash-completion", "elvesctl")


@pytest.fixture
def fleet(stage, tmp_path):
    """Three agents: two with role=web, one with role=db, which has no app "greet"."""
    stage.scheduler()
    stage.queue_daemon(f"sqlite:{tmp_path}/queue.db")
    agents = []
    for number, role in enumerate(("web", "web", "db")):
        folder = tmp_path / f"apps-{number}"
        agent = stage.agent({"agent.labels": f"role={role}", "apps.dir": folder})
        if role == "web":
            apps.shell(folder, "greet", "run.sh", *apps.echo_marked("hello $PARAM from " + agent.ip))
        apps.shell(folder, "say-no", "run.sh", *apps.echo_marked("no", "false"))
        stage.wait_registered(agent)
        agents.append(agent)
    return agents


@pytest.fixture
def ctl(stage):
    services = stage.services
    keys = {"ip": services.mq_host, "port": services.mq_port, "user": services.mq_user,
            "password": services.mq_password, "exchange": stage.exchange}
    sets = [word for name, value in keys.items() for word in ("-s", f"mq.{name}={value}")]
    return lambda *arguments: run_tool("elvesctl", *sets, *arguments, timeout=60)


def lines_by_ip(text):
    return {line.split()[0]: line for line in text.splitlines()}


def test_all_that_a_label_selects(ctl, fleet):
    done = ctl("run", "role=web", "greet", "run", "you", "-p", "run.sh")
    assert done.returncode == 0, done.stderr
    lines = lines_by_ip(done.stdout)
    assert set(lines) == {fleet[0].ip, fleet[1].ip}
    for ip, line in lines.items():
        assert line.split(None, 2)[1:] == ["succeeded", f"hello you from {ip}"]
    assert done.stderr.splitlines()[-1] == "2 of 2 ended, 2 succeeded"


def test_all_agents_and_those_that_cannot(ctl, fleet, tmp_path):
    done = ctl("run", "all", "greet", "run", "--proxy", "run.sh", "--json", "--out", str(tmp_path / "out"))
    assert done.returncode == 3, done.stderr
    tasks = {task["ip"]: task for task in map(json.loads, done.stdout.splitlines())}
    assert set(tasks) == {agent.ip for agent in fleet}
    assert [tasks[agent.ip]["worker_flag"] for agent in fleet] == [1, 1, -1]
    assert tasks[fleet[2].ip]["worker_message"] == "app [greet] not install !"
    written = {name: (tmp_path / "out" / name).read_text() for name in os.listdir(tmp_path / "out")}
    assert written == {ip: task["worker_message"] for ip, task in tasks.items()}
    assert done.stderr.splitlines()[-1] == "3 of 3 ended, 2 succeeded, 1 not run"


def test_a_function_that_says_no_and_the_budget_of_failures(ctl, fleet):
    ips = ",".join(agent.ip for agent in fleet)
    done = ctl("run", ips, "say-no", "run", "-p", "run.sh")
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1] == "3 of 3 ended, 3 failed"
    done = ctl("run", ips, "say-no", "run", "-p", "run.sh", "--width", "1", "--max-failures", "0")
    assert done.returncode == 3, done.stderr
    assert done.stderr.splitlines()[-1] == "3 of 3 ended, 1 failed, 2 not run"


def test_what_is_detached_is_found_again(ctl, fleet):
    done = ctl("run", fleet[0].ip, "greet", "run", "-p", "run.sh", "--detach")
    assert done.returncode == 0, done.stderr
    shown = ctl("queue", "show", done.stdout.strip())
    assert shown.returncode == 0 and fleet[0].ip in shown.stdout


def test_nobody_is_meant(ctl, fleet):
    done = ctl("run", "role=nobody", "greet", "run")
    assert done.returncode == 2 and "no agent is meant" in done.stderr
    done = ctl("run", "role=(", "greet", "run")
    assert done.returncode == 2 and done.stderr
    assert ctl("run", "all", "greet").returncode == 2


def complete(*words):
    script = f"source '{COMPLETION}'; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _elvesctl; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    environment = {**clean_environment(), "PATH": os.path.dirname(binary("elvesctl")) + ":" + os.environ["PATH"]}
    done = subprocess.run(["bash", "-c", script, "bash", *words], env=environment, capture_output=True, text=True,
                          timeout=60, cwd=HERE)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.split()


def test_what_bash_completes():
    assert complete("elvesctl", "ru") == ["run"]
    assert {"submit", "cancel"} <= set(complete("elvesctl", "queue", ""))
    assert complete("elvesctl", "-s", "mq.ip=x", "queue", "subm") == ["submit"]
    assert complete("elvesctl", "run", "--wi") == ["--width"]
    assert complete("elvesctl", "--config", "test_elvesctl_ru") == ["test_elvesctl_run.py"]
    assert complete("elvesctl", "nothing-like-it") == []
