"""taskcenter's interface, asked as its clients ask, and its messages, consumed by pika."""

import http.client
import json
import time
import urllib.parse

from .mq import Inbox
from .openapi import Openapi
from .ports import free_port

OBJECT_ID = r"[0-9a-f]{24}"
# Of libelves-client, as RocketMQ's.
DEFAULT_DELAYS_MS = [s * 1000 for s in [10, 30, *range(60, 601, 60), 1200, 1800, 3600, 7200]]


class Taskcenter:
    """One elves-openapi with this door on a port of its own."""

    def __init__(self, stage, settings=None, topic="taskcenter"):
        self.stage, self.topic = stage, topic
        usual = {"taskcenter.enabled": "true", "taskcenter.port": free_port(), "taskcenter.topic": topic}
        usual.update(settings or {})
        self.port = int(usual["taskcenter.port"])
        self.openapi = Openapi(stage, usual)

    def ask(self, method, path, body=None, prefix="/v1/api/"):
        """Status and JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        try:
            connection.request(method, prefix + path, body)
            answer = connection.getresponse()
            assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def post(self, path, body, prefix="/v1/api/"):
        return self.ask("POST", path, body, prefix)

    def get(self, path, prefix="/v1/api/", **parameters):
        return self.ask("GET", path + "?" + urllib.parse.urlencode(parameters), None, prefix)

    def add(self, name="order", type=1, data="x", **members):
        """The id of a new task."""
        status, answer = self.post("task", {"name": name, "type": type, "data": data, **members})
        assert status == 200 and answer["name"] == name, answer
        return answer["taskid"]

    def delete(self, *ids):
        status, answer = self.post("delete-task", {"ids": list(ids)})
        assert status == 200, answer
        return answer["SucIds"]

    def task(self, id):
        status, answer = self.get("query-task-by-id", taskid=id)
        assert status == 200, answer
        return answer

    def named(self, name):
        status, answer = self.get("query-task-by-name", name=name)
        assert status == 200, answer
        return answer

    def consumer(self, tag="#"):
        """What a consumer of that tag gets."""
        inbox = Inbox(self.stage.asker)
        inbox.channel.exchange_declare(self.topic, "topic", durable=True)
        inbox.channel.queue_bind(inbox.name, self.topic, tag)
        return inbox


def refusal(text):
    return 400, {"err": 400, "msg": text}


def collect(inbox, seconds):
    """[(when it came, message)] of so many seconds."""
    got, end = [], time.time() + seconds
    while time.time() < end:
        message = inbox.poll()
        if message is None:
            time.sleep(0.01)
        else:
            got.append((time.time(), message))
    return got
