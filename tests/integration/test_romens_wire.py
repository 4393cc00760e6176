"""The Romens scheduler's interface, byte by byte: what the original client sends, what elves-cron is asked for
it, and what is answered when that goes wrong. elves-cron is a fake here; test_romens.py has the real one."""

import json

import pytest

from support.fake_component import FakeComponent
from support.openapi import Openapi
from support.ports import free_port
from support.process import run_tool
from support.romens import Client, exchange, request_bytes

ID, TOKEN = "12499798081811720869", "12500304183108301333"
OK = {"flag": "true", "error": ""}
CARD = {
    "key": ID, "name": "testName", "param": "params", "extra": "{\"repeatTimes\":1}", "fired": 2, "deleted": "false",
    "is_expired": "false", "is_max_reached": "true", "next": "2017-03-21T09:33:04.000000Z",
    "created": "2017-03-21T09:33:03.000000Z",
}
EXECUTION = {
    "token": TOKEN, "status": "SUCCESS", "sent": "2017-03-21T09:33:04.000000Z", "ended": "2017-03-21T09:33:05.000000Z",
    "http_status": 200, "worker_message": "done", "error": "",
}
# As recorded: the sample of the documentation, sent by the published package.
RULE = '{"second":"0","minute":"0","hour":"0","dom":"*","month":"*","dow":"*"}'
CALLBACK = (
    '"callbackUrl":"http://10.0.0.9/scheduler/callback","callbackMethod":"POST","callbackParams":"params",'
    '"callbackContentType":"application/json","callbackAsync":true'
)
TASK = (
    '{"taskName":"testName","repeatTimes":1,"cronJobValue":' + RULE + ',"startAt":0,"stopAt":0,"isMultipleEntry":%s,'
    + CALLBACK + "}"
)
QUICK = '{"taskName":"testName","timeValue":"1490088784",' + CALLBACK + "}"
LIST = '{"taskUrl":"http://127.0.0.1/v1/task","isDeleted":false,"pageNum":1,"pageSize":10}'


@pytest.fixture
def romens(stage):
    """(client, fake elves-cron)"""
    cron = FakeComponent(stage.services, stage.exchange, "cron", {
        "createCron": {**OK, "id": "AD786D5A5A8A4165", "key": ID, "result": CARD},
        "replaceCron": {**OK, "result": CARD},
        "deleteCron": {**OK, "result": [ID]},
        "reportCron": {**OK, "result": {"key": ID, "status": "SUCCESS", "already": "false"}},
        "cronHistory": {**OK, "total": 1, "result": [EXECUTION]},
        "findCron": {**OK, "total": 11, "result": [CARD]},
    })
    stage.exits.callback(cron.close)
    port = free_port()
    Openapi(stage, {"romens.enabled": "true", "romens.port": port, "romens.reportTimeout": 7})
    return Client(port), cron


def test_r16_what_the_client_sends_is_understood(romens):
    client, cron = romens
    calls = [
        ("POST", "/v1/task", TASK % "false", "createCron"),
        ("POST", "/v1/task/", TASK % "false", "createCron"),
        ("POST", "/v1/task/quick", QUICK, "createCron"),
        ("DELETE", f"/v1/task/{ID}", "{}", "deleteCron"),
        ("POST", f"/v1/task/status/{TOKEN}?status=SUCCESS", "", "reportCron"),
        ("POST", f"/v1/task/status/{TOKEN}?status=FAILED", "", "reportCron"),
        ("PUT", f"/v1/task/{ID}", TASK % "true", "replaceCron"),
        ("GET", f"/v1/task/{ID}/history?taskUrl=http%3A%2F%2F127.0.0.1%2Fv1%2Ftask&taskId={ID}&beginAt=0&endAt=0"
                "&pageNum=1&pageSize=10", None, "cronHistory"),
        ("POST", "/v1/task/list", LIST, "findCron"),
    ]
    for method, target, body, action in calls:
        data = request_bytes(method, target, client.port, None if body is None else body.encode())
        status, headers, text = exchange(client.port, data)
        assert status == 200, (method, target, text)
        assert headers["content-type"].startswith("application/json")
        assert isinstance(json.loads(text), dict)
        assert cron.asked.pop()[0] == action and cron.asked == []


def test_r16_empty_status_body(romens):
    client, cron = romens
    data = (
        f"POST /v1/task/status/{TOKEN}?status=SUCCESS HTTP/1.1\r\nhost: 127.0.0.1:{client.port}\r\n"
        "accept: application/json\r\ncontent-type: application/json\r\ncontent-length: 0\r\nConnection: close\r\n\r\n"
    )
    assert exchange(client.port, data.encode())[::2] == (200, '{"taskId":"%s","status":"SUCCESS"}' % ID)
    assert cron.asked == [("reportCron", {"owner": "romens", "token": TOKEN, "status": "SUCCESS", "message": ""})]


def test_r01_what_is_asked_for_a_task(romens):
    client, cron = romens
    status, task = client.call("POST", "/v1/task", (TASK % "false").encode())
    assert status == 200 and task["taskId"] == ID and task["nextAt"] == 1490088784 and task["isMaxReached"] is True
    ((action, asked),) = cron.asked
    extra = json.loads(asked.pop("extra"))
    assert (action, asked) == ("createCron", {
        "owner": "romens", "spelling": "decimal", "started": "true", "name": "testName", "rule": RULE,
        "dialect": "cronjob", "count": 1, "start": "", "end": "", "overlap": "skip", "missed": "skip",
        "url": "http://10.0.0.9/scheduler/callback", "method": "POST", "param": "params",
        "content_type": "text/plain;charset=UTF-8", "token_param": "statusToken", "retries": 0, "timeout": 30,
        "report": "true", "report_timeout": 7,
    })
    assert extra["cronJobValue"]["hour"] == "0" and extra["callbackAsync"] is True


def test_r10_reports(romens):
    client, cron = romens
    wrong = {"code": 400, "message": "status should be SUCCESS or FAILED"}
    for query in ("?status=RUNNING", "?status=", "", "?status=success", "?state=SUCCESS"):
        assert client.call("POST", f"/v1/task/status/{TOKEN}{query}", b"") == (400, wrong), query
    assert cron.asked == []
    bodies = [
        (b'{"status":"FAILED"}', "", "FAILED", ""),
        (b'{"status":"SUCCESS","message":"42 pages"}', "", "SUCCESS", "42 pages"),
        ("geschafft: 你好".encode(), "?status=SUCCESS", "SUCCESS", "geschafft: 你好"),
        (b"\xff" * 9000, "?status=FAILED", "FAILED", "\ufffd" * 1365),
    ]
    for body, query, status, message in bodies:
        assert client.call("POST", f"/v1/task/status/{TOKEN}{query}", body)[0] == 200
        assert cron.asked.pop()[1] == {"owner": "romens", "token": TOKEN, "status": status, "message": message}


def test_r12_history_queries(romens):
    client, cron = romens
    status, page = client.history(ID, beginAt=1490088784, endAt=1490088785, pageNum=2, pageSize=1000)
    assert status == 200 and page["pageNum"] == 2 and page["pageSize"] == 1000
    assert page["list"] == [{"token": TOKEN, "taskId": ID, "status": "SUCCESS", "startAt": 1490088784,
                             "endAt": 1490088785, "httpStatus": 200, "message": "done"}]
    assert cron.asked == [("cronHistory", {"owner": "romens", "id": ID, "page": 2, "size": 1000,
                                           "begin": "2017-03-21T09:33:04Z"})]
    for wrong in ("beginAt=x", "endAt=1.5", "pageNum=0", "pageNum=-1", "pageSize=1001", "pageSize=ten"):
        status, fault = client.call("GET", f"/v1/task/{ID}/history?{wrong}")
        assert status == 400 and fault["code"] == 400 and fault["message"], wrong
    assert len(cron.asked) == 1


def test_r12_end_can_be_a_limit(stage):
    cron = FakeComponent(stage.services, stage.exchange, "cron", {"cronHistory": {**OK, "total": 0, "result": []}})
    stage.exits.callback(cron.close)
    openapi = Openapi(stage, {"romens.enabled": "true", "romens.endAt": "true"})
    client = Client(openapi.port)  # without a port of its own it is behind server.port
    status, page = client.history(ID, endAt=1490088785)
    assert (status, page) == (200, {"total": 0, "pageNum": 1, "pageSize": 10, "list": []})
    assert cron.asked[0][1]["end"] == "2017-03-21T09:33:05Z"


def test_r01_what_is_refused(romens):
    client, cron = romens
    good = json.loads(TASK % "false")
    for name, value in [
        ("taskName", ""), ("repeatTimes", -1), ("repeatTimes", 0.5), ("cronJobValue", {"second": "61"}),
        ("cronJobValue", "*/2 * * * * *"), ("callbackUrl", "/callback"), ("callbackMethod", "PUT"), ("startAt", "soon"),
        ("isMultipleEntry", 3),
    ]:
        status, fault = client.send("POST", "/v1/task", {**good, name: value})
        assert status == 400 and fault["code"] == 400 and fault["message"].startswith(name + ": "), fault
    for body in (b"", b"taskName=x", b"[]", b'{"taskName":', b"\xff"):
        status, fault = client.call("POST", "/v1/task", body)
        assert status == 400 and fault["message"].startswith("the body: "), fault
    assert cron.asked == []


def test_r16_unknown_paths_and_methods(romens):
    client, cron = romens
    for target in ("/v1/task/" + "1" * 65, "/v1/task/x/history", f"/v1/task/{ID}/other", "/v1/task/a/b/c", "/v1/taskx"):
        assert client.call("GET", target)[0] == 404, target
    status, headers, text = exchange(client.port, request_bytes("GET", f"/v1/task/{ID}", client.port, None))
    assert (status, headers["allow"], json.loads(text)["code"]) == (405, "PUT, DELETE", 405)
    assert client.call("PUT", "/v1/task", b"{}")[0] == 405
    assert client.call("GET", "/v1/tasks")[0] == 404
    assert cron.asked == []


def test_r16_what_elves_cron_says(romens):
    client, cron = romens
    refusal = {"flag": "false", "error": "[403.5]Request Params (cron-rule) Illegal", "detail": "rule: never"}
    cron.answers["createCron"] = refusal
    assert client.call("POST", "/v1/task", (TASK % "true").encode()) == (400, {"code": 400, "message": "rule: never"})
    gone = {"flag": "false", "error": "[411.1]Not Find Cron Job To Operate"}
    cron.answers.update(replaceCron=gone, cronHistory=gone, reportCron={**gone, "error": "[411.2]Not Find Execution"})
    cron.answers["deleteCron"] = {**OK, "result": []}
    assert client.call("PUT", f"/v1/task/{ID}", (TASK % "true").encode())[0] == 404
    assert client.history(ID)[0] == 404
    assert client.report(TOKEN, "SUCCESS")[0] == 404
    assert client.delete(ID)[0] == 404
    cron.answers["findCron"] = {"flag": "false", "error": "[500]The Store Failed", "detail": "in /var/lib: disk full"}
    assert client.list() == (500, {"code": 500, "message": "The Store Failed"})
    cron.answers["findCron"] = {**OK, "result": "nonsense"}
    assert client.list()[0] == 500


def test_r16_without_elves_cron(stage):
    openapi = Openapi(stage, {"romens.enabled": "true", "openapi.callTimeout": 100})
    assert Client(openapi.port).delete(ID) == (500, {"code": 500, "message": "elves-cron cannot be asked now"})
    silent = FakeComponent(stage.services, stage.exchange, "cron", {})
    stage.exits.callback(silent.close)
    assert Client(openapi.port).delete(ID) == (500, {"code": 500, "message": "elves-cron has not answered in time"})


def test_r16_switched_off(stage):
    openapi = Openapi(stage)
    status, _, text = exchange(openapi.port, request_bytes("DELETE", f"/v1/task/{ID}", openapi.port, b"{}"))
    assert status == 404 and "[404]" in text


def test_r16_who_may_connect(stage, tmp_path):
    file = tmp_path / "openapi.properties"
    required = "mq.ip=127.0.0.1\nmq.user=u\nmq.password=p\nromens.enabled=true\nromens.listen=0.0.0.0\n"
    file.write_text(required + "romens.port=3000\n")
    result = run_tool("elves-openapi", "--config", str(file), "--check-config")
    assert result.returncode == 2 and "romens.authips" in result.stderr
    file.write_text(required + "romens.port=3000\nromens.authips=10.0.0.0/8\n")
    assert run_tool("elves-openapi", "--config", str(file), "--check-config").returncode == 0
    file.write_text(required)  # no port of its own: what server.listen says counts
    assert run_tool("elves-openapi", "--config", str(file), "--check-config").returncode == 0
