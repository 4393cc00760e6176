"""elvesctl queue submit, list, show, start, stop: against an elves-queue; the test is the scheduler."""

import json
import subprocess

import pytest

from support.process import binary, clean_environment, run_tool
from support.wait import FACTOR

APP = "testApp"


@pytest.fixture
def queues(stage, store_url):
    stage.daemon = stage.queue_daemon(store_url)
    return stage.queues()


@pytest.fixture
def ctl(stage, queues, tmp_path):
    services = stage.services
    keys = {"ip": services.mq_host, "port": services.mq_port, "user": services.mq_user,
            "password": services.mq_password, "exchange": stage.exchange}
    sets = [word for name, value in keys.items() for word in ("-s", f"mq.{name}={value}")]

    def run(*arguments, timeout=60):
        return run_tool("elvesctl", *sets, "queue", *arguments, timeout=timeout)

    def write(content):
        path = tmp_path / "queue.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    run.write = write
    run.command = [binary("elvesctl"), *sets, "queue"]
    return run


def task(name, *after, **members):
    return {"name": name, "ip": "10.0.0.1", "func": name, "after": list(after), **members}


def play(queues, outcomes, log):
    """The scheduler: answers each job by its function."""
    for _ in outcomes:
        job = queues.job(timeout=20)
        log.append(job["func"])
        queues.result(job["id"], **outcomes[job["func"]])


def watch(ctl, queues, file, outcomes):
    """submit --watch; the jobs are answered when it has said for the first time how it stands.
    -> its answer, and the jobs in their order."""
    process = subprocess.Popen([*ctl.command, "submit", "--watch", str(file)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=clean_environment())
    jobs = []
    try:
        first = process.stderr.readline()
        play(queues, outcomes, jobs)
        out, err = process.communicate(timeout=30 * FACTOR)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, first + err, jobs


def test_a_graph_is_run_in_its_order(ctl, queues):
    file = ctl.write({"app": APP, "tasks": [task("c", "a", "b"), task("b", "a"), task("a", param={"x": 1})]})
    done = {"worker_flag": 1, "message": "fine"}
    status, out, err, jobs = watch(ctl, queues, file, {"a": done, "b": done, "c": done})
    assert (status, jobs) == (0, ["a", "b", "c"]), err
    lines = out.splitlines()
    assert len(lines[0]) == 16
    assert [line.split()[1:] for line in lines[1:]] == [["succeeded", name, "fine"] for name in "abc"]
    assert err.splitlines()[0] == "0 of 3 ended, 1 running"
    assert err.splitlines()[-1] == "3 of 3 ended, 3 succeeded"


def test_what_waits_for_a_failed_task_does_not_keep_the_watch(ctl, queues):
    file = ctl.write({"app": APP, "tasks": [task("a"), task("b", "a"), task("c", "b")]})
    status, out, err, _ = watch(ctl, queues, file, {"a": {"worker_flag": 0, "message": "no"}})
    assert status == 1, err
    assert [line.split()[1] for line in out.splitlines()[1:]] == ["failed", "blocked", "blocked"]


def test_a_task_that_could_not_be_run(ctl, queues):
    file = ctl.write({"app": APP, "on_failure": "skipped", "tasks": [task("a"), task("b", "a")]})
    text = "[410.1]Send Job To Agent Fail"
    status, out, err, _ = watch(ctl, queues, file, {"a": {"flag": "false", "error": text, "worker_flag": -1}})
    assert status == 3, err
    assert text in out


def test_submit_show_list_stop(ctl, queues):
    submitted = ctl("submit", ctl.write({"app": APP, "tasks": [task("a"), task("b", "a")]}))
    assert submitted.returncode == 0, submitted.stderr
    id = submitted.stdout.strip()
    first = queues.job()["id"]
    shown = ctl("show", id)
    assert shown.returncode == 0
    assert f"{first} running" in shown.stdout and APP in shown.stdout
    body = json.loads(ctl("show", id, "--json").stdout)
    assert body["result"][first]["status"] == "running"
    assert id in ctl("list").stdout
    assert json.loads(ctl("list", "--json", "-n", "1").stdout)["result"][0]["id"] == id

    assert ctl("stop", id).returncode == 0
    assert queues.describe(id)["status"] == "stopped"
    again = ctl("start", id)
    assert again.returncode == 3
    assert "[412.2]Queue Status Incorrect!" in again.stderr
    assert ctl("show", "0000000000000000").returncode == 3


def test_history_and_rm(ctl, queues):
    id = ctl("submit", ctl.write({"app": APP, "tasks": [task("a"), task("b", "a")]})).stdout.strip()
    first = queues.job()["id"]
    running = ctl("rm", id)
    assert running.returncode == 3
    assert "[412.2]Queue Status Incorrect!" in running.stderr and "stop it" in running.stderr
    assert ctl("history", id).stdout == ""
    queues.result(first, message="one")
    second = queues.job()["id"]
    queues.result(second, worker_flag=0, message="two")
    queues.wait_status(id, second, "finish")
    ended = [line.split() for line in ctl("history", id).stdout.splitlines()]
    assert [(words[2], words[-1]) for words in ended] == [(first, "one"), (second, "two")]

    assert ctl("rm", id).returncode == 0
    for command in ("rm", "show", "history"):
        gone = ctl(command, id)
        assert gone.returncode == 3 and "[412.1]Queue Not Found" in gone.stderr
    made = queues.create(app=APP)
    queues.add(made)
    assert ctl("rm", made).returncode == 0


def test_start_commits_what_others_made(ctl, queues):
    id = queues.create(app=APP)
    task_id = queues.add(id)
    queues.no_job(0.2)
    assert ctl("start", id).returncode == 0
    queues.job(task_id)


def test_a_refused_task_stops_the_queue(ctl, queues):
    answer = ctl("submit", ctl.write({"app": APP, "tasks": [task("a"), task("b", ip="")]}))
    assert answer.returncode == 3
    assert 'task "b" was refused' in answer.stderr and "[403.1]" in answer.stderr
    body = queues.call("queueList", {"pagesize": 1})
    assert body["result"][0]["status"] == "stopped"
    queues.no_job(0.3)


WRONG = {
    "no JSON": "{",
    "no object": "[]",
    "no tasks": '{"app":"a"}',
    "empty": '{"app":"a","tasks":[]}',
    "not objects": '{"app":"a","tasks":[1]}',
    "twice": json.dumps({"app": "a", "tasks": [task("a"), task("a")]}),
    "unknown": json.dumps({"app": "a", "tasks": [task("a", "b")]}),
    "itself": json.dumps({"app": "a", "tasks": [task("a", "a")]}),
    "circle": json.dumps({"app": "a", "tasks": [task("a", "c"), task("b", "a"), task("c", "b"), task("d")]}),
    "no names": json.dumps({"app": "a", "tasks": [{**task("a"), "after": [1]}]}),
}


@pytest.mark.parametrize("name", WRONG)
def test_files_that_are_refused(name, tmp_path):
    path = tmp_path / "queue.json"
    path.write_text(WRONG[name])
    answer = run_tool("elvesctl", "queue", "submit", path)
    assert answer.returncode == 2, answer.stderr
    assert answer.stdout == ""
    for word in {"circle": ['"a"', "itself"], "unknown": ['"b"'], "twice": ['"a"']}.get(name, []):
        assert word in answer.stderr


def test_no_file():
    assert run_tool("elvesctl", "queue", "submit", "/nowhere").returncode == 2


def test_usage_errors():
    for arguments in ([], ["submit"], ["show"], ["list", "x"], ["list", "-p", "0"], ["fly"]):
        assert run_tool("elvesctl", "queue", *arguments).returncode == 2, arguments


def test_help_is_for_people():
    answer = run_tool("elvesctl", "queue", "--help")
    assert answer.returncode == 0
    for name in ("submit", "list", "show", "start", "stop"):
        assert name in answer.stdout


