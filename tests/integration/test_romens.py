"""The Romens scheduler: tasks of its original client, called back by elves-cron, on either store where that
makes a difference."""

import datetime
import time
import zoneinfo

import pytest

from support.cron import STORES, CronStage
from support.openapi import Openapi
from support.receiver import Receiver
from support.romens import EVERY_SECOND, NEVER_SOON, Client, callbacks
from support.wait import FACTOR, stays, wait_until

ZONE = "Asia/Shanghai"
HOUR_S = 3600


class World:
    """elves-cron and elves-openapi; what the client says, and who is called back."""

    def __init__(self, services, folder, store, settings=None):
        self.stage = CronStage(services, folder, store)
        self.settings = {"cron.timezone": ZONE}
        self.cron = self.stage.cron(self.settings)
        self.openapi = Openapi(self.stage, {"romens.enabled": "true", **(settings or {})})
        self.client = Client(self.openapi.port)

    def receiver(self):
        one = Receiver()
        self.stage.exits.callback(one.close)
        return one

    def statuses(self, id):
        status, page = self.client.history(id, pageSize=1000)
        assert status == 200, page
        return [entry["status"] for entry in page["list"]]

    def wait_called(self, receiver, times):
        wait_until(lambda: len(receiver.requests) >= times, f"{times} callbacks have come")
        return callbacks(receiver)


@pytest.fixture(scope="module")
def world(services, tmp_path_factory):
    """Of all tests that only look at their own tasks."""
    one = World(services, tmp_path_factory.mktemp("romens"), "sqlite")
    yield one
    one.stage.close()


@pytest.fixture(params=STORES)
def own_world(request, services, tmp_path):
    one = World(services, tmp_path, request.param)
    yield one
    one.stage.close()


@pytest.fixture
def receiver(world):
    return world.receiver()


def test_r01_post(world, receiver):
    members = world.client.task_members(receiver, callbackParams='{"action":"start"}', startAt=1, isMultipleEntry=True)
    status, task = world.client.send("POST", "/v1/task", members)
    assert status == 200
    assert isinstance(task["taskId"], str) and {k: task[k] for k in members} == members
    assert task["executedTimes"] == 0 and task["createdAt"] == pytest.approx(time.time(), abs=30)
    assert (task["isDeleted"], task["isExpired"], task["isMaxReached"]) == (False, False, False)
    world.wait_called(receiver, 1)


def test_r01_names_of_the_documentation(world, receiver):
    members = {"name": "n", "count": 2, "cronJob": NEVER_SOON, "startAt": 0, "stopAt": 0, "isMultipleEntry": False,
               "callback": {"url": receiver.url, "method": "post", "params": "params"}}
    status, task = world.client.send("POST", "/v1/task", members)
    assert status == 200 and task["taskName"] == "n" and task["repeatTimes"] == 2
    assert task["callbackUrl"] == receiver.url and task["callbackMethod"] == "POST"


@pytest.mark.slow
def test_r02_count(world, receiver):
    exact, unlimited = receiver, world.receiver()
    id = world.client.post(exact, repeatTimes=3, isMultipleEntry=True)
    other = world.client.post(unlimited, repeatTimes=0, isMultipleEntry=True)
    wait_until(lambda: world.client.task(id)["isMaxReached"], "it has been executed so often")
    world.wait_called(unlimited, 5)
    world.wait_called(exact, 3)
    stays(lambda: len(exact.requests) == 3, "and no more", 1)
    task = world.client.task(id)
    assert task["executedTimes"] == 3 and task["nextAt"] == 0
    task = world.client.task(other)
    assert task["repeatTimes"] == 0 and not task["isMaxReached"] and task["executedTimes"] >= 5
    world.client.delete(other)


@pytest.mark.slow
def test_r03_cron_job(world, receiver):
    id = world.client.post(receiver, cronJobValue={**EVERY_SECOND, "second": "*/2"}, repeatTimes=3, isMultipleEntry=True)
    world.wait_called(receiver, 3)
    _, page = world.client.history(id)
    times = sorted(entry["startAt"] for entry in page["list"])
    assert times[1] - times[0] in (1, 2, 3) and times[2] - times[0] in (3, 4, 5)
    assert world.client.task(id)["cronJobValue"]["second"] == "*/2"


def next_at(world, receiver, **fields):
    id = world.client.post(receiver, cronJobValue=fields)
    at = world.client.task(id)["nextAt"]
    world.client.delete(id)
    return datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(ZONE))


def test_r03_sample_is_midnight(world, receiver):
    today = datetime.datetime.now(zoneinfo.ZoneInfo(ZONE)).date()
    sample = {"second": "0", "minute": "0", "hour": "0", "dom": "*", "month": "*", "dow": "*"}
    for fields in (sample, {}, {"hour": 0, "minute": None}):
        at = next_at(world, receiver, **fields)
        assert (at.hour, at.minute, at.second) == (0, 0, 0)
        assert at.date() - today in (datetime.timedelta(1), datetime.timedelta(2))


def test_r03_fields(world, receiver):
    assert next_at(world, receiver, dow="SUN").isoweekday() == 7
    assert next_at(world, receiver, dow="7").isoweekday() == 7
    assert next_at(world, receiver, dow=1, hour="8-10/2").hour == 8
    at = next_at(world, receiver, month="feb", dom="28", hour=23, minute=59, second="59")
    assert (at.month, at.day, at.hour, at.minute, at.second) == (2, 28, 23, 59, 59)
    either = next_at(world, receiver, dom="13", dow="5", hour="12")
    assert either.day == 13 or either.isoweekday() == 5
    assert world.client.send("POST", "/v1/task", world.client.task_members(
        receiver, cronJobValue={"dom": "31", "month": "2"}))[0] == 400


@pytest.mark.slow
def test_r04_start_and_stop(world, receiver):
    now = int(time.time())
    id = world.client.post(receiver, repeatTimes=0, isMultipleEntry=True, startAt=now + 3, stopAt=now + 6)
    stays(lambda: not receiver.requests or time.time() >= now + 3, "nothing before startAt", 2)
    wait_until(lambda: world.client.task(id)["isExpired"], "stopAt has passed")
    wait_until(lambda: len(receiver.requests) == world.client.history(id)[1]["total"], "all that fired has come")
    _, page = world.client.history(id)
    times = [entry["startAt"] for entry in page["list"]]
    assert times and min(times) >= now + 3 and len(receiver.requests) <= 4
    assert world.client.task(id)["nextAt"] == 0
    count = len(receiver.requests)
    stays(lambda: len(receiver.requests) == count, "nothing after stopAt", 1.5)


def test_r04_wrong_order(world, receiver):
    members = world.client.task_members(receiver, startAt=20, stopAt=10)
    assert world.client.send("POST", "/v1/task", members)[0] == 400


@pytest.mark.slow
def test_r05_multiple_entry(world, receiver):
    alone, beside = receiver, world.receiver()
    id = world.client.post(alone, repeatTimes=0, isMultipleEntry=False)
    other = world.client.post(beside, repeatTimes=0, isMultipleEntry=True)
    world.wait_called(beside, 4)
    assert len(alone.requests) == 1, "the first has not been reported"
    assert world.client.task(id)["executedTimes"] == 1
    assert world.statuses(other)[:2] == ["RUNNING", "RUNNING"]
    world.client.delete(other)
    assert world.client.report(callbacks(alone)[0].token, "SUCCESS")[0] == 200
    second = world.wait_called(alone, 2)[1]
    assert second.token != callbacks(alone)[0].token
    world.client.delete(id)


def test_r05_a_report_that_never_comes(services, tmp_path):
    world = World(services, tmp_path, "sqlite", {"romens.reportTimeout": 1})
    try:
        receiver = world.receiver()
        id = world.client.post(receiver, repeatTimes=0, isMultipleEntry=False)
        world.wait_called(receiver, 2)
        assert "TIMEOUT" in world.statuses(id)
    finally:
        world.stage.close()


def test_r06_methods(world):
    params = '{"a":"1 &","b":{"c":[2]}}'
    for method in ("POST", "PATCH", "GET", "DELETE"):
        receiver = world.receiver()
        world.client.quick(receiver, "0", callbackMethod=method.lower(), callbackParams=params)
        (call,) = world.wait_called(receiver, 1)
        assert call.method == method and call.path == "/hook" and call.query[0] == ("x", "1")
        if method in ("POST", "PATCH"):
            assert call.body == params.encode() and call.headers["content-type"] == "application/json"
            assert [name for name, _ in call.query] == ["x", "statusToken"]
        else:
            assert call.body == b""
            assert call.query[1:3] == [("a", "1 &"), ("b", '{"c":[2]}')] and call.query[3][0] == "statusToken"


def test_r06_plain_text_is_delivered(world, receiver):
    id = world.client.quick(receiver, "0")
    (call,) = world.wait_called(receiver, 1)
    wait_until(lambda: world.client.history(id)[1]["list"][0]["httpStatus"] == 200, "the answer is in the history")
    (entry,) = world.client.history(id)[1]["list"]
    assert entry["status"] == "RUNNING" and entry["token"] == call.token and entry["endAt"] == 0


def test_r06_not_delivered(world, receiver):
    receiver.answers = [500]
    failed = world.client.quick(receiver, "0")
    wait_until(lambda: world.statuses(failed) == ["FAILED"], "a status of 500 is a failure")
    (entry,) = world.client.history(failed)[1]["list"]
    assert entry["httpStatus"] == 500 and entry["endAt"] >= entry["startAt"] > 0
    stays(lambda: len(receiver.requests) == 1, "it is not tried again", 1)

    gone = world.receiver()
    gone.close()
    unreachable = world.client.quick(gone, "0")
    wait_until(lambda: world.statuses(unreachable) == ["FAILED"], "nobody listens")
    (entry,) = world.client.history(unreachable)[1]["list"]
    assert entry["httpStatus"] == 0 and entry["message"]


def test_r06_synchronous(world, receiver):
    receiver.answers = [200, 503]
    for expected in ("SUCCESS", "FAILED"):
        id = world.client.quick(receiver, "0", callbackAsync=False)
        wait_until(lambda: world.statuses(id) == [expected], f"the answer means {expected}")
    assert all(call.token for call in callbacks(receiver)), "the token is sent all the same"


def test_r07_params(world, receiver):
    for params, body, kind in [
        ("params", b"params", "text/plain"),
        ("a=1&b=2", b"a=1&b=2", "text/plain"),
        ("你好", "你好".encode(), "text/plain"),
        ('["JSON"]', b'["JSON"]', "application/json"),
        ({"an": "object"}, b'{"an":"object"}', "application/json"),
        (None, b"", "application/json"),
    ]:
        count = len(receiver.requests)
        world.client.quick(receiver, "0", callbackParams=params)
        call = world.wait_called(receiver, count + 1)[-1]
        assert call.body == body and call.headers.get("content-type", kind).startswith(kind), params


def test_r08_quick(world, receiver):
    began = time.time()
    id = world.client.quick(receiver, "1490088784")
    world.wait_called(receiver, 1)
    assert time.time() - began < 2 * FACTOR, "a time of the past is now"
    assert world.client.task(id)["timeValue"] == "1490088784" and world.client.task(id)["repeatTimes"] == 1
    wait_until(lambda: world.client.task(id)["isMaxReached"], "it has been executed")

    future = world.receiver()
    at = int(time.time()) + 2
    id = world.client.quick(future, str(at))
    assert world.client.task(id)["nextAt"] == at
    stays(lambda: not future.requests or time.time() >= at, "nothing before its time", 1.5)
    world.wait_called(future, 1)
    world.client.quick(receiver, int(time.time()))
    world.wait_called(receiver, 2)
    stays(lambda: len(receiver.requests) == 2 and len(future.requests) == 1, "each comes once", 1)


@pytest.mark.slow
def test_r09_delete(world, receiver):
    id = world.client.post(receiver, repeatTimes=0, isMultipleEntry=True)
    world.wait_called(receiver, 2)
    assert world.client.delete(id) == (200, {"taskId": id, "isDeleted": True})
    time.sleep(0.5)  # what had begun
    count = len(receiver.requests)
    stays(lambda: len(receiver.requests) == count, "nothing comes any more", 2.5)
    task = world.client.task(id)
    assert task["isDeleted"] and task["nextAt"] == 0
    assert len(world.statuses(id)) >= 2, "its history stays"
    assert world.client.delete(id)[0] == 404
    assert world.client.put(id, receiver)[0] == 404
    assert world.client.delete("1" * 20)[0] == 404


def test_r10_reports(world, receiver):
    for status in ("SUCCESS", "FAILED"):
        count = len(receiver.requests)
        id = world.client.quick(receiver, "0")
        token = world.wait_called(receiver, count + 1)[-1].token
        for wrong in ("RUNNING", "TIMEOUT", ""):
            assert world.client.report(token, wrong)[0] == 400
        assert world.statuses(id) == ["RUNNING"], "nothing has changed"
        assert world.client.report(token, status) == (200, {"taskId": id, "status": status})
        wait_until(lambda: world.statuses(id) == [status], "the report is in the history")
        for again in ("SUCCESS", "FAILED"):
            assert world.client.report(token, again) == (200, {"taskId": id, "status": status})
        (entry,) = world.client.history(id)[1]["list"]
        assert entry["status"] == status and entry["endAt"] >= entry["startAt"]
    assert world.client.report("1" * 20, "SUCCESS")[0] == 404
    assert world.client.report("nonsense", "SUCCESS")[0] == 404


def test_r10_message(world, receiver):
    id = world.client.quick(receiver, "0")
    token = world.wait_called(receiver, 1)[0].token
    assert world.client.report(token, "FAILED", "no such page: ä".encode())[0] == 200
    wait_until(lambda: world.client.history(id)[1]["list"][0]["message"] == "no such page: ä", "the message is kept")


@pytest.mark.slow
def test_r11_put(world, receiver):
    later = world.receiver()
    id = world.client.post(receiver, cronJobValue=NEVER_SOON, repeatTimes=0)
    before = world.client.task(id)
    status, task = world.client.put(id, later, taskName="renamed", repeatTimes=2)
    assert status == 200 and task["taskId"] == id and task["taskName"] == "renamed" and task["isMultipleEntry"] is True
    assert task["createdAt"] == before["createdAt"] and task["cronJobValue"] == EVERY_SECOND
    wait_until(lambda: world.client.task(id)["isMaxReached"], "it follows its new schedule")
    world.wait_called(later, 2)
    stays(lambda: len(later.requests) == 2 and not receiver.requests, "two, by the new schedule", 1)
    status, task = world.client.put(id, later, repeatTimes=1)
    assert status == 200 and task["executedTimes"] == 0 and not task["isMaxReached"], "its counter begins again"
    wait_until(lambda: len(world.statuses(id)) == 3, "its history goes on")
    assert world.client.put("1" * 20, later)[0] == 404


def test_r13_status_token(world, receiver):
    for number in range(3):
        world.client.quick(receiver, "0", callbackUrl=receiver.url + "&statusTokens=0#part")
        world.wait_called(receiver, number + 1)
    calls = callbacks(receiver)
    assert all(call.query[:2] == [("x", "1"), ("statusTokens", "0")] for call in calls)
    assert len({call.token for call in calls}) == 3
    assert all(call.token.isdigit() and len(call.token) == 20 for call in calls)
    plain = f"http://127.0.0.1:{receiver.port}"
    world.client.quick(receiver, "0", callbackUrl=plain)
    assert world.wait_called(receiver, 4)[3].query[0][0] == "statusToken"


def test_r14_ids(world, receiver):
    ids = [world.client.post(receiver, cronJobValue=NEVER_SOON) for _ in range(20)]
    assert all(len(id) == 20 and int(id) > 2**53 for id in ids)
    assert len(set(ids)) == 20 and ids == sorted(ids)
    for id in ids[:3]:
        assert world.client.task(id)["taskId"] == id
        assert world.client.history(id)[1] == {"total": 0, "pageNum": 1, "pageSize": 10, "list": []}


def ids_of(world, **condition):
    status, page = world.client.list(pageSize=1000, **condition)
    assert status == 200
    return [task["taskId"] for task in page["list"]]


@pytest.mark.slow
def test_r15_list(world, receiver):
    now = int(time.time())
    alive = world.client.post(receiver, cronJobValue=NEVER_SOON)
    deleted = world.client.post(receiver, cronJobValue=NEVER_SOON)
    world.client.delete(deleted)
    reached = world.client.quick(receiver, "0")
    expired = world.client.post(receiver, repeatTimes=0, stopAt=now + 2)
    mine = [expired, reached, deleted, alive]
    wait_until(lambda: expired in ids_of(world, isExpired=True), "one has expired")
    wait_until(lambda: reached in ids_of(world, isMaxReached=True), "one has been executed")
    for condition, expected in [
        ({}, mine),
        ({"isDeleted": None}, mine),
        ({"isDeleted": False}, [expired, reached, alive]),
        ({"isDeleted": True}, [deleted]),
        ({"isExpired": True}, [expired]),
        ({"isMaxReached": True}, [reached]),
        ({"isDeleted": False, "isExpired": False, "isMaxReached": False}, [alive]),
    ]:
        assert [id for id in ids_of(world, **condition) if id in mine] == expected, condition
    assert world.client.list(pageSize=1001)[0] == 400
    assert world.stage.ask("cronList")["flag"] == "true"


def test_r15_pages(own_world):
    world, receiver = own_world, own_world.receiver()
    ids = [world.client.post(receiver, cronJobValue=NEVER_SOON) for _ in range(25)]
    shown = []
    for number, size in ((1, 10), (2, 10), (3, 5), (4, 0)):
        status, page = world.client.list(pageNum=number)
        assert status == 200 and (page["total"], page["pageNum"], page["pageSize"]) == (25, number, 10)
        assert len(page["list"]) == size
        shown += [task["taskId"] for task in page["list"]]
    assert shown == ids[::-1], "the newest first"


@pytest.mark.slow
def test_r12_history_in_pages(own_world):
    world, receiver = own_world, own_world.receiver()
    id = world.client.post(receiver, repeatTimes=25, isMultipleEntry=True, callbackAsync=False)
    wait_until(lambda: world.statuses(id) == ["SUCCESS"] * 25, "25 executions have ended", 60)
    shown = []
    for number, size in ((1, 10), (2, 10), (3, 5), (4, 0)):
        status, page = world.client.history(id, pageNum=number)
        assert status == 200 and (page["total"], page["pageNum"], page["pageSize"]) == (25, number, 10)
        assert len(page["list"]) == size
        shown += page["list"]
    times = [entry["startAt"] for entry in shown]
    assert times == sorted(times, reverse=True), "the newest first"
    assert len({entry["token"] for entry in shown}) == 25
    assert {call.token for call in callbacks(receiver)} == {entry["token"] for entry in shown}

    middle = times[12]
    _, page = world.client.history(id, beginAt=middle, pageSize=100)
    assert page["total"] == len(page["list"]) == sum(at >= middle for at in times)
    for end in (1, middle, 0):
        assert world.client.history(id, endAt=end, pageSize=100)[1]["list"] == shown, "endAt has no effect"
    assert world.client.history("1" * 20)[0] == 404


def test_r16_restart_keeps_everything(own_world):
    world, receiver = own_world, own_world.receiver()
    running = world.client.quick(receiver, "0")
    token = world.wait_called(receiver, 1)[0].token
    timed = world.client.post(receiver, repeatTimes=0, isMultipleEntry=True, callbackParams="timed")
    future = world.client.quick(receiver, int(time.time()) + 1, callbackParams="overdue")
    before = {id: world.client.task(id) for id in (running, future)}
    world.cron.terminate()
    count = len(receiver.requests)
    time.sleep(3)  # what is missed meanwhile is not made up for
    world.cron = world.stage.cron(world.settings)
    wait_until(lambda: b"overdue" in [call.body for call in callbacks(receiver)], "an overdue quick task comes at once")
    assert world.client.task(future)["createdAt"] == before[future]["createdAt"]
    wait_until(lambda: [call.body for call in callbacks(receiver)][count:].count(b"timed") >= 2, "the schedule goes on")
    executed = world.client.task(timed)["executedTimes"]
    assert executed <= sum(call.body == b"timed" for call in callbacks(receiver)) + 1
    assert world.client.report(token, "SUCCESS") == (200, {"taskId": running, "status": "SUCCESS"})
    wait_until(lambda: world.statuses(running) == ["SUCCESS"], "an execution of before is reported")
