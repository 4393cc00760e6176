"""Whatever arrives on the queue: refused with the right text, or dropped; the next one is served."""

import json

import pytest

from support import rpc
from support.mq import async_body, flat_members, job_body, new_id
from support.wait import wait_until


def key(parts):
    return {"mqkey": parts, "mqtype": "call", "mqbody": {}}


DEEP = 100_000

GARBAGE = {
    "empty": b"",
    "not-json": b"{not json",
    "half-json": b'{"mqkey":"openapi.scheduler.syncJob","mqt',
    "array": b"[1,2,3]",
    "number": b"17",
    "text": b'"openapi.scheduler.syncJob"',
    "null": b"null",
    "no-mqkey": b'{"mqtype":"call","mqbody":{}}',
    "mqkey-number": b'{"mqkey":17,"mqtype":"call","mqbody":{}}',
    "mqkey-object": b'{"mqkey":{"a":1},"mqtype":"call"}',
    "no-mqtype": b'{"mqkey":"openapi.scheduler.syncJob","mqbody":{}}',
    "one-part": json.dumps(key("syncJob")).encode(),
    "two-parts": json.dumps(key("openapi.scheduler")).encode(),
    "five-parts": json.dumps(key("openapi.scheduler.syncJob.A.B")).encode(),
    "empty-parts": json.dumps(key("...")).encode(),
    "unknown-action": json.dumps(key("openapi.scheduler.doWhat")).encode(),
    "action-in-other-case": json.dumps(key("openapi.scheduler.SYNCJOB")).encode(),
    "mqtype-Call": b'{"mqkey":"openapi.scheduler.syncJob","mqtype":"Call","mqbody":{}}',
    "mqtype-call-dot": b'{"mqkey":"openapi.scheduler.syncJob","mqtype":"call.","mqbody":{}}',
    "mqtype-two-ids": b'{"mqkey":"openapi.scheduler.syncJob","mqtype":"call.A.B","mqbody":{}}',
    "flat-mqtype": b'{"mqkey":"openapi.scheduler.sendSync.A","mqtype":"back"}',
    "body-text-not-json": b'{"mqkey":"openapi.scheduler.syncJob","mqtype":"call","mqbody":"{"}',
    "body-array": b'{"mqkey":"openapi.scheduler.syncJob","mqtype":"call","mqbody":[]}',
    "not-utf8": b'{"mqkey":"openapi.scheduler.syncJob\xff\xfe","mqtype":"call","mqbody":{}}',
    "utf16": '{"mqkey":"openapi.scheduler.syncJob"}'.encode("utf-16"),
    "nul": b'{"mqkey":"openapi.scheduler.syncJob\x00","mqtype":"call"}',
    "deep-arrays": b'{"mqkey":"a.b.c","mqbody":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep-objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep-unclosed": b"[" * DEEP,
    "random": bytes(range(256)) * 16,
}


@pytest.mark.parametrize("what", GARBAGE)
def test_e15_garbage_is_dropped_and_the_next_message_served(shared, asker, agent, what):
    everything = asker.inbox("openapi.nobody", "scheduler.*")
    reply_queue = asker.inbox()
    asker.publish(GARBAGE[what], reply_to=reply_queue.name)
    assert asker.call(job_body(agent.ip, param=what)).json["mqbody"]["flag"] == "true"
    reply_queue.stays_empty(0.05)
    everything.stays_empty(0.05)
    assert [ins.param for ins in agent.jobs] == [what]
    assert shared.daemon.alive()


@pytest.mark.slow
def test_e15_nothing_is_redelivered_for_ever(stage):
    """After all the garbage, and a stop, the queue is empty: everything was acknowledged."""
    daemon = stage.scheduler()
    for body in GARBAGE.values():
        stage.asker.publish(body)
    agent = stage.fake_agent()
    wait_until(
        lambda: stage.asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true",
        "the scheduler serves the agent",
    )
    assert daemon.terminate() == 0
    assert stage.asker.waiting() == 0


def test_e15_complaints_do_not_flood_the_log(stage):
    daemon = stage.scheduler()
    before = len(daemon.log())
    for _ in range(2000):
        stage.asker.publish(b"{not json")
    agent = stage.fake_agent()
    wait_until(
        lambda: stage.asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true",
        "the scheduler serves the agent",
    )
    assert len(daemon.log()) - before < 20_000


def test_e15_too_large_a_message_is_dropped(stage):
    stage.scheduler({"mq.maxMessage": 65536})
    agent = stage.fake_agent()
    wait_until(
        lambda: stage.asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true",
        "the scheduler serves the agent",
    )
    count = len(agent.jobs)
    stage.asker.later("syncJob", job_body(agent.ip, param="x" * 200_000))
    assert stage.asker.call(job_body(agent.ip, param="small")).json["mqbody"]["flag"] == "true"
    assert [ins.param for ins in agent.jobs][count:] == ["small"]


# A known action with a missing or illegal member.

ILLEGAL = [
    ({"agent_ip": ""}, "[403.1]Request Params (ip) Illegal"),
    ({"agent_ip": None}, "[403.1]Request Params (ip) Illegal"),
    ({"agent_ip": "   "}, "[403.1]Request Params (ip) Illegal"),
    ({"app": ""}, "[403.3]Request Params (app) Illegal"),
    ({"app": None}, "[403.3]Request Params (app) Illegal"),
    ({"func": " "}, "[403.7]Request Params (func) Illegal"),
    ({"mode": "x"}, "[403.4]Request Params (mode) Illegal"),
    ({"mode": "sapp"}, "[403.4]Request Params (mode) Illegal"),
    ({"timeout": "soon"}, "[403.8]Request Params (timeout) Illegal"),
    ({"timeout": -5}, "[403.8]Request Params (timeout) Illegal"),
    ({"timeout": 10**12}, "[403.8]Request Params (timeout) Illegal"),
]


@pytest.mark.parametrize("change, error", ILLEGAL, ids=lambda value: str(value)[:40])
def test_e15_illegal_member_of_a_flat_request_is_refused_with_its_code(asker, agent, change, error):
    members = {"agent_ip": agent.ip, **change}
    reply = asker.flat_sync(**members).json
    assert (reply["mqflag"], reply["mqerror"]) == ("0", error)
    assert reply["mqkey"].startswith("scheduler.openapi.sendSync.")
    assert agent.jobs == []


def test_e15_illegal_job_type_of_a_flat_call_starts_nothing(asker, agent):
    id = new_id()
    inbox = asker.inbox(id)
    asker.flat("sendAsync", "call", id, job_type="rt", rand_id="R", **flat_members({"agent_ip": agent.ip}))
    assert inbox.take().json["mqflag"] == "0"
    assert agent.jobs == []


@pytest.mark.parametrize("timeout", ["soon", "12x", {}])
def test_e15_sync_job_with_a_timeout_that_is_no_number(asker, agent, timeout):
    """The original does not answer; an answer that says so is allowed, a call of the agent is not."""
    asker.later("syncJob", job_body(agent.ip, timeout=timeout), reply_to=asker.inbox().name)
    asker.call(job_body(agent.ip, func="after"))
    assert [ins.func for ins in agent.jobs] == ["after"]


# Odd but valid.


def test_members_that_nobody_knows_are_ignored(asker, agent):
    body = {**job_body(agent.ip, param="p"), "more": {"deep": [1, {"x": None}]}}
    assert asker.call(body).json["mqbody"]["result"]["worker_message"] == "p"


def test_blanks_around_mqkey_and_mqtype_are_trimmed(asker, agent):
    inbox = asker.inbox()
    message = {"mqkey": "  openapi.scheduler.syncJob ", "mqtype": " call "}
    asker.publish({**message, "mqbody": job_body(agent.ip)}, reply_to=inbox.name)
    assert inbox.take().json["mqbody"]["flag"] == "true"


def test_scalars_become_text(asker, agent):
    asker.call(job_body(agent.ip, app=17, func=True, param=1.5))
    (ins,) = agent.sync_calls
    assert (ins.app, ins.func, ins.param) == ("17", "true", "1.5")


def test_nul_in_a_parameter_does_not_cut_it_silently(asker, agent):
    """A NUL is legal JSON. Either it arrives, or the job is refused: never half a parameter."""
    inbox = asker.inbox()
    asker.later("syncJob", job_body(agent.ip, param="a\0b"), reply_to=inbox.name)
    asker.call(job_body(agent.ip, func="after"))
    assert [ins.param for ins in agent.jobs if ins.func != "after"] in ([], ["a\0b"])


def test_reply_to_a_queue_that_is_gone_disturbs_nobody(asker, agent):
    asker.later("syncJob", job_body(agent.ip), reply_to="no-such-queue-" + new_id())
    wait_until(lambda: agent.jobs, "the agent is called")
    for _ in range(3):
        assert asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true"


@pytest.mark.slow
def test_megabyte_of_parameter_passes(asker, agent):
    param = "0123456789abcdef" * 65536
    assert asker.call(job_body(agent.ip, param=param), 20).json["mqbody"]["result"]["worker_message"] == param


# What agents send back.


@pytest.mark.slow
def test_result_of_16_megabytes_is_bounded_or_whole(shared, asker, agent):
    agent.on_sync = lambda ins: agent.reply(ins, result="r" * (16 << 20))
    body = asker.call(job_body(agent.ip), 30).json["mqbody"]
    if body["flag"] == "true":
        message = body["result"]["worker_message"]
        assert set(message[:1000]) == {"r"}
    else:
        assert body["error"].startswith("[410.0]")
        assert body["reason"] in ("too-large", "invalid", "agent-lost")
    assert asker.call(job_body(shared.fake_agent().ip)).json["mqbody"]["flag"] == "true"
    assert shared.daemon.rss() < 400 << 20


def test_result_with_nul_and_bytes_that_are_no_text_leaves_valid_json(asker, agent):
    agent.on_sync = lambda ins: agent.reply(ins, result=rpc.any_bytes(b"a\0b\xff\xfec\xc3"))
    message = asker.call(job_body(agent.ip))
    text = message.json["mqbody"]["result"]["worker_message"]  # .json fails on bad UTF-8
    assert text.startswith("a") and "c" in text
    assert b"\x00" not in message.raw
    flat = asker.flat_sync(agent_ip=agent.ip)
    assert flat.json["data"]["worker_message"] == text


def test_instruction_that_comes_back_changed_does_not_mislead(shared, asker, agent):
    """The answer of a call belongs to the asker whatever ids the agent writes into it."""

    def other(ins):
        ins.id, ins.ip, ins.type = "OTHER", "10.9.9.9", "cron"
        return agent.reply(ins, result="mine")

    agent.on_sync = other
    cron = asker.inbox("scheduler.cron")
    body = asker.call(job_body(agent.ip)).json["mqbody"]
    assert body["result"]["worker_message"] == "mine"
    assert body["result"]["id"] != "OTHER"
    cron.stays_empty(0.1)


def test_acknowledgements_that_are_missing_or_too_many(shared, asker, agent):
    """An empty list and a long one: the job still has one clear end, the daemon lives."""
    inbox = asker.inbox("scheduler.queue")
    agent.on_async = lambda jobs: []
    asker.cast(async_body(agent.ip, "queue", id="NOACK"), "queue")
    wait_until(lambda: agent.async_jobs, "the agent gets the job")
    agent.on_async = lambda jobs: [agent.reply(jobs[0], result="")] * 50
    asker.cast(async_body(agent.ip, "queue", id="MANY"), "queue")
    wait_until(lambda: len(agent.async_jobs) == 2, "the agent gets the second job")
    agent.on_async = None
    assert asker.call(job_body(agent.ip)).json["mqbody"]["flag"] == "true"
    ids = [m.json["mqbody"]["result"]["id"] for m in iter(inbox.poll, None)]
    assert "MANY" not in ids and ids.count("NOACK") <= 1
