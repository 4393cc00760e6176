"""Agents and the scheduler itself fail in mid-flow. Broker and ZooKeeper: test_outages.py."""

import collections
import socket
import threading
import time

import pytest

from support.fake_agent import CloseConnection, NeverAnswer
from support.mq import async_body, flat_members, job_body, new_id
from support.ports import loopback_address
from support.wait import wait_until

SYNC_ERROR = "[410.0]Send Job To Agent Fail"
ASYNC_ERROR = "[410.1]Send Job To Agent Fail"


def raises(error):
    def script(_):
        raise error

    return script


def wait_reached(stage, agent):
    wait_until(
        lambda: stage.asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true", "the agent is known"
    )


def expect_failure(asker, ip, reasons, error=SYNC_ERROR, **body):
    """Both message forms; returns the longer duration."""
    longest = 0
    for form in (
        lambda: asker.call(job_body(ip, **body), 20).json["mqbody"],
        lambda: asker.flat_sync(20, agent_ip=ip, **body).json["data"],
    ):
        started = time.monotonic()
        failure = form()
        longest = max(longest, time.monotonic() - started)
        assert failure["error"] == error, failure
        assert failure["reason"] in reasons, failure
    return longest


# Agents


def test_e06_refused_connection_has_its_reason(shared, asker):
    assert expect_failure(asker, shared.dead_agent(), ["refused"]) < 2


def test_e06_address_that_is_none(shared, asker):
    expect_failure(asker, "no.such.host.invalid", ["unreachable", "invalid", "not-registered", "refused"])


def test_agent_that_dies_in_mid_call(asker, agent):
    agent.on_sync = raises(CloseConnection())
    assert expect_failure(asker, agent.ip, ["agent-lost", "outcome-unknown"]) < 2
    agent.on_sync = None
    assert asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true"


def test_call_is_not_repeated_after_the_agent_died_in_it(asker, agent):
    """Rather once too few than twice: the function may have run."""
    agent.on_sync = raises(CloseConnection())
    asker.call(job_body(agent.ip, param="once"))
    assert [ins.param for ins in agent.sync_calls] == ["once"]


def test_agent_that_closes_idle_connections_is_dialled_again(asker, agent):
    for _ in range(5):
        assert asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true"
        agent.drop_connections()
        time.sleep(0.05)
    assert asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true"


def test_exception_of_the_agent_is_a_failed_call(asker, agent):
    agent.on_sync = raises(RuntimeError("scripted"))
    failure = asker.call(job_body(agent.ip)).json["mqbody"]
    assert failure["error"] == SYNC_ERROR and failure["reason"]


@pytest.mark.slow
def test_silent_agent_fails_after_the_call_time_and_others_go_on(stage):
    stage.scheduler({"thrift.outTime": 6000})
    silent, good = stage.fake_agent(), stage.fake_agent()
    wait_reached(stage, good)
    silent.on_sync = raises(NeverAnswer())
    silent.on_async = raises(NeverAnswer())
    waiting, cron = stage.asker.inbox(), stage.asker.inbox("scheduler.cron")
    started = time.monotonic()
    stage.asker.later("syncJob", job_body(silent.ip, timeout=1), reply_to=waiting.name)
    stage.asker.cast(async_body(silent.ip, "cron"), "cron")
    for _ in range(20):
        assert stage.asker.call(job_body(good.ip)).json["mqbody"]["flag"] == "true"
    assert time.monotonic() - started < 5.5, "other agents are not held up"
    asynchronous = cron.take(30).json["mqbody"]
    assert 5.5 < time.monotonic() - started < 20, "thrift.outTime"
    assert asynchronous["error"] == ASYNC_ERROR
    synchronous = waiting.take(30).json["mqbody"]
    assert 6.5 < time.monotonic() - started < 20, "timeout + thrift.outTime"
    assert synchronous["error"] == SYNC_ERROR
    assert synchronous["reason"] in ("outcome-unknown", "timeout")


@pytest.mark.slow
def test_host_that_swallows_packets_fails_after_the_connect_time(stage):
    """A listener with a full backlog: the connection is never made."""
    stage.scheduler({"thrift.outTime": 1000})
    ip = loopback_address()
    listener = socket.socket()
    listener.bind((ip, 0))
    listener.listen(0)
    fillers = []
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    stage.register(ip, listener.getsockname()[1])
    good = stage.fake_agent()
    wait_reached(stage, good)
    started = time.monotonic()
    failure = stage.asker.call(job_body(ip, timeout=1), 30).json["mqbody"]
    assert time.monotonic() - started < 20
    assert failure["reason"] in ("unreachable", "timeout", "outcome-unknown")
    for one in fillers + [listener]:
        one.close()


GARBAGE_REPLIES = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x80\x01\x00\x02" + b"\x7f\xff\xff\xff" + b"x" * 100,
    b"\x80\x01\x00\x02\x00\x00\x00\x15instructionInvokeSync\x00\x00\x00\x01\x0c\x00\x00\x0f\x00\x01\x0c\x7f\xff\xff\xff",
    b"\x00" * 64,
]


@pytest.mark.parametrize("reply", GARBAGE_REPLIES, ids=["http", "huge-name", "huge-list", "zeros"])
def test_agent_that_answers_garbage(shared, asker, agent, reply):
    ip = loopback_address()
    listener = socket.create_server((ip, shared.agent_port))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(65536)
            connection.sendall(reply)
            threading.Timer(2, connection.close).start()

    threading.Thread(target=serve, daemon=True).start()
    before = shared.daemon.rss()
    failure = asker.call(job_body(ip, timeout=1), 8).json["mqbody"]
    assert failure["error"] == SYNC_ERROR and failure["reason"]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    assert shared.daemon.rss() - before < 20 << 20
    assert asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true"


def test_one_slow_agent_with_many_calls_does_not_hold_up_others(stage):
    stage.scheduler({"mq.prefetch": 200})
    slow, good = stage.fake_agent(), stage.fake_agent()
    wait_reached(stage, good)
    release = threading.Event()

    def wait(ins):
        release.wait(30)
        return slow.reply(ins)

    slow.on_sync = wait
    inbox = stage.asker.inbox()
    for _ in range(50):
        stage.asker.later("syncJob", job_body(slow.ip), reply_to=inbox.name)
    started = time.monotonic()
    assert stage.asker.call(job_body(good.ip)).json["mqbody"]["flag"] == "true"
    assert time.monotonic() - started < 20
    release.set()
    replies = [m.json["mqbody"]["flag"] for m in inbox.take_many(50)]
    assert replies == ["true"] * 50


# The scheduler


@pytest.mark.slow
def test_kill_9_with_200_jobs_queued_and_50_in_flight(stage):
    settings = {"mq.prefetch": 50}
    first = stage.scheduler(settings)
    agent = stage.fake_agent()
    wait_reached(stage, agent)
    results = stage.asker.inbox("scheduler.queue")
    held = threading.Event()
    taken = []

    def finish_later(ins):
        taken.append(ins.id)
        held.wait(60)
        return {"result": ins.param}

    agent.auto_finish = finish_later
    ids = [new_id() for _ in range(250)]
    for id in ids:
        stage.asker.cast(async_body(agent.ip, "queue", id=id, param=id, timeout=60), "queue")
    wait_until(lambda: len(taken) >= 50, "50 jobs are at the agent")
    first.kill()
    second = stage.scheduler({**settings, "thrift.scheduler.port": first.port})
    held.set()
    seen = collections.Counter()
    deadline = time.monotonic() + 40
    while set(seen) != set(ids) and time.monotonic() < deadline:
        message = results.poll()
        if message is None:
            time.sleep(0.01)
            continue
        body = message.json["mqbody"]
        seen[body["result"]["id"]] += 1
    missing = set(ids) - set(seen)
    assert not missing, f"{len(missing)} of {len(ids)} jobs have no result"
    wait_until(lambda: stage.asker.waiting() == 0, "the queue is empty")
    assert second.terminate() == 0
    assert stage.asker.waiting() == 0, "nothing is left to be delivered again"


@pytest.mark.slow
def test_kill_9_with_sync_jobs_in_flight_answers_or_reruns_none_twice(stage):
    first = stage.scheduler()
    agent = stage.fake_agent()
    wait_reached(stage, agent)
    count = len(agent.sync_calls)
    release = threading.Event()

    def wait(ins):
        release.wait(20)
        return agent.reply(ins)

    agent.on_sync = wait
    id = new_id()
    inbox = stage.asker.inbox(id)
    stage.asker.flat(id=id, **flat_members({"agent_ip": agent.ip, "timeout": 20}))
    wait_until(lambda: len(agent.sync_calls) == count + 1, "the call is at the agent")
    first.kill()
    stage.scheduler()
    release.set()
    reply = inbox.take(15, "the asker is told something").json
    assert reply["data"]["log_id"] == id


@pytest.mark.slow
def test_sigterm_with_jobs_in_flight_exits_0_and_loses_nothing(stage):
    daemon = stage.scheduler({"mq.prefetch": 20})
    agent = stage.fake_agent()
    wait_reached(stage, agent)

    def slow(ins):
        time.sleep(1.5)
        return agent.reply(ins)

    agent.on_sync = slow
    inbox = stage.asker.inbox()
    before = len(agent.sync_calls)
    for number in range(60):
        stage.asker.later("syncJob", job_body(agent.ip, param=str(number)), reply_to=inbox.name)
    wait_until(lambda: len(agent.sync_calls) > before, "some are in flight")
    assert daemon.terminate() == 0
    answered = [m.json["mqbody"] for m in iter(inbox.poll, None)]
    assert answered, "what was in flight was answered before the end"
    assert all(body["flag"] == "true" for body in answered)
    wait_until(lambda: stage.asker.waiting() + len(answered) == 60, "the rest is in the queue again", 5)
    agent.on_sync = None
    stage.scheduler()
    rest = [m.json["mqbody"] for m in inbox.take_many(60 - len(answered))]
    texts = sorted(int(body["result"]["worker_message"]) for body in answered + rest)
    assert texts == list(range(60))


@pytest.mark.slow
def test_sigterm_does_not_wait_for_ever(stage):
    daemon = stage.scheduler({"shutdown.timeout": 1})
    agent = stage.fake_agent()
    wait_reached(stage, agent)
    agent.on_sync = raises(NeverAnswer())
    stage.asker.later("syncJob", job_body(agent.ip, timeout=60), reply_to=stage.asker.inbox().name)
    wait_until(lambda: stage.asker.waiting() == 0, "the job is taken")
    started = time.monotonic()
    assert daemon.terminate() == 0
    assert time.monotonic() - started < 20


def test_sigterm_when_idle_is_quick(stage):
    daemon = stage.scheduler()
    started = time.monotonic()
    assert daemon.terminate() == 0
    assert time.monotonic() - started < 8
