"""The API of our own, /api/v3, asked over HTTP; every answer is compared with openapi/v3.json."""

import contextlib
import http.client
import json
import os
import re
import urllib.parse
import urllib.request

from .json_schema import Validator
from .openapi import Openapi

TOKEN = "v3-test-token"
PREFIX = "/api/v3"
DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "..", "openapi", "v3.json")


def load_document():
    with open(DOCUMENT, encoding="utf-8") as file:
        return json.load(file)


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        self.type = (headers.get("Content-Type") or "").split(";")[0]
        self.json = json.loads(text) if self.type.endswith("json") else None

    def __repr__(self):
        return f"{self.status} {self.text[:300]}"


class Described:
    """Says whether an answer is as the document has it."""

    def __init__(self, document=None):
        self.document = document or load_document()
        self.validator = Validator(self.document)
        self.seen = set()  # (method, path) of operations that were answered well

    def operations(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def find(self, method, path):
        for wanted, template, operation in self.operations():
            pattern = re.sub(r"\{[^}]*\}", "[^/]+", template)
            if wanted == method and re.fullmatch(pattern, path):
                return template, operation
        return None, None

    def check(self, method, path, answer):
        template, operation = self.find(method, path.split("?")[0])
        if operation is None:
            assert answer.status in (404, 405), f"{method} {path} is not in the document: {answer}"
            schema = {"$ref": "#/components/schemas/Problem"}
        else:
            response = self.validator.resolve(operation["responses"].get(str(answer.status)))
            assert response is not None, f"{method} {template}: status {answer.status} is not described: {answer}"
            if answer.status < 400:
                self.seen.add((method, template))
            content = response.get("content")
            if content is None:
                assert answer.text == "", answer
                return
            assert answer.type in content, f"{method} {template}: {answer.type} is not described"
            schema = content[answer.type]["schema"]
        if answer.json is not None:
            faults = self.validator.faults(answer.json, schema)
            assert not faults, f"{method} {path} {answer.status}: {faults[:5]}"
        if answer.status >= 400:
            assert answer.type == "application/problem+json", answer
            assert answer.json["status"] == answer.status


class V3:
    """An elves-openapi, and a client of its /api/v3."""

    def __init__(self, stage, settings=None, environment=None):
        usual = {"auth.token.tester": TOKEN}
        usual.update(settings or {})
        self.openapi = Openapi(stage, usual, environment)
        self.port = self.openapi.port
        self.described = Described()

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.openapi.status_port}/metrics", timeout=30) as answer:
            return answer.read().decode()

    def ask(self, method, path, body=None, token=TOKEN, timeout=120, **headers):
        """path: below /api/v3. body: JSON, or text as it is."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent.setdefault("Authorization", "Bearer " + token)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, PREFIX + path, body, sent)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read().decode())
        self.described.check(method, path, answer)
        return answer

    def get(self, path, status=200, **headers):
        answer = self.ask("GET", path, **headers)
        assert answer.status == status, answer
        return answer.json

    def post(self, path, body=None, status=(200, 201, 202), **headers):
        answer = self.ask("POST", path, body, **headers)
        assert answer.status in (status if isinstance(status, tuple) else (status,)), answer
        return answer.json

    def problem(self, method, path, body=None, **headers):
        """(status, code) of an error."""
        answer = self.ask(method, path, body, **headers)
        return answer.status, answer.json["code"]

    def job(self, wait=60, status=(200, 202), **members):
        return self.post(f"/jobs?wait={wait}", {"app": "demo", "func": "run", **members}, status)

    @contextlib.contextmanager
    def events(self, path, timeout=60, **headers):
        """Yields an iterator over (event, id, data) of a stream; a sign of life is (None, None, None)."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.update({"Authorization": "Bearer " + TOKEN, "Accept": "text/event-stream"})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("GET", PREFIX + path, None, sent)
            response = connection.getresponse()
            assert response.status == 200, response.read()
            assert response.headers["Content-Type"] == "text/event-stream"
            template, _operation = self.described.find("GET", path.split("?")[0])
            self.described.seen.add(("GET", template))
            yield read_events(response)


def read_events(response):
    event = {}
    for line in response:
        line = line.decode().rstrip("\n")
        if line == "":
            if "event" in event:
                yield event["event"], event.get("id"), json.loads(event["data"])
            event = {}
        elif line.startswith(":"):
            yield None, None, None
        else:
            name, _colon, value = line.partition(": ")
            event[name] = value


def quote(text):
    return urllib.parse.quote(text, safe="")
