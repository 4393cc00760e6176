"""taskcenter's interface: HTTP, timers and messages, with elves-cron (taskcenter.md)."""

import concurrent.futures
import contextlib
import datetime
import os
import re
import subprocess
import time
import uuid

import pytest

from services import ask_postgres

from support.consumer import Consumer
from support.cron import CronStage, planned_of, seconds
from support.ports import free_port
from support.taskcenter import DEFAULT_DELAYS_MS, OBJECT_ID, Taskcenter, collect, refusal
from support.wait import wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def start(stage, center_settings=None, **cron_settings):
    """elves-cron and the door on its stage; messages go to an exchange of the stage's own."""
    stage.topic_name = stage.name + "-topic"
    stage.cron_options = {"messages.exchanges": stage.topic_name, **cron_settings}
    stage.daemon = stage.cron(stage.cron_options)
    center = Taskcenter(stage, center_settings, stage.topic_name)
    stage.exits.callback(lambda: stage.new_asker().channel.exchange_delete(stage.topic_name))
    return center


@pytest.fixture(scope="module")
def center(services, tmp_path_factory):
    """One for all tests that need no stores and settings of their own: they use names of their own."""
    stage = CronStage(services, tmp_path_factory.mktemp("center"))
    yield start(stage)
    stage.close()


@pytest.fixture
def name():
    return "n" + uuid.uuid4().hex[:10]


def by_second(messages):
    return [int(message.properties.headers["planned"]) for message in messages]


# T01: adding; T02: both prefixes.


def test_t01_answer(center, name):
    status, answer = center.post("task", {"name": name, "type": 1, "data": "{}"})
    assert status == 200 and answer == {"taskid": answer["taskid"], "name": name}
    assert re.fullmatch(OBJECT_ID, answer["taskid"])
    assert abs(int(answer["taskid"][:8], 16) - time.time()) < 60, "it begins with the second"


@pytest.mark.parametrize("prefix", ["/v1/api/", "/api/v1/"])
def test_t02_all_below_both_prefixes(center, name, prefix):
    status, added = center.post("task", {"name": name, "type": 2, "loop_time": 1000, "data": "x"}, prefix)
    id = added["taskid"]
    assert status == 200
    assert center.get("query-task-by-id", prefix, taskid=id)[1]["_id"] == id
    assert [task["_id"] for task in center.get("query-task-by-name", prefix, name=name)[1]] == [id]
    assert center.get("task/stat", prefix)[0] == 200
    assert center.post("delete-task", {"ids": [id]}, prefix) == (200, {"SucIds": [id]})
    assert center.post("delete-task-by-name", {"name": name}, prefix) == (200, {"SucIds": []})


# T03: once.


def test_t03_exactly_one_message(center, name):
    inbox = center.consumer(name)
    center.add(name, data="payload")
    message = inbox.take(30)
    assert message.raw == b"payload"
    inbox.stays_empty(1.5)


# T04: loop.


def test_t04_count_and_spacing(center, name):
    inbox = center.consumer(name)
    center.add(name, 2, loop_time=1, loop_count=3)
    messages = inbox.take_many(3)
    first, *rest = by_second(messages)
    assert abs(first - time.time()) < 8, "the first one is sent at once"
    planned = [planned_of(message) for message in messages]
    assert [round(after - before, 3) for before, after in zip(planned, planned[1:])] == [1, 1]
    inbox.stays_empty(2.2)


def test_t04_without_count_it_goes_on(center, name):
    inbox = center.consumer(name)
    id = center.add(name, 2, loop_time=1)
    inbox.take_many(5)
    assert center.delete(id) == [id]


def test_t04_loop_plus_one(services, tmp_path, name):
    """As the original counted."""
    stage = CronStage(services, tmp_path)
    try:
        center = start(stage, {"taskcenter.compat.loopPlusOne": "true"})
        inbox = center.consumer(name)
        id = center.add(name, 2, loop_time=1, loop_count=2)
        inbox.take_many(3)
        inbox.stays_empty(1.5)
        assert center.task(id)["loop_count"] == 2
    finally:
        stage.close()


# T05: crontab.


def test_t05_every_two_seconds(center, name):
    inbox = center.consumer(name)
    id = center.add(name, 3, crontab="*/2 * * * * *")
    planned = [planned_of(message) for message in inbox.take_many(3)]
    center.delete(id)
    assert all(instant == int(instant) and instant % 2 == 0 for instant in planned), planned
    assert [after - before for before, after in zip(planned, planned[1:])] == [2, 2]


def test_t05_five_fields(center, name):
    """At second 0 of a minute; not waited for, elves-cron knows the next one."""
    id = center.add(name, 3, crontab="*/5 * * * *")
    card = center.stage.ask("findCron", owner="taskcenter", id=id)["result"][0]
    next_s = seconds(card["next"])
    assert next_s % 300 == 0 and 0 < next_s - time.time() <= 300


def test_t05_count(center, name):
    inbox = center.consumer(name)
    center.add(name, 3, crontab="* * * * * *", loop_count=2)
    inbox.take_many(2)
    inbox.stays_empty(2.2)


# T06, T07: start_time, end_time.


@pytest.mark.parametrize("members", [{"type": 1}, {"type": 2, "loop_time": 1}, {"type": 3, "crontab": "* * * * * *"}])
def test_t06_nothing_before_start_time(center, name, members):
    inbox = center.consumer(name)
    start_time = int(time.time()) + 3
    id = center.add(name, start_time=start_time, **members)
    message = inbox.take(30)
    assert time.time() >= start_time
    assert start_time <= planned_of(message) < start_time + 1, "the first one is of that very second"
    center.delete(id)


@pytest.mark.parametrize("members", [{"type": 2, "loop_time": 1}, {"type": 3, "crontab": "* * * * * *"}])
def test_t07_nothing_after_end_time(center, name, members):
    inbox = center.consumer(name)
    end_time = int(time.time()) + 3
    center.add(name, end_time=end_time, **members)
    got = [message for _, message in collect(inbox, 6)]
    planned = [planned_of(message) for message in got]
    assert 2 <= len(planned) <= 4 and max(planned) < end_time + 1, planned
    if members["type"] == 3:
        assert max(planned) == end_time, "that second still counts"


@pytest.mark.parametrize(
    "members",
    [{"type": 1}, {"type": 2, "loop_time": 1}, {"type": 3, "crontab": "* * * * * *"}, {"type": 3, "crontab": "0 0 1 1 *"}],
)
def test_t07_a_task_that_never_runs(center, name, members):
    """Its end is before its start, or before its first instant: taken, kept, never sent."""
    inbox = center.consumer(name)
    now = int(time.time())
    times = {"end_time": now + 1}
    if members.get("crontab") != "0 0 1 1 *":
        times["start_time"] = now + 2
    id = center.add(name, **members, **times)
    task = center.task(id)
    assert {key: task[key] for key in {**members, **times}} == {**members, **times}
    assert center.add(name, **members, **times) == id
    inbox.stays_empty(3)


# T08: what cannot be kept.


def test_t08_the_store_is_down(services, tmp_path):
    stage = CronStage(services, tmp_path, "postgresql")
    admin = os.environ["ELVES_TEST_POSTGRES"]
    try:
        center = start(stage, {"openapi.callTimeout": 2000})
        known = center.add("known", 2, loop_time=1000)
        stage.daemon.expected = (0, 1)
        ask_postgres(admin, f'ALTER DATABASE "{stage.name}" WITH ALLOW_CONNECTIONS false')
        ask_postgres(admin, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{stage.name}'")
        status, answer = center.post("task", {"name": "a", "type": 1, "data": "x"})
        assert status == 500 and answer["err"] == 500 and answer["msg"], answer
        assert center.get("query-task-by-id", taskid=known)[0] == 500
        ask_postgres(admin, f'ALTER DATABASE "{stage.name}" WITH ALLOW_CONNECTIONS true')
        wait_until(lambda: center.get("query-task-by-id", taskid=known)[0] == 200, "it is back", 60, 0.2)
    finally:
        stage.close()


def test_t08_too_large(center, name):
    body = {"name": name, "type": 1, "data": "x" * (1048576 + 1)}
    assert center.post("task", body) == refusal("params data invalid")


def test_t08_name_and_data_may_be_optional(services, tmp_path):
    stage = CronStage(services, tmp_path)
    try:
        center = start(stage, {"taskcenter.requireNameAndData": "false"})
        inbox = center.consumer("#")
        status, answer = center.post("task", {"type": 1})
        assert status == 200 and answer["name"] == "" and re.fullmatch(OBJECT_ID, answer["taskid"])
        message = inbox.take(30)
        assert (message.routing_key, message.raw) == ("", b"")
    finally:
        stage.close()


# T09: max_runtime and ack.


def test_t09_kept_and_without_effect(center, name):
    inbox = center.consumer(name)
    id = center.add(name, max_runtime=1, ack=True)
    inbox.take(30)
    task = center.task(id)
    assert task["max_runtime"] == 1 and task["ack"] is True
    inbox.stays_empty(2)


# T10: equal tasks.


def test_t10_same_name_and_data(cron_stage):
    center = start(cron_stage)
    inbox = center.consumer("a")
    id = center.add("a", data="x")
    inbox.take(30)
    assert center.add("a", data="x") == id
    assert center.add("a", 2, data="x", loop_time=1, end_time=int(time.time()) + 50) == id
    assert center.task(id)["type"] == 1, "nothing is changed"
    assert center.add("a", data="y") != id and center.add("b", data="x") != id
    assert inbox.take(30).raw == b"y"
    inbox.stays_empty(1)
    assert center.delete(id) == [id]
    assert center.add("a", data="x") != id, "deleting it has freed the pair"


def test_t10_parallel_requests(cron_stage):
    center = start(cron_stage)
    inbox = center.consumer("a")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(lambda _: center.add("a", data="x"), range(32)))
    assert len(set(ids)) == 1
    inbox.take(30)
    inbox.stays_empty(1)


# T11, T12: deleting.


def test_t11_known_and_unknown(center, name):
    inbox = center.consumer(name)
    first = center.add(name, 2, data="1", loop_time=1)
    second = center.add(name, data="2")
    other = center.add(name, 2, data="3", loop_time=1000)
    wrong_second = "00000000" + other[8:]
    asked = [second, "f" * 24, "malformed", wrong_second, first, first]
    assert center.delete(*asked) == [second, first], "in the order of the request, each once"
    assert center.delete(first, second) == []
    assert center.get("query-task-by-id", taskid=first) == (500, {"err": 500, "msg": "not found"})
    assert center.task(other)["data"] == "3"
    time.sleep(0.3)  # one that was under way
    while inbox.poll() is not None:
        pass
    inbox.stays_empty(1.5)


def test_t11_upper_case_and_many(center, name):
    ids = [center.add(name, 2, data=str(number), loop_time=100000) for number in range(5)]
    unknown = ["%024x" % number for number in range(1200)]
    assert center.delete(*unknown, *[id.upper() for id in ids]) == ids


def test_t12_all_of_the_name(center, name):
    ids = [center.add(name, 2, data=str(number), loop_time=100000) for number in range(3)]
    other = center.add(name + "x", 2, loop_time=100000)
    status, answer = center.post("delete-task-by-name", {"name": name})
    assert status == 200 and sorted(answer["SucIds"]) == sorted(ids)
    assert center.post("delete-task-by-name", {"name": name}) == (200, {"SucIds": []})
    assert center.named(name) == [] and center.task(other)


# T13, T14: asking.


def test_t13_all_members(center, name):
    given = {
        "type": 2,
        "data": '{"a":"ü"}',
        "crontab": "not looked at",
        "loop_time": 1000,
        "loop_count": 7,
        "start_time": int(time.time()) + 1000,
        "end_time": int(time.time()) + 9000,
        "max_runtime": 30,
        "ack": True,
    }
    id = center.add(name, **given)
    task = center.task(id)
    created, text = task.pop("created_at"), task.pop("created_at_rfc3339")
    assert task == {"_id": id, "name": name, **given}
    assert type(created) is int and abs(created - time.time()) < 60
    assert int(datetime.datetime.fromisoformat(text).timestamp()) == created
    zero = center.task(center.add(name))
    assert [zero[key] for key in ("crontab", "loop_time", "loop_count", "start_time", "end_time", "max_runtime", "ack")] == [
        "", 0, 0, 0, 0, 0, False,
    ]


def test_t14_newest_first(center, name):
    ids = [center.add(name, 2, data=str(number), loop_time=100000) for number in range(3)]
    assert [task["_id"] for task in center.named(name)] == ids[::-1]
    assert center.named(name + "x") == []
    status, answer = center.get(f"query-task-by-name/{name}")
    assert status == 200 and [task["data"] for task in answer] == ["2", "1", "0"]


def test_t14_more_than_a_page(center, name):
    ids = [center.add(name, 2, data=str(number), loop_time=100000) for number in range(45)]
    assert [task["_id"] for task in center.named(name)] == ids[::-1]


# T15: data; T16: tag and key.


@pytest.mark.parametrize("data", ['{"a": [1, "ü"]}', "\b\x01\x7f~ proto \n\r\t", " blanks ", "你好 🙂 \u2028", "null", "12"])
def test_t15_data_is_opaque(center, name, data):
    inbox = center.consumer(name)
    id = center.add(name, data=data)
    assert inbox.take(30).raw == data.encode()
    assert center.task(id)["data"] == data


def test_t15_a_megabyte(center, name):
    inbox = center.consumer(name)
    data = "".join(chr(33 + number % 90) for number in range(1000000))
    id = center.add(name, data=data)
    assert inbox.take(30).raw == data.encode()
    assert center.task(id)["data"] == data
    assert len(center.named(name)) == 1


def test_t16_tag_and_key(center, name):
    mine, other = center.consumer(name), center.consumer(name + "x")
    id = center.add(name)
    message = mine.take(30)
    assert (message.exchange, message.routing_key) == (center.topic, name)
    assert message.properties.headers["task"] == id
    assert message.properties.message_id and message.properties.delivery_mode == 2
    other.stays_empty(0.5)


def test_t16_names_as_they_are(center, name):
    inbox = center.consumer("#")
    names = [f"{name} with blanks ", f"{name}.dots.in", f"名 {name}", f"{name}*#"]
    for one in names:
        center.add(one)
    keys = set()

    def all_came():
        message = inbox.poll()
        if message is not None and name in message.routing_key:
            keys.add(message.routing_key)
        return len(keys) == len(names)

    wait_until(all_came, "all came")
    assert keys == set(names)
    assert [center.named(one)[0]["name"] for one in names] == names


# T17: numbers of a minute.


def wait_for_room_in_the_minute(seconds_needed):
    while 60 - time.time() % 60 < seconds_needed:
        time.sleep(0.1)


def test_t17_warnings_and_stat(services, tmp_path):
    stage = CronStage(services, tmp_path)
    try:
        center = start(stage, **{"messages.nameAlert": 5, "messages.totalAlert": 9})
        log, inbox = stage.daemon.log, center.consumer()
        wait_for_room_in_the_minute(20)
        assert center.get("task/stat") == (200, {})
        for number in range(5):
            center.add("a", data=str(number))
        inbox.take_many(5)
        assert "TO_MANY_TASK" not in log(), "not at the limit"
        for number in range(5, 7):
            center.add("a", data=str(number))
        inbox.take_many(2)
        wait_until(lambda: log().count("#NAME_TO_MANY_TASK") == 2, "a warning for the sixth and the seventh")
        for number in range(3):
            center.add("total", data=str(number))
        inbox.take_many(3)
        wait_until(lambda: log().count("#TOTAL_TO_MANY_TASK") == 1, "and one for the tenth of all")
        assert log().count("#NAME_TO_MANY_TASK") == 2
        assert center.get("task/stat") == (200, {"total": "10", "a": "7"})
    finally:
        stage.close()


# T18: the configuration of taskcenter.


def imported(component, file=None, environment=None, cwd=None):
    """elves-import-taskcenter: its CompletedProcess, and what it printed as a dictionary."""
    command = [os.path.join(TOP, "packaging/elves-import-taskcenter"), component] + ([str(file)] if file else [])
    variables = {**os.environ, **(environment or {})}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, cwd=cwd)
    return done, dict(line.split(" = ", 1) for line in done.stdout.splitlines())


SAMPLE = os.path.join(TOP, "examples/task_center.toml")


def test_t18_sample_file(tmp_path):
    done, openapi = imported("openapi", SAMPLE)
    assert done.returncode == 0
    assert openapi["taskcenter.port"] == "8081" and openapi["taskcenter.enabled"] == "true"
    assert (openapi["mq.ip"], openapi["mq.port"]) == ("127.0.0.1", "5672")
    cron = imported("cron", SAMPLE)[1]
    assert (cron["messages.nameAlert"], cron["messages.totalAlert"]) == ("5", "10")
    assert cron["messages.exchanges"] == openapi["taskcenter.topic"] == "taskcenter"
    assert imported("openapi", None, {"TASK_CENTER_CONFIG_PATH": SAMPLE})[1] == openapi
    (tmp_path / "task_center.toml").write_text(open(SAMPLE).read())
    assert imported("openapi", cwd=tmp_path)[1] == openapi
    assert imported("openapi", tmp_path / "none")[0].returncode == 1


TOML = """# comment
[task_center]
port = {port}
name_alert_count = "x" # not numeric: off
[ mongodb ]
uri = "sqlite:{folder}/cron.db"
[redis]
addr = ""
[rocketmq]
namesvr = "{host}:{mq_port}"
access_key = '{user}'
secret_key = "{password}"   # blanks
topic = "{topic}"
"""
FLAT = """task_center.port: {port}
app.total_alert_count: 3
mongodb.uri: sqlite:{folder}/cron.db
rocketmq.namesvr = {host}:{mq_port}
rocketmq.access_key = {user}
rocketmq.secret_key = {password}
rocketmq.topic = {topic}
"""


@pytest.mark.parametrize("text", [TOML, FLAT], ids=["toml", "flat"])
def test_t18_start(services, tmp_path, name, text):
    stage = CronStage(services, tmp_path)
    try:
        port, topic = free_port(), stage.name + "-topic"
        broker = {"host": services.mq_host, "mq_port": services.mq_port, "user": services.mq_user}
        file = tmp_path / "task_center"
        file.write_text(text.format(port=port, topic=topic, folder=tmp_path, password=services.mq_password, **broker))
        cron = imported("cron", file)[1]
        assert cron["messages.nameAlert"] == "0"
        assert cron["messages.totalAlert"] == ("3" if text is FLAT else "0")
        stage.cron(cron)
        center = Taskcenter(stage, imported("openapi", file)[1], topic)
        assert center.port == port
        stage.exits.callback(lambda: stage.new_asker().channel.exchange_delete(topic))
        inbox = center.consumer(name)
        id = center.add(name)
        assert inbox.take(30).properties.headers["task"] == id
    finally:
        stage.close()


# T19, T20: with the consumers' library.


def test_t19_from_the_request_to_the_handler(center, name):
    consumer = Consumer(center.stage, {f"{name}1 || {name}2": "ok"}, topic=center.topic)
    ids = [center.add(name + "1", data="one"), center.add(name + "2", data="two")]
    center.add(name + "3", data="three")
    calls = consumer.wait(2)
    assert {(call["taskid"], call["data"]) for call in calls} == {(ids[0], "one"), (ids[1], "two")}
    assert all(call["msgid"] for call in calls)
    consumer.release()
    remove_queues(center.stage, center.topic, [])


def test_t20_a_handler_that_fails_twice(center, name):
    consumer = Consumer(center.stage, {name: "fail-2"}, topic=center.topic, **{"retry.delays": "50ms,50ms,50ms"})
    id = center.add(name)
    calls = consumer.wait(3)
    assert [(call["taskid"], call["retries"]) for call in calls] == [(id, 0), (id, 1), (id, 2)]
    assert len({call["msgid"] for call in calls}) == 1
    consumer.release()
    remove_queues(center.stage, center.topic, [50])


def remove_queues(stage, topic, delays):
    names = [f"{topic}.{stage.name}", f"%DLQ%{stage.name}"]
    with contextlib.suppress(Exception):
        for queue in names + [f"%RETRY%{topic}.{stage.name}.{delay}" for delay in [*delays, *DEFAULT_DELAYS_MS]]:
            stage.asker.connection.channel().queue_delete(queue)


# T21: several servers.


def test_t21_no_message_twice(services, tmp_path):
    stage = CronStage(services, tmp_path, "postgresql")
    try:
        center = start(stage)
        stage.cron(stage.cron_options, leads=False)
        second = Taskcenter(stage, None, stage.topic_name)
        inbox = center.consumer()
        loop = center.add("loop", 2, loop_time=1, loop_count=15)
        cron = second.add("cron", 3, crontab="* * * * * *", loop_count=15)
        messages = inbox.take_many(30, 60)
        inbox.stays_empty(2.5)
        for id in (loop, cron):
            planned = [m.properties.message_id for m in messages if m.properties.headers["task"] == id]
            assert len(planned) == len(set(planned)) == 15, planned
        assert second.task(loop)["_id"] == loop
    finally:
        stage.close()


# T22: restart.


def test_t22_timers_go_on(cron_stage):
    center = start(cron_stage)
    inbox = center.consumer()
    loop = center.add("loop", 2, loop_time=1)
    cron = center.add("cron", 3, crontab="* * * * * *")
    later = center.add("later", start_time=int(time.time()) + 4)
    once = center.add("once")

    def count(id, messages):
        return len([m for m in messages if m.properties.headers["task"] == id])

    before = [m for _, m in collect(inbox, 1.5)]
    cron_stage.daemon.terminate()
    before += [m for _, m in collect(inbox, 0.5)]
    assert count(once, before) == 1 and count(later, before) == 0
    time.sleep(3)
    cron_stage.daemon = cron_stage.cron(cron_stage.cron_options)
    after = []

    def goes_on():
        after.extend(m for _, m in collect(inbox, 0.2))
        return count(loop, after) >= 3 and count(cron, after) >= 3 and count(later, after) >= 1

    wait_until(goes_on, "all go on")
    assert count(later, after) == 1 and count(once, after) == 0
    keys = [m.properties.message_id for m in before + after]
    assert len(keys) == len(set(keys)), "each instant once"
    assert center.add("once") == once
