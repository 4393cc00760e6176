"""submitQueue, queueDetail, queueTasks, findQueues: a queue in one request, on both stores."""

import datetime
import sqlite3
import uuid

import pytest
from services import ask_postgres
from support.queues import must, new_id, one_task
from support.wait import wait_until

OTHER_CONTENT = "[412.5]Key Used For Another Queue"
LIMIT = "[412.5]Queue Limit Reached"
NO_PARENT = "[412.4]Depend Task Not Found"
BAD = "[500]Request Params Illegal"


@pytest.fixture
def queues(stage, store_url):
    stage.daemon = stage.queue_daemon(store_url)
    return stage.queues()


def is_recent(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return abs((datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()) < 600


def test_e40_submit(queues):
    tasks = [
        one_task("first", ip="10.0.0.7", func="one", mode="p", param="x y", proxy="bash|r", timeout=12),
        one_task("last", after=["first", "other"], app="own"),
        one_task("other"),
    ]
    made = queues.submit(tasks, app="shop", name="roll out", extra="opaque", owner="me", on_failure="skipped")
    assert made["existed"] == "false" and len(made["tasks"]) == 3
    first, last, other = made["tasks"]
    jobs = {job["id"]: job for job in (queues.job(), queues.job())}
    assert set(jobs) == {first, other}
    assert jobs[first] == {
        "id": first,
        "ip": "10.0.0.7",
        "mode": "P",
        "app": "shop",
        "func": "one",
        "type": "queue",
        "proxy": "bash|r",
        "param": "x y",
        "timeout": 12,
    }
    assert (jobs[other]["mode"], jobs[other]["param"]) == ("NP", "")
    queues.result(first, message="out")
    queues.no_job()
    queues.result(other)
    job = queues.job(last)
    assert job["app"] == "own"
    queues.result(last, worker_flag=0, message="no")
    detail = queues.wait_ended(made["id"])
    counts = dict(pendding=0, running=0, finish=2, failed=1, stopped=0, skipped=0, cancelled=0)
    assert detail["counts"] == counts and detail["total"] == 3
    shown = {"id": made["id"], "app": "shop", "name": "roll out", "key": "", "owner": "me", "extra": "opaque"}
    shown.update(status="running", on_failure="skipped", width=0, stagger_ms=0, max_failures=None)
    assert {name: detail[name] for name in shown} == shown
    assert all(is_recent(detail[name]) for name in ("created", "committed", "ended"))
    records = queues.page(made["id"])["result"]
    assert [record["id"] for record in records] == made["tasks"]
    assert [record["name"] for record in records] == ["first", "last", "other"]
    assert [record["app"] for record in records] == ["shop", "own", "shop"]
    record = records[0]
    assert (record["status"], record["flag"], record["worker_flag"]) == ("finish", "true", 1)
    assert (record["worker_message"], record["worker_costtime"]) == ("out", 7)
    assert all(is_recent(record[name]) for name in ("created", "started", "finished"))
    assert must(queues.call("queueResult", {"id": made["id"]}))["result"][first]["status"] == "finish"


def test_e40_submit_skips_behind_a_failure(queues):
    tasks = [one_task("a"), one_task("b", after=["a"]), one_task("c", after=["b"]), one_task("d")]
    made = queues.submit(tasks, on_failure="skipped")
    a, b, c, d = made["tasks"]
    queues.job_ids(2)
    queues.result(a, worker_flag=0)
    queues.result(d)
    detail = queues.wait_ended(made["id"])
    assert [detail["counts"][name] for name in ("finish", "failed", "skipped")] == [1, 1, 2]
    assert queues.records(made["id"])[c]["error"] == "Depend Task Failed"


def test_e40_submit_key(queues):
    tasks = [one_task("a"), one_task("b", after=["a"])]
    first = queues.submit(tasks, key="deploy-1", owner="me")
    again = queues.submit(tasks, key="deploy-1", owner="me")
    assert again == {**first, "existed": "true"}
    answer = queues.call("submitQueue", {"app": "testApp", "tasks": tasks[:1], "key": "deploy-1", "owner": "me"})
    assert (answer["flag"], answer["error"]) == ("false", OTHER_CONTENT)
    other_owner = queues.submit(tasks, key="deploy-1", owner="you")
    assert other_owner["existed"] == "false" and other_owner["id"] != first["id"]
    assert queues.job_ids(2) == {first["tasks"][0], other_owner["tasks"][0]}
    queues.no_job()
    assert queues.find(owner="me")["total"] == 1
    queues.stop(first["id"])
    queues.result(first["tasks"][0])
    queues.wait_ended(first["id"])
    must(queues.call("deleteQueue", {"id": first["id"]}))
    fresh = queues.submit(tasks, key="deploy-1", owner="me")
    assert fresh["existed"] == "false" and fresh["id"] != first["id"]


def test_e40_submit_without_key_is_another_queue(queues):
    tasks = [one_task()]
    assert queues.submit(tasks)["id"] != queues.submit(tasks)["id"]


def test_e40_submit_key_in_parallel(queues, stage):
    """Requests of one key that come together make one queue."""
    askers = [stage.queues() for _ in range(3)]
    tasks, body = [one_task()], None
    body = {"mqkey": "openapi.queue.submitQueue", "mqtype": "call"}
    body["mqbody"] = {"app": "testApp", "tasks": tasks, "key": "k"}
    for round_ in range(5):
        for asker in askers:
            asker.asker.publish(
                body, "openapi.queue", reply_to=asker.replies.name, correlation_id=uuid.uuid4().hex
            )
    answers = [asker.replies.take(20, "an answer").json["mqbody"] for asker in askers for _ in range(5)]
    assert len({answer["id"] for answer in answers}) == 1
    assert sorted(answer["existed"] for answer in answers) == ["false"] + ["true"] * 14
    assert queues.find()["total"] == 1


@pytest.mark.parametrize(
    "members, error, detail",
    [
        ({"tasks": []}, BAD, "tasks"),
        ({"tasks": "x"}, BAD, "tasks"),
        ({"tasks": [7]}, BAD, "tasks[0]"),
        ({"app": ""}, "[403.3]", "app"),
        ({"tasks": [one_task(), one_task(ip="")]}, "[403.1]", "tasks[1].ip"),
        ({"tasks": [one_task(func=None)]}, BAD, "tasks[0].func"),
        ({"tasks": [one_task(mode="x")]}, "[403.4]", "tasks[0].mode"),
        ({"tasks": [one_task(timeout=-1)]}, "[403.8]", "tasks[0].timeout"),
        ({"tasks": [one_task(param=7)]}, BAD, "tasks[0].param"),
        ({"tasks": [one_task("a"), one_task("a")]}, BAD, "tasks[1].name"),
        ({"tasks": [one_task("a", after=["b"])]}, NO_PARENT, "'b'"),
        ({"tasks": [one_task("a", after="a")]}, BAD, "tasks[0].after"),
        ({"tasks": [one_task("a", after=["a"])]}, BAD, "waits for itself"),
        ({"tasks": [one_task("x"), one_task("a", after=["c"]), one_task("c", after=["a"])]}, BAD, "tasks[1]"),
        ({"width": -1}, BAD, "width"),
        ({"stagger_ms": "soon"}, BAD, "stagger_ms"),
        ({"max_failures": 1.5}, BAD, "max_failures"),
        ({"on_failure": "explode"}, BAD, "on_failure"),
        ({"key": "k" * 256}, BAD, "key"),
        ({"extra": "e" * 65537}, BAD, "extra"),
        ({"tasks": [one_task() for _ in range(6)]}, LIMIT, "queue.maxTasks"),
        ({"tasks": [one_task(param="p" * 4000)]}, LIMIT, "queue.maxBytes"),
    ],
)
def test_e40_submit_refused(stage, tmp_path, members, error, detail):
    stage.queue_daemon(f"sqlite:{tmp_path}/q.db", {"queue.maxTasks": 5, "queue.maxBytes": 2000})
    queues = stage.queues()
    answer = queues.call("submitQueue", {"app": "testApp", "tasks": [one_task()], **members})
    assert answer["flag"] == "false" and answer["error"].startswith(error), answer
    assert detail in answer["detail"]
    assert queues.find()["total"] == 0
    queues.no_job(0.1)


def test_e40_task_pages(queues):
    made = queues.submit([one_task(f"t{i}", param=str(i)) for i in range(25)])
    for id in made["tasks"][:5]:
        queues.result(id, message=id)
    wait_until(lambda: queues.detail(made["id"])["counts"]["finish"] == 5, "five have ended")
    seen, after = [], 0
    while True:
        page = queues.page(made["id"], after=after, limit=10)
        seen += [record["id"] for record in page["result"]]
        after = page["next"]
        if after == 0:
            break
    assert seen == made["tasks"]
    ended = queues.page(made["id"], status="finish")["result"]
    assert [record["id"] for record in ended] == made["tasks"][:5]
    assert queues.page(made["id"], status="running", limit=20)["next"] == 0
    bad = queues.call("queueTasks", {"id": made["id"], "status": "nearly"})
    assert bad["error"] == BAD
    assert queues.call("queueTasks", {"id": new_id()})["error"] == "[412.1]Queue Not Found"
    assert queues.call("queueDetail", {"id": new_id()})["error"] == "[412.1]Queue Not Found"


def test_e40_task_pages_are_bounded(stage, store_url):
    """A page that would be larger than a message may be ends earlier."""
    stage.queue_daemon(store_url, {"mq.maxMessage": 65536})
    queues = stage.queues()
    made = queues.submit([one_task() for _ in range(6)])
    for id in made["tasks"]:
        queues.result(id, message="x" * 20000)
    queues.wait_ended(made["id"])
    page = queues.page(made["id"], limit=1000)
    assert 1 <= len(page["result"]) < 6 and page["next"] > 0
    records = queues.records(made["id"])
    assert set(records) == set(made["tasks"])
    assert all(len(record["worker_message"]) == 20000 for record in records.values())


def test_e40_find(queues):
    made = [queues.submit([one_task()], app=f"app{i % 2}", name=f"n{i}", owner="me")["id"] for i in range(12)]
    old = queues.create(app="app0")
    queues.stop(made[3])
    found = queues.find(owner="me")
    assert found["total"] == 12 and [r["id"] for r in found["result"]] == made[:1:-1]
    assert [r["id"] for r in queues.find(owner="me", page=2)["result"]] == made[1::-1]
    assert queues.find()["total"] == 13 and queues.find()["result"][0]["id"] == old
    assert queues.find(owner="me", app="app1")["total"] == 6
    assert [r["id"] for r in queues.find(name="n7")["result"]] == [made[7]]
    assert [r["id"] for r in queues.find(status="stopped", size=1000)["result"]] == [made[3]]
    assert queues.find(owner="nobody") == {"flag": "true", "error": "", "total": 0, "result": []}
    assert queues.call("findQueues", {"size": 1001})["error"] == BAD


# ---- a store of version 1 -------------------------------------------------------------------------

VERSION_1 = """
CREATE TABLE elves_schema (name TEXT PRIMARY KEY, version {INT} NOT NULL);
INSERT INTO elves_schema VALUES ('queue', 1);
CREATE TABLE queue (seq {SERIAL}, queue_id TEXT NOT NULL UNIQUE, app TEXT NOT NULL,
 status TEXT NOT NULL, on_failure TEXT NOT NULL, created_ms {INT} NOT NULL, committed_ms {INT},
 ended_ms {INT}, tasks {INT} NOT NULL DEFAULT 0, running {INT} NOT NULL DEFAULT 0,
 bytes {INT} NOT NULL DEFAULT 0, made_by TEXT NOT NULL, committed_by TEXT);
CREATE INDEX queue_open ON queue (status) WHERE ended_ms IS NULL;
CREATE INDEX queue_ended ON queue (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX queue_made_by ON queue (made_by);
CREATE TABLE queue_task (seq {SERIAL}, task_id TEXT NOT NULL UNIQUE, queue_id TEXT NOT NULL,
 ip TEXT NOT NULL, mode TEXT NOT NULL, func TEXT NOT NULL, param TEXT NOT NULL,
 proxy TEXT NOT NULL, timeout_s {INT} NOT NULL, depend_task_id TEXT NOT NULL,
 waits_for {INT} NOT NULL, bytes {INT} NOT NULL, result_bytes {INT} NOT NULL DEFAULT 0,
 status TEXT NOT NULL, sent {INT} NOT NULL DEFAULT 0, created_ms {INT} NOT NULL,
 deadline_ms {INT}, finished_ms {INT}, flag TEXT, error TEXT, reason TEXT, worker_flag {INT},
 worker_message TEXT, worker_cost_ms {INT}, made_by TEXT NOT NULL);
CREATE INDEX queue_task_queue ON queue_task (queue_id, seq);
CREATE INDEX queue_task_unsent ON queue_task (seq) WHERE status = 'running' AND sent = 0;
CREATE INDEX queue_task_deadline ON queue_task (deadline_ms) WHERE status = 'running';
CREATE TABLE queue_need (task_id TEXT NOT NULL, needs TEXT NOT NULL, PRIMARY KEY (task_id, needs));
CREATE INDEX queue_need_needs ON queue_need (needs, task_id);
"""

OLD_ROWS = """
INSERT INTO queue (queue_id, app, status, on_failure, created_ms, committed_ms, tasks, running, made_by)
 VALUES ('Q', 'old', 'running', 'skipped', {NOW}, {NOW}, 5, 2, 'f');
INSERT INTO queue (queue_id, app, status, on_failure, created_ms, made_by)
 VALUES ('OPEN', 'old', 'pendding', 'pendding', {NOW}, 'g');
"""


def old_task(id, status, now, waits_for=0, sent=1, worker_flag="NULL", flag="NULL"):
    return (
        "INSERT INTO queue_task (task_id, queue_id, ip, mode, func, param, proxy, timeout_s, depend_task_id,"
        " waits_for, bytes, status, sent, created_ms, deadline_ms, flag, worker_flag, made_by) VALUES"
        f" ('{id}', 'Q', '10.0.0.1', 'NP', 'f', '', '', 600, '', {waits_for}, 0, '{status}', {sent}, {now},"
        f" {now + 1200000}, {flag}, {worker_flag}, 'f');"
    )


def make_version_1(url):
    now = int(datetime.datetime.now().timestamp() * 1000)
    is_file = url.startswith("sqlite:")
    serial = "INTEGER PRIMARY KEY AUTOINCREMENT" if is_file else "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    text = (VERSION_1 + OLD_ROWS).replace("{SERIAL}", serial).replace("{INT}", "BIGINT")
    text = text.replace("{NOW}", str(now))
    text += old_task("GOOD", "finish", now, worker_flag="1", flag="'true'")
    text += old_task("BAD", "finish", now, worker_flag="0", flag="'true'")
    text += old_task("RUNS", "running", now) + old_task("UNSENT", "running", now, sent=0)
    text += old_task("BEHIND", "pendding", now, waits_for=1, sent=0)
    text += "INSERT INTO queue_need VALUES ('BEHIND', 'RUNS');"
    if not is_file:
        ask_postgres(url, text)
        return
    connection = sqlite3.connect(url.removeprefix("sqlite:"))
    connection.executescript(text)
    connection.close()


def test_e40_store_of_version_1(stage, store_url, tmp_path):
    """Its queues go on, and are counted as if they had been made today."""
    (tmp_path / "store").mkdir(exist_ok=True)
    make_version_1(store_url)
    daemon = stage.queue_daemon(store_url)
    queues = stage.queues()
    assert "tables made schema=queue from=1 to=2" in daemon.log()
    job = queues.job()  # published again until somebody is bound
    assert (job["id"], job["app"]) == ("UNSENT", "old")
    counts = dict(pendding=1, running=2, finish=1, failed=1, stopped=0, skipped=0, cancelled=0)
    assert queues.detail("Q")["counts"] == counts
    queues.result("UNSENT")
    queues.result("RUNS")
    assert queues.job()["id"] == "BEHIND"
    queues.result("BEHIND")
    counts.update(pendding=0, running=0, finish=4)
    assert queues.wait_ended("Q")["counts"] == counts
    task = queues.add("OPEN")
    queues.commit("OPEN")
    queues.job(task)
    queues.result(task)
    assert queues.wait_ended("OPEN")["counts"]["finish"] == 1


def test_e40_submit_says_itself_what_is_the_same(queues):
    made = queues.submit([one_task("a")], key="k", fingerprint="F")
    again = queues.submit([one_task("a"), one_task("b")], key="k", fingerprint="F")
    assert (again["id"], again["existed"], len(again["tasks"])) == (made["id"], "true", 1)
    answer = queues.call("submitQueue", {"app": "shop", "key": "k", "fingerprint": "G", "tasks": [one_task("a")]})
    assert (answer["flag"], answer["error"]) == ("false", OTHER_CONTENT)


def test_e40_tasks_by_how_they_ended(queues):
    made = queues.submit([one_task("good"), one_task("bad"), one_task("gone"), one_task("runs")])
    good, bad, gone, runs = made["tasks"]
    for _ in range(4):
        queues.job()
    queues.result(good)
    queues.result(bad, worker_flag=0, message="no")
    queues.result(gone, worker_flag=-1, reason="cancelled")
    wait_until(lambda: len(queues.page(made["id"], status="finish")["result"]) == 3, "three have ended")
    for status, task in (("succeeded", good), ("failed", bad), ("cancelled", gone), ("running", runs)):
        assert [one["id"] for one in queues.page(made["id"], status=status)["result"]] == [task], status
    assert [one["id"] for one in queues.page(made["id"], task=bad)["result"]] == [bad]
    assert queues.page(made["id"], task="nobody")["result"] == []
