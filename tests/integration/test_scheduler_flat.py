"""The flat message form, as the first Elves documents have it: sendSync and sendAsync."""

import re
import time

import pytest

from support.mq import flat_async_members, flat_members, new_id
from support.wait import wait_until

# Every member of `data`, with its JSON type.
DATA = {
    "flag": int,
    "error": str,
    "log_id": str,
    "agent_ip": str,
    "mode": str,
    "app": str,
    "func": str,
    "param": str,
    "timeout": int,
    "proxy": str,
    "starttime": str,
    "endtime": str,
    "agent_sync_flag": int,
    "agent_sync_error": str,
    "agent_sync_costtime": int,
    "worker_message": str,
    "worker_costtime": int,
    "processor_sync_flag": int,
    "processor_sync_error": str,
    "processor_sync_costtime": int,
    "result_flag": int,
}
ACCEPTANCE = {
    "id": str,
    "rand_id": str,
    "flag": int,
    "error": str,
    "agent_sync_flag": int,
    "agent_sync_error": str,
    "agent_sync_costtime": int,
    "result_flag": int,
}
TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
NOT_REACHED = "[410.0]Send Job To Agent Fail"


def types_of(data):
    return {name: type(value) for name, value in data.items()}


# sendSync


def test_e03_request_reaches_the_agent_with_all_fields(asker, agent):
    id = new_id()
    asker.flat_sync(
        id=id, agent_ip=agent.ip, mode="sap", app="testApp", func="test",
        param='{"a":"b"}', timeout=12, proxy="bash|run.sh",
    )
    (ins,) = agent.sync_calls
    assert (ins.id, ins.ip, ins.type, ins.mode) == (id, agent.ip, "rt", "P")
    assert (ins.app, ins.func, ins.param) == ("testApp", "test", '{"a":"b"}')
    assert (ins.timeout, ins.proxy) == (12, "bash|run.sh")


def test_e03_message_of_the_first_documents(asker, agent):
    """The published example, made valid JSON: 15 characters in mqkey, mqtype cast, timeout 0."""
    inbox = asker.inbox("88499CCA100F214")
    asker.publish(
        '{"mqkey":"openapi.scheduler.sendSync.88499CCA100F214","mqtype":"cast",'
        '"id":"88499CCA100F214","agent_ip":"%s","mode":"sap","app":"testApp","func":"test",'
        '"param":"","timeout":0,"proxy":""}' % agent.ip
    )
    reply = inbox.take().json
    assert reply["mqkey"] == "scheduler.openapi.sendSync.88499CCA100F214"
    assert reply["mqflag"] == "1"
    assert reply["data"]["log_id"] == "88499CCA100F214"
    assert agent.sync_calls[0].id == "88499CCA100F214"


def test_e03_text_arrives_byte_for_byte(asker, agent):
    param = 'quote " backslash \\ newline \n tab \t snow ☃ 你好 😀 slash / </script>'
    data = asker.flat_sync(agent_ip=agent.ip, param=param).json["data"]
    assert agent.sync_calls[0].param == param
    assert data["param"] == param
    assert data["worker_message"] == param


def test_e04_reply_members_and_types(asker, agent):
    id = new_id()
    agent.on_sync = lambda ins: agent.reply(ins, costtime=42, result="done")
    message = asker.flat_sync(
        id=id, agent_ip=agent.ip, mode="sap", app="a1", func="f1", param="p1", timeout=33, proxy="x.sh"
    )
    reply = message.json
    assert (message.exchange, message.routing_key) == (asker.exchange, id)
    assert set(reply) == {"mqkey", "mqtype", "mqflag", "mqerror", "data"}
    assert reply["mqkey"] == f"scheduler.openapi.sendSync.{id}"
    assert (reply["mqtype"], reply["mqflag"], reply["mqerror"]) == ("cast", "1", "")
    data = reply["data"]
    assert types_of(data) == DATA
    echo = {name: data[name] for name in ("agent_ip", "mode", "app", "func", "param", "timeout", "proxy")}
    assert echo == dict(
        agent_ip=agent.ip, mode="sap", app="a1", func="f1", param="p1", timeout=33, proxy="x.sh"
    )
    assert (data["flag"], data["error"], data["log_id"]) == (0, "", id)
    assert (data["agent_sync_flag"], data["agent_sync_error"]) == (1, "")
    assert (data["worker_message"], data["worker_costtime"]) == ("done", 42)
    assert data["processor_sync_flag"] == 0
    assert data["result_flag"] == 1


@pytest.mark.parametrize("flag, result_flag", [(1, 1), (0, 0), (-1, 0)])
def test_e04_result_flag_follows_the_worker(asker, agent, flag, result_flag):
    agent.on_sync = lambda ins: agent.reply(ins, flag=flag, result="text")
    reply = asker.flat_sync(agent_ip=agent.ip).json
    assert reply["mqflag"] == "1"
    assert reply["data"]["agent_sync_flag"] == 1
    assert reply["data"]["result_flag"] == result_flag
    assert reply["data"]["worker_message"] == "text"


def test_e04_request_without_id_gets_a_generated_one(asker, agent):
    inbox = asker.inbox("ABCDEF0123456789")
    message = {"mqkey": "openapi.scheduler.sendSync.ABCDEF0123456789", "mqtype": "cast"}
    asker.publish({**message, **flat_members({"agent_ip": agent.ip})})
    log_id = inbox.take().json["data"]["log_id"]
    assert re.match(r"^[0-9A-F]{16}$", log_id)
    assert agent.sync_calls[0].id == log_id


def test_e04_answer_without_a_result_is_an_empty_message(asker, agent):
    def without_result(ins):
        reply = agent.reply(ins)
        reply.result = None
        return reply

    agent.on_sync = without_result
    assert asker.flat_sync(agent_ip=agent.ip).json["data"]["worker_message"] == ""


def test_e04_sender_of_any_name_is_answered_under_its_name(asker, agent):
    id = new_id()
    inbox = asker.inbox(id)
    asker.flat(id=id, sender="queue", **flat_members({"agent_ip": agent.ip}))
    assert inbox.take().json["mqkey"] == f"scheduler.queue.sendSync.{id}"


@pytest.mark.parametrize("mqtype", ["cast", "call"])
def test_e05_reply_whatever_mqtype_says(asker, agent, mqtype):
    reply = asker.flat_sync(agent_ip=agent.ip, mqtype=mqtype) if mqtype == "cast" else None
    if reply is None:
        id = new_id()
        inbox = asker.inbox(id)
        asker.flat(id=id, mqtype=mqtype, **flat_members({"agent_ip": agent.ip}))
        reply = inbox.take()
    assert reply.json["mqflag"] == "1"


def test_e05_also_the_routing_key_of_the_sender_gets_the_reply_once(asker, agent):
    """The CC header of the flat form: a queue bound to both keys still gets one copy."""
    id = new_id()
    by_sender, both = asker.inbox("scheduler.openapi"), asker.inbox("scheduler.openapi", id)
    asker.flat(id=id, **flat_members({"agent_ip": agent.ip}))
    assert by_sender.take().json["mqkey"].endswith(id)
    assert both.take().json["mqkey"].endswith(id)
    both.stays_empty(0.2)


def test_e05_reply_to_goes_before_the_id(asker, agent):
    id = new_id()
    by_id, by_reply_to = asker.inbox(id), asker.inbox()
    members = flat_members({"agent_ip": agent.ip})
    asker.flat(
        id=id, properties={"reply_to": by_reply_to.name, "correlation_id": "c-17"}, **members
    )
    message = by_reply_to.take()
    assert message.exchange == ""
    assert message.properties.correlation_id == "c-17"
    assert message.json["data"]["log_id"] == id
    by_id.stays_empty(0.2)


def test_e05_whole_mqkey_as_routing_key_is_served(asker, agent):
    id = new_id()
    inbox = asker.inbox(id)
    message = {"mqkey": f"openapi.scheduler.sendSync.{id}", "mqtype": "cast", "id": id}
    asker.publish(
        {**message, **flat_members({"agent_ip": agent.ip})}, key=f"openapi.scheduler.sendSync.{id}"
    )
    assert inbox.take().json["mqflag"] == "1"
    assert len(agent.sync_calls) == 1


def test_e06_closed_port_is_410_0(shared, asker, stopwatch):
    ip = shared.dead_agent()
    stopwatch()
    reply = asker.flat_sync(agent_ip=ip, mode="sap").json
    assert stopwatch() < 3
    assert (reply["mqflag"], reply["mqerror"]) == ("0", NOT_REACHED)
    data = reply["data"]
    assert (data["flag"], data["error"], data["agent_sync_error"]) == (1, NOT_REACHED, NOT_REACHED)
    assert (data["agent_sync_flag"], data["result_flag"]) == (0, 0)
    assert data["reason"] == "refused"
    assert DATA.items() <= types_of(data).items()


def test_e08_timeout_zero_or_absent_is_90(asker, agent):
    assert asker.flat_sync(agent_ip=agent.ip, timeout=0).json["data"]["timeout"] == 90
    id = new_id()
    inbox = asker.inbox(id)
    members = flat_members({"agent_ip": agent.ip})
    del members["timeout"]
    asker.flat(id=id, **members)
    assert inbox.take().json["data"]["timeout"] == 90
    assert [ins.timeout for ins in agent.sync_calls] == [90, 90]


def test_e08_other_timeouts_are_seconds(asker, agent):
    assert asker.flat_sync(agent_ip=agent.ip, timeout=5000).json["data"]["timeout"] == 5000
    assert agent.sync_calls[0].timeout == 5000


def test_e08_unit_of_old_senders_is_configurable(stage):
    stage.scheduler({"legacy.timeout.unit": "ms"})
    agent = stage.fake_agent()
    wait_until(
        lambda: stage.asker.flat_sync(agent_ip=agent.ip, timeout=5001).json["mqflag"] == "1",
        "the scheduler knows the agent",
    )
    assert agent.sync_calls[-1].timeout == 6


@pytest.mark.parametrize(
    "mode, expected",
    [(m, "P") for m in ("P", "p", "sap", "SAP", "aap", "ssp", "cap")]
    + [(m, "NP") for m in ("NP", "np", "sanp", "aanp", "ssnp", "canp", "csnp", "SaNp", "")],
)
def test_e09_modes_are_mapped_and_echoed(asker, agent, mode, expected):
    data = asker.flat_sync(agent_ip=agent.ip, mode=mode).json["data"]
    assert agent.sync_calls[0].mode == expected
    assert data["mode"] == mode


@pytest.mark.slow
def test_e10_times_of_the_reply(asker, agent):
    def slow(ins):
        time.sleep(1.3)
        return agent.reply(ins)

    agent.on_sync = slow
    before = time.time()
    data = asker.flat_sync(agent_ip=agent.ip).json["data"]
    assert TIME.match(data["starttime"]) and TIME.match(data["endtime"])
    started, ended = (
        time.mktime(time.strptime(data[name], "%Y-%m-%d %H:%M:%S")) for name in ("starttime", "endtime")
    )
    assert 1 <= ended - started <= 2
    assert abs(started - before) < 2, "the time is local time"
    assert 1250 <= data["agent_sync_costtime"] < 2500


# sendAsync


@pytest.mark.parametrize("job_type, action", [("cron", "cronResult"), ("queue", "taskResult")])
def test_e07_result_goes_to_the_component_of_job_type(shared, asker, agent, job_type, action):
    inbox = asker.inbox(f"scheduler.{job_type}")
    id, rand_id = new_id(), new_id()
    asker.flat(
        "sendAsync", "cast", id, job_type=job_type, rand_id=rand_id,
        **flat_async_members(agent_ip=agent.ip, mode="sap", param="p", timeout=7),
    )
    (ins,) = wait_until(lambda: agent.async_jobs, "the agent gets the job")
    assert (ins.id, ins.type, ins.mode, ins.timeout) == (id, job_type, "P", 7)
    agent.scheduler = ("127.0.0.1", shared.daemon.port)
    assert agent.finish(ins, costtime=3, result="out") == "success"
    reply = inbox.take().json
    assert (reply["mqkey"], reply["mqtype"]) == (f"scheduler.{job_type}.{action}", "cast")
    body = reply["mqbody"]
    assert (body["flag"], body["error"]) == ("true", "")
    assert body["result"] == {
        "id": id, "rand_id": rand_id, "worker_flag": 1, "worker_message": "out", "worker_costtime": 3
    }


def test_e07_same_id_runs_twice_with_its_rand_ids(shared, asker, agent):
    inbox = asker.inbox("scheduler.cron")
    id, first, second = new_id(), new_id(), new_id()
    members = flat_async_members(agent_ip=agent.ip)
    for rand_id in (first, second):
        asker.flat(
            "sendAsync", "call", id, job_type="cron", rand_id=rand_id, **{**members, "param": rand_id}
        )
        wait_until(lambda: rand_id in [ins.param for ins in agent.async_jobs], "the agent gets it")
    agent.scheduler = ("127.0.0.1", shared.daemon.port)
    for ins in agent.async_jobs:
        agent.finish(ins)
    results = [inbox.take().json["mqbody"]["result"] for _ in range(2)]
    assert [result["id"] for result in results] == [id, id]
    assert [(r["rand_id"], r["worker_message"]) for r in results] == [(first, first), (second, second)]


def test_e07_call_is_answered_when_the_agent_has_the_job(asker, agent):
    id, rand_id = new_id(), new_id()
    inbox = asker.inbox(id)
    asker.flat(
        "sendAsync", "call", id, job_type="queue", rand_id=rand_id, **flat_async_members(agent_ip=agent.ip)
    )
    reply = inbox.take().json
    assert reply["mqkey"] == f"scheduler.openapi.sendAsync.{id}"
    assert (reply["mqtype"], reply["mqflag"], reply["mqerror"]) == ("cast", "1", "")
    data = reply["data"]
    assert types_of(data) == ACCEPTANCE
    assert (data["id"], data["rand_id"], data["flag"], data["error"]) == (id, rand_id, 0, "")
    assert (data["agent_sync_flag"], data["result_flag"]) == (1, 2)


def test_e07_cast_is_not_answered(asker, agent):
    id = new_id()
    inbox = asker.inbox(id)
    asker.flat(
        "sendAsync", "cast", id, job_type="cron", rand_id=new_id(), **flat_async_members(agent_ip=agent.ip)
    )
    wait_until(lambda: agent.async_jobs, "the agent gets the job")
    inbox.stays_empty(0.3)


def test_e07_unreachable_agent_is_told_to_caller_and_component(shared, asker):
    ip, id, rand_id = shared.dead_agent(), new_id(), new_id()
    caller, component = asker.inbox(id), asker.inbox("scheduler.cron")
    asker.flat(
        "sendAsync", "call", id, job_type="cron", rand_id=rand_id, **flat_async_members(agent_ip=ip)
    )
    reply = caller.take().json
    assert reply["mqflag"] == "0"
    assert reply["data"]["agent_sync_flag"] == 0
    result = component.take().json["mqbody"]
    assert result["flag"] == "false"
    assert result["error"] == "[410.1]Send Job To Agent Fail"
    assert (result["result"]["id"], result["result"]["rand_id"]) == (id, rand_id)


@pytest.mark.parametrize("action", ["syncJob", "asyncJob"])
def test_e07_later_action_names_are_aliases_in_the_flat_form(asker, agent, action):
    asker.flat(
        action, "cast", job_type="cron", rand_id=new_id(), **flat_async_members(agent_ip=agent.ip)
    )
    wait_until(lambda: agent.jobs, "the agent gets the job")
    assert bool(agent.async_jobs) == (action == "asyncJob")
