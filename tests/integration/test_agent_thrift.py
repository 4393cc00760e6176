"""AgentService on 11101: the services, the bytes on the wire, who may call, and garbage."""

import signal
import socket
import struct
import time

import pytest
from thrift.Thrift import TApplicationException

from support import apps, rpc
from support.wait import wait_until


@pytest.fixture(scope="module", autouse=True)
def installed(host):
    apps.shell(host.apps, "echo", "run.sh", *apps.echo_marked())
    apps.shell(host.apps, "sleep", "run.sh", 'sleep "$(printf %s "$3" | base64 -d)"', "echo slept")


@pytest.fixture
def address(host):
    return host.host, host.port


# The services


def test_e21_two_instructions_two_acknowledgements_two_results(alone):
    scheduler = alone.fake_scheduler()
    agent = alone.agent({"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port})
    apps.shell(agent.apps, "slow", "run.sh", "sleep 3", *apps.echo_marked("slept $2"))
    with agent.client() as client:
        started = time.monotonic()
        jobs = [
            rpc.instruct(id=f"J{n}", ip=agent.ip, type="queue", mode="np", app="slow", func=f"f{n}", proxy="run.sh")
            for n in (1, 2)
        ]
        answers = client.instructionInvokeAsync(jobs)
        assert time.monotonic() - started < 2.5, "the acknowledgement does not wait for the worker"
    assert [(a.ins.id, a.ins.type, a.ins.mode, a.flag, a.costtime, a.result) for a in answers] == [
        ("J1", "queue", "np", 1, 0, ""), ("J2", "queue", "np", 1, 0, "")
    ]
    wait_until(lambda: len(scheduler.results) == 2, "both results are reported")
    results = sorted(scheduler.results, key=lambda reins: reins.ins.id)
    assert [(r.ins.id, r.ins.type, r.flag, r.result) for r in results] == [
        ("J1", "queue", 1, "slept f1"), ("J2", "queue", 1, "slept f2")
    ]
    assert all(600 <= r.costtime < 5000 for r in results)


def test_e21_unknown_app_is_acknowledged_and_reported(alone):
    scheduler = alone.fake_scheduler()
    agent = alone.agent({"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port})
    with agent.client() as client:
        (answer,) = client.instructionInvokeAsync([rpc.instruct(id="U", type="cron", app="nope", func="f")])
    assert answer.flag == 1
    (result,) = wait_until(lambda: scheduler.results, "the result is reported")
    assert (result.flag, result.result) == (-1, "app [nope] not install !")


def test_e21_empty_list(host):
    with host.client() as client:
        assert client.instructionInvokeAsync([]) == []
        assert client.aliveCheck() == "success"


def test_e21_result_goes_to_the_origin_of_the_job(alone):
    configured, origin = alone.fake_scheduler(), alone.fake_scheduler()
    agent = alone.agent({"scheduler.addr": "127.0.0.1", "scheduler.port": configured.port})
    apps.shell(agent.apps, "echo", "run.sh", *apps.echo_marked())
    with agent.client() as client:
        client.instructionInvokeAsync(
            [rpc.instruct(id="O", type="cron", app="echo", proxy="run.sh", origin=f"127.0.0.1:{origin.port}")]
        )
    wait_until(lambda: origin.results, "the origin gets the result")
    assert configured.results == []


def test_e22_sync_result_with_flag_time_and_text(run):
    reins = run("echo", id="S1", type="cron", mode="P", param="hello", proxy="run.sh", timeout=5)
    assert (reins.flag, reins.result) == (1, "hello")
    assert 0 <= reins.costtime < 3000
    ins = reins.ins
    assert (ins.type, ins.mode.lower()) == ("rt", "np")
    assert (ins.id, ins.app, ins.func, ins.param, ins.timeout, ins.proxy) == (
        "S1", "echo", "f", "hello", 5, "run.sh"
    )


def test_e22_built_in_ping_answers_its_parameter(run):
    reins = run("elves", "ping", param="päräm\n☃")
    assert (reins.flag, reins.result) == (1, "päräm\n☃")


def test_e24_alive_check(address):
    with rpc.connect(*address) as connection:
        connection.sendall(bytes.fromhex("80010001 0000000a") + b"aliveCheck" + bytes.fromhex("00000007 00"))
        reader = rpc.Reader(connection)
        assert reader.message() == ("aliveCheck", rpc.REPLY, 7, {0: b"success"})
        assert reader.raw == (
            bytes.fromhex("80010002 0000000a") + b"aliveCheck" + bytes.fromhex("00000007 0b 0000 00000007")
            + b"success" + b"\0"
        )


# The bytes


def test_e23_bytes_of_the_structs(address):
    """Reinstruct has ids 1, 3, 4, 5 and its Instruct 1 to 9; a call of the first interface echoes."""
    fields = dict(id="V1", ip="10.0.0.1", type="rt", mode="np", app="elves", func="ping", param="p", timeout=3)
    with rpc.connect(*address) as connection:
        connection.sendall(rpc.sync_call(seqid=5, **fields))
        reader = rpc.Reader(connection)
        method, type_, seqid, result = reader.message()
    assert (method, type_, seqid) == ("instructionInvokeSync", rpc.REPLY, 5)
    reins = result[0]
    assert 2 not in reins and {1, 3, 4, 5} <= set(reins)
    assert (reins[3], reins[5]) == (1, b"p")
    ins = reins[1]
    assert set(range(1, 10)) <= set(ins)
    assert [ins[n] for n in range(1, 10)] == [b"V1", b"10.0.0.1", b"rt", ins[4], b"elves", b"ping", b"p", 3, b""]
    assert ins[4].lower() == b"np"
    vector = (
        b"\x0b\0\1\0\0\0\x02V1" b"\x0b\0\2\0\0\0\x0810.0.0.1" b"\x0b\0\3\0\0\0\x02rt"
        b"\x0b\0\4\0\0\0\x02" + ins[4] + b"\x0b\0\5\0\0\0\x05elves" b"\x0b\0\6\0\0\0\x04ping"
        b"\x0b\0\7\0\0\0\x01p" b"\x08\0\x08\0\0\0\3" b"\x0b\0\x09\0\0\0\0"
    )
    assert vector in reader.raw


def test_e23_unknown_fields_are_skipped_missing_ones_empty(address):
    unknown = (
        rpc.i32_field(99, 1) + rpc.string_field(100, "x") + rpc.field(rpc.STRUCT, 101, rpc.i32_field(1, 1) + rpc.STOP)
        + rpc.field(rpc.LIST, 102, struct.pack("!bi", rpc.I64, 2) + bytes(16))
        + rpc.field(rpc.MAP, 103, struct.pack("!bbi", rpc.STRING, rpc.BOOL, 1) + rpc.text("k") + b"\1")
    )
    ins = unknown + rpc.string_field(5, "elves") + rpc.string_field(6, "ping") + rpc.STOP
    with rpc.connect(*address) as connection:
        connection.sendall(rpc.call("instructionInvokeSync", rpc.field(rpc.STRUCT, 1, ins) + rpc.i32_field(7, 7)))
        reins = rpc.Reader(connection).message()[3][0]
    assert (reins[3], reins[5]) == (1, b"")
    assert (reins[1].get(1, b""), reins[1].get(8, 0)) == (b"", 0)


def test_e23_known_field_of_another_type_is_skipped(address):
    ins = rpc.i32_field(1, 77) + rpc.string_field(5, "elves") + rpc.string_field(6, "ping") + rpc.STOP
    with rpc.connect(*address) as connection:
        connection.sendall(rpc.call("instructionInvokeSync", rpc.field(rpc.STRUCT, 1, ins)))
        assert rpc.Reader(connection).message()[3][0][3] == 1


def test_e23_fields_in_any_order(address):
    ins = rpc.string_field(7, "z") + rpc.string_field(6, "ping") + rpc.string_field(5, "elves") + rpc.STOP
    with rpc.connect(*address) as connection:
        connection.sendall(rpc.call("instructionInvokeSync", rpc.field(rpc.STRUCT, 1, ins)))
        assert rpc.Reader(connection).message()[3][0][5] == b"z"


def test_e23_bytes_that_are_no_text_in_a_parameter_come_back(address):
    param = b"a\0b\xff\xfe"
    with rpc.connect(*address) as connection:
        connection.sendall(rpc.sync_call(app="elves", func="ping", param=param))
        result = rpc.Reader(connection).message()[3][0][5]
    assert result == param


# The transport


def test_e25_framed_client_fails(address):
    with pytest.raises(Exception):
        with rpc.agent_client(*address, framed=True, timeout=1) as client:
            client.aliveCheck()


def test_e25_ten_calls_on_one_connection(run):
    for number in range(10):
        assert run("elves", "ping", param=str(number)).result == str(number)


@pytest.mark.parametrize("strict", [True, False])
def test_e25_strict_and_old_requests_get_strict_answers(address, strict):
    header = rpc.strict_header if strict else rpc.old_header
    with rpc.connect(*address) as connection:
        for seqid in (0, 1, -1, 2**31 - 1):
            connection.sendall(header("aliveCheck", seqid) + rpc.STOP)
            assert rpc.Reader(connection).message() == ("aliveCheck", rpc.REPLY, seqid, {0: b"success"})


def test_e25_pipelined_calls_are_answered_in_order(address):
    calls = b"".join(rpc.sync_call(n, app="elves", func="ping", param=str(n)) for n in range(200))
    with rpc.connect(*address) as connection:
        connection.sendall(calls)
        reader = rpc.Reader(connection)
        for number in range(200):
            method, type_, seqid, fields = reader.message()
            assert (seqid, fields[0][5]) == (number, str(number).encode())


def test_e25_a_slow_call_before_a_quick_one_keeps_the_order(address):
    with rpc.connect(*address) as connection:
        connection.sendall(
            rpc.sync_call(1, app="sleep", param="0.5", proxy="run.sh") + rpc.sync_call(2, app="elves", func="ping")
        )
        reader = rpc.Reader(connection)
        assert [reader.message()[2], reader.message()[2]] == [1, 2]


def test_e25_one_byte_at_a_time_and_half_close(address):
    with rpc.connect(*address) as connection:
        for byte in rpc.sync_call(4, app="elves", func="ping", param="bytes"):
            connection.sendall(bytes([byte]))
        connection.shutdown(socket.SHUT_WR)
        assert rpc.Reader(connection).message()[3][0][5] == b"bytes"
        assert rpc.reads_end(connection)


def test_e25_unknown_method_keeps_the_connection(address):
    with rpc.connect(*address) as connection:
        connection.sendall(rpc.call("doWhat", rpc.string_field(1, "x"), seqid=6) + rpc.call("aliveCheck"))
        reader = rpc.Reader(connection)
        method, type_, seqid, fields = reader.message()
        assert (method, type_, seqid) == ("doWhat", rpc.EXCEPTION, 6)
        assert fields[2] == TApplicationException.UNKNOWN_METHOD
        assert reader.message()[0] == "aliveCheck"


def test_e25_foreign_callers_get_the_end_without_an_answer(alone):
    agent = alone.agent({"authips": "10.9.9.9"})
    with rpc.connect(agent.host, agent.port) as connection:
        try:
            connection.sendall(rpc.call("aliveCheck"))
            connection.settimeout(5)
            assert connection.recv(100) == b""
        except ConnectionError:
            pass


@pytest.mark.parametrize("authips", ["127.0.0.0/8", "10.9.9.9, 127.0.0.1", "127.0.0.1", "::1/128,127.0.0.1/32"])
def test_e25_callers_in_the_list_are_served(alone, authips):
    agent = alone.agent({"agent.listen": "127.0.0.1", "agent.ip": "127.0.0.1", "authips": authips})
    with agent.client() as client:
        assert client.aliveCheck() == "success"


def test_quick_clients_that_come_and_go(host, address):
    before = host.descriptors()
    for _ in range(300):
        with rpc.agent_client(*address) as client:
            assert client.aliveCheck() == "success"
    wait_until(lambda: host.descriptors() <= before + 2, "no descriptor is kept")


def test_caller_that_leaves_in_mid_call_harms_nobody(host, address, run):
    for _ in range(10):
        connection = rpc.connect(*address)
        connection.sendall(rpc.sync_call(app="sleep", param="0.2", proxy="run.sh"))
        connection.close()
    assert run("elves", "ping", param="x").result == "x"


# Garbage


HUGE = 2**31 - 1
SYNC = rpc.strict_header("instructionInvokeSync")
ASYNC = rpc.strict_header("instructionInvokeAsync")

ATTACKS = {
    "42-bytes-of-original": ASYNC + rpc.field(rpc.LIST, 1, struct.pack("!bi", rpc.STRUCT, HUGE)),
    "list-then-stops": ASYNC + rpc.field(rpc.LIST, 1, struct.pack("!bi", rpc.STRUCT, HUGE)) + b"\0" * 300_000,
    "negative-list": ASYNC + rpc.field(rpc.LIST, 1, struct.pack("!bi", rpc.STRUCT, -1)),
    "string-of-2^31": SYNC + rpc.field(rpc.STRUCT, 1, rpc.field(rpc.STRING, 7, struct.pack("!i", HUGE))),
    "negative-string": SYNC + rpc.field(rpc.STRUCT, 1, rpc.field(rpc.STRING, 7, struct.pack("!i", -1))),
    "name-of-2^31": struct.pack("!Ii", 0x80010001, HUGE),
    "old-name-of-2^31": struct.pack("!i", HUGE),
    "wrong-version": struct.pack("!I", 0x80420001) + rpc.text("aliveCheck") + b"\0" * 5,
    "compact-protocol": b"\x82\x21\x01\x0aaliveCheck\x00",
    "field-type-99": SYNC + b"\x63\x00\x01",
    "nested-structs": SYNC + rpc.field(rpc.STRUCT, 1, b"") * 200_000,
    "nested-lists": SYNC + rpc.field(rpc.LIST, 1, b"") + b"\x0f\0\0\0\1" * 200_000,
    "map-of-2^31": SYNC + rpc.field(rpc.MAP, 1, struct.pack("!bbi", 11, 12, HUGE)),
    "random": bytes(range(128, 256)) * 64,
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("what", ATTACKS)
def test_attack_ends_the_connection_and_costs_no_memory(host, address, run, what):
    before = host.rss()
    connections = [rpc.connect(*address) for _ in range(5)]
    for connection in connections:
        try:
            connection.sendall(ATTACKS[what])
        except ConnectionError:
            pass
    for connection in connections:
        assert rpc.reads_end(connection), "the connection is closed"
        connection.close()
    assert host.rss() - before < 20 << 20
    assert run("elves", "ping", param="alive").result == "alive"


def test_sync_call_without_its_struct_is_answered_or_closed(address, run):
    with rpc.connect(*address) as connection:
        connection.sendall(rpc.call("instructionInvokeSync"))
        connection.settimeout(5)
        try:
            assert rpc.Reader(connection).message()[1] in (rpc.EXCEPTION, rpc.REPLY)
        except EOFError:
            pass
    assert run("elves", "ping", param="alive").result == "alive"


@pytest.mark.slow
def test_half_a_message_is_cut_off_after_the_message_time(alone):
    agent = alone.agent({"agent.messageTimeout": 1})
    with rpc.connect(agent.host, agent.port) as connection:
        connection.sendall(rpc.sync_call(app="elves", func="ping")[:-3])
        started = time.monotonic()
        assert rpc.reads_end(connection, 30)
        assert 0.5 < time.monotonic() - started < 20


def test_many_half_messages_hold_up_nobody(address, run):
    whole = rpc.sync_call(app="elves", func="ping", param="x" * 100)
    halves = [rpc.connect(*address) for _ in range(100)]
    for number, connection in enumerate(halves):
        connection.sendall(whole[: 1 + number % (len(whole) - 1)])
    assert run("elves", "ping", param="alive").result == "alive"
    for connection in halves:
        connection.close()


def test_peer_that_never_reads_its_answer_is_bounded(host, address, run):
    """Calls without end and no reading: the agent stops reading, it does not fill its memory."""
    before = host.rss()
    call = rpc.sync_call(app="elves", func="ping", param="x" * 60_000)
    connection = rpc.connect(*address)
    connection.settimeout(0.5)
    sent = 0
    try:
        while sent < 200 << 20:
            sent += connection.send(call)
    except (socket.timeout, ConnectionError):
        pass
    assert host.rss() - before < 80 << 20
    assert run("elves", "ping", param="alive").result == "alive"
    connection.close()


def test_sigterm_of_an_idle_agent_is_quick(alone):
    agent = alone.agent()
    started = time.monotonic()
    agent.process.send_signal(signal.SIGTERM)
    assert agent.wait(30) == 0
    assert time.monotonic() - started < 8
