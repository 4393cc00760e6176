"""libelves-client: what its handlers are called with, and what becomes of messages that fail.

Messages are published by pika as elves-cron publishes them; test_taskcenter.py has it all together.
"""

import contextlib
import os
import time
import uuid

import pika
import pytest

from support.consumer import Consumer
from support.process import build_dir, clean_environment
from support.stage import Stage
from support.taskcenter import DEFAULT_DELAYS_MS
from support.wait import stays, wait_until


class Topic:
    """An exchange of the test's own, and the queues of its groups."""

    def __init__(self, stage):
        self.stage, self.name = stage, stage.name + "-topic"
        self.channel = stage.asker.channel
        self.channel.exchange_declare(self.name, "topic", durable=True)

    def send(self, tag, data=b"x", id="0123456789abcdef01234567", headers=None, **properties):
        headers = {"task": id, "planned": 1} if headers is None else headers
        properties.setdefault("message_id", uuid.uuid4().hex)
        about = pika.BasicProperties(headers=headers, delivery_mode=2, **properties)
        self.channel.basic_publish(self.name, tag, data, about)
        return properties["message_id"]

    def dead(self, group=None):
        method, about, body = self.channel.basic_get("%DLQ%" + (group or self.stage.name), auto_ack=True)
        return None if method is None else (about, body)

    def waiting(self, group=None):
        queue = f"{self.name}.{group or self.stage.name}"
        return self.channel.queue_declare(queue, passive=True).method.message_count

    def remove(self, groups, delays):
        for group in groups:
            names = [f"{self.name}.{group}", f"%DLQ%{group}", f"{self.name}.*"]
            for name in names + [f"%RETRY%{self.name}.{group}.{delay}" for delay in delays]:
                with contextlib.suppress(Exception):
                    self.stage.asker.connection.channel().queue_delete(name)
        self.channel.exchange_delete(self.name)


DELAYS_MS = [20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 400]
DELAYS = ",".join(f"{delay}ms" for delay in DELAYS_MS)
RARE = [100, 600000]


@pytest.fixture
def stage(services, tmp_path):
    one = Stage(services, tmp_path)
    yield one
    one.close()


@pytest.fixture
def topic(stage):
    one = Topic(stage)
    yield one
    groups = [stage.name, stage.name + "-2"]
    one.remove(groups, {*DELAYS_MS, *RARE, *DEFAULT_DELAYS_MS})


# T19: handlers by tag.


@pytest.mark.parametrize("is_global", [False, True], ids=["own", "global"])
@pytest.mark.parametrize("what", ["ok", "simple"])
def test_t19_what_a_handler_gets(stage, topic, is_global, what):
    consumer = Consumer(stage, {"order": what}, is_global=is_global)
    data = '{"id":7,"text":"你好"}'.encode()
    msgid = topic.send("order", data, "5f0123456789abcdef012345 ")
    topic.send("other")
    call = consumer.wait(1)[0]
    assert call["taskid"] == "5f0123456789abcdef012345", "blanks behind it are not its"
    assert (call["data"], call["length"]) == (data.decode(), len(data))
    assert (call["tag"], call["msgid"], call["retries"]) == ("order", msgid, 0)
    stays(lambda: len(consumer.poll()) == 1, "nothing of another tag, and nothing twice", 0.5)
    consumer.release()
    assert topic.waiting() == 0


def test_t19_several_tags_and_all(stage, topic):
    consumer = Consumer(stage, {"a || b": "ok", "c": "ok", "*": "simple"})
    for tag in ["a", "b", "c", "d", "e.f"]:
        topic.send(tag)
    consumer.wait(8)
    assert [(call["handler"], call["tag"]) for call in consumer.poll()] == [
        ("a || b", "a"), ("*", "a"), ("a || b", "b"), ("*", "b"), ("c", "c"), ("*", "c"), ("*", "d"), ("*", "e.f"),
    ]


def test_t19_all_registered_tags_arrive(stage, topic):
    """The original's later subscriptions replaced the earlier ones."""
    consumer = Consumer(stage, {"a": "ok", "b": "ok", "c||d": "ok"})
    for tag in ["a", "b", "c", "d"]:
        topic.send(tag)
    assert sorted(call["tag"] for call in consumer.wait(4)) == ["a", "b", "c", "d"]


def test_t19_a_group_shares_its_messages(stage, topic):
    """Each message goes to one of a group, and to every group."""
    first = Consumer(stage, {"a": "sleep-5"}, prefetch=5)
    second = Consumer(stage, {"a": "sleep-5"}, prefetch=5)
    other = Consumer(stage, {"a": "ok"}, group=stage.name + "-2")
    sent = [topic.send("a", b"%d" % number) for number in range(100)]
    other.wait(100)
    wait_until(lambda: len(first.poll()) + len(second.poll()) >= 100, "all are handled")
    handled = [call["msgid"] for call in first.poll() + second.poll()]
    assert sorted(handled) == sorted(sent) and [call["msgid"] for call in other.poll()] == sent
    assert first.poll() and second.poll()


def test_t19_messages_wait_for_a_group_that_is_away(stage, topic):
    first = Consumer(stage, {"a": "ok"})
    first.release()
    msgid = topic.send("a")
    second = Consumer(stage, {"a": "ok"})
    assert second.wait(1)[0]["msgid"] == msgid


def test_t19_order_of_calls():
    """Start and release before init, and registering when it is started: unit test test-client."""
    path = os.path.join(build_dir(), "tests/unit/test-client")
    if not os.access(path, os.X_OK):
        pytest.skip("test-client is not built")
    assert os.system(f"{path} -p /client/global -p /client/own >/dev/null 2>&1") == 0


# T20: failing.


def test_t20_sixteen_retries_then_the_dead_letter_queue(stage, topic):
    consumer = Consumer(stage, {"a": "fail"}, **{"retry.delays": DELAYS})
    headers = {"task": "5f0123456789abcdef012345", "planned": 5, "more": [1, {"x": b"y"}]}
    msgid = topic.send("a", b"\x00\xff once", headers=headers, content_type="text/x", user_id=stage.services.mq_user)
    calls = consumer.wait(17)
    about, body = wait_until(topic.dead, "a dead letter")
    assert len(consumer.poll()) == 17, "one call and sixteen retries"
    assert [call["retries"] for call in calls] == list(range(17))
    assert {(call["msgid"], call["tag"], call["length"], call["taskid"]) for call in calls} == {
        (msgid, "a", 7, "5f0123456789abcdef012345")
    }
    gaps = [(after["at_us"] - before["at_us"]) / 1000 for before, after in zip(calls, calls[1:])]
    assert all(gap >= delay for gap, delay in zip(gaps, DELAYS_MS)), gaps
    assert body == b"\x00\xff once" and about.message_id == msgid and about.content_type == "text/x"
    assert about.headers["elves-tag"] == "a" and about.headers["elves-error"] == "retry error"
    assert about.headers["task"] == headers["task"] and about.headers["more"] == headers["more"]
    assert topic.waiting() == 0 and topic.dead() is None


def test_t20_success_is_consumed_once(stage, topic):
    consumer = Consumer(stage, {"a": "ok"}, **{"retry.delays": DELAYS})
    topic.send("a")
    consumer.wait(1)
    stays(lambda: len(consumer.poll()) == 1, "one call", 0.5)


def test_t20_succeeds_at_last(stage, topic):
    consumer = Consumer(stage, {"a": "fail-3"}, **{"retry.delays": DELAYS})
    topic.send("a")
    consumer.wait(4)
    stays(lambda: len(consumer.poll()) == 4, "no call after the one that succeeded", 0.5)
    assert topic.dead() is None


def test_t20_one_that_fails_does_not_hold_up_others(stage, topic):
    """Nor does one that waits long hold up one that waits less."""
    consumer = Consumer(stage, {"slow": "fail", "a": "fail-1"}, **{"retry.delays": "100ms,10m"})
    topic.send("slow")
    wait_until(lambda: len([call for call in consumer.poll() if call["tag"] == "slow"]) == 2, "it waits ten minutes")
    topic.send("a")
    wait_until(lambda: len([call for call in consumer.poll() if call["tag"] == "a"]) == 2, "the other came again")


def test_t20_the_given_delays(stage, topic):
    """Without a setting the first retry waits 10 s: it is in the broker, not in the process."""
    consumer = Consumer(stage, {"a": "fail"})
    topic.send("a")
    consumer.wait(1)
    queue = f"%RETRY%{topic.name}.{stage.name}.10000"

    def waits():
        return topic.channel.queue_declare(queue, passive=True).method.message_count == 1

    wait_until(waits, "it waits")
    consumer.release()
    second = Consumer(stage, {"a": "ok"})
    assert second.wait(1)[0]["retries"] == 1


# What must not hurt it.


def test_malformed_messages(stage, topic):
    consumer = Consumer(stage, {"*": "ok"})
    queue = f"{topic.name}.{stage.name}"
    everything = [
        {},
        {"task": 5},
        {"task": None},
        {"task": [1, {"a": "b"}]},
        {"task": b"\xff\xfe"},
        {"elves-retries": -5, "elves-tag": 7},
        {"elves-retries": 2**62, "elves-tag": "t" * 300},
        {"elves-retries": "x"},
    ]
    for headers in everything:
        for exchange, key in ((topic.name, "\N{SNOWMAN}"), ("", queue)):
            about = pika.BasicProperties(headers=headers)
            topic.channel.basic_publish(exchange, key, b"\x00\xff", about)
    topic.channel.basic_publish("", queue, b"")
    topic.send("last")
    calls = consumer.wait(len(everything) * 2 + 2)
    assert calls[-1]["tag"] == "last"
    assert {call["taskid"] for call in calls[:2]} == {""}


def test_malformed_messages_that_fail(stage, topic):
    consumer = Consumer(stage, {"*": "fail-1"}, **{"retry.delays": "20ms"})
    for headers in ({}, {"task": [1]}, {"elves-retries": -5, "elves-tag": 7, "x-death": "none"}):
        topic.channel.basic_publish(topic.name, "a", b"x", pika.BasicProperties(headers=headers))
    calls = consumer.wait(6)
    assert [call["retries"] for call in calls].count(1) == 3 and {call["tag"] for call in calls} == {"a"}


def test_a_megabyte(stage, topic):
    consumer = Consumer(stage, {"a": "fail-1"}, **{"retry.delays": "20ms"})
    topic.send("a", b"m" * 1000000)
    assert [call["length"] for call in consumer.wait(2)] == [1000000] * 2


def test_no_more_than_prefetch_is_taken(stage, topic):
    consumer = Consumer(stage, {"a": "sleep-600000"}, prefetch=3)
    for _ in range(10):
        topic.send("a")
    consumer.wait(1)
    wait_until(lambda: topic.waiting() == 7, "seven wait in the broker")
    stays(lambda: topic.waiting() == 7, "no more are taken", 0.3)
    consumer.kill()
    wait_until(lambda: topic.waiting() == 10, "they are all there again")


def test_release_waits_for_the_handler(stage, topic):
    consumer = Consumer(stage, {"a": "sleep-700"}, prefetch=5)
    for _ in range(5):
        topic.send("a")
    consumer.wait(1)
    consumer.release()
    assert len(consumer.poll()) == 1
    wait_until(lambda: topic.waiting() == 4, "one is consumed, the others went back")


def test_a_slow_handler_keeps_its_connection(stage, topic):
    """Longer than two heartbeats; then its message is consumed, not given out again."""
    consumer = Consumer(stage, {"a": "sleep-3500"}, heartbeat=1)
    topic.send("a")
    consumer.wait(1)
    time.sleep(4)
    consumer.release()
    assert len(consumer.poll()) == 1 and topic.waiting() == 0


def test_a_queue_that_is_deleted(stage, topic):
    """The subscription ends with it; all is made again."""
    consumer = Consumer(stage, {"a": "ok"})
    topic.send("a")
    consumer.wait(1)
    topic.channel.queue_delete(f"{topic.name}.{stage.name}")
    wait_until(lambda: "the broker is lost" in consumer.log_path.read_text(), "it has noticed")

    def comes():
        topic.send("a")
        return len(consumer.poll()) > 1

    wait_until(comes, "messages come again", interval=0.1)


def test_a_broker_that_comes_later(faults):
    """And one that is restarted."""
    with contextlib.ExitStack() as exits:
        faults.broker.stop()
        consumer = Consumer(faults, {"a": "ok"}, wait=False)
        exits.callback(consumer.close)
        wait_until(lambda: "no broker" in consumer.log_path.read_text(), "it has tried")
        faults.broker.start()
        wait_until(consumer._is_ready, "it is ready")
        for _ in range(2):
            topic = Topic(faults)
            before = len(consumer.poll())
            topic.send("a")
            consumer.wait(before + 1)
            faults.broker.stop()
            faults.broker.start()
            faults._asker = None
            wait_until(lambda: consumer.log_path.read_text().count("consuming queue") > 1, "it is back")
