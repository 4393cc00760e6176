"""Who asks elves-queue, and who runs its tasks: openapi and the scheduler, by pika."""

import time
import uuid

from .mq import Asker, new_id
from .wait import FACTOR, wait_until

SUCCESS = {"flag": "true", "error": ""}


class Queues:
    """Asks elves-queue, and plays the scheduler: .jobs has what is published for it."""

    def __init__(self, services, exchange):
        self.asker = Asker(services, exchange, "")
        self.replies = self.asker.inbox()
        self.jobs = self.asker.inbox("queue.scheduler")

    def close(self):
        self.asker.close()

    # Requests.

    def call(self, action, body=None, wait=10, **properties):
        """The mqbody of the reply."""
        correlation = uuid.uuid4().hex
        message = {"mqkey": f"openapi.queue.{action}", "mqtype": "call", "mqbody": body or {}}
        self.asker.publish(
            message, "openapi.queue", reply_to=self.replies.name, correlation_id=correlation, **properties
        )
        deadline = time.monotonic() + wait * FACTOR
        while time.monotonic() < deadline:
            reply = self.replies.poll()
            if reply is not None and reply.properties.correlation_id == correlation:
                return reply.json["mqbody"]
            time.sleep(0.002)
        raise AssertionError(f"no reply of {action} within {wait} s")

    def create(self, app="testApp", **members):
        return must(self.call("createQueue", {"app": app, **members}))["id"]

    def ask_add(self, queue, **members):
        return self.call("addTask", task_body(queue, **members))

    def add(self, queue, needs=(), **members):
        if isinstance(needs, str):
            members["depend_task_id"] = needs
        elif needs:
            members["depend_task_ids"] = list(needs)
        return must(self.ask_add(queue, **members))["id"]

    def commit(self, queue):
        assert self.call("commitQueue", {"id": queue}) == SUCCESS

    def submit(self, tasks, app="testApp", **members):
        """The whole answer."""
        return must(self.call("submitQueue", {"app": app, "tasks": tasks, **members}))

    def detail(self, queue):
        return must(self.call("queueDetail", {"id": queue}))["result"]

    def page(self, queue, **members):
        """One answer of queueTasks."""
        return must(self.call("queueTasks", {"id": queue, **members}))

    def records(self, queue):
        """All tasks by their ids, as queueTasks has them."""
        records, after = {}, 0
        while True:
            page = self.page(queue, after=after, limit=1000)
            records.update((record["id"], record) for record in page["result"])
            after = page["next"]
            if after == 0:
                return records

    def find(self, **members):
        return must(self.call("findQueues", members))

    def wait_ended(self, queue, timeout=30):
        wait_until(lambda: self.detail(queue)["ended"] != "", f"{queue} has ended", timeout, 0.02)
        return self.detail(queue)

    def stop(self, queue):
        assert self.call("stopQueue", {"id": queue}) == SUCCESS

    def tasks(self, queue, **page):
        return must(self.call("queueResult", {"id": queue, **page}))["result"]

    def describe(self, queue):
        return must(self.call("queueResult", {"id": queue}))["queue"]

    def statuses(self, queue, *tasks):
        records = self.tasks(queue)
        return [records[task]["status"] for task in tasks]

    def wait_status(self, queue, task, status, timeout=10):
        wait_until(
            lambda: self.tasks(queue)[task]["status"] == status, f"{task} is {status}", timeout, 0.02
        )

    # The scheduler's side.

    def job(self, task=None, timeout=10):
        """The next job that is published; its mqbody."""
        message = self.jobs.take(timeout, "a job is published")
        assert message.json["mqkey"] == "queue.scheduler.asyncJob"
        assert message.json["mqtype"] == "cast"
        body = message.json["mqbody"]
        assert task is None or body["id"] == task, f"{body['id']} is published, not {task}"
        return body

    def job_ids(self, count, timeout=20):
        return {m.json["mqbody"]["id"] for m in self.jobs.take_many(count, timeout)}

    def no_job(self, seconds=0.4):
        self.jobs.stays_empty(seconds)

    def result(self, task, worker_flag=1, flag="true", error="", message="done", cost=7, **more):
        inner = {"id": task, "worker_flag": worker_flag, "worker_message": message}
        inner.update({"worker_costtime": cost}, **more)
        self.cast_result({"flag": flag, "error": error, "result": inner})

    def cast_result(self, body):
        message = {"mqkey": "scheduler.queue.taskResult", "mqtype": "cast", "mqbody": body}
        self.asker.publish(message, "scheduler.queue", delivery_mode=2)


def must(body):
    assert body["flag"] == "true" and body["error"] == "", body
    return body


def task_body(queue, **members):
    body = dict(id=queue, ip="10.0.0.1", mode="np", func="f", param="", timeout=30, proxy="")
    body["depend_task_id"] = ""
    body.update(members)
    return {name: value for name, value in body.items() if value is not ...}


def one_task(name=None, after=None, **members):
    """A task for submitQueue."""
    body = dict(ip="10.0.0.1", func="f", timeout=30)
    if name is not None:
        body["name"] = name
    if after is not None:
        body["after"] = after
    body.update(members)
    return body


__all__ = ["Queues", "SUCCESS", "must", "new_id", "one_task", "task_body"]
