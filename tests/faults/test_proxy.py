"""The wire between two daemons breaks as it is told to."""

import os
import socket
import sys
import time

import pytest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]

from harness.proxy import Loop, Proxy  # noqa: E402
from services import Port  # noqa: E402


class Wire:
    """Both ends of one connection through a proxy."""

    def __init__(self, loop, host):
        self.ports = [Port(), Port()]
        self.listener = socket.create_server(("127.0.0.1", self.ports[0].number))
        self.address = (host, self.ports[1].number)
        self.proxy = Proxy(loop, self.address, self.listener.getsockname())
        self.near = self.connect()
        self.far, _ = self.listener.accept()
        self.far.settimeout(5)

    def connect(self):
        return socket.create_connection(self.address, 5)


@pytest.fixture
def wire():
    loop = Loop()
    one = Wire(loop, "127.0.0.1")
    yield one
    one.proxy.cut()
    one.near.close(), one.far.close(), one.listener.close()
    loop.close()


def is_silent(end, seconds=0.2):
    end.settimeout(seconds)
    try:
        return end.recv(1) is None
    except socket.timeout:
        return True
    finally:
        end.settimeout(5)


def test_passes_both_ways(wire):
    wire.near.sendall(b"ask")
    assert wire.far.recv(9) == b"ask"
    wire.far.sendall(b"answer")
    assert wire.near.recv(9) == b"answer"


def test_cut_resets_and_refuses_until_opened(wire):
    wire.proxy.cut()
    with pytest.raises(ConnectionResetError):
        wire.near.recv(1)
    with pytest.raises(ConnectionRefusedError):
        wire.connect()
    wire.proxy.open()
    wire.connect().close()


def test_close_keeps_what_is_open(wire):
    wire.proxy.close()
    with pytest.raises(ConnectionRefusedError):
        wire.connect()
    wire.near.sendall(b"x")
    assert wire.far.recv(9) == b"x"


def test_stall_is_one_way(wire):
    wire.proxy.stall("back")
    wire.near.sendall(b"there")
    assert wire.far.recv(9) == b"there"
    wire.far.sendall(b"back")
    assert is_silent(wire.near)
    wire.proxy.flow("back")
    assert wire.near.recv(9) == b"back"


def test_what_was_held_back_is_lost_by_a_reset(wire):
    wire.proxy.stall("there")
    wire.near.sendall(b"lost")
    time.sleep(0.1)
    wire.proxy.reset()
    wire.proxy.flow("there")
    with pytest.raises(ConnectionResetError):
        wire.near.recv(1)
    try:
        assert wire.far.recv(9) == b""
    except ConnectionResetError:
        pass


def test_delay(wire):
    wire.proxy.delay(0.3)
    began = time.monotonic()
    wire.near.sendall(b"late")
    assert wire.far.recv(9) == b"late"
    assert time.monotonic() - began >= 0.3
