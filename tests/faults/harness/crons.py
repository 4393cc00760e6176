"""The load of elves-cron: tasks at one-second intervals whose messages are counted by their key.

Afterwards every instant must be in the history of its task, once, and what the history calls sent must
have come. A second message of the same key is no fault: the broker may die after it has taken one and
before it has said so; whoever takes messages knows it by the key.
"""

import collections
import contextlib
import json
import time

from .load import connect
from .queues import Caller

TASKS = 6
TOPIC = "load"
QUEUE = "cron-load"
EXCHANGE = "elves.messages"


class CronCaller(Caller):
    COMPONENT = "cron"

    def insist(self, action, body, seconds=60):
        """Asks until an answer comes: what is asked must do no harm twice."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self.call(action, body, 5)
            if answer is not None:
                return answer
        raise RuntimeError(f"elves-cron does not answer {action}")

    def rows(self, id):
        """The whole history of a task."""
        rows, before = [], ""
        while True:
            page = self.insist("cronHistory", {"id": id, "limit": 1000, "before": before})
            rows += page["result"]
            before = page["next"]
            if not before:
                return rows

    def audit(self, id):
        """What is wrong with its instants, as texts."""
        audit = self.insist("cronAudit", {"id": id, "to": "2199-01-01T00:00:00Z"})["result"]
        return [f"task {id}: {audit[kind]} instants are {kind}: {json.dumps(audit['findings'][:3])}"
                for kind in ("lost", "unplanned", "unsent") if audit[kind]]


class CronLoad:
    def __init__(self, world):
        self._world = world
        self.ids = []
        self.findings = []  # texts
        self.instants = self.messages = 0

    def start(self):
        """While nothing is broken yet."""
        channel = connect(self._world.broker).channel()
        channel.exchange_declare(EXCHANGE, "topic", durable=True)
        channel.queue_declare(QUEUE, durable=True)
        channel.queue_bind(QUEUE, EXCHANGE, TOPIC)
        channel.connection.close()
        caller = CronCaller(self._world)
        for _ in range(TASKS):
            body = {"topic": TOPIC, "every": 1, "missed": "all", "missed_cap": 10000, "started": "true"}
            self.ids.append(caller.insist("createCron", body)["id"])
        caller.close()

    @property
    def numbers(self):
        return {"instants": self.instants, "cron_messages": self.messages}

    def stop(self, _):
        """When all is healed: no more instants, and what there was is judged."""
        caller = CronCaller(self._world)
        time.sleep(3)
        for id in self.ids:
            caller.insist("stopCron", {"id": id})
        time.sleep(3)
        came = self._drain()
        self.messages = sum(came.values())
        for id in self.ids:
            self._judge(caller, id, came)
        caller.close()

    def _drain(self):
        came = collections.Counter()
        channel = connect(self._world.broker).channel()
        for method, properties, _ in channel.consume(QUEUE, auto_ack=True, inactivity_timeout=2):
            if method is None:
                break
            came[properties.message_id] += 1
        with contextlib.suppress(Exception):
            channel.connection.close()
        return came

    def _judge(self, caller, id, came):
        self.findings += caller.audit(id)
        rows = caller.rows(id)
        self.instants += len(rows)
        for row in rows:
            if row["state"] == "ended" and came[row["key"]] == 0:
                self.findings.append(f"the message of {row['key']} did not come")
        known = {row["key"] for row in rows}
        self.findings += [f"{key} came, and is in no history" for key in came
                          if key.startswith(id) and key not in known]
