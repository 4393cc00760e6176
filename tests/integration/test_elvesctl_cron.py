"""elvesctl cron add, list, show, start, stop, rm, history, audit: against an elves-cron."""

import json
import re

import pytest

from support.process import run_tool
from support.wait import wait_until


@pytest.fixture
def ctl(cron_stage):
    cron_stage.cron()
    settings = cron_stage.cron_settings()

    def run(*arguments, timeout=40):
        keys = [f"mq.{name}={settings['mq.' + name]}" for name in ("ip", "port", "user", "password", "exchange")]
        sets = [word for key in keys for word in ("-s", key)]
        return run_tool("elvesctl", *sets, "cron", *arguments, timeout=timeout)

    run.stage = cron_stage
    return run


def add(ctl, *arguments):
    answer = ctl("add", *arguments)
    assert answer.returncode == 0, answer.stderr
    assert re.fullmatch("[0-9A-F]{16}\n", answer.stdout)
    return answer.stdout.strip()


def shown(ctl, id):
    answer = ctl("show", id, "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)["result"]


def test_a_task_from_add_to_rm(ctl):
    id = add(ctl, "--rule", "0 30 2 * * ?", "--tz", "Europe/Berlin", "--gap", "first", "--overlap", "skip",
             "--missed", "last", "--count", "7", "--timeout", "9", "10.0.0.7", "backup", "run", '{"a":1}')
    detail = shown(ctl, id)
    for name, value in dict(rule="0 30 2 * * ?", tz="Europe/Berlin", gap="first", overlap="skip", missed="last",
                            count=7, timeout=9, ip="10.0.0.7", app="backup", func="run", param='{"a":1}',
                            cron_flag=0).items():
        assert detail[name] == value, name

    assert ctl("start", id).returncode == 0
    assert shown(ctl, id)["cron_flag"] == 1
    assert shown(ctl, id)["next"].endswith("Z")
    assert ctl("stop", id).returncode == 0
    assert shown(ctl, id)["cron_flag"] == 0
    assert ctl("rm", id).returncode == 0
    gone = ctl("show", id)
    assert gone.returncode == 3
    assert "[411.1]Not Find Cron Job To Operate" in gone.stderr


def test_list_is_a_table_and_json(ctl):
    first = add(ctl, "--every", "60", "10.0.0.7", "backup", "run")
    second = add(ctl, "--at", "2199-01-01T00:00:00Z", "--started", "10.0.0.8", "backup", "run")
    third = add(ctl, "--rule", "@daily", "--dialect", "crontab", "--topic", "news", "text")
    assert ctl("list", "--ids").stdout.split() == [third, second, first]
    assert ctl("list", "--ids", "--ip", "10.0.0.8").stdout.split() == [second]
    assert ctl("list", "--ids", "-n", "1").stdout.split() == [third]
    lines = ctl("list").stdout.splitlines()
    assert lines[0].split() == ["ID", "STATE", "NEXT", "WHEN", "WHAT"]
    assert [line.split()[0] for line in lines[1:]] == [third, second, first]
    assert lines[1].rstrip().endswith("news") and "2199-01-01" in lines[2]
    assert [task["id"] for task in json.loads(ctl("list", "--json").stdout)] == [third, second, first]


def test_refused_rules_say_why(ctl):
    answer = ctl("add", "--rule", "0/5 * * * * *", "10.0.0.7", "backup", "run")
    assert answer.returncode == 3
    assert answer.stdout == ""
    assert "[403.5]Request Params (cron-rule) Illegal: " in answer.stderr
    assert "day of month and day of week" in answer.stderr


def test_history_and_audit(ctl):
    id = add(ctl, "--every", "0.2", "--count", "5", "--started", "--topic", "news", "text")

    def executions():
        return json.loads(ctl("history", id, "--json").stdout)

    wait_until(lambda: len(executions()) == 5, "five instants are decided", 20)
    planned = [row["planned"] for row in executions()]
    assert planned == sorted(planned, reverse=True)
    assert len(json.loads(ctl("history", id, "-n", "2", "--json").stdout)) == 2
    lines = ctl("history", id).stdout.splitlines()
    assert lines[0].startswith("PLANNED") and len(lines) == 6

    audit = ctl("audit", "--id", id)
    assert audit.returncode == 0, audit.stderr + audit.stdout
    counts = dict(line.split() for line in audit.stdout.splitlines() if len(line.split()) == 2)
    assert counts["lost"] == "0" and counts["unplanned"] == "0"


@pytest.mark.parametrize("arguments", [
    ["add"], ["add", "10.0.0.7", "app"], ["add", "--url", "http://x/", "a", "b"], ["show"], ["start", "a", "b"],
    ["list", "x"], ["list", "-n", "0"], ["history"], ["audit", "x"], ["fly"], [],
])
def test_usage_errors(arguments):
    answer = run_tool("elvesctl", "cron", *arguments)
    assert answer.returncode == 2
    assert answer.stderr.startswith("elvesctl: ")


def test_no_broker():
    answer = run_tool("elvesctl", "-s", "mq.port=1", "-s", "mq.user=u", "-s", "mq.password=p", "cron", "list")
    assert answer.returncode == 4
