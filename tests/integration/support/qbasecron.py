"""QBaseCron's interface, asked as its clients ask."""

import base64
import datetime
import http.client
import json
import time
import urllib.parse
import zoneinfo

from .openapi import Openapi
from .ports import free_port

FORM = "application/x-www-form-urlencoded"
OBJECT_ID = r"[0-9a-f]{24}"
SUCCESS = {"code": 0, "msg": "success"}


def data_of(value):
    """As clients make it: base64 of compact JSON."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(text.encode()).decode()


def local(at, zone=None):
    """The time text of an instant, on the clock of the zone; of this process."""
    zone = zoneinfo.ZoneInfo(zone) if zone else None
    return datetime.datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S")


def fields_of(body):
    """A form body as its receiver reads it."""
    return dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))


class Qbasecron:
    """One elves-openapi with this door on a port of its own."""

    def __init__(self, stage, settings=None, environment=None):
        usual = {"qbasecron.enabled": "true", "qbasecron.port": free_port()}
        usual.update(settings or {})
        self.port = int(usual["qbasecron.port"])
        self.openapi = Openapi(stage, usual, environment)

    def raw(self, method, path, body=None, type=None, prefix="/api/v0.1.0/"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, prefix + path, body, {"Content-Type": type} if type else {})
            answer = connection.getresponse()
            assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def post(self, path, fields):
        """The answer to a form; a text is sent as it is, not escaped."""
        body = fields if isinstance(fields, str) else urllib.parse.urlencode(fields)
        status, answer = self.raw("POST", path, body.encode(), FORM)
        assert status == 200, answer
        return answer

    def post_json(self, path, fields):
        status, answer = self.raw("POST", path, json.dumps(fields).encode(), "application/json")
        assert status == 200, answer
        return answer

    def refusal(self, **fields):
        """The code of the answer to a task that is refused."""
        answer = self.post("tasks", fields)
        assert answer.keys() == {"status"} and answer["status"]["msg"], answer
        return answer["status"]["code"]

    def create(self, url, at=None, data=None, **fields):
        """A new task; at: seconds since 1970, or nothing."""
        if at is not None:
            fields.setdefault("time", local(at))
        if data is not None:
            fields["data"] = data if isinstance(data, str) else data_of(data)
        answer = self.post("tasks", {"callback_url": url, **fields})
        assert answer["status"] == SUCCESS, answer
        return answer["data"]

    def get(self, id):
        status, answer = self.raw("GET", f"tasks/{id}")
        assert status == 200 and answer["status"] == SUCCESS, answer
        return answer["data"]

    def list(self, **parameters):
        status, answer = self.raw("GET", "tasks?" + urllib.parse.urlencode(parameters))
        assert status == 200 and answer["status"] == SUCCESS, answer
        return answer["count"], answer["data"]

    def remove(self, id):
        return self.raw("DELETE", f"tasks/{id}")


def soon(seconds=2):
    """A whole second, at least so many from now."""
    return int(time.time() + seconds) + 1
