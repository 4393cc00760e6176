"""elves-openapi and clients that are slow, many, wrong or gone: everything has a limit, others are served."""

import contextlib
import json
import os
import socket
import time

import pytest

from support.fake_component import FakeComponent
from support.openapi import Openapi
from support.stage import Stage
from support.wait import FACTOR, wait_until

DOC = b"GET /doc HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(openapi):
    connection = socket.create_connection(("127.0.0.1", openapi.port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_answer(connection):
    """(status, headers, body) of one answer that has a length; None: the connection has ended."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(1)
        if not chunk:
            return None
        received += chunk
    head = received.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    body = b""
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(int(headers["content-length"]) - len(body))
    return int(head[0].split()[1]), headers, body


def descriptors(openapi):
    return len(os.listdir(f"/proc/{openapi.daemon.process.pid}/fd"))


def has_ended(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_connections_are_kept(stage):
    openapi = Openapi(stage)
    with connect(openapi) as connection:
        for _ in range(50):
            connection.sendall(DOC)
            assert read_answer(connection)[0] == 200
        connection.sendall(DOC * 20)
        assert [read_answer(connection)[0] for _ in range(20)] == [200] * 20, "requests that did not wait"
        connection.sendall(DOC.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert read_answer(connection)[0] == 200 and has_ended(connection)


# What was sent when the client goes.
LEFT = {
    "nothing": b"",
    "half a head": b"GET /doc HTTP/1.1\r\nHost:",
    "half a body": b"POST /doc HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
    "a request": DOC,
    "requests and a half": DOC * 3 + DOC[:20],
}


@pytest.mark.parametrize("sent", LEFT.values(), ids=[name.replace(" ", "-") for name in LEFT])
@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("hard", [False, True], ids=["", "reset"])
def test_nothing_is_left_of_clients_that_have_gone(kept_openapi, sent, before, hard):
    openapi = kept_openapi
    wait_until(openapi.healthy, "it has started")
    count = descriptors(openapi)
    for _ in range(20):
        with connect(openapi) as connection:
            for _ in range(before):
                connection.sendall(DOC)
                assert read_answer(connection)[0] == 200
            connection.sendall(sent)
            if hard:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wait_until(lambda: descriptors(openapi) <= count, f"at most {count} descriptors are open")
    assert openapi.raw("/doc")[0] == 200


@pytest.fixture(scope="module")
def kept_openapi(services, tmp_path_factory):
    one = Stage(services, tmp_path_factory.mktemp("limits"), registry=False)
    yield Openapi(one)
    one.close()


def test_idle_connections_are_closed(stage):
    openapi = Openapi(stage, {"server.clientTimeout": 1})
    count = descriptors(openapi)
    idle = [connect(openapi) for _ in range(10)]
    for connection in idle:
        connection.sendall(DOC)
        assert read_answer(connection)[0] == 200
    for connection in idle:
        assert has_ended(connection)
        connection.close()
    wait_until(lambda: descriptors(openapi) <= count, "all are closed")


# Slow clients.


def drip(connection, data, openapi, seconds):
    """Byte by byte, ten in a second; how long it was taken."""
    began = time.monotonic()
    for byte in data:
        if time.monotonic() - began > seconds:
            return None
        try:
            connection.sendall(bytes([byte]))
            connection.settimeout(0.1)
            if connection.recv(1) == b"":
                return time.monotonic() - began
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - began
    return None


@pytest.mark.slow
@pytest.mark.parametrize("head, rest", [
    (b"", b"GET /doc HTTP/1.1\r\nHost: " + b"x" * 1000),
    (b"POST /doc HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b"x" * 1000),
    (b"POST /doc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 200),
], ids=["head", "body", "chunks"])
def test_a_request_has_a_limit_however_busy(stage, head, rest):
    openapi = Openapi(stage, {"server.clientTimeout": 2})
    with connect(openapi) as connection:
        connection.sendall(head)
        took = drip(connection, rest, openapi, 30 * FACTOR)
    assert took is not None, "a request that never ends is cut off, though it goes on"
    assert took > 1


@pytest.mark.slow
def test_an_answer_that_is_not_taken(stage):
    openapi = Openapi(stage, {"server.clientTimeout": 1})
    count = descriptors(openapi)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect(("127.0.0.1", openapi.port))
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError, ConnectionError):
        for _ in range(20000):
            connection.send(DOC)
    wait_until(lambda: descriptors(openapi) <= count, "it is cut off")
    connection.close()


@pytest.mark.slow
def test_two_thousand_slow_clients(stage):
    openapi = Openapi(stage, {"server.clientTimeout": 600})
    for _ in range(200):
        openapi.raw("/doc")
    before = openapi.daemon.rss()
    slow = []
    for number in range(2000):
        connection = connect(openapi)
        connection.sendall(b"GET /doc HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"x" * (number % 50))
        slow.append(connection)
    wait_until(lambda: descriptors(openapi) >= 2000, "all are connected")
    grown = openapi.daemon.rss() - before
    for step in range(3):
        for connection in slow:
            connection.sendall(b"x")
        times = []
        for _ in range(30):
            began = time.monotonic()
            assert openapi.raw("/doc")[0] == 200
            times.append(time.monotonic() - began)
        assert sorted(times)[15] < 1 * FACTOR, "others are served at once"
    after = openapi.daemon.rss() - before
    assert after < 2000 * 40 * 1024, f"{after} bytes for 2,000 clients that wait"
    assert after - grown < 8 << 20, "slow bytes cost nothing"
    for connection in slow:
        connection.close()
    wait_until(lambda: descriptors(openapi) < 100, "all have gone")


# Too much.


def silent_cron(stage):
    silent = FakeComponent(stage.services, stage.exchange, "cron", {})
    stage.exits.callback(silent.close)
    return silent


def test_more_requests_than_may_wait(stage):
    openapi = Openapi(stage, {"server.maxRequests": 20, "romens.enabled": "true", "openapi.callTimeout": 3000})
    silent = silent_cron(stage)
    wait = b"DELETE /v1/task/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    waiting = [connect(openapi) for _ in range(20)]
    for connection in waiting:
        connection.sendall(wait)
    wait_until(lambda: len(silent.asked) == 20, "all are waiting")
    for target, member in (("/doc", "error"), ("/v1/task/1", "message")):
        status, text, headers = openapi.raw(target)
        assert status == 503 and headers["Retry-After"] == "1", text
        assert "Too many requests" in json.loads(text)[member]
    for connection in waiting:
        assert read_answer(connection)[0] == 500
        connection.close()
    assert openapi.raw("/doc")[0] == 200


def test_oversized_heads(stage):
    openapi = Openapi(stage)
    for request in (
        b"GET /" + b"x" * 200000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /doc HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 200000 + b"\r\n\r\n",
        b"GET /doc HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 20000 + b"\r\n",
    ):
        with connect(openapi) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(request)
                answer = read_answer(connection)
                assert answer is None or 400 <= answer[0] < 500, answer
                assert has_ended(connection)
    assert openapi.raw("/doc")[0] == 200


def test_oversized_bodies(stage):
    openapi = Openapi(stage, {"server.maxBody": 1000, "romens.enabled": "true"})
    for path, member in (("/api/v2/rt/exec", "error"), ("/v1/task", "message")):
        status, text, _ = openapi.raw(path, "POST", b"x" * 1001)
        assert status == 413 and "Too Large" in json.loads(text)[member]
    huge = b"POST /v1/task HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n"
    with connect(openapi) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(huge + b"x" * 3000)
    with connect(openapi) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"POST /v1/task HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(10):
                connection.sendall(b"ff\r\n" + b"x" * 255 + b"\r\n")
            answer = read_answer(connection)
            assert answer is None or answer[0] == 413
            assert has_ended(connection)
    assert openapi.raw("/doc")[0] == 200


def test_what_is_no_http(stage):
    openapi = Openapi(stage)
    for request in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100 + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /doc HTTP/1.1\r\n\r\n",
        b"POST /doc HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /doc HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\nx",
        b"POST /doc HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
        b"POST /doc HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 100 + b"\r\n\r\n",
    ):
        with connect(openapi) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                answer = read_answer(connection)
                assert answer is None or 400 <= answer[0] < 500, (request, answer)
                says_nothing_of_the_inside(answer[2].decode() if answer else "")
    assert openapi.raw("/doc")[0] == 200


# What is said.


def says_nothing_of_the_inside(text):
    for word in ("/work", "/usr", "/tmp", ".c:", "Traceback", "0x", "libsoup", "GLib", "errno"):
        assert word not in text, text


def test_errors_say_nothing_of_the_inside(stage):
    openapi = Openapi(stage, {"romens.enabled": "true", "taskcenter.enabled": "true", "openapi.callTimeout": 100})
    for method, target, body in [
        ("GET", "/nothing", None), ("GET", "/../../etc/passwd", None), ("GET", "/api/v2/rt/exec", None),
        ("PUT", "/api/v2/rt/exec", "x"), ("POST", "/v1/task", "{"), ("DELETE", "/v1/task/1", "{}"),
        ("POST", "/v1/api/task", "{"), ("POST", "/api/v2/cron/add", "auth_id=%00"),
    ]:
        status, text, headers = openapi.raw(target, method, body)
        assert status >= 200 and "Server" not in headers
        says_nothing_of_the_inside(text)


def test_access_log(stage):
    openapi = Openapi(stage, {"romens.enabled": "true", "openapi.callTimeout": 100}, arguments=("--log-level", "info"))
    openapi.raw("/doc?secret=1")
    openapi.raw("/v1/task/1", "DELETE", "{}")
    openapi.raw("/a%0Ab%20status=200", "POST")
    wait_until(lambda: openapi.daemon.log().count(" access ") >= 3, "each is in the log")
    lines = [line.split(" access ")[1] for line in openapi.daemon.log().splitlines() if " access " in line]
    pairs = [dict(pair.split("=", 1) for pair in line.split()) for line in lines]
    assert [(one["method"], one["path"], one["status"]) for one in pairs] == [
        ("GET", "/doc", "200"), ("DELETE", "/v1/task/1", "500"), ("POST", "/a%0Ab%20status%3D200", "404")]
    assert all(one["bytes"].isdigit() and one["ms"].isdigit() for one in pairs)
    assert "secret" not in openapi.daemon.log()
