"""E39: what fires, what is recorded of it, and what becomes of the result."""

import collections
import json
import threading
import time

import pytest

from support.cron import keys_of, planned_of
from support.receiver import Receiver
from support.wait import wait_until

NOT_REACHED = "[410.1]Send Job To Agent Fail"


def states(cron_stage, id):
    return [row["state"] for row in cron_stage.history(id)["result"]]


def test_e39_the_cast_to_the_scheduler(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    id = cron_stage.create(start=True, ip="10.0.0.9", mode="np", app="a", func="f", param="\u4e2d\"",
                           proxy="run.sh", timeout=5)
    message = jobs.take()
    assert message.routing_key == "cron.scheduler"
    assert message.json["mqkey"] == "cron.scheduler.asyncJob"
    assert message.json["mqtype"] == "cast"
    assert message.json["mqbody"] == dict(id=id, ip="10.0.0.9", mode="NP", app="a", func="f", type="cron",
                                          proxy="run.sh", param="\u4e2d\"", timeout=5)
    properties = message.properties
    assert (properties.content_type, properties.content_encoding) == ("text/plain", "UTF-8")
    assert properties.delivery_mode == 2
    assert properties.message_id.startswith(id + ":")


def test_e39_a_crowd_that_takes_all_room_is_not_the_last(cron_stage):
    """Nothing is due when there is room again, and the next instants fire all the same."""
    cron_stage.cron({"cron.maxOutstanding": 10})
    jobs = cron_stage.jobs()
    ids = [cron_stage.create(start=True, rule="0/2 * * * * ?") for _ in range(30)]
    fired = collections.Counter()

    def all_fired_often():
        while message := jobs.poll():
            fired[message.json["mqbody"]["id"]] += 1
        return all(fired[id] >= 5 for id in ids)

    wait_until(all_fired_often, "each fires again and again", 40)


def test_e39_last_result_and_history(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    id = cron_stage.create(start=True)
    rand_id = jobs.take().properties.message_id.split(":")[1]
    cron_stage.ask("stopCron", id=id)
    cron_stage.report(id, "1", rand_id)
    wait_until(lambda: cron_stage.detail(id)["last_exec_time"], "the result is there")
    expected = {"flag": "true", "error": "",
                "result": {"worker_flag": 1, "worker_message": "out", "worker_costtime": 3}}
    assert cron_stage.detail(id)["last_exec_result"] == expected
    row = next(row for row in cron_stage.history(id)["result"] if row["key"] == f"{id}:{rand_id}")
    assert (row["state"], row["flag"], row["worker_message"]) == ("ended", "true", "out")
    assert row["decided"] <= row["sent"] <= row["ended"]


def test_e39_second_result_replaces_the_first_but_not_a_repeated_one(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    id = cron_stage.create(start=True)
    rand_id = jobs.take().properties.message_id.split(":")[1]
    cron_stage.ask("stopCron", id=id)

    def message():
        return cron_stage.detail(id)["last_exec_result"].get("result", {}).get("worker_message")

    cron_stage.report(id, 1, worker_message="one")
    wait_until(lambda: message() == "one", "the first")
    cron_stage.report(id, "1", worker_message="two")
    wait_until(lambda: message() == "two", "the second")
    cron_stage.report(id, 1, rand_id, worker_message="three")
    wait_until(lambda: message() == "three", "the one of an execution")
    cron_stage.report(id, 0, rand_id, worker_message="late")
    cron_stage.report("0000000000000001", 1, worker_message="of nobody")
    cron_stage.ask("cronList")
    assert message() == "three"


def test_e39_a_job_that_did_not_reach_its_agent(cron_stage):
    cron_stage.cron()
    id = cron_stage.create()
    cron_stage.send("cronResult", {"flag": "false", "error": NOT_REACHED, "result": {"id": id}}, "cast")
    wait_until(lambda: cron_stage.detail(id)["last_exec_time"], "the failure is there")
    assert cron_stage.detail(id)["last_exec_result"] == {
        "flag": "false", "error": NOT_REACHED,
        "result": {"worker_flag": -1, "worker_message": "", "worker_costtime": 0},
    }


def test_e39_without_a_scheduler_each_firing_says_so(cron_stage):
    cron_stage.cron()
    id = cron_stage.create(start=True)
    wait_until(lambda: cron_stage.detail(id)["last_exec_time"], "a failure is there")
    assert cron_stage.detail(id)["last_exec_result"]["error"] == NOT_REACHED


def test_e39_whole_way_with_scheduler_and_agent(cron_stage):
    cron_stage.scheduler()
    agent = cron_stage.fake_agent()
    agent.auto_finish = lambda ins: dict(result="from " + ins.execution)
    cron_stage.asker.channel.queue_declare(cron_stage.cron_queue, durable=True)
    cron_stage.asker.channel.queue_bind(cron_stage.cron_queue, cron_stage.exchange, "*.cron")
    cron_stage.cron()
    id = cron_stage.create(start=True, ip=agent.ip)
    wait_until(lambda: states(cron_stage, id).count("ended") >= 2, "two executions have ended", 20)
    keys = [ins.execution for ins in agent.async_jobs]
    assert len(keys) == len(set(keys))
    row = next(row for row in cron_stage.history(id)["result"] if row["state"] == "ended")
    assert row["worker_message"] == "from " + row["key"]


def test_e39_messages_go_to_the_topic_of_the_task(cron_stage):
    cron_stage.cron()
    mine, other = cron_stage.topic("orders.paid"), cron_stage.topic("other")
    id = cron_stage.create(start=True, topic="orders.paid", param="{\"n\":1}", every=0.5, count=3)
    messages = mine.take_many(3)
    assert [message.raw for message in messages] == [b'{"n":1}'] * 3
    assert len(set(keys_of(messages))) == 3
    assert all(message.properties.delivery_mode == 2 for message in messages)
    wait_until(lambda: cron_stage.detail(id)["state"] == "finished", "it has fired so often")
    wait_until(lambda: states(cron_stage, id) == ["ended"] * 3, "all have ended")
    mine.stays_empty(0.8)
    other.stays_empty(0.1)


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


def test_e39_http_callbacks(cron_stage, receiver):
    cron_stage.cron()
    id = cron_stage.create(start=True, url=receiver.url, method="PUT", param="{}", every=0.3, count=2,
                           headers={"X-One": "1"})
    wait_until(lambda: states(cron_stage, id) == ["ended"] * 2, "both have ended")
    assert len(receiver.requests) == 2
    method, path, headers, body = receiver.requests[0]
    assert (method, path, body) == ("PUT", "/hook?x=1", b"{}")
    assert headers["X-One"] == "1" and headers["Content-Type"] == "application/json"
    assert {request[2]["Elves-Execution"] for request in receiver.requests} == {
        row["key"] for row in cron_stage.history(id)["result"]
    }
    assert cron_stage.detail(id)["last_exec_result"]["result"]["worker_message"] == "received"


def test_e39_http_callbacks_are_tried_again(cron_stage, receiver):
    cron_stage.cron({"http.retryFirst": 50, "http.retryCap": 200})
    receiver.answers = [503, 500, 200, 404]
    id = cron_stage.create(start=True, url=receiver.url, every=1, count=2, retries=5)
    wait_until(lambda: states(cron_stage, id) == ["ended"] * 2, "both have ended")
    second, first = cron_stage.history(id)["result"]
    assert (first["flag"], second["flag"]) == ("true", "false")
    assert second["error"].startswith("HTTP 404")
    assert len(receiver.requests) == 4


def test_e39_http_target_that_is_not_there(cron_stage):
    cron_stage.cron({"http.retryFirst": 20, "http.retryCap": 50})
    id = cron_stage.create(start=True, url="http://127.0.0.1:1/", every=1, count=1, retries=2)
    wait_until(lambda: states(cron_stage, id) == ["ended"], "it has ended")
    row = cron_stage.history(id)["result"][0]
    assert row["flag"] == "false" and "127.0.0.1" in row["error"]


def test_e39_overlap(cron_stage):
    cron_stage.cron()
    jobs = cron_stage.jobs()
    skips = cron_stage.create(start=True, overlap="skip", every=0.4)
    queues = cron_stage.create(start=True, overlap="queue", every=0.4)
    first = {message.json["mqbody"]["id"]: message for message in jobs.take_many(2)}
    wait_until(lambda: "overlapped" in states(cron_stage, queues), "one was passed over")
    wait_until(lambda: "overlapped" in states(cron_stage, skips), "one was passed over")
    jobs.stays_empty(0.3)
    for id in (skips, queues):
        cron_stage.report(id, 1, first[id].properties.message_id.split(":")[1])
    second = {message.json["mqbody"]["id"]: message for message in jobs.take_many(2)}
    assert set(second) == {skips, queues}
    queued = planned_of(second[queues]) - planned_of(first[queues])
    assert abs(queued - 0.4) < 0.01, "what waited is the one that came next"


def test_e39_missed_ones_by_policy(cron_stage):
    cron = cron_stage.cron({"cron.missedAfter": 1})
    made = {missed: cron_stage.create(start=True, every=1, missed=missed, missed_cap=2)
            for missed in ("skip", "last", "all")}
    wait_until(lambda: all(states(cron_stage, id) for id in made.values()), "all have fired")
    cron.terminate()
    jobs = cron_stage.jobs()
    threading.Event().wait(5)
    cron.start()
    wait_until(lambda: all("missed" in states(cron_stage, id) for id in made.values()), "ranges", 20)
    late = {missed: 0 for missed in made}
    for message in jobs.take_many(9):
        for missed, id in made.items():
            at = json.loads(message.raw)["mqbody"]["id"] == id
            late[missed] += 1 if at and planned_of(message) < began_of(cron_stage, id) else 0
    assert late["skip"] == 0 and late["last"] == 1 and late["all"] == 2, late


def began_of(cron_stage, id):
    """The last second that was given up, or the cap's beginning: what is a little later was missed."""
    from support.cron import seconds

    rows = cron_stage.history(id, limit=1000)["result"]
    decided = {seconds(row["planned"]): seconds(row["decided"]) for row in rows if row["state"] != "missed"}
    missed = [planned for planned, at in decided.items() if at - planned > 1]
    return max(missed) + 0.001 if missed else 0


def refuse_outcomes(cron_stage, until):
    """The store refuses the outcome of an execution, for a while."""
    if cron_stage.store == "sqlite":
        cron_stage.sql("CREATE TRIGGER no BEFORE UPDATE OF last_us ON cron_schedule WHEN "
                       f"CAST(strftime('%s', 'now') AS INTEGER) < {until} BEGIN SELECT RAISE(ABORT, 'not now'); END")
        return
    cron_stage.sql("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF "
                   f"extract(epoch from clock_timestamp()) < {until} THEN RAISE EXCEPTION ''not now''; END IF; "
                   "RETURN NEW; END'",
                   "CREATE TRIGGER no BEFORE UPDATE OF last_us ON cron_schedule FOR EACH ROW EXECUTE FUNCTION no()")


def test_e39_a_result_that_the_store_refuses_is_written_later(cron_stage):
    cron = cron_stage.cron()
    cron.terminate()
    refused_until = int(time.time()) + 25
    refuse_outcomes(cron_stage, refused_until)
    cron.start(ready=False)
    wait_until(lambda: cron.log().count("consuming queue") == 2, "it takes requests", 30)
    jobs = cron_stage.jobs()
    id = cron_stage.create(start=True, every=0.5, count=3, overlap="skip")
    rand_id = jobs.take().properties.message_id.split(":")[1]
    cron_stage.report(id, "1", rand_id, worker_message="kept")
    wait_until(lambda: "an outcome is not recorded" in cron.log(), "it is refused")
    row = cron_stage.history(id)["result"][-1]
    assert (row["key"], row["state"]) == (f"{id}:{rand_id}", "sent")
    cron.kill()  # and the message comes again: it was not acknowledged
    cron.start(ready=False)
    wait_until(lambda: cron.log().count("consuming queue") == 3, "it takes requests", 30)
    wait_until(lambda: cron_stage.history(id)["result"][-1]["state"] == "ended", "it is recorded", 60)
    assert time.time() >= refused_until
    assert cron_stage.detail(id)["last_exec_result"]["result"]["worker_message"] == "kept"
