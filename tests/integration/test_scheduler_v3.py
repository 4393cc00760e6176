"""The later message forms: syncJob and asyncJob with mqbody, by reply_to and by call.ID."""

import json
import re

import pytest

from support import rpc
from support.mq import async_body, flat_members, job_body, new_id
from support.wait import wait_until

NOT_REACHED_SYNC = "[410.0]Send Job To Agent Fail"
NOT_REACHED_ASYNC = "[410.1]Send Job To Agent Fail"


def data_transport(shared, **fields):
    """One result, as an agent reports it."""
    result = fields.pop("reins", {})
    with rpc.scheduler_client("127.0.0.1", shared.daemon.port) as client:
        ins = rpc.instruct(**fields)
        values = dict(flag=1, costtime=5, result="out", **{})
        values.update(result)
        return client.dataTransport(rpc.generated().Reinstruct(ins=ins, **values))


def test_e01_jobs_of_openapi_cron_and_queue_reach_the_agent(asker, agent):
    asker.call(job_body(agent.ip, func="from-openapi"), sender="openapi")
    asker.cast(async_body(agent.ip, "cron", func="from-cron"), "cron")
    asker.cast(async_body(agent.ip, "queue", func="from-queue"), "queue")
    wait_until(lambda: len(agent.jobs) == 3, "the agent has three jobs")
    assert {ins.func: ins.type for ins in agent.jobs} == {
        "from-openapi": "rt", "from-cron": "cron", "from-queue": "queue"
    }


@pytest.mark.parametrize("type, action", [("cron", "cronResult"), ("queue", "taskResult")])
def test_e02_result_is_cast_to_the_component_of_its_type_only(shared, asker, type, action):
    cron, queue = asker.inbox("scheduler.cron"), asker.inbox("scheduler.queue")
    mine, other = (cron, queue) if type == "cron" else (queue, cron)
    id = new_id()
    assert data_transport(shared, id=id, type=type, reins=dict(flag=0, costtime=9)) == "success"
    message = mine.take()
    assert message.routing_key == f"scheduler.{type}"
    assert message.json["mqkey"] == f"scheduler.{type}.{action}"
    assert message.json["mqtype"] == "cast"
    body = message.json["mqbody"]
    assert (body["flag"], body["error"]) == ("true", "")
    assert body["result"] == {
        "id": id, "worker_flag": 0, "worker_message": "out", "worker_costtime": 9
    }
    other.stays_empty(0.3)


def test_e02_type_in_any_case_and_message_left_out(shared, asker):
    inbox = asker.inbox("scheduler.queue")
    assert data_transport(shared, id="X1", type="Queue", reins=dict(result=None)) == "success"
    assert inbox.take().json["mqbody"]["result"] == {
        "id": "X1", "worker_flag": 1, "worker_costtime": 5
    }


def test_e02_other_types_are_taken_and_dropped(shared, asker):
    everything = asker.inbox("#")
    for type in ("rt", "", "other"):
        assert data_transport(shared, id="X2", type=type) == "success"
    everything.stays_empty(0.3)


def test_e02_casts_are_text_and_persistent(shared, asker):
    inbox = asker.inbox("scheduler.cron")
    data_transport(shared, id="X3", type="cron")
    properties = inbox.take().properties
    assert (properties.content_type, properties.content_encoding) == ("text/plain", "UTF-8")
    assert properties.delivery_mode == 2


def test_e11_sync_job_is_answered_by_reply_to(asker, agent):
    everything = asker.inbox("*.*")
    message = asker.call(job_body(agent.ip, param="hello"), correlation_id="c-1")
    assert message.exchange == ""
    assert message.properties.correlation_id == "c-1"
    assert message.properties.content_type == "application/octet-stream"
    reply = message.json
    assert set(reply) == {"mqkey", "mqflag", "mqtype", "mqbody"}
    assert reply["mqkey"] == "scheduler.openapi"
    assert (reply["mqflag"], reply["mqtype"]) == ("cast", "cast")
    body = reply["mqbody"]
    assert set(body) == {"flag", "error", "result"}
    assert (body["flag"], body["error"]) == ("true", "")
    result = body["result"]
    assert re.match(r"^[0-9A-F]{16}$", result.pop("id"))
    assert result == {"worker_flag": 1, "worker_message": "hello", "worker_costtime": 7}
    # A listener on the exchange sees the request, and no reply.
    assert everything.take().routing_key == "openapi.scheduler"
    everything.stays_empty(0.2)


def test_e11_body_as_json_text_has_the_same_effect(asker, agent):
    reply = asker.call(json.dumps(job_body(agent.ip, param="as text"))).json
    assert reply["mqbody"]["result"]["worker_message"] == "as text"


def test_e11_fields_of_the_instruction(asker, agent):
    body = job_body(
        f"  {agent.ip} ", app=" app ", func="f ", param=" p ", proxy=" x.sh ", id="mine", timeout="15"
    )
    reply = asker.call(body).json
    (ins,) = agent.sync_calls
    assert (ins.ip, ins.app, ins.func, ins.param, ins.proxy) == (agent.ip, "app", "f", "p", "x.sh")
    assert (ins.type, ins.timeout) == ("rt", 15)
    assert ins.id == reply["mqbody"]["result"]["id"] != "mine"


@pytest.mark.parametrize("timeout, expected", [("90", 90), (7, 7), ("", 90), (None, 90), ("absent", 90)])
def test_e11_timeout_as_number_or_text(asker, agent, timeout, expected):
    body = job_body(agent.ip, timeout=timeout)
    if timeout == "absent":
        del body["timeout"]
    asker.call(body)
    assert agent.sync_calls[0].timeout == expected


@pytest.mark.parametrize("flag", [1, 0, -1])
def test_e11_flag_only_says_that_the_agent_answered(asker, agent, flag):
    agent.on_sync = lambda ins: agent.reply(ins, flag=flag, result="r")
    body = asker.call(job_body(agent.ip)).json["mqbody"]
    assert body["flag"] == "true"
    assert body["result"]["worker_flag"] == flag


def test_e11_reason_of_the_agent_is_passed_on(asker, agent):
    agent.on_sync = lambda ins: agent.reply(ins, flag=-1, result="app exec timeout", reason="timeout")
    result = asker.call(job_body(agent.ip)).json["mqbody"]["result"]
    assert result["worker_message"] == "app exec timeout"
    assert result["reason"] == "timeout"


def test_e11_unreachable_agent(shared, asker):
    body = asker.call(job_body(shared.dead_agent())).json["mqbody"]
    assert (body["flag"], body["error"]) == ("false", NOT_REACHED_SYNC)
    assert "result" not in body
    assert body["reason"] == "refused"


def test_e11_transitional_field_names(asker, agent):
    """sendSync in three parts, with agent_ip inside mqbody."""
    body = job_body(agent.ip, param="t")
    body["agent_ip"] = body.pop("ip")
    assert asker.call(body, action="sendSync").json["mqbody"]["result"]["worker_message"] == "t"


def test_e12_async_job_reaches_the_agent(asker, agent):
    asker.cast(
        async_body(agent.ip, "CRON", id="0123456789ABCDEF", mode="p", param="x", timeout="11", proxy="y"),
        "cron",
    )
    (ins,) = wait_until(lambda: agent.async_jobs, "the agent gets the job")
    assert (ins.id, ins.ip, ins.type.lower(), ins.mode) == ("0123456789ABCDEF", agent.ip, "cron", "P")
    assert (ins.param, ins.timeout, ins.proxy) == ("x", 11, "y")


@pytest.mark.parametrize(
    "change",
    [
        {"type": "rt"}, {"type": ""}, {"mode": "x"}, {"mode": ""}, {"id": ""}, {"ip": " "}, {"app": ""},
        {"func": None}, {"timeout": "soon"}, {"timeout": -1}, {"timeout": 1e300}, {"timeout": [1]},
    ],
    ids=lambda change: "%s-%s" % next(iter(change.items())),
)
def test_e12_invalid_async_job_has_no_effect(asker, agent, change):
    results = asker.inbox("scheduler.cron", "scheduler.queue")
    asker.cast({**async_body(agent.ip, "cron"), **change}, "cron")
    asker.call(job_body(agent.ip, func="after"))
    results.stays_empty(0.1)
    assert [ins.func for ins in agent.jobs] == ["after"]


def test_e12_mode_of_the_old_names_is_understood(asker, agent):
    asker.cast(async_body(agent.ip, "queue", mode="NP"), "queue")
    asker.cast(async_body(agent.ip, "queue", mode="np"), "queue")
    wait_until(lambda: len(agent.async_jobs) == 2, "the agent has both")
    assert [ins.mode for ins in agent.async_jobs] == ["NP", "NP"]


def test_e13_three_forms_in_one_process(asker, agent):
    flat = asker.flat_sync(agent_ip=agent.ip, param="one")
    assert flat.json["data"]["worker_message"] == "one"
    middle = asker.call_id(job_body(agent.ip, param="two"))
    assert middle.exchange == asker.exchange
    assert len(middle.routing_key) == 16
    assert middle.json["mqbody"]["result"]["worker_message"] == "two"
    assert middle.json["mqkey"] == "scheduler.openapi"
    assert middle.properties.content_type == "text/plain"
    last = asker.call(job_body(agent.ip, param="three"))
    assert last.exchange == ""
    assert last.json["mqbody"]["result"]["worker_message"] == "three"


def test_e13_reply_to_goes_before_call_id(asker, agent):
    id = new_id()
    by_id, by_reply_to = asker.inbox(id), asker.inbox()
    asker.later("syncJob", job_body(agent.ip), f"call.{id}", reply_to=by_reply_to.name)
    assert by_reply_to.take().exchange == ""
    by_id.stays_empty(0.2)


def test_e13_sync_job_without_reply_address_is_run_and_not_answered(asker, agent):
    everything = asker.inbox("#")
    asker.later("syncJob", job_body(agent.ip), "cast")
    wait_until(lambda: agent.sync_calls, "the agent is called")
    assert everything.take().routing_key == "openapi.scheduler"
    everything.stays_empty(0.2)


@pytest.mark.parametrize(
    "type, key, mqkey",
    [
        ("cron", "scheduler.cron", "scheduler.cron.cronResult"),
        ("queue", "scheduler.queue", "scheduler.queue.taskResult"),
    ],
)
def test_e14_async_failure_is_cast(shared, asker, type, key, mqkey):
    inbox = asker.inbox(key)
    body = async_body(shared.dead_agent(), type)
    asker.cast(body, type)
    message = inbox.take().json
    assert (message["mqkey"], message["mqtype"]) == (mqkey, "cast")
    failure = message["mqbody"]
    assert (failure["flag"], failure["error"]) == ("false", NOT_REACHED_ASYNC)
    assert failure["result"]["id"] == body["id"]
    assert "refused" in json.dumps(failure)


def test_e14_async_exception_of_the_agent_is_a_failure(asker, agent):
    def explode(_):
        raise RuntimeError("scripted")

    agent.on_async = explode
    inbox = asker.inbox("scheduler.queue")
    asker.cast(async_body(agent.ip, "queue"), "queue")
    assert inbox.take().json["mqbody"]["error"] == NOT_REACHED_ASYNC


def test_many_sync_jobs_at_once_are_all_answered_to_their_askers(asker, agent):
    inboxes = {}
    for number in range(100):
        inboxes[number] = asker.inbox()
        asker.later("syncJob", job_body(agent.ip, param=str(number)), "call", reply_to=inboxes[number].name)
    for number, inbox in inboxes.items():
        assert inbox.take(20).json["mqbody"]["result"]["worker_message"] == str(number)


def test_flat_and_later_form_share_nothing_by_accident(asker, agent):
    """A flat key with a mqbody is still the flat form; a three part key with flat members has no ip."""
    id = new_id()
    inbox = asker.inbox(id)
    asker.flat(id=id, mqbody={"ip": "10.0.0.1"}, **flat_members({"agent_ip": agent.ip}))
    assert inbox.take().json["data"]["agent_ip"] == agent.ip
