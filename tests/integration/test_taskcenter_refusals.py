"""What taskcenter's interface refuses, and in which order (taskcenter.md 2.1). Nobody is asked."""

import time

import pytest

from support.stage import Stage
from support.taskcenter import Taskcenter, refusal

JSON_HEAD = b'{"name":"a","type":1,"data":"x"'


@pytest.fixture(scope="module")
def door(services, tmp_path_factory):
    """One without elves-cron: what is refused needs none."""
    stage = Stage(services, tmp_path_factory.mktemp("door"))
    yield Taskcenter(stage, {"openapi.callTimeout": 500})
    stage.close()


# T08: errors.


NOT_DECODABLE = [
    b"",
    b"x",
    b"[]",
    b'"a"',
    b"1",
    JSON_HEAD,
    b'{"name":1,"type":1,"data":"x"}',
    b'{"name":"a","type":"1","data":"x"}',
    b'{"name":"a","type":1.5,"data":"x"}',
    b'{"name":"a","type":1,"data":{}}',
    JSON_HEAD + b',"ack":1}',
    JSON_HEAD + b',"max_runtime":"1"}',
    JSON_HEAD + b',"start_time":12345678901234567890}',
    b'{"name":"\xff","type":1,"data":"x"}',
]


@pytest.mark.parametrize("body", NOT_DECODABLE)
def test_t08_body_that_cannot_be_decoded(door, body):
    assert door.post("task", body) == refusal("invalid param")


NO_RULE = ["", "* * 34 * *", "* 25 * * *", "* * *", "0 0 0 0 0 0 0", "0 0 31 2 *", "0 0 0 * * 7", "@every 0s"]
REFUSED = [
    *[({"type": type}, "params type error") for type in (0, 4, -1, None)],
    *[({"type": 3, "crontab": rule}, "params cron invalid") for rule in NO_RULE],
    ({"type": 2}, "params loop_time invalid"),
    ({"type": 2, "loop_time": -1}, "params loop_time invalid"),
    ({"end_time": 1}, "end_time should large than current timestamp"),
    ({"name": ""}, "params name invalid"),
    ({"name": "a||b"}, "params name invalid"),
    ({"name": "n" * 256}, "params name invalid"),
    ({"data": ""}, "params data invalid"),
]


@pytest.mark.parametrize("members, text", REFUSED, ids=range(len(REFUSED)))
def test_t08_rows_of_the_table(door, members, text):
    assert door.post("task", {"name": "a", "type": 1, "data": "x", **members}) == refusal(text)


def test_t08_order_of_the_rows(door):
    """Each body has all faults that come later."""
    body = {"type": 9, "crontab": "x", "end_time": int(time.time()) - 5}
    for changes, text in [
        ({}, "params type error"),
        ({"type": 3}, "params cron invalid"),
        ({"type": 2}, "params loop_time invalid"),
        ({"loop_time": 1}, "end_time should large than current timestamp"),
        ({"end_time": 0}, "params name invalid"),
        ({"name": "a"}, "params data invalid"),
    ]:
        body.update(changes)
        assert door.post("task", body) == refusal(text)


@pytest.mark.parametrize(
    "path, body, text",
    [
        ("delete-task", "x", "request body format error"),
        ("delete-task", '{"ids":"x"}', "request body format error"),
        ("delete-task", '{"ids":[1]}', "request body format error"),
        ("delete-task", "{}", "id should not by empty"),
        ("delete-task", '{"ids":[]}', "id should not by empty"),
        ("delete-task", '{"ids":null}', "id should not by empty"),
        ("delete-task-by-name", "[]", "request body format error"),
        ("delete-task-by-name", '{"name":1}', "request body format error"),
        ("delete-task-by-name", "{}", "name should not be empty"),
        ("delete-task-by-name", '{"name":""}', "name should not be empty"),
    ],
)
def test_t08_deleting(door, path, body, text):
    assert door.post(path, body) == refusal(text)


def test_t08_asking(door):
    assert door.get("query-task-by-id") == refusal("taskid is empty")
    assert door.get("query-task-by-id", taskid="") == refusal("taskid is empty")
    assert door.get("query-task-by-name") == refusal("name should not be empty")
    assert door.get("query-task-by-id", taskid="zz") == (500, {"err": 500, "msg": "not found"})
    assert door.get("task") == (405, {"err": 405, "msg": "method not allowed"})


def test_t08_nobody_keeps_the_tasks(door):
    """Without elves-cron everything that needs it fails, and says so."""
    id = "0" * 24
    for status, answer in [
        door.post("task", {"name": "a", "type": 1, "data": "x"}),
        door.post("delete-task", {"ids": [id]}),
        door.post("delete-task-by-name", {"name": "a"}),
        door.get("query-task-by-id", taskid=id),
        door.get("query-task-by-name", name="a"),
    ]:
        assert status == answer["err"] == 500 and answer["msg"], answer
    status, answer = door.get("task/stat")
    assert status == 500 and isinstance(answer, str) and answer


# T02: both prefixes.


@pytest.mark.parametrize("prefix", ["/v1/api/", "/api/v1/"])
def test_t02_refusals_below_both_prefixes(door, prefix):
    assert door.post("task", "x", prefix) == refusal("invalid param")
    assert door.post("add-task", "x", prefix) == refusal("invalid param")
    assert door.post("delete-task", "{}", prefix) == refusal("id should not by empty")
    assert door.get("query-task-by-name", prefix) == refusal("name should not be empty")
