"""SchedulerService on 10101: results come in; garbage does no harm."""

import socket
import struct
import time

import pytest
from thrift.Thrift import TApplicationException

from support import rpc
from support.mq import job_body
from support.wait import wait_until


@pytest.fixture
def address(shared):
    return "127.0.0.1", shared.daemon.port


def test_e20_data_transport_answers_success(address):
    with rpc.scheduler_client(*address) as client:
        reins = rpc.generated().Reinstruct(ins=rpc.instruct(id="A", type="cron"), flag=1, costtime=1, result="r")
        assert client.dataTransport(reins) == "success"


def test_e20_raw_bytes_of_the_first_interface(address, asker):
    """Bytes as the original agent writes them: every field of the first IDL, sequence number 1."""
    inbox = asker.inbox("scheduler.queue")
    reins = rpc.field(rpc.STRUCT, 1, rpc.instruct_bytes(id="RAW", type="queue"))
    reins += rpc.i32_field(3, 1) + rpc.i32_field(4, 77) + rpc.string_field(5, "raw result") + rpc.STOP
    with rpc.connect(*address) as connection:
        connection.sendall(rpc.call("dataTransport", rpc.field(rpc.STRUCT, 1, reins), seqid=1))
        method, type_, seqid, fields = rpc.Reader(connection).message()
    assert (method, type_, seqid, fields) == ("dataTransport", rpc.REPLY, 1, {0: b"success"})
    assert inbox.take().json["mqbody"]["result"] == {
        "id": "RAW", "worker_flag": 1, "worker_message": "raw result", "worker_costtime": 77
    }


@pytest.mark.parametrize(
    "ins", [b"", rpc.STOP, rpc.i32_field(1, 5) + rpc.STOP], ids=["no-ins", "empty-ins", "id-of-another-type"]
)
def test_e20_success_for_every_result(address, ins):
    reins = (rpc.field(rpc.STRUCT, 1, ins) if ins else b"") + rpc.i32_field(3, 1) + rpc.STOP
    with rpc.connect(*address) as connection:
        connection.sendall(rpc.call("dataTransport", rpc.field(rpc.STRUCT, 1, reins)))
        assert rpc.Reader(connection).message()[3] == {0: b"success"}


def test_e20_call_without_a_result_leaves_the_connection_usable(address):
    with rpc.connect(*address) as connection:
        connection.sendall(rpc.call("dataTransport"))
        assert rpc.Reader(connection).message()[1] in (rpc.REPLY, rpc.EXCEPTION)
        connection.sendall(rpc.call("aliveCheck"))
        assert rpc.Reader(connection).message()[3] == {0: b"success"}


def test_e20_alive_check(address):
    with rpc.scheduler_client(*address) as client:
        assert client.aliveCheck() == "success"


def test_e20_many_calls_on_one_connection(address, asker):
    inbox = asker.inbox("scheduler.cron")
    with rpc.scheduler_client(*address) as client:
        for number in range(50):
            ins = rpc.instruct(id=f"N{number}", type="cron")
            reins = rpc.generated().Reinstruct(ins=ins, flag=1, costtime=1, result=str(number))
            assert client.dataTransport(reins) == "success"
    results = [message.json["mqbody"]["result"] for message in inbox.take_many(50)]
    assert [result["id"] for result in results] == [f"N{number}" for number in range(50)]


def test_e20_success_is_said_after_the_broker_has_the_result(address, asker):
    """When the agent reads success, the cast is in the queue already."""
    inbox = asker.inbox("scheduler.cron")
    with rpc.scheduler_client(*address) as client:
        for number in range(20):
            ins = rpc.instruct(id=f"C{number}", type="cron")
            client.dataTransport(rpc.generated().Reinstruct(ins=ins, flag=1, costtime=1, result=""))
            message = inbox.poll()
            assert message is not None and message.json["mqbody"]["result"]["id"] == f"C{number}"


def test_e20_unknown_method_leaves_the_connection_usable(address):
    with rpc.scheduler_client(*address) as client:
        client._oprot.writeMessageBegin("instructionTransit", rpc.CALL, 9)
        client._oprot.writeByte(0)
        client._oprot.trans.flush()
        name, type_, seqid = client._iprot.readMessageBegin()
        error = TApplicationException()
        error.read(client._iprot)
        assert (name, type_, seqid) == ("instructionTransit", rpc.EXCEPTION, 9)
        assert error.type == TApplicationException.UNKNOWN_METHOD
        assert client.aliveCheck() == "success"


HUGE = 2**31 - 1

ATTACKS = {
    "list-of-2^31": rpc.strict_header("dataTransport") + rpc.field(rpc.LIST, 1, struct.pack("!bi", 12, HUGE)),
    "unknown-list-of-2^31": rpc.strict_header("x") + rpc.field(rpc.LIST, 9, struct.pack("!bi", 11, HUGE)),
    "string-of-2^31": rpc.strict_header("dataTransport") + rpc.field(rpc.STRING, 1, struct.pack("!i", HUGE)),
    "negative-string": rpc.strict_header("dataTransport") + rpc.field(rpc.STRING, 1, struct.pack("!i", -1)),
    "negative-list": rpc.strict_header("x") + rpc.field(rpc.LIST, 1, struct.pack("!bi", 11, -5)),
    "negative-name": struct.pack("!Ii", 0x80010001, -2),
    "name-of-2^31": struct.pack("!Ii", 0x80010001, HUGE),
    "wrong-version": struct.pack("!I", 0x80420001) + rpc.text("aliveCheck") + b"\0" * 5,
    "compact-protocol": b"\x82\x21\x01\x0aaliveCheck\x00",
    "unknown-field-type": rpc.strict_header("dataTransport") + b"\x63\x00\x01",
    "nested-structs": rpc.strict_header("x") + rpc.field(rpc.STRUCT, 1, b"") * 200_000,
    "nested-lists": rpc.strict_header("x") + rpc.field(rpc.LIST, 1, b"") + b"\x0f\0\0\0\1" * 200_000,
    "map-of-2^31": rpc.strict_header("x") + rpc.field(rpc.MAP, 1, struct.pack("!bbi", 11, 12, HUGE)),
    "set-of-empty-structs": rpc.strict_header("x")
    + rpc.field(rpc.SET, 1, struct.pack("!bi", 12, HUGE)) + b"\0" * 100_000,
    "random": bytes(range(128, 256)) * 64,
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 32,
}


@pytest.mark.parametrize("what", ATTACKS)
def test_attack_ends_the_connection_and_costs_no_memory(shared, address, what):
    before = shared.daemon.rss()
    connections = [rpc.connect(*address) for _ in range(5)]
    for connection in connections:
        try:
            connection.sendall(ATTACKS[what])
        except ConnectionError:
            pass
    for connection in connections:
        assert rpc.reads_end(connection), "the connection is closed"
        connection.close()
    assert shared.daemon.rss() - before < 20 << 20
    with rpc.scheduler_client(*address) as client:
        assert client.aliveCheck() == "success"


def test_framed_client_gets_no_answer(address):
    with pytest.raises(Exception):
        with rpc.scheduler_client(*address, framed=True, timeout=1) as client:
            client.aliveCheck()


def test_half_a_message_then_silence_holds_up_nobody(address):
    whole = rpc.call("aliveCheck")
    halves = [rpc.connect(*address) for _ in range(50)]
    for number, connection in enumerate(halves):
        connection.sendall(whole[: number % len(whole)])
    with rpc.scheduler_client(*address, timeout=3) as client:
        assert client.aliveCheck() == "success"
    for connection in halves:
        connection.close()


def test_one_byte_at_a_time_and_half_close(address):
    with rpc.connect(*address) as connection:
        for byte in rpc.call("aliveCheck", seqid=3):
            connection.sendall(bytes([byte]))
            time.sleep(0.002)
        connection.shutdown(socket.SHUT_WR)
        assert rpc.Reader(connection).message() == ("aliveCheck", rpc.REPLY, 3, {0: b"success"})


def test_callers_that_are_not_allowed_get_the_end(stage):
    daemon = stage.scheduler({"thrift.scheduler.authips": "10.9.9.9"})
    with rpc.connect("127.0.0.1", daemon.port) as connection:
        assert rpc.reads_end(connection, 5)


def test_connections_are_limited(stage):
    daemon = stage.scheduler({"thrift.scheduler.maxConnections": 10})
    held = [rpc.connect("127.0.0.1", daemon.port) for _ in range(30)]
    time.sleep(0.2)
    assert daemon.descriptors() < 60
    for connection in held:
        connection.close()

    def served():
        try:
            with rpc.scheduler_client("127.0.0.1", daemon.port, timeout=2) as client:
                return client.aliveCheck() == "success"
        except Exception:
            return False

    wait_until(served, "there is room again")
    agent = stage.fake_agent()
    wait_until(
        lambda: stage.asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true", "jobs are served"
    )
