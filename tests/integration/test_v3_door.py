"""The door of /api/v3 itself, in front of fake components: who may come in, what is refused, and how."""

import hashlib
import json
import os
import re
import socket
import subprocess
import urllib.parse

import pytest

from support.fake_component import FakeComponent
from support.json_schema import Validator
from support.openapi import KEY, signed
from support.process import build_dir
from support.stage import Stage
from support.v3 import PREFIX, TOKEN, V3, load_document
from support.wait import wait_until

OK = {"flag": "true", "error": ""}
JOB = {"agent": "10.0.0.1", "app": "demo", "func": "run"}
QUEUE = {
    "id": "Q1",
    "app": "demo",
    "name": "",
    "owner": "v3",
    "extra": '{"by":"tester","func":"run"}',
    "status": "running",
    "created": "2026-11-28T08:00:00Z",
    "committed": "2026-11-28T08:00:00Z",
    "ended": "",
    "counts": {"pendding": 0, "running": 1, "finish": 0, "failed": 0, "stopped": 0, "skipped": 0, "cancelled": 0},
    "total": 1,
    "width": 0,
    "stagger_ms": 0,
}
SHOWN = {**OK, "result": QUEUE}


def fake(stage, name, answers):
    component = FakeComponent(stage.services, stage.exchange, name, answers)
    stage.exits.callback(component.close)
    return component


@pytest.fixture(scope="module")
def door(services, tmp_path_factory):
    """In front of an elves-queue that answers anything, and of nobody else."""
    stage = Stage(services, tmp_path_factory.mktemp("door"))
    v3 = V3(stage, {"openapi.callTimeout": 1500, "server.maxBody": 100000})
    v3.queue = fake(stage, "queue", {"queueDetail": SHOWN, "submitQueue": {**OK, "id": "Q1", "existed": "false"}})
    yield v3
    stage.close()


# The document.


def test_e45_v3_document_is_valid():
    document = load_document()
    validator = Validator(document)
    assert document["openapi"].startswith("3.1.")
    ids = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            ids.append(operation["operationId"])
            parameters = [validator.resolve(one) for one in operation.get("parameters", [])]
            in_path = {one["name"] for one in parameters if one["in"] == "path"}
            assert in_path == set(re.findall(r"\{(\w+)\}", path)), (method, path)
            names = [(one["name"], one["in"]) for one in parameters]
            assert len(set(names)) == len(names)
            for status, response in operation["responses"].items():
                response = validator.resolve(response)
                assert response["description"], (method, path, status)
    assert len(set(ids)) == len(ids)


def references(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_e45_v3_document_has_what_it_refers_to():
    document = load_document()
    used = set(references(document))
    for reference in used:
        assert Validator(document).resolve({"$ref": reference}) is not None
    for kind in ("schemas", "parameters", "responses"):
        for name in document["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, f"{kind} {name} is not used"


def test_e45_v3_document_and_routes_are_the_same():
    listed = subprocess.run([os.path.join(build_dir(), "tests/unit/test-v3"), "--routes"], capture_output=True, text=True, check=True)
    routes = {}
    for line in listed.stdout.splitlines():
        method, path, *query = line.split()
        routes[(method, path)] = set(query)
    document = load_document()
    described = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            parameters = [Validator(document).resolve(one) for one in operation.get("parameters", [])]
            described[(method.upper(), path)] = {one["name"] for one in parameters if one["in"] == "query"}
    assert routes == described


def test_e45_v3_document_is_served(door):
    for target in ("/openapi.json", PREFIX + "/openapi.json"):
        status, text, headers = door.openapi.raw(target)
        assert status == 200 and headers["Content-Type"] == "application/json"
        assert json.loads(text) == load_document()


# Who may come in.


def test_e45_v3_nobody_gets_in_without_credentials(door):
    for headers in ({}, {"Authorization": "Basic eDp5"}):
        assert door.problem("GET", "/jobs", token=None, **headers) == (401, "no-credentials")
    for token in ("guess", TOKEN + "x", TOKEN[:-1]):
        answer = door.ask("GET", "/jobs/Q1", token=token)
        assert (answer.status, answer.json["code"]) == (401, "bad-credentials")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert door.get("/jobs/Q1")["id"] == "Q1"


def test_e45_v3_without_any_token_or_key_nobody_gets_in(stage):
    v3 = V3(stage, {"auth.key": "", "auth.token.tester": ""})
    assert v3.problem("GET", "/jobs", token="x") == (401, "bad-credentials")
    assert v3.problem("GET", "/jobs", token="") == (401, "no-credentials")
    query = urllib.parse.urlencode(signed(PREFIX + "/jobs", {}, "", "hmac-sha256"))
    assert v3.problem("GET", "/jobs?" + query, token=None) == (401, "bad-credentials")


def sign(path, body=None, sign_type="hmac-sha256", **parameters):
    if body is not None:
        parameters["body_sha256"] = hashlib.sha256(body.encode()).hexdigest()
    return path + "?" + urllib.parse.urlencode(signed(PREFIX + path, parameters, KEY, sign_type))


def test_e45_v3_signed_requests(door):
    body = json.dumps(JOB)
    assert door.ask("GET", sign("/jobs/Q1"), token=None).status == 200
    assert door.ask("POST", sign("/jobs", body), body, token=None).status == 202
    assert door.ask("POST", sign("/jobs", body), body + " ", token=None).status == 401, "another body"
    assert door.ask("POST", sign("/jobs"), body, token=None).status == 401, "the body is not signed"
    assert door.ask("GET", sign("/jobs/Q1", sign_type="md5"), token=None).status == 401, "MD5"
    assert door.ask("GET", sign("/jobs/Q1").replace("sign=", "sign=0"), token=None).status == 401
    assert door.ask("GET", sign("/jobs/Q1") + "&wait=1", token=None).status == 401, "not signed"


# What is refused.


def test_e45_v3_wrong_paths_and_methods(door):
    for path in ("", "/", "/job", "/jobs/", "/jobs/a/b", "/jobs/%2e%2e", "/jobs/a b".replace(" ", "%20"), "//jobs"):
        assert door.problem("GET", path) == (404, "not-found"), path
    for method, path, allowed in (
        ("DELETE", "/jobs", {"POST", "GET"}),
        ("GET", "/jobs/Q1/cancel", {"POST"}),
        ("PATCH", "/schedules/1", {"GET", "PUT", "DELETE"}),
    ):
        answer = door.ask(method, path)
        assert (answer.status, answer.json["code"]) == (405, "bad-method")
        assert set(answer.headers["Allow"].split(", ")) == allowed


def test_e45_v3_wrong_queries(door):
    for path in ("/jobs?page=0", "/jobs?size=1001", "/jobs?page=x", "/jobs?nothing=1", "/jobs/Q1?wait=61"):
        assert door.problem("GET", path) == (400, "bad-query"), path
    assert door.problem("GET", "/jobs?page=%00") == (400, "bad-query")
    assert door.problem("GET", "/jobs/Q1/tasks?status=odd") == (400, "bad-query")


def test_e45_v3_wrong_bodies(door):
    body = json.dumps(JOB)
    assert door.problem("POST", "/jobs", body, Content_Type="text/plain") == (415, "not-json")
    for text in ("", "{", "[]", "{}x", body[:-1] + ",}", '{"app":"\\ud800"}', "\x00", '{"a":' * 100):
        assert door.problem("POST", "/jobs", text) == (400, "bad-json"), text
    assert door.problem("POST", "/jobs", "x" * 100001) == (413, "too-large")
    for key in ("", "k" * 256):
        assert door.problem("POST", "/jobs", body, Idempotency_Key=key) == (400, "bad-key")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"app": None}, "/app"),
        ({"app": ""}, "/app"),
        ({"func": 1}, "/func"),
        ({"odd": 1}, "/odd"),
        ({"a/b": 1}, "/a~1b"),
        ({"agent": "10.0.0"}, "/agent"),
        ({"agents": ["10.0.0.1"]}, ""),
        ({"all": True}, ""),
        ({"agent": ..., "all": False}, ""),
        ({"agent": ...}, ""),
        ({"agent": ..., "agents": []}, "/agents"),
        ({"agent": ..., "agents": ["10.0.0.1", "x"]}, "/agents/1"),
        ({"agent": ..., "agents": ["10.0.0.1", "10.0.0.1"]}, "/agents"),
        ({"mode": "x"}, "/mode"),
        ({"timeout": 0}, "/timeout"),
        ({"timeout": 1.5}, "/timeout"),
        ({"width": -1}, "/width"),
        ({"width": 10**30}, "/width"),
        ({"app": "a" * 256}, "/app"),
    ],
)
def test_e45_v3_wrong_members(door, changes, pointer):
    body = {name: value for name, value in {**JOB, **changes}.items() if value is not ...}
    answer = door.ask("POST", "/jobs", body)
    assert (answer.status, answer.json["code"]) == (422, "invalid"), answer
    assert [one["pointer"] for one in answer.json["errors"]] == [pointer], answer


def test_e45_v3_a_member_that_comes_twice(door):
    answer = door.ask("POST", "/jobs", '{"agent":"10.0.0.1","app":"a","func":"f","app":"b"}')
    assert answer.status == 422 and "twice" in answer.text


# What is asked.


def test_e45_v3_what_a_job_asks_for(door):
    body = {**JOB, "agent": ..., "agents": ["10.0.0.1", "10.0.0.2"], "param": {"a": [1]}, "width": 1, "name": "n"}
    body = {name: value for name, value in body.items() if value is not ...}
    answer = door.ask("POST", "/jobs", body, Idempotency_Key="k1")
    assert answer.status == 202
    assert answer.headers["Location"] == PREFIX + "/jobs/Q1"
    asked = [members for action, members in door.queue.asked if action == "submitQueue"][-1]
    assert (asked["owner"], asked["app"], asked["name"], asked["width"]) == ("v3", "demo", "n", 1)
    task = {"func": "run", "mode": "np", "param": '{"a": [1]}'}
    assert asked["tasks"] == [{"ip": "10.0.0.1", **task}, {"ip": "10.0.0.2", **task}]
    assert len(asked["key"]) == 64 and len(asked["fingerprint"]) == 64


def test_e45_v3_jobs_of_others_are_not_there(door):
    door.queue.answers["queueDetail"] = {**OK, "result": {**QUEUE, "owner": ""}}
    try:
        for method, path in (
            ("GET", "/jobs/Q1"),
            ("GET", "/jobs/Q1?wait=1"),
            ("POST", "/jobs/Q1/cancel"),
            ("GET", "/jobs/Q1/tasks"),
            ("GET", "/jobs/Q1/events"),
            ("GET", "/jobs/Q1/tasks/T1/output"),
            ("GET", "/queues/Q1"),
        ):
            assert door.problem(method, path) == (404, "not-found"), path
    finally:
        door.queue.answers["queueDetail"] = SHOWN
    assert door.problem("GET", "/queues/Q1") == (404, "not-found"), "it is a job"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[412.1]Queue Not Found", (404, "not-found")),
        ("[412.5]Key Used For Another Queue", (422, "key-reused")),
        ("[412.5]Queue Limit Reached", (429, "limit-reached")),
        ("[412.6]Too Many Waiters", (503, "too-many-waiters")),
        ("[403.3]Request Params (app) Illegal", (422, "invalid")),
        ("[500]Queue Store Failed", (503, "component-failed")),
        ("what", (503, "component-failed")),
    ],
)
def test_e45_v3_errors_of_components(door, text, problem):
    secret = "cannot open /var/lib/elves/queue.db"
    detail = "app: expected a text" if problem[1] == "invalid" else secret
    door.queue.answers["submitQueue"] = {"flag": "false", "error": text, "detail": detail}
    try:
        answer = door.ask("POST", "/jobs", JOB)
    finally:
        door.queue.answers["submitQueue"] = {**OK, "id": "Q1", "existed": "false"}
    assert (answer.status, answer.json["code"]) == problem
    assert ("Retry-After" in answer.headers) == (problem[0] in (429, 503))
    assert secret not in answer.text and "[4" not in answer.text
    if problem[1] == "invalid":
        assert answer.json["detail"] == detail


def test_e45_v3_what_cannot_be_done_in_a_state(door):
    door.queue.answers["cancelQueue"] = {"flag": "false", "error": "[412.2]Queue Status Incorrect!"}
    assert door.problem("POST", "/jobs/Q1/cancel") == (409, "wrong-state")


def test_e45_v3_a_component_that_is_not_there(door):
    assert door.problem("GET", "/schedules") == (503, "unavailable")
    fake(door.openapi.stage, "scheduler", {})
    assert door.problem("GET", "/agents") == (504, "timeout"), "it is there, and says nothing"


def test_e45_v3_switched_off(stage):
    v3 = V3(stage, {"cron.enabled": "false", "queue.enabled": "false"})
    for path in ("/jobs", "/queues/1", "/schedules"):
        assert v3.problem("GET", path) == (404, "not-enabled")


# Streams.


def test_e45_v3_streams_are_bounded(stage):
    v3 = V3(stage, {"openapi.maxStreams": 2})
    quiet = {**OK, "result": [], "next": 1, "ended": "false"}
    fake(stage, "queue", {"queueDetail": SHOWN, "queueChanges": lambda body: None if body["since"] else quiet})

    def streams():
        metrics = v3.metrics()
        return int(re.search(r"^elves_openapi_streams (\d+)", metrics, re.M).group(1))

    with v3.events("/jobs/Q1/events") as one, v3.events("/jobs/Q1/events"):
        assert next(one) == (None, None, None), "a sign of life"
        assert streams() == 2
        answer = v3.ask("GET", "/jobs/Q1/events", Accept="text/event-stream")
        assert (answer.status, answer.json["code"]) == (503, "too-many-streams")
        assert answer.headers["Retry-After"]
    wait_until(lambda: streams() == 0, "clients that have gone are noticed", 30)


def test_e45_v3_a_slow_client_of_a_stream_is_let_go(stage):
    v3 = V3(stage, {"server.clientTimeout": 1})
    numbers = iter(range(1, 10**9))
    task = {"id": "T", "seq": 1, "ip": "10.0.0.1", "func": "f", "status": "finish", "worker_message": "x" * 200000}

    def changes(_body):
        return {**OK, "result": [task], "next": next(numbers), "ended": "false"}

    queue = fake(stage, "queue", {"queueDetail": SHOWN, "queueChanges": changes})
    with socket.create_connection(("127.0.0.1", v3.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = f"GET {PREFIX}/jobs/Q1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
        client.sendall((head + f"Authorization: Bearer {TOKEN}\r\n\r\n").encode())
        wait_until(lambda: "elves_openapi_streams 1\n" in v3.metrics(), "it is open", 30)
        wait_until(lambda: "elves_openapi_streams 0\n" in v3.metrics(), "it is let go", 30)
    asked = len(queue.asked)
    assert asked < 200, "nothing is asked for a client that takes nothing"
