"""E39: HTTP callbacks in bad company: who they are from, where they may go, and what a target can do."""

import hashlib
import hmac
import time

import pytest

from support.cron import time_text
from support.receiver import BadServer, Receiver
from support.wait import FACTOR, wait_until

HUGE = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"


def serving(make):
    one = make()
    yield one
    one.close()


@pytest.fixture
def receiver():
    yield from serving(Receiver)


@pytest.fixture
def hanging():
    yield from serving(BadServer)


def the_row(cron_stage, id):
    """The only execution of a task, when it has ended."""

    def ended():
        rows = cron_stage.history(id)["result"]
        return rows and rows[0]["state"] == "ended" and rows

    rows = wait_until(ended, "it has ended")
    assert len(rows) == 1
    return rows[0]


def once(cron_stage, url, **members):
    return cron_stage.create(start=True, url=url, every=1, count=1, **members)


def memory_mib(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def test_e39_callbacks_are_signed(cron_stage, receiver):
    cron_stage.cron({"http.signKey": "s3cret", "http.retryFirst": 20})
    receiver.answers = [503, 200]
    once(cron_stage, receiver.url, param='{"n":"\u4e2d"}', retries=2)
    wait_until(lambda: len(receiver.requests) == 2, "both tries")
    for _, _, headers, body in receiver.requests:
        moment, signature = (part.split("=")[1] for part in headers["Elves-Signature"].split(","))
        signed = b".".join([moment.encode(), headers["Elves-Execution"].encode(), body])
        assert hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest() == signature
        assert abs(time.time() - int(moment)) < 60 * FACTOR
    assert receiver.requests[0][2]["Elves-Execution"] == receiver.requests[1][2]["Elves-Execution"]


def test_e39_callbacks_are_not_signed_without_a_key(cron_stage, receiver):
    cron_stage.cron()
    once(cron_stage, receiver.url, headers={"Elves-Signature": "t=1,v1=00", "elves-execution": "of another"})
    wait_until(lambda: receiver.requests, "a request")
    assert "Elves-Signature" not in receiver.requests[0][2]
    assert ":" in receiver.requests[0][2]["Elves-Execution"]


PRIVATE = ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "10.1.2.3", "169.254.169.254")


def test_e39_private_addresses_can_be_forbidden(cron_stage, receiver):
    cron_stage.cron({"http.forbidPrivate": "true"})
    ids = [once(cron_stage, f"http://{host}:{receiver.port}/", retries=5) for host in PRIVATE]
    for id in ids:
        row = the_row(cron_stage, id)
        assert row["flag"] == "false" and "are forbidden" in row["error"], row
    assert receiver.requests == []


def test_e39_networks_can_be_forbidden(cron_stage, receiver):
    cron_stage.cron({"http.forbid": "127.9.0.0/16, 10.0.0.0/8"})
    other = Receiver("127.9.1.1")
    good, bad = once(cron_stage, receiver.url), once(cron_stage, other.url)
    assert the_row(cron_stage, good)["flag"] == "true"
    assert "127.9.1.1 are forbidden" in the_row(cron_stage, bad)["error"]
    assert other.requests == []
    other.close()


def test_e39_redirects_are_not_followed(cron_stage, receiver):
    cron_stage.cron({"http.retryFirst": 20})
    other = Receiver()
    receiver.location = other.url
    receiver.answers = [302, 307]
    ids = [once(cron_stage, receiver.url) for _ in range(2)]
    errors = sorted(the_row(cron_stage, id)["error"][:8] for id in ids)
    assert errors == ["HTTP 302", "HTTP 307"]
    assert len(receiver.requests) == 2 and other.requests == []
    other.close()


def test_e39_a_hanging_target_delays_nobody(cron_stage, receiver, hanging):
    """80 callbacks hang, more than may be open; each of 20 to another target is there within a second of its time."""
    cron_stage.cron({"cron.maxOutstanding": 50})
    for _ in range(80):
        once(cron_stage, hanging.url, timeout=600)
    wait_until(lambda: hanging.connected >= 10, "they hang")
    planned = time.time() + 2 * FACTOR
    ids = [cron_stage.create(start=True, url=receiver.url, at=time_text(planned + n / 10)) for n in range(20)]
    wait_until(lambda: len(receiver.requests) >= 20, "the good ones")
    assert time.time() - planned - 1.9 < 1 * FACTOR
    assert all(the_row(cron_stage, id)["flag"] == "true" for id in ids)
    assert hanging.connected == 10, "http.maxPerHost"


def test_e39_a_target_that_takes_none_gets_no_more(cron_stage, receiver, hanging):
    cron_stage.cron({"http.maxWaitingPerHost": 5, "http.stalledAfter": 1})
    for _ in range(5):
        once(cron_stage, hanging.url, timeout=600)
    wait_until(lambda: hanging.connected == 5, "five hang")
    time.sleep(1.5)  # it is stalled then
    row = the_row(cron_stage, once(cron_stage, hanging.url, retries=5))
    assert row["flag"] == "false" and "too many callbacks wait" in row["error"]
    assert the_row(cron_stage, once(cron_stage, receiver.url))["flag"] == "true"


def test_e39_a_target_that_floods_is_cut_off(cron_stage, receiver):
    cron = cron_stage.cron({"http.maxAnswer": 100})
    flooding = BadServer(HUGE, b"x" * 65536)
    before = memory_mib(cron)
    ids = [once(cron_stage, flooding.url) for _ in range(10)]
    rows = [the_row(cron_stage, id) for id in ids]
    assert all(row["flag"] == "true" and row["worker_message"] == "x" * 100 for row in rows)
    wait_until(lambda: flooding.cut_off == 10, "all are cut off")
    assert flooding.flooded < 10 * (16 << 20)  # what the buffers of two sockets take
    assert memory_mib(cron) - before < 10
    assert the_row(cron_stage, once(cron_stage, receiver.url))["flag"] == "true"
    flooding.close()


def test_e39_endless_headers_are_cut_off(cron_stage):
    cron = cron_stage.cron({"http.retryFirst": 10})
    flooding = BadServer(b"HTTP/1.1 200 OK\r\n", b"X-Flood: " + b"x" * 60000 + b"\r\n")
    before = memory_mib(cron)
    assert the_row(cron_stage, once(cron_stage, flooding.url, retries=1))["flag"] == "false"
    assert memory_mib(cron) - before < 10
    flooding.close()
