"""queueChanges: who waits is told what has changed, once, and goes on after a restart."""

import threading
import time
import uuid

import pytest
from support.queues import must, new_id, one_task
from support.wait import wait_until


@pytest.fixture
def queues(stage, store_url):
    stage.daemon = stage.queue_daemon(store_url)
    return stage.queues()


def changes(queues, queue, since=0, wait_ms=0, **members):
    return must(queues.call("queueChanges", {"id": queue, "since": since, "wait_ms": wait_ms, **members}, wait=90))


class Waiter:
    """One request that waits, on a connection of its own."""

    def __init__(self, stage, queue, since, wait_ms=60000):
        self.queues = stage.queues()
        self.answer = None
        self.took = None
        self.thread = threading.Thread(target=self._run, args=(queue, since, wait_ms), daemon=True)
        self.thread.start()

    def _run(self, queue, since, wait_ms):
        started = time.monotonic()
        self.answer = self.queues.call("queueChanges", {"id": queue, "since": since, "wait_ms": wait_ms}, wait=90)
        self.took = time.monotonic() - started

    def wait(self):
        self.thread.join(90)
        assert self.answer is not None
        return self.answer


def statuses(answer):
    return {record["id"]: record["status"] for record in answer["result"]}


def test_e40_changes_at_once(queues):
    made = queues.submit([one_task("a"), one_task("b", after=["a"])])
    a, b = made["tasks"]
    first = changes(queues, made["id"], wait_ms=60000)
    assert statuses(first) == {a: "running", b: "pendding"} and first["ended"] == "false"
    assert changes(queues, made["id"], first["next"])["result"] == []
    queues.result(a, message="out")
    queues.wait_status(made["id"], b, "running")
    second = changes(queues, made["id"], first["next"])
    assert statuses(second) == {a: "finish", b: "running"}
    assert [r["worker_message"] for r in second["result"] if r["id"] == a] == ["out"]
    queues.result(b)
    queues.wait_ended(made["id"])
    third = changes(queues, made["id"], second["next"], wait_ms=60000)
    assert statuses(third) == {b: "finish"} and third["ended"] == "true"
    assert changes(queues, made["id"], third["next"], wait_ms=60000)["ended"] == "true"  # at once


def test_e40_changes_wait(queues, stage):
    made = queues.submit([one_task(), one_task()])
    seen = changes(queues, made["id"])["next"]
    waiters = [Waiter(stage, made["id"], seen) for _ in range(3)]
    wait_until(lambda: waiting(stage.daemon) == 3, "they wait")
    queues.result(made["tasks"][0])
    for waiter in waiters:
        answer = waiter.wait()
        assert statuses(answer) == {made["tasks"][0]: "finish"} and answer["next"] > seen
        assert waiter.took < 40  # of 60 s
    assert waiting(stage.daemon) == 0


def waiting(daemon):
    return daemon.metric("elves_queue_waiters")


def test_e40_changes_time_is_over(queues, stage):
    made = queues.submit([one_task()])
    seen = changes(queues, made["id"])["next"]
    waiter = Waiter(stage, made["id"], seen, wait_ms=500)
    answer = waiter.wait()
    assert answer["flag"] == "true" and answer["result"] == [] and answer["next"] == seen
    assert answer["ended"] == "false" and waiter.took >= 0.5


@pytest.mark.parametrize("action", ["stopQueue", "deleteQueue"])
def test_e40_changes_of_a_queue_that_goes(queues, stage, action):
    queue = queues.create()
    queues.add(queue)
    seen = changes(queues, queue)["next"]
    waiter = Waiter(stage, queue, seen)
    wait_until(lambda: waiting(stage.daemon) == 1, "it waits")
    must(queues.call(action, {"id": queue}))
    answer = waiter.wait()
    if action == "deleteQueue":
        assert answer["error"] == "[412.1]Queue Not Found"
    else:
        assert [r["status"] for r in answer["result"]] == ["stopped"] and answer["ended"] == "true"


def test_e40_changes_in_pages(queues):
    """Pages of changes leave nothing out and say nothing twice while nothing changes."""
    made = queues.submit([one_task() for _ in range(23)])
    seen, since, pages = [], 0, 0
    while True:
        page = changes(queues, made["id"], since, limit=5)
        if not page["result"]:
            break
        seen += [record["id"] for record in page["result"]]
        since, pages = page["next"], pages + 1
    assert seen == made["tasks"] and pages == 5


def follow(queues, queue, since, states):
    """Until the queue has ended; each state a task had, in order. The cursor."""
    while True:
        answer = changes(queues, queue, since, wait_ms=10000, limit=7)
        assert answer["next"] >= since
        for record in answer["result"]:
            states.setdefault(record["id"], []).append(record["status"])
        since = answer["next"]
        if answer["ended"] == "true":
            return since


def test_e40_changes_after_a_restart(queues, stage):
    """A cursor is good after a restart: nothing is told again, nothing is left out."""
    tasks = [one_task(f"t{i}", after=[f"t{i - 1}"] if i % 3 else None) for i in range(30)]
    made = queues.submit(tasks)
    states = {}
    since = changes(queues, made["id"], limit=1000)["next"]
    for id in made["tasks"][::3]:
        queues.result(id)
    queues.wait_status(made["id"], made["tasks"][28], "running")
    first = changes(queues, made["id"], since, limit=8)
    stage.daemon.terminate()
    for id in made["tasks"][1::3]:
        queues.result(id)
    stage.daemon.start()
    queues.wait_status(made["id"], made["tasks"][29], "running")
    for id in made["tasks"][2::3]:
        queues.result(id)
    for record in first["result"]:
        states.setdefault(record["id"], []).append(record["status"])
    last = follow(queues, made["id"], first["next"], states)
    assert set(states) == set(made["tasks"])
    assert all(seen[-1] == "finish" and seen.count("finish") == 1 for seen in states.values()), states
    assert changes(queues, made["id"], last)["result"] == []


def test_e40_changes_at_the_end_of_the_daemon(queues, stage):
    """Who waits is answered when the daemon is told to end, and the end does not wait for it."""
    made = queues.submit([one_task()])
    seen = changes(queues, made["id"])["next"]
    waiter = Waiter(stage, made["id"], seen)
    wait_until(lambda: waiting(stage.daemon) == 1, "it waits")
    started = time.monotonic()
    stage.daemon.terminate()
    assert time.monotonic() - started < 20
    answer = waiter.wait()
    assert (answer["flag"], answer["result"], answer["next"]) == ("true", [], seen)


def test_e40_changes_waiters_are_bounded(stage, store_url):
    stage.daemon = stage.queue_daemon(store_url, {"queue.maxWaiters": 2})
    queues = stage.queues()
    made = queues.submit([one_task()])
    seen = changes(queues, made["id"])["next"]
    waiters = [Waiter(stage, made["id"], seen) for _ in range(2)]
    wait_until(lambda: waiting(stage.daemon) == 2, "both wait")
    body = {"id": made["id"], "since": seen, "wait_ms": 1000}
    assert queues.call("queueChanges", body)["error"] == "[412.6]Too Many Waiters"
    assert changes(queues, made["id"])["result"] != []  # who need not wait is answered
    queues.result(made["tasks"][0])
    assert all(waiter.wait()["ended"] == "true" for waiter in waiters)


def test_e40_changes_waiters_leave_room(stage, store_url):
    """Requests that wait do not keep others out, however few messages are taken at one time."""
    stage.daemon = stage.queue_daemon(store_url, {"mq.prefetch": 4})
    queues = stage.queues()
    made = queues.submit([one_task()])
    seen = changes(queues, made["id"])["next"]
    for _ in range(4):
        ask_and_leave(queues, made["id"], seen)
    wait_until(lambda: waiting(stage.daemon) == 2, "two wait")
    assert queues.detail(made["id"])["counts"]["running"] == 1
    queues.result(made["tasks"][0])
    queues.wait_ended(made["id"])


def ask_and_leave(queues, queue, since):
    message = {"mqkey": "openapi.queue.queueChanges", "mqtype": "call"}
    message["mqbody"] = {"id": queue, "since": since, "wait_ms": 60000}
    queues.asker.publish(message, "openapi.queue", reply_to="gone", correlation_id=uuid.uuid4().hex)


def test_e40_changes_refused(queues):
    made = queues.submit([one_task()])
    seen = changes(queues, made["id"])["next"]
    for members, detail in (
        ({"since": seen + 1}, "since"),
        ({"since": -1}, "since"),
        ({"wait_ms": 60001}, "wait_ms"),
        ({"limit": 0}, "limit"),
    ):
        answer = queues.call("queueChanges", {"id": made["id"], **members})
        assert answer["error"] == "[500]Request Params Illegal" and detail in answer["detail"], answer
    assert queues.call("queueChanges", {"id": new_id()})["error"] == "[412.1]Queue Not Found"
