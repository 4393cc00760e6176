"""QBaseCron's interface: HTTP, delayed callbacks and notifications, against real daemons (qbasecron.md)."""

import base64
import json
import re
import time
import urllib.parse

import pytest

from support.cron import CronStage
from support.openapi import Openapi
from support.ports import free_port
from support.process import Daemon, properties, run_tool
from support.qbasecron import FORM, OBJECT_ID, SUCCESS, Qbasecron, data_of, fields_of, local, soon
from support.receiver import Receiver
from support.stage import Stage
from support.wait import stays, wait_until

# The sample of the documentation.
TOKEN = "B1504D99F0C0DB8048709EC58BACD4A1054CB331C57627A042E72CE1DFC6873F"
OBJECT = {
    "token": TOKEN,
    "alert": "这是我的消息,你妹啊1211221",
    "payload": {"status": {"dfsdsf": 0, "msg": "success"}},
    "badge": "1",
}
DATA = (
    "eyJ0b2tlbiI6IkIxNTA0RDk5RjBDMERCODA0ODcwOUVDNThCQUNENEExMDU0Q0IzMzFDNTc2MjdBMDQyRTcyQ0UxREZDNjg3M0YiLCJhbGVydCI"
    "6Iui/meaYr+aIkeeahOa2iOaBryzkvaDlprnllYoxMjExMjIxIiwicGF5bG9hZCI6eyJzdGF0dXMiOnsiZGZzZHNmIjowLCJtc2ciOiJzdWNjZ"
    "XNzIn19LCJiYWRnZSI6IjEifQ=="
)
CUT_DATA = DATA[:115]
FIELDS = {
    "token": TOKEN,
    "alert": OBJECT["alert"],
    "payload[status][dfsdsf]": "0",
    "payload[status][msg]": "success",
    "badge": "1",
}


@pytest.fixture(scope="module")
def door(services, tmp_path_factory):
    """One without elves-cron: what is refused, and notifications, need none."""
    stage = Stage(services, tmp_path_factory.mktemp("door"))
    yield Qbasecron(stage, {"openapi.callTimeout": 500})
    stage.close()


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def other():
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def stage(services, tmp_path):
    one = CronStage(services, tmp_path)
    yield one
    one.close()


@pytest.fixture(scope="module")
def everything(services, tmp_path_factory):
    stage = CronStage(services, tmp_path_factory.mktemp("everything"))
    stage.cron()
    yield stage, Qbasecron(stage)
    stage.close()


@pytest.fixture
def qbase(everything):
    """With everything behind it, and no task."""
    _, one = everything
    while tasks := one.list()[1]:
        for task in tasks:
            one.remove(task["_id"])
    return one


def wait_taken(receiver, count=1):
    wait_until(lambda: len(receiver.requests) >= count, f"{count} callbacks")
    return receiver.requests


def wait_finished(qbase, id):
    return wait_until(lambda: (task := qbase.get(id))["is_finished"] == 1 and task, "the task has finished")


# Q01: create.


def test_q01_create(qbase, receiver):
    text = local(time.time() + 3600)
    task = qbase.create(receiver.url, time=text, desc="desc", data=DATA, is_finished="1")
    assert re.fullmatch(OBJECT_ID, task.pop("_id"))
    assert 3590 * 1000 <= task.pop("delay") <= 3600 * 1000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", task.pop("create_at"))
    assert task == {
        "time": text,
        "desc": "desc",
        "callback_url": receiver.url,
        "callback_param": DATA,
        "is_finished": 0,
        "is_stop": 0,
        "last_error": "",
    }


def test_q01_json(qbase, receiver):
    at = soon()
    answer = qbase.post_json("tasks", {"time": local(at), "callback_url": receiver.url, "data": DATA})
    assert answer["status"] == SUCCESS
    assert fields_of(wait_taken(receiver)[0][3]) == FIELDS
    answer = qbase.post_json("tasks", {"time": local(soon()), "callback_url": receiver.url, "data": OBJECT})
    assert json.loads(answer["data"]["callback_param"]) == OBJECT
    assert fields_of(wait_taken(receiver, 2)[1][3]) == FIELDS


def test_q01_on_the_port_of_everything(stage):
    stage.cron()
    openapi = Openapi(stage, {"qbasecron.enabled": "true"})
    status, text, _ = openapi.raw("/api/v0.1.0/tasks")
    assert status == 200 and json.loads(text) == {"count": 0, "data": [], "status": SUCCESS}


def test_q01_switched_off(stage):
    openapi = Openapi(stage)
    for path in ("/api/v0.1.0/tasks", "/api/v0.1.0/push"):
        assert openapi.raw(path, "POST", "token=x", {"Content-Type": FORM})[0] == 404


NO_TIME = ["tomorrow", "2030-02-30 00:00:00", "20:43:44", "2030-01-01", "2030-01-01 25:00:00", "1e9", "x" * 9000]
NO_URL = ["ftp://127.0.0.1/", "/push", "http://", "javascript:alert(1)", ",".join(["http://a/"] * 17)]


def test_q01_missing_and_bad_parameters(door):
    text = local(time.time() + 60)
    assert door.refusal() == 10002
    assert door.refusal(desc="d", data=DATA) == 10002
    assert door.refusal(time="  ") == 10002
    for bad in NO_TIME:
        assert door.refusal(time=bad) in (10001, 10003), bad
    for bad in NO_URL:
        assert door.refusal(time=text, callback_url=bad) == 10003, bad
    assert door.refusal(time=text, data="A" * 40000) == 10003
    assert door.refusal(time=text, desc="d" * 9000) == 10003
    for bad in ("* *", "61 * * * *", "0 0 31 2 *"):
        assert door.refusal(cron=bad) == 10003, bad
    for bad in ("sometimes", "every 99 mins", "at 25:00"):
        assert door.refusal(later=bad) == 10003, bad


def test_q01_bodies_that_are_none(door):
    for body, type in [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"time":"\xff"}', "application/json"),
        (b"time=%zz", FORM),
        (b"time=%ff", FORM),
        (b"a=1&" * 10 + b"&".join(b"f%d=1" % n for n in range(300)), FORM),
    ]:
        status, answer = door.raw("POST", "tasks", body, type)
        assert (status, answer["status"]["code"]) == (200, 10003), body
    status, answer = door.raw("POST", "tasks", b"", None)
    assert (status, answer["status"]["code"]) == (200, 10002)


def test_q01_other_methods_and_paths(door):
    for method, path in [("PUT", "tasks"), ("POST", "tasks/x"), ("GET", "push"), ("DELETE", "tasks")]:
        status, answer = door.raw(method, path)
        assert (status, answer["status"]["code"]) == (405, 10405), path
    for path in ("task", "tasks/x/y", "tasks/x/request", "push/api/x", "users"):
        assert door.raw("GET", path)[0] == 404, path


def test_q01_nobody_behind_it(door):
    status, answer = door.raw("GET", "tasks")
    assert (status, answer["status"]["code"]) == (503, 10503)


def test_q01_listen_needs_authips(stage):
    path = stage.folder / "openapi.properties"
    base = {"mq.ip": "x", "mq.user": "x", "mq.password": "x", "qbasecron.enabled": "true", "qbasecron.port": 3452}
    cases = [
        ({}, True),
        ({"qbasecron.listen": "0.0.0.0"}, False),
        ({"qbasecron.listen": "0.0.0.0", "qbasecron.authips": "10.0.0.0/8"}, True),
        ({"qbasecron.listen": "here"}, False),
        ({"qbasecron.timezone": "Europe/Atlantis"}, False),
        ({"qbasecron.timezone": "Europe/Berlin"}, True),
        ({"qbasecron.pushUrl": "push"}, False),
        ({"qbasecron.push.driver": "apple"}, False),
    ]
    for changes, good in cases:
        path.write_text(properties({**base, **changes}))
        result = run_tool("elves-openapi", "--config", path, "--check-config")
        assert result.returncode == (0 if good else 2), (changes, result.stderr)
        assert good or next(iter(changes)) in result.stderr, (changes, result.stderr)


# Q02: the time.


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "America/St_Johns"])
def test_q02_local_time_of_the_server(stage, receiver, zone):
    """Of elves-openapi: elves-cron may have another one."""
    stage.cron(environment={"TZ": "Pacific/Auckland"})
    qbase = Qbasecron(stage, environment={"TZ": zone})
    at = soon()
    task = qbase.create(receiver.url, time=local(at, zone))
    wait_taken(receiver)
    taken = time.time()
    assert at <= taken < at + 1.0, f"{taken - at:.3f} s late"
    assert qbase.get(task["_id"])["time"] == local(at, zone)


def test_q02_zone_of_the_configuration(stage, receiver):
    stage.cron()
    qbase = Qbasecron(stage, {"qbasecron.timezone": "Asia/Kolkata"}, {"TZ": "UTC"})
    at = soon()
    qbase.create(receiver.url, time=local(at, "Asia/Kolkata"))
    wait_taken(receiver)
    assert at <= time.time() < at + 1.0


def test_q02_other_forms(qbase, receiver):
    moment = time.localtime(time.time() + 86400)
    single = "%d/%d/%d %d:%d:%d" % moment[:6]
    task = qbase.create(receiver.url, time=single)
    assert task["time"] == single and 86390 * 1000 < task["delay"] <= 86400 * 1000


# Q03, Q04: data.


def test_q03_callback(qbase, receiver):
    assert data_of(OBJECT) == DATA and "+" in DATA and "/" in DATA
    qbase.create(receiver.url, soon(), DATA)
    ((method, path, headers, body),) = wait_taken(receiver)
    assert (method, path) == ("POST", "/hook?x=1")
    assert headers["Content-Type"] == FORM
    assert fields_of(body) == FIELDS
    assert body.isascii() and b" " not in body


def test_q03_values(qbase, receiver):
    value = {"n": None, "t": True, "f": False, "i": -5, "d": 1.5, "e": "", "s": "a&b=c d+e%41", "l": [1, {"x": "y"}]}
    qbase.create(receiver.url, soon(), value)
    assert fields_of(wait_taken(receiver)[0][3]) == {
        "n": "", "t": "true", "f": "false", "i": "-5", "d": "1.5", "e": "", "s": "a&b=c d+e%41",
        "l[0]": "1", "l[1][x]": "y",
    }


def test_q03_no_data(qbase, receiver):
    qbase.create(receiver.url, soon())
    assert wait_taken(receiver)[0][3] == b""


def test_q04_plus_that_is_not_escaped(qbase, receiver):
    at = soon()
    form = f"time={urllib.parse.quote_plus(local(at))}&callback_url={urllib.parse.quote(receiver.url, '')}&data={DATA}"
    assert "+" in form.split("data=")[1]
    assert qbase.post("tasks", form)["data"]["callback_param"] == DATA
    assert fields_of(wait_taken(receiver)[0][3]) == FIELDS


def test_q04_other_spellings(qbase, receiver):
    url = DATA.replace("+", "-").replace("/", "_")
    for number, data in enumerate((DATA.rstrip("="), url, url.rstrip("=")), 1):
        qbase.create(receiver.url, time.time(), data)
        assert fields_of(wait_taken(receiver, number)[number - 1][3]) == FIELDS, data


# Q05: the target.


def test_q05_callback_url(qbase, receiver, other):
    at = soon()
    qbase.create(receiver.url, at, {"for": "one"})
    qbase.create(other.url + "&who=other", at, {"for": "other"})
    assert fields_of(wait_taken(receiver)[0][3]) == {"for": "one"}
    ((_, path, _, body),) = wait_taken(other)
    assert path == "/hook?x=1&who=other" and fields_of(body) == {"for": "other"}


def test_q05_default(stage, receiver):
    stage.cron()
    qbase = Qbasecron(stage, {"qbasecron.pushUrl": receiver.url})
    task = qbase.create("", soon(), {"a": 1})
    assert task["callback_url"] == receiver.url
    assert fields_of(wait_taken(receiver)[0][3]) == {"a": "1"}


# Q06: finished or not.


def test_q06_is_finished(qbase, receiver):
    task = qbase.create(receiver.url, soon(), {"a": 1})
    assert qbase.get(task["_id"])["is_finished"] == 0
    wait_taken(receiver)
    after = wait_finished(qbase, task["_id"])
    assert {k: v for k, v in task.items() if k not in ("is_finished", "delay")} == {
        k: v for k, v in after.items() if k != "is_finished"
    }


def test_q06_tries_again(qbase, receiver):
    receiver.answers = [500, 302, 404]
    began = time.time()
    task = qbase.create(receiver.url, began, {"a": 1})
    wait_taken(receiver, 2)
    assert qbase.get(task["_id"])["is_finished"] == 0
    wait_taken(receiver, 3)
    assert 6.0 <= time.time() - began
    assert len({body for _, _, _, body in receiver.requests}) == 1


@pytest.mark.slow
def test_q06_gives_up(qbase, receiver):
    receiver.answers = [500] * 9
    task = qbase.create(receiver.url, time.time(), {"a": 1})
    failed = wait_until(lambda: (now := qbase.get(task["_id"]))["last_error"] and now, "it has given up", 60)
    assert failed["is_finished"] == 0 and "500" in failed["last_error"]
    assert len(receiver.requests) == 4, "once, and after 1, 5 and 25 s"


# Q07, Q08, Q09: remove, list, detail.


def test_q07_remove(qbase, receiver):
    at = soon()
    gone = qbase.create(receiver.url, at, {"is": "gone"})
    qbase.create(receiver.url, at, {"is": "kept"})
    assert qbase.remove(gone["_id"]) == (200, {"data": {"_id": gone["_id"]}, "status": SUCCESS})
    wait_taken(receiver)
    stays(lambda: len(receiver.requests) == 1, "what was removed does not fire", 1)
    assert fields_of(receiver.requests[0][3]) == {"is": "kept"}
    for id in (gone["_id"], "0" * 24, "x", "%20", gone["_id"][:-1]):
        status, answer = qbase.remove(id)
        assert (status, answer) == (404, {"status": {"code": 10404, "msg": "not found"}}), id


def test_q07_remove_what_has_finished(qbase, receiver):
    task = qbase.create(receiver.url, time.time())
    wait_finished(qbase, task["_id"])
    assert qbase.remove(task["_id"])[0] == 200
    assert qbase.list() == (0, [])


def test_q08_list(qbase, receiver):
    assert qbase.list() == (0, [])
    ids = [qbase.create(receiver.url, time.time() + 3600, desc=f"task {n}")["_id"] for n in range(5)]
    count, tasks = qbase.list()
    assert count == 5 and [task["_id"] for task in tasks] == ids[::-1], "newest first"
    assert tasks[0] == qbase.get(ids[-1])
    pages = [qbase.list(page=page, per_page=2) for page in (1, 2, 3, 4)]
    assert [count for count, _ in pages] == [5] * 4
    assert [[task["_id"] for task in tasks] for _, tasks in pages] == [ids[4:2:-1], ids[2:0:-1], ids[:1], []]
    for bad in ("page=0", "page=x", "per_page=-1", "per_page=1001"):
        assert qbase.raw("GET", "tasks?" + bad)[1]["status"]["code"] == 10003, bad


def test_q08_many_and_long_ones(qbase, receiver):
    """More than one message of elves-cron takes."""
    long = data_of({"text": "x" * 20000})
    ids = [qbase.create(receiver.url, time.time() + 3600, long, desc="d" * 8000)["_id"] for _ in range(120)][::-1]
    count, tasks = qbase.list()
    assert count == 120 and [task["_id"] for task in tasks] == ids
    assert {task["callback_param"] for task in tasks} == {long}
    for page, per_page in [(1, 70), (2, 70), (3, 45), (2, 7), (120, 1)]:
        expected = ids[(page - 1) * per_page : page * per_page]
        assert [task["_id"] for task in qbase.list(page=page, per_page=per_page)[1]] == expected, (page, per_page)
    assert qbase.refusal(time=local(time.time() + 60), data="\x01" * 12000) == 10003


def test_q08_lists_only_its_own(everything, qbase, receiver):
    everything[0].create(url=receiver.url, every=3600)
    mine = qbase.create(receiver.url, time.time() + 3600)
    assert [task["_id"] for task in qbase.list()[1]] == [mine["_id"]]


def test_q09_detail(qbase, receiver):
    task = qbase.create(receiver.url, time.time() + 3600, OBJECT, desc="你好 \"desc\"")
    task.pop("delay")
    assert qbase.get(task["_id"]) == task
    assert qbase.raw("GET", f"tasks/{task['_id']}/")[1]["data"] == task
    for id in ("0" * 24, "x", task["_id"] + "0", task["_id"].upper()[:23], "a" * 5000):
        status, answer = qbase.raw("GET", f"tasks/{id}")
        assert (status, answer) == (404, {"status": {"code": 10404, "msg": "not found"}}), id


def test_q09_another_s_task(everything, qbase, receiver):
    stage, _ = everything
    theirs = stage.create(url=receiver.url, every=3600, spelling="objectid")
    key = stage.ask("findCron", id=theirs)["result"][0]["key"]
    assert qbase.raw("GET", f"tasks/{key}")[0] == 404
    assert qbase.remove(key)[0] == 404
    assert qbase.raw("GET", f"tasks/{key}/request/send")[0] == 404
    assert receiver.requests == []


def test_q09_send_at_once(qbase, receiver):
    task = qbase.create(receiver.url, time.time() + 3600, {"a": 1})
    status, answer = qbase.raw("GET", f"tasks/{task['_id']}/request/send")
    assert status == 200 and answer["status"] == SUCCESS and answer["data"]["_id"] == task["_id"]
    assert fields_of(wait_taken(receiver)[0][3]) == {"a": "1"}
    assert qbase.raw("GET", "tasks/" + "0" * 24 + "/request/send")[0] == 404


# Q10: notifications.


@pytest.fixture
def pushes(services, tmp_path):
    stage = Stage(services, tmp_path)
    one = Qbasecron(stage, {"qbasecron.push.file": tmp_path / "push.json", "qbasecron.push.maxFile": 8192})
    one.file = tmp_path / "push.json"
    yield one
    stage.close()


def recorded(pushes, count=1):
    def lines():
        text = pushes.file.read_text() if pushes.file.exists() else ""
        return text.count("\n") >= count and [json.loads(line)["notification"] for line in text.splitlines()]

    return wait_until(lines, f"{count} notifications are recorded")


TAKEN = {"code": 0, "msg": "您的推送已经成功放到后台进行推送了，稍等"}
NO_TOKEN = {"status": {"code": 0, "msg": "您的推送已失败，请检查是否配置token"}}
PUSHED = {"token": TOKEN, "alert": OBJECT["alert"], "payload": OBJECT["payload"], "badge": 0, "sound": "ping.aiff"}


@pytest.mark.parametrize("path", ["push", "push/api"])
def test_q10_sample(pushes, path):
    payload = '{     "status": {         "dfsdsf": 0,         "msg": "success"     } }'
    answer = pushes.post(path, {"token": TOKEN, "alert": OBJECT["alert"], "payload": payload, "badge": 0})
    assert answer == {"data": PUSHED, "status": TAKEN}
    assert recorded(pushes) == [PUSHED]


def test_q10_defaults_and_forms(pushes):
    plain = {"token": "T", "alert": "📧 ✉ You have a new message", "payload": {}, "badge": 1, "sound": "ping.aiff"}
    bracketed = {"status": {"dfsdsf": "0", "msg": "success"}}
    cases = [
        (pushes.post("push", {"token": "T"}), plain),
        (pushes.post_json("push", {"token": "T"}), plain),
        (pushes.post_json("push", {**PUSHED, "badge": "0"}), PUSHED),
        (pushes.post("push", FIELDS), {**PUSHED, "badge": 1, "payload": bracketed}),
        (pushes.post("push", {"token": "T", "sound": "s", "expiry": "60", "badge": "many", "alert": " "}),
         {**plain, "sound": "s", "expiry": "60"}),
    ]
    for answer, expected in cases:
        assert answer == {"data": expected, "status": TAKEN}
    assert recorded(pushes, len(cases)) == [expected for _, expected in cases]


def test_q10_without_a_token(pushes):
    for fields in ({}, {"token": ""}, {"token": " "}, {"alert": "a"}):
        assert pushes.post("push", fields) == NO_TOKEN
        assert pushes.post_json("push/api", fields) == NO_TOKEN
    pushes.post("push", {"token": "T"})
    assert len(recorded(pushes)) == 1, "only the one that names a device"


def test_q10_payload_is_no_program(pushes, tmp_path):
    witness = tmp_path / "executed"
    programs = ["process.exit()", "require('child_process')", f"$(touch {witness})", f"`touch {witness}`", '{"a":1}}',
                "__proto__", "{'a':1}", "{a:1}", "-"]
    for program in programs:
        assert pushes.post("push", {"token": "T", "payload": program})["data"]["payload"] == program
    assert [push["payload"] for push in recorded(pushes, len(programs))] == programs
    assert pushes.openapi.daemon.alive() and not witness.exists()


def test_q10_file_is_bounded(pushes):
    for number in range(60):
        pushes.post("push", {"token": f"T{number}", "alert": "a" * 400})
    older = pushes.file.with_name("push.json.1")
    wait_until(lambda: pushes.file.exists() and '"T59"' in pushes.file.read_text(), "the last one is recorded")
    assert older.exists()
    assert pushes.file.stat().st_size <= 8192 and older.stat().st_size <= 8192
    assert pushes.file.stat().st_mode & 0o777 == 0o600


def test_q10_into_the_log(door):
    door.post("push", {"token": "TOKEN-IN-THE-LOG", "alert": "a\nb"})
    wait_until(lambda: '"token":"TOKEN-IN-THE-LOG","alert":"a\\nb"' in door.openapi.daemon.log().replace('\\"', '"'),
               "the log has it")


def test_q10_switched_off(stage):
    qbase = Qbasecron(stage, {"qbasecron.push.driver": "none"})
    assert qbase.raw("POST", "push", b"token=T", FORM)[0] == 404


def test_q10_timed(stage):
    """As the original did: the callback is the push interface."""
    stage.cron()
    file = stage.folder / "push.json"
    port = free_port()
    qbase = Qbasecron(stage, {"qbasecron.port": port, "qbasecron.push.file": file,
                              "qbasecron.pushUrl": f"http://127.0.0.1:{port}/api/v0.1.0/push/api"})
    qbase.file = file
    task = qbase.create("", soon(), DATA)
    bracketed = {"status": {"dfsdsf": "0", "msg": "success"}}
    assert recorded(qbase) == [{**PUSHED, "badge": 1, "payload": bracketed}]
    wait_finished(qbase, task["_id"])


# Q11: again and again.


def spawned(qbase, parent):
    return [task for task in qbase.list()[1] if task["_id"] != parent["_id"]]


def test_q11_cron(qbase, receiver):
    parent = qbase.create(receiver.url, data={"a": 1}, cron="*/2 * * * * *", count=2)
    assert parent["cron"] == "*/2 * * * * *" and "delay" not in parent
    wait_taken(receiver, 2)
    tasks = wait_until(lambda: len(found := spawned(qbase, parent)) == 2 and found, "two tasks of phase 1")
    assert [fields_of(body) for _, _, _, body in receiver.requests] == [{"a": "1"}] * 2
    for task in tasks:
        assert re.fullmatch(OBJECT_ID, task["_id"]) and "cron" not in task
        assert time.strptime(task["time"], "%Y-%m-%d %H:%M:%S").tm_sec % 2 == 0
        assert task["callback_url"] == receiver.url and task["callback_param"] == data_of({"a": 1})
        wait_finished(qbase, task["_id"])
    stays(lambda: len(receiver.requests) == 2, "it was to come twice", 2.5)


def test_q11_later(qbase, receiver):
    parent = qbase.create(receiver.url, later="every 2 seconds", count=1)
    assert parent["later"] == "every 2 seconds"
    wait_taken(receiver)
    wait_until(lambda: len(spawned(qbase, parent)) == 1, "one task of phase 1")


def test_q11_removed(qbase, receiver):
    parent = qbase.create(receiver.url, cron="* * * * * *")
    wait_taken(receiver)
    assert qbase.remove(parent["_id"])[0] == 200
    before = len(receiver.requests)
    stays(lambda: len(receiver.requests) <= before + 1, "it does not come again", 2.5)


def test_q11_starts_at_its_time(qbase, receiver):
    at = soon(3)
    qbase.create(receiver.url, at, cron="* * * * * *", count=1)
    wait_taken(receiver)
    assert time.time() >= at


# Q12: several targets.


def test_q12_targets_take_turns(qbase, receiver, other):
    both = f"{receiver.url}, {other.url}"
    for _ in range(4):
        qbase.create(both, time.time())
    wait_until(lambda: len(receiver.requests) == len(other.requests) == 2, "each got two")


def test_q12_occurrences_take_turns(qbase, receiver, other):
    qbase.create(f"{receiver.url},{other.url}", cron="* * * * * *", count=4)
    wait_until(lambda: len(receiver.requests) == len(other.requests) == 2, "each got two")


def test_q12_one_is_down(qbase, receiver):
    down = f"http://127.0.0.1:{free_port()}/"
    tasks = [qbase.create(f"{down},{receiver.url}", time.time(), {"n": n}) for n in range(2)]
    wait_taken(receiver, 2)
    for task in tasks:
        wait_finished(qbase, task["_id"])
    assert sorted(body for _, _, _, body in receiver.requests) == [b"n=0", b"n=1"]


# Q13: past.


def test_q13_past(qbase, receiver):
    answer = qbase.post("tasks", {"time": "2014-10-17 20:43:44", "desc": "desc", "callback_url": receiver.url,
                                  "data": CUT_DATA})
    assert answer["status"]["code"] == 10001 and answer["status"]["msg"].startswith("error,指定的时间不正确")
    assert qbase.refusal(time=local(time.time() - 3), callback_url=receiver.url) == 10001
    assert qbase.list() == (0, [])
    began = time.time()
    qbase.create(receiver.url, began)
    wait_taken(receiver)
    stays(lambda: len(receiver.requests) == 1, "once", 0.5)


# Q14: restart, several instances.


def test_q14_restart(services, tmp_path, receiver):
    for store in ("sqlite", "postgresql"):
        stage = CronStage(services, tmp_path / store, store)
        stage.folder.mkdir()
        cron = stage.cron()
        qbase = Qbasecron(stage)
        before = len(receiver.requests)
        task = qbase.create(receiver.url, soon(6), {"store": store})
        cron.kill()
        qbase.openapi.daemon.terminate()
        stage.cron()
        qbase = Qbasecron(stage)
        assert qbase.get(task["_id"])["is_finished"] == 0
        wait_taken(receiver, before + 1)
        wait_finished(qbase, task["_id"])
        stays(lambda: len(receiver.requests) == before + 1, "once", 1)
        stage.close()


def test_q14_due_while_nobody_ran(stage, receiver):
    cron = stage.cron()
    qbase = Qbasecron(stage)
    at = soon(1)
    task = qbase.create(receiver.url, at)
    cron.terminate()
    wait_until(lambda: time.time() > at + 1, "its time has passed")
    assert receiver.requests == []
    stage.cron()
    wait_finished(qbase, task["_id"])
    assert len(receiver.requests) == 1


def test_q14_two_instances(services, tmp_path, receiver):
    stage = CronStage(services, tmp_path, "postgresql")
    try:
        stage.cron()
        stage.cron(leads=False)
        doors = [Qbasecron(stage), Qbasecron(stage)]
        at = soon()
        tasks = [doors[n % 2].create(receiver.url, at, {"n": n}) for n in range(10)]
        wait_taken(receiver, 10)
        for task in tasks:
            wait_finished(doors[0], task["_id"])
        stays(lambda: len(receiver.requests) == 10, "each once", 1)
        assert sorted(int(fields_of(body)["n"]) for _, _, _, body in receiver.requests) == list(range(10))
        assert doors[1].list()[0] == 10
    finally:
        stage.close()


# Q15: data that cannot be decoded.


def test_q15_sample_of_the_documentation(qbase, receiver):
    """Only its time is another one."""
    assert len(CUT_DATA) == 115
    answer = qbase.post("tasks", {"time": local(soon()), "desc": "desc", "callback_url": receiver.url, "data": CUT_DATA})
    assert answer["status"] == SUCCESS and answer["data"]["callback_param"] == CUT_DATA
    assert fields_of(wait_taken(receiver)[0][3]) == {"data": CUT_DATA}
    task = wait_finished(qbase, answer["data"]["_id"])
    assert "base64" in task["last_error"]


def test_q15_other_texts(qbase, receiver):
    texts = ["not*base64", base64.b64encode(b"[1,2]").decode(), base64.b64encode(b"\xff\xfe").decode(), '{"a":', "你好"]
    for number, text in enumerate(texts, 1):
        qbase.create(receiver.url, time.time(), text)
        assert fields_of(wait_taken(receiver, number)[number - 1][3]) == {"data": text}
