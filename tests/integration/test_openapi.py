"""elves-openapi: the Elves API over HTTP, by http.client, in front of real and of fake components."""

import http.client
import json
import socket
import time
import urllib.parse

import pytest

from support import apps
from support.fake_component import FakeComponent
from support.openapi import AUTH_ID, KEY, Openapi, signed
from support.process import run_tool
from support.stage import Stage
from support.wait import FACTOR, wait_until

CRON_ID = "0123456789ABCDEF"


@pytest.fixture
def stage(services, tmp_path):
    stage = Stage(services, tmp_path)
    yield stage
    stage.close()


def fake(stage, name, answers):
    component = FakeComponent(stage.services, stage.exchange, name, answers)
    stage.exits.callback(component.close)
    return component


OK = {"flag": "true", "error": ""}
JOB = {"ip": "10.0.0.1", "app": "demo", "func": "run"}


def test_e43_order_of_the_checks(stage):
    openapi = Openapi(stage)
    path = "/api/v2/queue/commit"
    good = signed(path, {"queue_id": "Q"})
    cases = [
        ({"sign": ""}, "[401.1]Unauthorized Missing Sign Param"),
        ({"auth_id": " ", "sign_type": "x"}, "[401.1]Unauthorized Missing Sign Param"),
        ({"sign_type": "sha1", "sign": "1"}, "[401.3]Unauthorized SignType Is Illegal"),
        ({"sign": "1", "timestamp": "x"}, "[401.4]Unauthorized Sign Length Is Illegal"),
        ({"timestamp": "12a"}, "[401.8]Unauthorized Timestamp Is Illegal"),
        ({"timestamp": str(int(time.time()) - 180)}, "[401.7]Unauthorized Sign Timeout "),
        ({"timestamp": str(int(time.time()) + 200)}, "[401.7]Unauthorized Sign Timeout "),
        ({"auth_id": "2"}, "[401.2]Unauthorized AuthId Is Illegal"),
        ({"queue_id": "other"}, "[401.5]Unauthorized Sign Error"),
        ({"sign": "0" * 32}, "[401.5]Unauthorized Sign Error"),
    ]
    for changes, expected in cases:
        assert openapi.get(path, {**good, **changes}) == {"flag": "false", "error": expected}, changes
    assert openapi.get(path, {})["error"].startswith("[401.1]")


def test_e43_what_is_signed(stage):
    openapi = Openapi(stage)
    fake(stage, "queue", {"commitQueue": OK})
    path = "/api/v2/queue/commit"
    assert openapi.ask(path, queue_id="Q 你好") == OK
    upper = signed(path, {"queue_id": "Q"})
    assert openapi.get(path, {**upper, "sign": upper["sign"].upper()}) == OK
    assert openapi.ask(path, sign_type="MD5", queue_id="Q") == OK
    assert openapi.ask(path, sign_type="hmac-sha256", queue_id="Q") == OK
    assert openapi.ask(path, changes={"timestamp": str(int(time.time()) - 175)}, queue_id="Q") == OK

    first = urllib.parse.urlencode(signed(path, {"queue_id": "first"})) + "&queue_id=second"
    assert json.loads(openapi.raw(f"{path}?{first}")[1]) == OK, "of a name the first value is signed"
    form = urllib.parse.urlencode(signed(path, {"queue_id": "Q", "empty": ""}))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert json.loads(openapi.raw(path, "POST", form, kind)[1]) == OK
    double = urllib.parse.urlencode(signed(path, {"queue_id": "Q"}))
    assert json.loads(openapi.raw(f"//api/v2/queue/commit?{double}")[1]) == OK


def test_e43_switches(stage):
    openapi = Openapi(stage, {"auth.md5": "false", "auth.refuseReplay": "true", "auth.token.deploy": "s3cret"})
    fake(stage, "queue", {"commitQueue": OK})
    path = "/api/v2/queue/commit"
    assert openapi.error(path, queue_id="Q") == "[401.3]Unauthorized SignType Is Illegal"
    once = signed(path, {"queue_id": "Q"}, sign_type="hmac-sha256")
    assert openapi.get(path, once) == OK
    assert openapi.get(path, once)["error"] == "[401.9]Unauthorized Request Replayed"
    token = {"Authorization": "Bearer s3cret"}
    assert openapi.get(path, {"queue_id": "Q"}, token) == OK
    for wrong in ("s3cre", "s3crets", "", "S3CRET"):
        answer = openapi.get(path, {"queue_id": "Q"}, {"Authorization": f"Bearer {wrong}"})
        assert answer["error"] == "[401.10]Unauthorized Token Is Illegal"


def test_e43_nobody_signs_without_a_key(stage):
    openapi = Openapi(stage, {"auth.key": ""})
    path = "/api/v2/queue/commit"
    answer = openapi.get(path, signed(path, {"queue_id": "Q"}, key=""))
    assert answer["error"] == "[401.5]Unauthorized Sign Error"


def test_e44_exec_through_the_whole_path(stage):
    stage.scheduler()
    agent = stage.agent()
    apps.shell(agent.apps, "demo", "run.sh", *apps.echo_marked("$2"))
    stage.wait_registered(agent)
    openapi = Openapi(stage)
    answer = openapi.ask("/api/v2/rt/exec", ip=agent.ip, app="demo", func="run", param="{'a':1}", timeout="",
                         proxy="run.sh")
    assert answer["flag"] == "true" and answer["error"] == ""
    assert answer["result"]["worker_flag"] == 1 and answer["result"]["worker_message"] == "run"
    gone = openapi.ask("/api/v2/rt/exec", ip="10.255.255.1", app="demo", func="run")
    assert gone["flag"] == "false" and gone["error"] == "[410.0]Send Job To Agent Fail"


def test_e44_exec_asks_the_scheduler(stage):
    scheduler = fake(stage, "scheduler", {"syncJob": {**OK, "result": {"id": "X"}}})
    openapi = Openapi(stage)
    assert openapi.ask("/api/v2/rt/exec", **JOB)["result"] == {"id": "X"}
    assert scheduler.asked == [("syncJob", {**JOB, "param": "", "proxy": "", "timeout": "90"})]


def test_e44_checks_of_each_endpoint(stage):
    openapi = Openapi(stage)
    names = {
        "ip": "[403.1]", "param": "[403.2]", "app": "[403.3]", "mode": "[403.4]", "rule": "[403.5]",
        "queue_id": "[403.6]", "func": "[403.7]", "timeout": "[403.8]", "cron_id": "[403.9]",
    }
    bad = {"ip": "1.2.3", "param": "{", "mode": "x", "rule": "0/5 * * * * *", "timeout": "1.5", "cron_id": "short"}
    good = {**JOB, "param": "{}", "mode": "NP", "timeout": "5", "rule": "0/5 * * * * ?", "queue_id": "Q",
            "cron_id": CRON_ID}
    orders = {
        "rt/exec": "app func ip param timeout",
        "queue/create": "app",
        "queue/addtask": "queue_id func ip param timeout mode",
        "queue/commit": "queue_id",
        "queue/stop": "queue_id",
        "queue/result": "queue_id",
        "queue/qksqueue": "app func ip param timeout mode",
        "cron/add": "app func ip param timeout rule mode",
        "cron/start": "cron_id",
        "cron/stop": "cron_id",
        "cron/delete": "cron_id",
        "cron/detail": "cron_id",
    }
    for endpoint, order in orders.items():
        order = order.split()
        for number, name in enumerate(order):
            wrong = {later: bad.get(later, "") for later in order[number:]}
            error = openapi.error("/api/v2/" + endpoint, **{**good, **wrong})
            assert error.startswith(names[name]), (endpoint, name, error)


def test_e44_codes_of_the_original(stage):
    openapi = Openapi(stage, {"openapi.compat.swappedCodes": "true"})
    task = {"queue_id": "Q", "func": "run", "ip": "10.0.0.1"}
    assert openapi.error("/api/v2/queue/addtask", **{**task, "ip": "x"}).startswith("[403.2]")
    assert openapi.error("/api/v2/queue/addtask", **{**task, "param": "{"}).startswith("[403.1]")
    assert openapi.error("/api/v2/cron/add", **{**JOB, "param": "{"}).startswith("[403.1]")
    assert openapi.error("/api/v2/cron/add", **{**JOB, "ip": "x"}).startswith("[403.1]")


def test_e44_queue_endpoints_ask_the_queue(stage):
    results = {**OK, "result": {"T": {"id": "T", "status": "pendding"}}}
    queue = fake(stage, "queue", {
        "createQueue": {**OK, "id": "Q"}, "addTask": {**OK, "id": "T"}, "commitQueue": OK, "stopQueue": OK,
        "queueResult": results,
    })
    openapi = Openapi(stage)
    task = {"ip": "10.0.0.1", "func": "run", "param": "", "proxy": "", "mode": "np", "depend_task_id": "", "timeout": 90}
    assert openapi.ask("/api/v2/queue/create", app="demo") == {**OK, "result": {"id": "Q"}}
    assert openapi.ask("/api/v2/queue/addtask", queue_id="Q", ip="10.0.0.1", func="run", mode="P", timeout="7") == {
        **OK, "result": {"id": "T"}}
    assert openapi.ask("/api/v2/queue/commit", queue_id="Q") == OK
    assert openapi.ask("/api/v2/queue/stop", queue_id="Q") == OK
    assert openapi.ask("/api/v2/queue/result", queue_id="Q") == results
    assert queue.asked == [
        ("createQueue", {"app": "demo"}),
        ("addTask", {**task, "id": "Q", "mode": "P", "timeout": 7}),
        ("commitQueue", {"id": "Q"}), ("stopQueue", {"id": "Q"}), ("queueResult", {"id": "Q"}),
    ]
    queue.asked.clear()
    assert openapi.ask("/api/v2/queue/qksqueue", **JOB) == {**OK, "result": {"id": "Q", "task_id": "T"}}
    assert queue.asked == [("createQueue", {"app": "demo"}), ("addTask", {**task, "id": "Q"}), ("commitQueue", {"id": "Q"})]
    refused = {"flag": "false", "error": "[412.4]Depend Task Not Found"}
    queue.answers["addTask"] = refused
    assert openapi.ask("/api/v2/queue/qksqueue", **JOB) == refused


def test_e44_queue_of_one_task_runs(stage):
    stage.scheduler()
    agent = stage.agent()
    apps.shell(agent.apps, "demo", "run.sh", *apps.echo_marked("done"))
    stage.wait_registered(agent)
    stage.queue_daemon(f"sqlite:{stage.folder}/queue.db")
    openapi = Openapi(stage)
    made = openapi.ask("/api/v2/queue/qksqueue", ip=agent.ip, app="demo", func="run", proxy="run.sh")
    assert made["flag"] == "true", made
    ids = made["result"]

    def task():
        return openapi.ask("/api/v2/queue/result", queue_id=ids["id"])["result"][ids["task_id"]]

    wait_until(lambda: task()["status"] == "finish", "the task has finished")
    assert task()["worker_message"] == "done" and task()["worker_flag"] == 1
    assert openapi.error("/api/v2/queue/commit", queue_id=ids["id"]).startswith("[412.2]")
    assert openapi.error("/api/v2/queue/commit", queue_id="unknown").startswith("[412.1]")


def test_e44_cron_endpoints_ask_the_cron(stage):
    detail = {**OK, "cron_flag": 0, "rule": "0 0 12 * * ?"}
    cron = fake(stage, "cron", {"createCron": {**OK, "id": CRON_ID}, "startCron": OK, "stopCron": OK, "deleteCron": OK,
                                "cronDetail": detail})
    openapi = Openapi(stage)
    assert openapi.ask("/api/v2/cron/add", **JOB, rule="0 0 12 * * ?")["result"] == {"id": CRON_ID}
    assert cron.asked.pop() == ("createCron", {**JOB, "param": "", "proxy": "", "mode": "np", "rule": "0 0 12 * * ?",
                                               "timeout": 90})
    for verb in ("start", "stop", "delete"):
        assert openapi.ask(f"/api/v2/cron/{verb}", cron_id=CRON_ID) == OK
    for alias in ("detail", "info"):
        assert openapi.ask(f"/api/v2/cron/{alias}", cron_id=CRON_ID) == detail
    assert [action for action, body in cron.asked] == ["startCron", "stopCron", "deleteCron", "cronDetail", "cronDetail"]
    assert all(body == {"id": CRON_ID} for action, body in cron.asked)


def test_e44_modules_that_are_switched_off(stage):
    openapi = Openapi(stage, {"cron.enabled": "false", "queue.enabled": "false"})
    assert openapi.error("/api/v2/queue/commit") == "[402.3]Require Module (queue) Not Enabled"
    assert openapi.error("/api/v2/cron/start") == "[402.2]Require Module (cron) Not Enabled"
    assert openapi.error("/api/v2/info/app") == "[402.1]Require Module (supervisor) Not Enabled"
    assert openapi.get("/api/v2/queue/commit", {})["error"].startswith("[401.1]"), "after the signature"


def test_e44_a_component_that_is_not_there(stage):
    openapi = Openapi(stage, {"openapi.callTimeout": 300})
    assert "cron.startCron was not asked" in openapi.error("/api/v2/cron/start", cron_id=CRON_ID)
    fake(stage, "cron", {})
    assert openapi.error("/api/v2/cron/start", cron_id=CRON_ID) == (
        "[500]Internal ServerError waitting rabbitmq response timeout")


class Supervisor:
    def __init__(self, stage, permission="true"):
        self.permission = permission
        self.fake = fake(stage, "supervisor", {
            "getAuthKey": self.key, "validateAuth": lambda body: {**OK, "result": self.permission},
            "appInfo": {**OK, "result": {"app": "demo", "app_name": "Demo", "app_ver": "1", "last_update_time": ""}},
            "agentList": {**OK, "result": ["10.0.0.1"]},
        })

    @staticmethod
    def key(body):
        if body["auth_id"] == AUTH_ID:
            return {**OK, "auth_key": "other key"}
        return {"flag": "false", "error": "[413.1]AuthId Not Found"}


def test_e45_supervisor_mode(stage):
    supervisor = Supervisor(stage)
    scheduler = fake(stage, "scheduler", {"syncJob": OK})
    openapi = Openapi(stage, {"auth.mode": "Supervisor"})
    exec_ = "/api/v2/rt/exec"
    assert openapi.ask(exec_, key="other key", **JOB) == OK
    assert [action for action, _ in supervisor.fake.asked] == ["getAuthKey", "validateAuth"]
    assert supervisor.fake.asked[1][1] == {"auth_id": AUTH_ID, "app": "demo", "ip": "10.0.0.1"}
    assert openapi.ask(exec_, **JOB)["error"] == "[401.5]Unauthorized Sign Error"
    assert openapi.ask(exec_, changes={"auth_id": "9"}, **JOB)["error"] == "[413.1]AuthId Not Found"
    supervisor.permission = "false"
    assert openapi.ask(exec_, key="other key", **JOB)["error"] == "[401.6]Unauthorized AuthId Permission Denied"
    assert len(scheduler.asked) == 1, "what was refused was not run"


def test_e45_info(stage):
    supervisor = Supervisor(stage)
    agent = {"ip": "10.0.0.1", "asset": "box", "last_hb_time": "2026-11-21 10:00:00", "apps": {"demo": "1"}}
    heartbeat = fake(stage, "heartbeat", {"agentInfo": {**OK, "result": agent}})
    fake(stage, "cron", {"cronList": {**OK, "result": ["B", "A"]}})
    openapi = Openapi(stage, {"auth.mode": "supervisor"})

    def ask(path, **parameters):
        return openapi.ask("/api/v2/info/" + path, key="other key", **parameters)

    for alias in ("app", "apps"):
        assert ask(alias)["result"]["app_name"] == "Demo"
    assert ask("agents") == {**OK, "result": ["10.0.0.1"]}
    del agent["apps"]
    assert ask("agents/detail", ip="10.0.0.1") == {**OK, "result": agent}
    assert ask("agents/detail", ip="10.0.0.1", showcron="true") == {**OK, "result": {**agent, "cron_list": ["B", "A"]}}
    assert ask("agents/detail")["error"] == "[403.1]Request Params (ip) Illegal"
    heartbeat.answers["agentInfo"] = {"flag": "false", "error": "[414.1]Agent Info Not Found", "result": {}}
    assert ask("agents/detail", ip="x")["error"] == "[414.1]Agent Info Not Found"
    assert ("appInfo", {"auth_id": AUTH_ID}) in supervisor.fake.asked
    no_cron = Openapi(stage, {"auth.mode": "supervisor", "cron.enabled": "false"})
    refused = no_cron.ask("/api/v2/info/agents/detail", key="other key", ip="x", showcron="true")
    assert refused["error"] == "[402.2]Require Module (cron) Not Enabled"


def test_pages_and_what_is_not_there(stage):
    openapi = Openapi(stage)
    assert 'url=/doc' in openapi.raw("/")[1] and "rt/exec" in openapi.raw("/doc")[1]
    for path in ("/api/v2/nothing", "/v2/rt/exec", "/api/v2/rt/exec/", "/../etc/passwd"):
        status, text, _ = openapi.raw(path)
        assert status == 404 and json.loads(text)["error"] == "[404]Not Found", path
    assert openapi.raw("/api/v2/rt/exec", "PUT")[0] == 405
    assert openapi.raw("/api/v2/rt/exec?a=%zz")[0] == 400


def test_limits(stage):
    openapi = Openapi(stage, {"server.maxBody": 1000, "server.clientTimeout": 1, "server.maxConnections": 3,
                              "server.maxRequests": 1, "openapi.callTimeout": int(3000 * FACTOR)})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert openapi.raw("/api/v2/rt/exec", "POST", b"a" * 1001, kind)[0] == 413
    with pytest.raises((OSError, http.client.HTTPException)):
        openapi.raw("/api/v2/rt/exec", "POST", iter([b"a" * 900] * 5), {**kind, "Transfer-Encoding": "chunked"})

    slow = [socket.create_connection(("127.0.0.1", openapi.port)) for _ in range(5)]
    for connection in slow:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        connection.settimeout(20 * FACTOR)
    for connection in slow:
        assert connection.recv(100) == b"", "a client that never ends its request is cut off"
        connection.close()
    assert openapi.raw("/")[0] == 200, "others are served afterwards"

    silent = fake(stage, "cron", {})
    waiting = socket.create_connection(("127.0.0.1", openapi.port))
    path = "/api/v2/cron/start"
    query = urllib.parse.urlencode(signed(path, {"cron_id": CRON_ID}))
    waiting.sendall(f"GET {path}?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_until(lambda: silent.asked, "the first request is waiting")
    status, text, headers = openapi.raw("/")
    assert status == 503 and headers["Retry-After"] == "1" and json.loads(text)["flag"] == "false"
    waiting.close()


def test_addresses_that_may_not_connect(stage):
    openapi = Openapi(stage, {"server.authips": "10.1.2.3"})
    with pytest.raises((OSError, http.client.HTTPException)):
        openapi.raw("/")


def test_configuration(tmp_path):
    good = "mq.ip=x\nmq.user=x\nmq.password=\n"
    path = tmp_path / "openapi.properties"
    for lines, key in (
        ("server.listen = 0.0.0.0", "server.authips"),
        ("server.tls.key = x", "server.tls.certificate"),
        ("auth.keys = x", "auth.keys"),
    ):
        path.write_text(good + lines)
        answer = run_tool("elves-openapi", "--config", path, "--check-config")
        assert answer.returncode == 2 and key in answer.stderr
    path.write_text(good)
    assert run_tool("elves-openapi", "--config", path, "--check-config").returncode == 0
