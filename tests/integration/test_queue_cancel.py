"""cancelQueue, cancelTask: what waits is stopped, what runs is asked to end until it has."""

import contextlib

import pytest
from support.apps import shell
from support.fake_component import FakeComponent
from support.queues import must, new_id, one_task
from support.wait import wait_until


class Scheduler(FakeComponent):
    """Says `state` to every cancelJob."""

    def __init__(self, stage):
        self.state = "cancelling"
        super().__init__(stage.services, stage.exchange, "scheduler", {"cancelJob": self._answer})

    def _answer(self, _body):
        if self.state.startswith("["):
            return {"flag": "false", "error": self.state}
        return {"flag": "true", "error": "", "result": {"state": self.state}}

    def cancels(self):
        return [body for action, body in list(self.asked) if action == "cancelJob"]

    def started(self):
        return [body["id"] for action, body in list(self.asked) if action == "asyncJob"]


@pytest.fixture
def scheduler(stage, store_url):
    stage.daemon = stage.queue_daemon(store_url)
    with contextlib.closing(Scheduler(stage)) as one:
        yield one


@pytest.fixture
def queues(scheduler, stage):
    return stage.queues()


def wait_started(scheduler, count):
    wait_until(lambda: len(scheduler.started()) == count, f"{count} tasks are published")


def wait_asked(scheduler, ids, times=1):
    def asked():
        return all(sum(body["id"] == id for body in scheduler.cancels()) >= times for id in ids)

    wait_until(asked, f"{ids} are asked to end {times} times")


def counts(queues, queue, *names):
    shown = queues.detail(queue)["counts"]
    return [shown[name] for name in names]


def cancelled(queues, id, **inner):
    queues.result(id, worker_flag=-1, message="", reason="cancelled", **inner)


def test_e40_cancel_queue(queues, scheduler):
    tasks = [one_task("a", ip="10.0.0.7"), one_task("b"), one_task("c", after=["a"]), one_task("d")]
    made = queues.submit(tasks, width=2)
    a, b, c, d = made["tasks"]
    wait_started(scheduler, 2)
    # Both are recorded as published when the daemon has nothing else to do.
    answer = must(queues.call("cancelQueue", {"id": made["id"]}))
    assert answer["result"] == {"stopped": 2, "cancelling": 2}
    wait_asked(scheduler, [a, b])
    body = next(body for body in scheduler.cancels() if body["id"] == a)
    assert body == {"ip": "10.0.0.7", "id": a, "type": "queue", "execution": a}
    assert counts(queues, made["id"], "running", "stopped") == [2, 2]
    record = queues.records(made["id"])[c]
    assert (record["status"], record["reason"]) == ("stopped", "cancelled")
    cancelled(queues, a)
    queues.result(b)  # it was faster
    detail = queues.wait_ended(made["id"])
    assert detail["status"] == "stopped"
    assert counts(queues, made["id"], "cancelled", "finish", "failed", "stopped") == [1, 1, 0, 2]
    record = queues.records(made["id"])[a]
    assert (record["status"], record["reason"], record["worker_flag"]) == ("finish", "cancelled", -1)
    assert must(queues.call("cancelQueue", {"id": made["id"]}))["result"] == {"stopped": 0, "cancelling": 0}


def test_e40_cancel_is_asked_again(queues, scheduler, stage):
    """Until the result has come: also when nobody knows the job yet, and after a restart."""
    scheduler.state = "not-found"
    made = queues.submit([one_task()])
    wait_started(scheduler, 1)
    must(queues.call("cancelQueue", {"id": made["id"]}))
    wait_asked(scheduler, made["tasks"], 2)
    stage.daemon.kill()
    asked = len(scheduler.cancels())
    stage.daemon.start()
    wait_until(lambda: len(scheduler.cancels()) > asked, "it is asked after the restart")
    cancelled(queues, made["tasks"][0])
    queues.wait_ended(made["id"])
    asked = len(scheduler.cancels())
    other = queues.submit([one_task()])
    must(queues.call("cancelQueue", {"id": other["id"]}))
    cancelled(queues, other["tasks"][0])
    queues.wait_ended(other["id"])
    assert all(body["id"] != made["tasks"][0] for body in scheduler.cancels()[asked:])


def test_e40_cancel_where_it_cannot_be_done(queues, scheduler):
    """An agent that cannot cancel is asked once; the task goes on to its end."""
    scheduler.state = "[410.3]Agent Does Not Support It"
    made = queues.submit([one_task(), one_task()])
    wait_started(scheduler, 2)
    must(queues.call("cancelTask", {"id": made["id"], "task": made["tasks"][0]}))
    wait_asked(scheduler, made["tasks"][:1])
    scheduler.state = "cancelled"
    must(queues.call("cancelTask", {"id": made["id"], "task": made["tasks"][1]}))
    wait_asked(scheduler, made["tasks"][1:], 3)  # seconds later
    assert sum(body["id"] == made["tasks"][0] for body in scheduler.cancels()) == 1
    queues.result(made["tasks"][0])
    cancelled(queues, made["tasks"][1])
    queues.wait_ended(made["id"])
    assert counts(queues, made["id"], "finish", "cancelled") == [1, 1]


@pytest.mark.parametrize("on_failure, behind", [("skipped", "skipped"), ("pendding", "pendding")])
def test_e40_cancel_task_that_waits(queues, scheduler, on_failure, behind):
    tasks = [one_task("a"), one_task("b", after=["a"]), one_task("c", after=["b"]), one_task("d", after=["a"])]
    made = queues.submit(tasks, on_failure=on_failure)
    a, b, c, d = made["tasks"]
    wait_started(scheduler, 1)
    answer = must(queues.call("cancelTask", {"id": made["id"], "task": b}))
    assert answer["result"] == {"stopped": 1, "cancelling": 0}
    assert queues.detail(made["id"])["status"] == "running"
    queues.result(a)
    wait_until(lambda: d in scheduler.started(), "the other one starts")
    queues.result(d)
    queues.wait_ended(made["id"])
    records = queues.records(made["id"])
    assert [records[id]["status"] for id in (b, c)] == ["stopped", behind]
    assert must(queues.call("cancelTask", {"id": made["id"], "task": a}))["result"]["cancelling"] == 0
    assert scheduler.cancels() == []


def test_e40_cancel_task_that_runs(queues, scheduler):
    """The task after it does not start, and the width lets the next one in."""
    made = queues.submit([one_task("a"), one_task("b", after=["a"]), one_task("c")], width=1, on_failure="skipped")
    a, b, c = made["tasks"]
    wait_started(scheduler, 1)
    answer = must(queues.call("cancelTask", {"id": made["id"], "task": a}))
    assert answer["result"] == {"stopped": 0, "cancelling": 1}
    wait_asked(scheduler, [a])
    cancelled(queues, a)
    wait_until(lambda: c in scheduler.started(), "the next one starts")
    queues.result(c)
    queues.wait_ended(made["id"])
    assert counts(queues, made["id"], "cancelled", "skipped", "finish") == [1, 1, 1]
    assert b not in scheduler.started()


def test_e40_cancelled_tasks_spend_no_budget(queues, scheduler):
    made = queues.submit([one_task(), one_task()], max_failures=0)
    wait_started(scheduler, 2)
    must(queues.call("cancelTask", {"id": made["id"], "task": made["tasks"][0]}))
    cancelled(queues, made["tasks"][0])
    wait_until(lambda: counts(queues, made["id"], "cancelled") == [1], "it has ended")
    assert queues.detail(made["id"])["status"] == "running"
    queues.result(made["tasks"][1])
    queues.wait_ended(made["id"])


def test_e40_cancel_nobody_to_ask(stage, store_url):
    """Without a scheduler nothing is forgotten: it is asked when there is one."""
    stage.queue_daemon(store_url)
    queues = stage.queues()
    made = queues.submit([one_task()])
    queues.job()
    must(queues.call("cancelQueue", {"id": made["id"]}))
    with contextlib.closing(Scheduler(stage)) as scheduler:
        wait_asked(scheduler, made["tasks"])
    queues.result(made["tasks"][0], worker_flag=-1, reason="cancelled")
    queues.wait_ended(made["id"])


def test_e40_cancel_before_it_is_published(stage, store_url):
    """What no scheduler was there for stays asked; what was never published is stopped."""
    stage.queue_daemon(store_url)
    queues = stage.queues()
    made = queues.submit([one_task() for _ in range(3000)])
    answer = must(queues.call("cancelQueue", {"id": made["id"]}))
    assert answer["result"]["stopped"] + answer["result"]["cancelling"] == 3000
    published = set()
    wait_until(lambda: take_jobs(queues, published) == answer["result"]["cancelling"], "the rest is published", 60)
    records = queues.records(made["id"])
    stopped = {id for id, record in records.items() if record["status"] == "stopped"}
    assert len(stopped) == answer["result"]["stopped"] > 0
    take_jobs(queues, published)
    assert not stopped & published
    assert stopped | published == set(made["tasks"])
    assert queues.detail(made["id"])["counts"]["running"] == answer["result"]["cancelling"]


def take_jobs(queues, published):
    """Adds those that have come to `published`; how many that are now."""
    while (message := queues.jobs.poll()) is not None:
        if message.json["mqkey"].endswith("asyncJob"):
            published.add(message.json["mqbody"]["id"])
    return len(published)


def test_e40_cancel_real_agent(stage, store_url, tmp_path):
    """Through a real scheduler and a real agent: what runs is ended, and says so."""
    stage.scheduler()
    agent = stage.agent()
    ran = tmp_path / "ran"
    shell(agent.apps, "steps", "run.sh", f"echo $ELVES_ID >> {ran}; sleep 600")
    stage.wait_registered(agent)
    stage.queue_daemon(store_url)
    queues = stage.queues()
    task = one_task(ip=agent.ip, proxy="run.sh", timeout=900)
    made = queues.submit([task, task, task], app="steps", width=2)
    wait_until(lambda: ran.exists() and len(ran.read_text().split()) == 2, "two run")
    must(queues.call("cancelTask", {"id": made["id"], "task": made["tasks"][0]}))
    wait_until(lambda: len(ran.read_text().split()) == 3, "the third one takes its place", 60)
    answer = must(queues.call("cancelQueue", {"id": made["id"]}))
    assert answer["result"] == {"stopped": 0, "cancelling": 2}
    detail = queues.wait_ended(made["id"], 60)
    assert detail["counts"]["cancelled"] == 3
    assert {record["reason"] for record in queues.records(made["id"]).values()} == {"cancelled"}


def test_e40_cancel_refused(queues):
    made = queues.submit([one_task()])
    assert queues.call("cancelQueue", {"id": new_id()})["error"] == "[412.1]Queue Not Found"
    for body in ({"id": made["id"], "task": new_id()}, {"id": new_id(), "task": made["tasks"][0]}):
        assert queues.call("cancelTask", body)["error"] == "[412.7]Task Not Found"
    assert queues.call("cancelTask", {"id": made["id"]})["error"] == "[500]Request Params Illegal"
