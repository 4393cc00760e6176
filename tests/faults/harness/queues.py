"""The load of elves-queue: small queues of tasks that depend on each other, and how they ended.

Each task is a job of the load as well, with a token of its own that its worker writes down. A queue is
committed only when every answer on the way there came: then what should be in it is known.
"""

import contextlib
import json
import random
import threading
import time
import uuid

import pika

from .history import Task
from .load import connect, plain

PATIENCE_S = 25.0  # for one answer: a broker and a daemon may have to start meanwhile
QUEUES_A_SECOND = 1.5
SHAPES = {
    "chain": [[], [0], [1]],
    "diamond": [[], [0], [0], [1, 2]],
    "fan": [[], [0], [0], [0], []],
}
WORK = [(85, "true"), (10, "false"), (5, "leave")]


class Caller:
    """Calls a component; gives up a connection that fails."""

    COMPONENT = "queue"

    def __init__(self, world):
        self._world = world
        self._channel = None

    def call(self, action, body, patience=PATIENCE_S):
        """The mqbody of the answer; None when none came: whether it was done is not known."""
        try:
            self._channel = self._channel or self._open()
            return self._call(action, body, patience)
        except Exception:  # of pika, of any kind: the broker is away
            self.close()
            time.sleep(0.2)
            return None

    def close(self):
        channel, self._channel = self._channel, None
        if channel is not None:
            with contextlib.suppress(Exception):
                channel.connection.close()

    def _open(self):
        channel = connect(self._world.broker).channel()
        channel.confirm_delivery()
        self._replies = channel.queue_declare("", exclusive=True).method.queue
        return channel

    def _call(self, action, body, patience):
        correlation = uuid.uuid4().hex
        properties = pika.BasicProperties(delivery_mode=2, reply_to=self._replies, correlation_id=correlation)
        key = f"openapi.{self.COMPONENT}"
        message = {"mqkey": f"{key}.{action}", "mqtype": "call", "mqbody": body}
        self._channel.basic_publish(self._world.exchange, key, json.dumps(message).encode(), properties)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            _, found, answer = self._channel.basic_get(self._replies, auto_ack=True)
            if found is not None and found.correlation_id == correlation:
                return json.loads(answer)["mqbody"]
            if found is None:
                self._channel.connection.sleep(0.005)
        return None


class QueueLoad:
    def __init__(self, world, load, seed):
        self._world, self._load = world, load
        self._rng = random.Random(f"{seed}-queues")
        self._over = threading.Event()
        self._made = {}  # queue -> [Task]
        self._open = set()  # committed, not seen to have ended
        self._thread = threading.Thread(target=self._run, name="queues", daemon=True)
        self.abandoned = 0  # an answer did not come

    def start(self):
        self._thread.start()

    def stop(self, seconds):
        """No more queues; waits for those there are."""
        self._over.set()
        self._thread.join(PATIENCE_S + 5)
        caller = Caller(self._world)
        deadline = time.monotonic() + seconds
        while self._open and time.monotonic() < deadline:
            self._look(caller)
            time.sleep(0.2)
        self._look(caller, all_of_them=True)
        caller.close()

    @property
    def tasks(self):
        return [task for tasks in self._made.values() for task in tasks]

    def _run(self):
        caller = Caller(self._world)
        while not self._over.wait(self._rng.expovariate(QUEUES_A_SECOND)):
            if not self._make(caller):
                self.abandoned += 1
        caller.close()

    def _make(self, caller):
        shape = self._rng.choice(list(SHAPES.values()))
        created = caller.call("createQueue", {"app": "load"})
        if created is None or created["flag"] != "true":
            return False
        tasks = []
        self._made[created["id"]] = tasks
        for needs in shape:
            task = self._add(caller, created["id"], [tasks[i] for i in needs])
            if task is None:
                return False
            tasks.append(task)
        self._open.add(created["id"])
        # Without an answer it is either committed or not: what is found in the end tells.
        return caller.call("commitQueue", {"id": created["id"]}) is not None

    def _add(self, caller, queue, needs):
        result = self._rng.choices([work[1] for work in WORK], [work[0] for work in WORK])[0]
        agent = self._rng.choice(self._world.journal_agents)
        func = "%.3f,%s" % (self._rng.uniform(0.02, 0.3), result)
        job = self._load.new_task(agent, func)
        body = {"id": queue, "ip": agent.ip, "mode": "NP", "func": func, "param": job.token, "timeout": 30}
        body.update(proxy="worker", depend_task_id="", depend_task_ids=[need.id for need in needs])
        added = caller.call("addTask", body)
        if added is None or added["flag"] != "true":
            return None
        self._load.know(added["id"], job)
        return Task(job.token, added["id"], queue, [need.token for need in needs])

    def _look(self, caller, all_of_them=False):
        """How they are; those that have ended are open no more."""
        for queue in sorted(self._made if all_of_them else self._open):
            answer = caller.call("queueResult", {"id": queue})
            if answer is None or answer["flag"] != "true":
                continue
            self._note(queue, answer)

    def _note(self, queue, answer):
        known = {task.id: task for task in self._made[queue]}
        for id, record in answer["result"].items():
            task = known.get(id)
            if task is None:
                # Asked for, and its answer was lost: only in a queue that was never committed.
                continue
            task.status, task.flag, task.worker_flag = record["status"], record["flag"], record["worker_flag"]
            task.message = plain(record["worker_message"])
            task.committed = answer["queue"]["status"] != "pendding"
        if answer["queue"]["end_time"] or answer["queue"]["status"] == "pendding":
            self._open.discard(queue)
