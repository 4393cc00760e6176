#!/usr/bin/python3
"""Random requests to /api/v3, made from openapi/v3.json: good ones, nearly good ones, and nonsense.

    ELVES_BUILD_DIR=build tests/lib/with-services tests/integration/support/v3_fuzz.py --minutes 10 --seed 1

Every answer has to be one that the document describes, with a body as it says; of the statuses from 500 on
only 503 and 504, which have a code. At the end the daemons have to end in order: a sanitizer speaks up there.
"""

import argparse
import collections
import contextlib
import http.client
import json
import os
import pathlib
import random
import sys
import tempfile
import time

if __name__ == "__main__":
    HERE = os.path.dirname(os.path.abspath(__file__))
    sys.path[:0] = [os.path.dirname(HERE), os.path.join(HERE, "..", "..", "lib")]

from support.v3 import PREFIX, TOKEN, Answer, quote

WORDS = ["", "a", "demo", "run", "fail", "slow", "x" * 300, "你好", "a b", "'\"\\", "../etc", "%00", "role=db", "zone in (a", "\x01"]
NUMBERS = [0, 1, 2, 5, -1, 59, 1000, 65536, 2**31, 2**63, 10**30, 1.5]
ODD = [None, True, [], {}, "1", 1, [[]], {"a": {"b": None}}]
MAX_BYTES = 20000


class Fuzz:
    def __init__(self, v3, seed, agents=()):
        self.v3, self.random = v3, random.Random(seed)
        self.agents = list(agents) or ["10.0.0.1"]
        self.operations = list(v3.described.operations())
        self.ids = {"jobs": ["0" * 16], "queues": ["0" * 16], "schedules": ["0" * 16], "tasks": ["0" * 16]}
        self.by_status = collections.Counter()
        self.by_operation = collections.Counter()
        self.reasons = collections.Counter()
        self.requests = self.streams = 0

    def summary(self):
        return (
            f"requests={self.requests} streams={self.streams} operations={len(self.by_operation)}"
            f" statuses={dict(sorted(self.by_status.items()))} 5xx={dict(self.reasons)}"
        )

    def often(self, percent):
        return self.random.random() * 100 < percent

    # Values.

    def number(self, schema):
        low, high = schema.get("minimum", 0), schema.get("maximum", 100)
        return self.random.choice([low, high, self.random.randint(low, high), self.random.randint(low, min(high, low + 5))])

    def text(self, schema):
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        if schema.get("format") == "date-time":
            return self.random.choice(["2031-01-01T00:00:00Z", "2020-02-29T12:00:00+01:00", "2031-13-01", "now"])
        if "pattern" in schema:
            return self.random.choice(self.agents + ["10.99.99.99", "1.2.3"])
        if "example" in schema and self.often(60):
            return schema["example"]
        return self.random.choice(["demo", "run", "fail", "slow"]) if self.often(70) else self.random.choice(WORDS)

    def value(self, schema, depth=0):
        schema = self.v3.described.validator.resolve(schema)
        if self.often(3) or depth > 6:
            return self.random.choice(ODD + WORDS + NUMBERS)
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object":
            return self.object(schema, depth)
        if kind == "array":
            return [self.value(schema["items"], depth + 1) for _ in range(self.random.randint(0, 3))]
        if kind == "integer":
            return self.number(schema) if self.often(92) else self.random.choice(NUMBERS)
        if kind == "boolean":
            return self.often(50)
        return self.text(schema) if kind == "string" else self.random.choice(WORDS + NUMBERS + ODD)

    def object(self, schema, depth):
        properties = schema.get("properties", {})
        needed = set(schema.get("required", []))
        groups = [schema, *schema.get("allOf", [])]
        for group in groups:
            if group.get("oneOf") and self.often(92):
                needed |= set(self.random.choice(group["oneOf"])["required"])
        ways = {name for group in groups for one in group.get("oneOf", []) for name in one["required"]}
        chosen = [n for n in properties if n in needed or self.often(2 if n in ways else 25)]
        made = {name: self.value(properties[name], depth + 1) for name in chosen if not self.often(1)}
        if self.often(3):
            made[self.random.choice(WORDS)] = self.random.choice(ODD)
        if "timeout" in made:
            made["timeout"] = 5
        return made

    # Requests.

    def fill(self, path):
        kind = path.split("/")[1]
        pool = self.ids.get(kind, ["0"])[-20:]
        path = path.replace("{id}", quote(self.random.choice(pool)))
        path = path.replace("{ip}", self.random.choice(self.agents + ["10.99.99.99"]))
        path = path.replace("{task}", quote(self.random.choice(self.ids["tasks"][-20:])))
        if self.often(3):
            place = self.random.randint(1, len(path))
            path = path[:place] + self.random.choice(["/", "%2e%2e", "x", "?", "%ff", "//"]) + path[place:]
        return path

    def query(self, parameters):
        chosen = []
        for one in parameters:
            if one["in"] == "query" and self.often(40):
                value = self.value(one["schema"])
                if one["name"] == "wait" and isinstance(value, int):
                    value %= 2
                chosen.append(one["name"] + "=" + quote(str(value)))
        if self.often(2):
            chosen.append(self.random.choice(["odd=1", "page=1&page=2", "=", "&&", "page=%zz"]))
        return ("?" + "&".join(chosen)) if chosen else ""

    def headers(self, parameters):
        made = {"Authorization": "Bearer " + (TOKEN if self.often(98) else self.random.choice(["", "x"]))}
        for one in parameters:
            if one["in"] == "header" and self.often(30):
                made[one["name"]] = self.random.choice(["wait=1", "1", "key", "k" * 300, "wait=-1", "respond-async"])
        return made

    def body(self, operation):
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        text = json.dumps(self.value(schema), ensure_ascii=self.often(50))
        if self.often(4):
            place = self.random.randint(0, len(text))
            text = text[:place] + self.random.choice(["", "{", "\x00", "]", '"', "\ufffd"]) + text[place + 1 :]
        return text.encode("utf-8", "surrogatepass")

    def request(self):
        method, template, operation = self.random.choice(self.operations)
        parameters = [self.v3.described.validator.resolve(one) for one in operation.get("parameters", [])]
        target = self.fill(template) + self.query(parameters)
        headers = self.headers(parameters)
        body = self.body(operation) if "requestBody" in operation else None
        if body is not None:
            headers["Content-Type"] = "application/json" if self.often(97) else "text/plain"
        if template.endswith(("/events", "/output")) and self.often(40):
            headers["Accept"] = "text/event-stream"
        if self.often(2):
            method = self.random.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
        return method, template, target, body, headers

    def send(self, method, target, body, headers):
        """Of a stream as much as comes within a short time."""
        connection = http.client.HTTPConnection("127.0.0.1", self.v3.port, timeout=90)
        with contextlib.closing(connection):
            connection.request(method, PREFIX + target, body, headers)
            response = connection.getresponse()
            if (response.headers["Content-Type"] or "").startswith("text/event-stream"):
                self.streams += 1
                connection.sock.settimeout(0.3)
                with contextlib.suppress(OSError):
                    response.read1(MAX_BYTES)
                return None
            return Answer(response.status, response.headers, response.read().decode())

    def note_ids(self, template, answer):
        made = answer.json
        kind = template.split("/")[1]
        if not isinstance(made, dict) or kind not in self.ids:
            return
        if template.count("/") == 1 and "id" in made:
            self.ids[kind].append(made["id"])
        for task in made.get("tasks", []) + (made.get("items", []) if template.endswith("/tasks") else []):
            self.ids["tasks"].append(task["id"])

    def check(self, method, template, target, answer):
        self.by_status[answer.status] += 1
        if answer.status >= 500:
            assert answer.status in (503, 504), f"{method} {target}: {answer}"
            self.reasons[answer.json["code"]] += 1
        if answer.status == 400 and answer.text == "":
            return  # no HTTP: refused by libsoup
        self.v3.described.check(method, target.split("?")[0], answer)
        if 200 <= answer.status < 300:
            self.by_operation[template] += 1
            self.note_ids(template, answer)

    def one(self):
        method, template, target, body, headers = self.request()
        self.requests += 1
        try:
            answer = self.send(method, target, body, headers)
            if answer is not None:
                self.check(method, template, target, answer)
        except Exception as error:
            raise AssertionError(f"{method} {target} {body} {headers}: {error!r}") from error

    def run(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.one()


def main():
    from support.apps import python
    from support.cron import CronStage
    from support.stage import Services
    from support.v3 import V3

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stage = CronStage(Services.from_environment(), pathlib.Path(folder), "sqlite")
        try:
            stage.scheduler({"shutdown.timeout": 1})
            stage.queue_daemon(f"sqlite:{folder}/queue.db", {"queue.maxOpen": 1000000})
            stage.cron()
            agent = stage.agent({"agent.labels": "role=db"})
            python(agent.apps, "demo", "app-worker.py", "print('x')")
            fuzz = Fuzz(V3(stage, {"openapi.callTimeout": 30000}), arguments.seed, [agent.ip])
            fuzz.run(arguments.minutes * 60)
            print(fuzz.summary())
        finally:
            stage.close()


if __name__ == "__main__":
    main()
