"""Messages of timed tasks: where they go, what they carry, and how many of them there are."""

import signal
import time

import pytest

from support.cron import keys_of, planned_of, time_text
from support.wait import wait_until


def stat(cron_stage, owner="o"):
    return cron_stage.ask("cronStat", owner=owner)["result"]


def begin_of_a_minute():
    """With enough of it left for a count; how much is said by the clock, not by the test."""
    if time.time() % 60 > 40:
        time.sleep(60.5 - time.time() % 60)


@pytest.mark.parametrize("spelling", ["hex", "decimal", "objectid"])
def test_a_message_tells_its_task_and_its_instant(cron_stage, spelling):
    cron_stage.cron()
    inbox = cron_stage.topic("#", cron_stage.others)
    usual = cron_stage.topic("#")
    made = cron_stage.make(topic="order paid ", exchange=cron_stage.others, spelling=spelling, param="{\"n\": \u4e2d}",
                           at=time_text(time.time()), started="true", name="n ")
    message = inbox.take()
    assert message.routing_key == "order paid "
    assert message.raw == "{\"n\": \u4e2d}".encode()
    planned = int(planned_of(message))
    headers = {name: value for name, value in message.properties.headers.items() if name != "CC"}
    assert headers == {"task": made["key"], "planned": planned}
    assert message.properties.message_id.startswith(made["id"] + ":")
    assert message.properties.delivery_mode == 2
    assert abs(planned - time.time()) < 30
    usual.stays_empty(0.5)
    card = cron_stage.detail(made["id"])["result"]
    assert (card["exchange"], card["topic"], card["name"]) == (cron_stage.others, "order paid ", "n ")
    answer = cron_stage.ask("createCron", topic="x", exchange="not.there", every=1)
    assert answer["flag"] == "false" and "messages.exchanges" in answer["detail"]


def test_the_usual_exchange_and_a_message_that_nobody_wants(cron_stage):
    cron_stage.cron()
    ids = [cron_stage.make(topic="nobody", exchange=exchange, at=time_text(time.time()), started="true")["id"]
           for exchange in ("", cron_stage.messages, cron_stage.others)]
    for id in ids:
        wait_until(lambda: [row["state"] for row in cron_stage.history(id)["result"]] == ["ended"], "it was sent", 20)
        assert cron_stage.history(id)["result"][0]["flag"] == "true"
    assert [cron_stage.detail(id)["result"]["exchange"] for id in ids] == ["", "", cron_stage.others]


def test_one_message_of_a_megabyte(cron_stage):
    cron_stage.cron()
    inbox = cron_stage.topic("big", cron_stage.others)
    text = "\u4e2d\"\\ " * (1 << 17)
    cron_stage.make(topic="big", exchange=cron_stage.others, param=text[:1 << 18], at=time_text(time.time()), started="true")
    assert inbox.take().raw == text[:1 << 18].encode()


def test_counts_of_the_minute_and_their_warnings(cron_stage):
    begin_of_a_minute()
    cron = cron_stage.cron({"messages.nameAlert": 5, "messages.totalAlert": 7})
    assert stat(cron_stage) == {"total": 0, "names": {}}
    cron_stage.make(owner="o", name="n\"1", topic="t", every=0.05, count=7, started="true")
    wait_until(lambda: stat(cron_stage)["total"] == 7, "seven were sent")
    cron_stage.make(owner="o", name="total", topic="t", at=time_text(time.time()), started="true")
    cron_stage.make(owner="other", name="n\"1", topic="t", at=time_text(time.time()), started="true")
    wait_until(lambda: stat(cron_stage, "other")["total"] == 1, "all were sent")
    assert stat(cron_stage) == {"total": 8, "names": {"n\"1": 7, "total": 1}}
    log = cron.log()
    assert [line.split("currentCount=")[1].split()[0] for line in log.splitlines() if "#NAME_TO_MANY_TASK" in line] == ["6", "7"]
    assert log.count("#TOTAL_TO_MANY_TASK currentTotalCount=8 maxTotalCount=7") == 1
    assert log.count("#TOTAL_TO_MANY_TASK") == 1


def test_counts_survive_a_restart_and_end_with_the_minute(cron_stage):
    begin_of_a_minute()
    cron = cron_stage.cron()
    id = cron_stage.make(owner="o", name="n", topic="t", every=0.05, count=4, started="true")["id"]
    wait_until(lambda: [row["state"] for row in cron_stage.history(id)["result"]] == ["ended"] * 4, "all were sent")
    minute = int(time.time() / 60)
    cron.kill()
    cron.start()
    wait_until(lambda: cron.log().count("consuming queue") == 2, "it takes requests", 30)
    counts = stat(cron_stage)
    if int(time.time() / 60) == minute:
        assert counts == {"total": 4, "names": {"n": 4}}
    wait_until(lambda: int(time.time() / 60) > minute, "the minute is over", 70)
    assert stat(cron_stage) == {"total": 0, "names": {}}


def test_p7_messages_of_another_exchange_are_not_sent_twice(cron_stage):
    cron = cron_stage.cron()
    inbox = cron_stage.topic("t", cron_stage.others)
    cron_stage.make(topic="t", exchange=cron_stage.others, every=0.5, missed="all", started="true")
    inbox.take()
    cron.terminate()
    cron.environment = {"ELVES_CRASH": "cron-before-mark:2"}
    cron.start(ready=False)
    wait_until(lambda: not cron.alive(), "it dies before the mark", 30)
    cron.expected = (0, -signal.SIGKILL)
    cron.environment = {}
    began = cron.log().count("consuming queue")
    cron.start(ready=False)
    wait_until(lambda: cron.log().count("consuming queue") > began, "it takes requests", 30)
    keys = keys_of(inbox.take_many(8))
    while message := inbox.poll():
        keys.append(message.properties.message_id)
    assert len(keys) == len(set(keys))
