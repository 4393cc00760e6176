"""The part of the load that goes through elves-openapi: sync calls (rt/exec), and queues of one task
(queue/qksqueue).

An answer that a kill has taken away is settled in the end: a sync call ran at most once, and whether a
queue was made and how its task has ended is in the record of elves-queue, found there by its parameter.
"""

import contextlib
import http.client
import json
import random
import sqlite3
import threading
import time
import urllib.parse

from .history import Task
from .load import make_answer, plain

TOKEN = "faults"
PATIENCE_S = 45
RATE = 6.0  # requests a second
QUEUES = 0.4  # of them
RESULT = ("flag", "worker_flag", "worker_message")
INTERNAL = "[500]"  # openapi does not know how it went


class Away(Exception):
    """Nothing was sent: nobody listens."""


class Client:
    """One request at a time; None when no answer came."""

    def __init__(self, world):
        self._port = world.openapis[0].port

    def ask(self, path, parameters):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.connect()
        except OSError:
            raise Away
        try:
            connection.request("POST", path, urllib.parse.urlencode(parameters), headers)
            answer = connection.getresponse()
            text = answer.read()
            return json.loads(text) if answer.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()


class HttpLoad:
    def __init__(self, world, load, seed, threads=2):
        self._world, self._load = world, load
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.tasks = []
        self.asked = self.lost = self.lost_and_run = self.refused = 0
        self._unknown = []  # tasks whose answer was lost
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(f"{seed}-http-{n}"), RATE / threads), name="http", daemon=True)
            for n in range(threads)
        ]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self, seconds):
        """When all is healed; waits for the queues there are."""
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S + 5)
        deadline = time.monotonic() + seconds
        while not self._settle() and time.monotonic() < deadline:
            time.sleep(0.5)
        self.lost_and_run = sum(task.committed for task in self._unknown)

    def _run(self, rng, rate):
        client = Client(self._world)
        while not self._over.wait(rng.expovariate(rate)):
            with contextlib.suppress(Away):
                self._queue(client, rng) if rng.random() < QUEUES else self._exec(client, rng)

    def _ask(self, client, path, agent, job):
        answer = client.ask(path, {"ip": agent.ip, "app": "load", "func": job.func, "param": job.token, "proxy": "worker", "timeout": 30})
        with self._lock:
            self.asked += 1
            self.lost += answer is None
        return answer

    def _exec(self, client, rng):
        agent = rng.choice(self._world.agents)
        job = self._load.new_job("http-sync", agent, draw_func(rng))
        answer = self._ask(client, "/api/v2/rt/exec", agent, job)
        if answer is None:
            return
        if answer["error"].startswith(INTERNAL):
            self.refused += 1
            return
        self._load.add(make_answer(job.token, {"mqbody": answer}))

    def _queue(self, client, rng):
        agent = rng.choice(self._world.journal_agents)
        job = self._load.new_job("http-queue", agent, draw_func(rng))
        task = Task(job.token, "", "", [])
        answer = self._ask(client, "/api/v2/queue/qksqueue", agent, job)
        if answer is not None and answer["flag"] == "true":
            task.queue, task.id = answer["result"]["id"], answer["result"]["task_id"]
            task.committed = True  # it was promised
            self._load.know(task.id, job)
        self.tasks.append(task)
        if not task.committed:
            self._unknown.append(task)

    # Settling.

    def _settle(self):
        """Whether every task that was committed has ended: as elves-openapi says of those that were
        answered, and as the record says of the others."""
        client, records = Client(self._world), self._read_records()
        for task in self.tasks:
            if task not in self._unknown:
                self._look(client, task)
            elif task.token in records:
                self._note(task, *records[task.token])
        return all(task.status == "finish" for task in self.tasks if task.committed)

    def _look(self, client, task):
        if task.status == "finish":
            return
        with contextlib.suppress(Away):
            answer = client.ask("/api/v2/queue/result", {"queue_id": task.queue})
            if answer is not None and answer["flag"] == "true" and task.id in answer["result"]:
                row = answer["result"][task.id]
                self._note(task, task.id, task.queue, "", *(row[name] for name in ("status", *RESULT)))

    def _note(self, task, id, queue, queue_status, status, flag, worker_flag, message):
        task.id, task.queue, task.status = id, queue, status
        task.committed = task.committed or queue_status != "pendding"
        task.flag, task.worker_flag = flag or "", worker_flag or 0
        task.message = plain(message or "")
        self._load.know(task.id, self._load.jobs[task.token])

    def _read_records(self):
        """What elves-queue has: parameter -> row."""
        path = f"file:{self._world.queues[0].folder}/queue.db?mode=ro"
        columns = "t.param, t.task_id, t.queue_id, q.status, t.status, " + ", ".join("t." + name for name in RESULT)
        with contextlib.closing(sqlite3.connect(path, uri=True, timeout=10)) as database:
            rows = database.execute(f"SELECT {columns} FROM queue_task t JOIN queue q USING (queue_id)").fetchall()
        return {row[0]: row[1:] for row in rows}

    @property
    def numbers(self):
        return {"http": self.asked, "http_lost": self.lost, "http_lost_and_run": self.lost_and_run, "http_refused": self.refused}


def draw_func(rng):
    result = rng.choices(("true", "false"), (90, 10))[0]
    return "%.3f,%s" % (rng.uniform(0.02, 0.5), result)
