"""elves-openapi and clients that are slow, many, wrong or gone: everything has a limit, others are served."""

import os
import socket

import pytest

from support.openapi import Openapi
from support.wait import wait_until

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
    from support.stage import Stage

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
