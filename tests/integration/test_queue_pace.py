"""width, stagger_ms, max_failures: how fast a queue goes, and when it gives up."""

import datetime
import time

import pytest
from support.queues import one_task
from support.wait import wait_until


@pytest.fixture
def queues(stage, store_url):
    stage.daemon = stage.queue_daemon(store_url)
    return stage.queues()


def counts(queues, queue, *names):
    shown = queues.detail(queue)["counts"]
    return [shown[name] for name in names]


def test_e40_width(queues):
    """Never more run than the width; each result lets the next one in, in their order."""
    made = queues.submit([one_task() for _ in range(9)], width=3)
    started = [queues.job()["id"] for _ in range(3)]
    assert started == made["tasks"][:3]
    queues.no_job()
    assert counts(queues, made["id"], "running", "pendding") == [3, 6]
    while len(started) < 9:
        queues.result(started[len(started) - 3], worker_flag=len(started) % 2)
        started.append(queues.job()["id"])
        assert counts(queues, made["id"], "running") == [3]
    assert started == made["tasks"]
    for id in started[-3:]:
        queues.result(id)
    assert queues.wait_ended(made["id"])["counts"]["pendding"] == 0


def test_e40_width_and_needs(queues):
    """Tasks that become ready wait for their turn, too."""
    tasks = [one_task("a"), one_task("b", after=["a"]), one_task("c", after=["a"]), one_task("d")]
    made = queues.submit(tasks, width=1)
    a, b, c, d = made["tasks"]
    for id in (a, b, c, d):
        assert queues.job(id)["id"] == id
        queues.no_job(0.2)
        queues.result(id)
    queues.wait_ended(made["id"])


def test_e40_width_of_a_restart(queues, stage):
    made = queues.submit([one_task() for _ in range(4)], width=2)
    assert queues.job_ids(2) == set(made["tasks"][:2])
    stage.daemon.terminate()
    queues.result(made["tasks"][0])
    stage.daemon.start()
    assert queues.job()["id"] == made["tasks"][2]
    queues.no_job()


def test_e40_stagger(queues):
    """Between two starts there is the stagger, also while tasks end."""
    made = queues.submit([one_task() for _ in range(5)], stagger_ms=400)
    started = [time.monotonic()]
    queues.job(made["tasks"][0])
    for id in made["tasks"][1:]:
        queues.result(made["tasks"][made["tasks"].index(id) - 1])
        queues.job(id)
        started.append(time.monotonic())
    assert started[-1] - started[0] >= 4 * 0.4 - 0.3
    records = queues.page(made["id"])["result"]
    instants = [stamp(record["started"]) for record in records]
    assert all(after - before >= 0.399 for before, after in zip(instants, instants[1:])), instants
    queues.result(made["tasks"][-1])
    queues.wait_ended(made["id"])


def stamp(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_e40_stagger_of_a_restart(queues, stage):
    """A queue of which nothing runs has not ended while it waits for its next start."""
    made = queues.submit([one_task() for _ in range(3)], stagger_ms=3000)
    queues.job(made["tasks"][0])
    queues.result(made["tasks"][0])
    queues.wait_status(made["id"], made["tasks"][0], "finish")
    detail = queues.detail(made["id"])
    assert detail["ended"] == "" and detail["counts"]["running"] == 0
    stage.daemon.kill()
    stage.daemon.start()
    for id in made["tasks"][1:]:
        queues.job(id)
        queues.result(id)
    queues.wait_ended(made["id"])


def test_e40_stagger_and_width(queues):
    made = queues.submit([one_task() for _ in range(3)], stagger_ms=50, width=1)
    queues.job(made["tasks"][0])
    queues.no_job(0.4)  # the width is full, however long it takes
    queues.result(made["tasks"][0])
    queues.job(made["tasks"][1])
    queues.result(made["tasks"][1])
    queues.job(made["tasks"][2])
    queues.stop(made["id"])
    queues.result(made["tasks"][2])
    queues.wait_ended(made["id"])


def test_e40_max_failures(queues):
    """One more than the budget: what waits is stopped, what runs goes on."""
    made = queues.submit([one_task() for _ in range(8)], width=3, max_failures=1)
    tasks = made["tasks"]
    queues.job_ids(3)
    queues.result(tasks[0], worker_flag=0)
    queues.job(tasks[3])
    assert queues.detail(made["id"])["status"] == "running"
    queues.result(tasks[1], flag="false", error="[410.1]Send Job To Agent Fail", worker_flag=-1)
    wait_until(lambda: counts(queues, made["id"], "stopped") == [4], "the rest is stopped")
    queues.no_job()
    queues.result(tasks[2])
    queues.result(tasks[3])
    detail = queues.wait_ended(made["id"])
    assert detail["status"] == "stopped"
    assert counts(queues, made["id"], "finish", "failed", "stopped", "pendding") == [2, 2, 4, 0]
    record = queues.records(made["id"])[tasks[7]]
    assert (record["status"], record["reason"]) == ("stopped", "max-failures")


def test_e40_max_failures_none_allowed(queues):
    tasks = [one_task("a"), one_task("b", after=["a"]), one_task("c", after=["b"])]
    made = queues.submit(tasks, max_failures=0)
    queues.job(made["tasks"][0])
    queues.result(made["tasks"][0], worker_flag=0)
    queues.wait_ended(made["id"])
    assert counts(queues, made["id"], "failed", "stopped") == [1, 2]


def test_e40_skipped_tasks_are_no_failures(queues):
    tasks = [one_task("a"), *(one_task(f"b{i}", after=["a"]) for i in range(4)), one_task("c")]
    made = queues.submit(tasks, max_failures=1, on_failure="skipped")
    queues.job_ids(2)
    queues.result(made["tasks"][0], worker_flag=0)
    wait_until(lambda: counts(queues, made["id"], "skipped") == [4], "they are skipped")
    assert queues.detail(made["id"])["status"] == "running"
    queues.result(made["tasks"][-1])
    queues.wait_ended(made["id"])
