"""elves-queue as elves-amqp.md 7.2 and elves-cron-queue.md 2 have it, on both stores."""

import time
import urllib.request

import pytest
from support.queues import SUCCESS, must, new_id
from support.wait import wait_until

NOT_FOUND = "[412.1]Queue Not Found"
WRONG_STATE = "[412.2]Queue Status Incorrect!"
NO_PARENT = "[412.4]Depend Task Not Found"


@pytest.fixture
def queues(stage, store_url):
    stage.daemon = stage.queue_daemon(store_url)
    return stage.queues()


def refused(body, error):
    assert body["flag"] == "false"
    assert body["error"] == error
    assert "id" not in body and "result" not in body


def test_e40_life(queues):
    queue = queues.create(app="shop")
    assert len(queue) == 16 and set(queue) <= set("0123456789ABCDEF")
    a = queues.add(queue, ip="10.0.0.7", mode="p", func="first", param="x y", proxy="bash|run.sh", timeout=12)
    b = queues.add(queue, a, func="second")
    assert queues.statuses(queue, a, b) == ["pendding", "pendding"]
    queues.no_job()
    queues.commit(queue)
    job = queues.job()
    assert job == {
        "id": a,
        "ip": "10.0.0.7",
        "mode": "P",
        "app": "shop",
        "func": "first",
        "type": "queue",
        "proxy": "bash|run.sh",
        "param": "x y",
        "timeout": 12,
    }
    assert queues.statuses(queue, a, b) == ["running", "pendding"]
    queues.result(a, message="out")
    assert queues.job()["id"] == b
    queues.result(b, worker_flag=0, message="no")
    queues.wait_status(queue, b, "finish")
    records = queues.tasks(queue)
    assert set(records) == {a, b}
    specified = ("id", "depend_task_id", "flag", "error", "worker_message", "status")
    specified += ("worker_costtime", "worker_flag")
    assert [records[a][name] for name in specified] == [a, "", "true", "", "out", "finish", 7, 1]
    assert [records[b][name] for name in specified] == [b, a, "true", "", "no", "finish", 7, 0]
    assert queues.describe(queue)["status"] == "running"  # for ever


def test_e40_record_before_the_end(queues):
    queue = queues.create()
    task = queues.add(queue)
    record = queues.tasks(queue)[task]
    assert (record["flag"], record["worker_flag"], record["worker_costtime"]) == ("", 0, 0)
    assert (record["error"], record["worker_message"]) == ("", "")


def test_e40_errors(queues):
    unknown = new_id()
    refused(queues.ask_add(unknown), NOT_FOUND + "!")
    for action in ("commitQueue", "stopQueue", "queueResult"):
        refused(queues.call(action, {"id": unknown}), NOT_FOUND)
    queue = queues.create()
    refused(queues.ask_add(queue, depend_task_id=unknown), NO_PARENT)
    queues.commit(queue)
    refused(queues.call("commitQueue", {"id": queue}), WRONG_STATE)
    refused(queues.ask_add(queue), WRONG_STATE)


@pytest.mark.parametrize(
    "member, value, code",
    [
        ("ip", None, "[500]"),
        ("ip", ..., "[500]"),
        ("func", 7, "[500]"),
        ("param", None, "[500]"),
        ("proxy", ..., "[500]"),
        ("depend_task_id", ..., "[500]"),
        ("timeout", "30", "[500]"),
        ("timeout", -1, "[403.8]"),
        ("ip", " ", "[403.1]"),
        ("func", "", "[403.7]"),
        ("mode", "x", "[403.4]"),
        ("depend_task_ids", "A", "[500]"),
        ("depend_task_ids", [1], "[500]"),
    ],
)
def test_e40_bad_members(stage, tmp_path, member, value, code):
    stage.queue_daemon(f"sqlite:{tmp_path}/q.db")
    queues = stage.queues()
    queue = queues.create()
    answer = queues.ask_add(queue, **{member: value})
    assert answer["flag"] == "false" and answer["error"].startswith(code), answer
    assert queues.tasks(queue) == {}


def test_e40_app_of_the_task_is_ignored(queues):
    queue = queues.create(app="one")
    queues.add(queue, app="other")
    queues.commit(queue)
    assert queues.job()["app"] == "one"


def test_e40_stop(queues):
    queue = queues.create()
    a = queues.add(queue)
    b = queues.add(queue, a)
    queues.commit(queue)
    queues.job(a)
    queues.stop(queue)
    assert queues.statuses(queue, a, b) == ["running", "stopped"]
    queues.result(a)
    queues.wait_status(queue, a, "finish")
    assert queues.statuses(queue, b) == ["stopped"]
    queues.no_job()
    assert queues.call("stopQueue", {"id": queue}) == SUCCESS
    assert queues.describe(queue)["status"] == "stopped"
    refused(queues.call("commitQueue", {"id": queue}), WRONG_STATE)


def test_e40_stop_before_commit(queues):
    queue = queues.create()
    task = queues.add(queue)
    queues.stop(queue)
    assert queues.statuses(queue, task) == ["stopped"]
    queues.no_job(0.2)


def test_e40_empty_queue(queues):
    queue = queues.create()
    queues.commit(queue)
    assert queues.tasks(queue) == {}
    assert queues.describe(queue)["status"] == "running"
    assert queues.describe(queue)["end_time"] != ""


def test_e40_flat_form_and_call_id(queues):
    """The same requests in the older generations."""
    id = new_id()
    inbox = queues.asker.inbox(id)
    message = {"mqkey": f"openapi.queue.createQueue.{id}", "mqtype": "call", "app": "flat"}
    queues.asker.publish(message, "openapi.queue")
    reply = inbox.take().json
    assert reply["mqflag"] == "1" and len(reply["data"]["id"]) == 16
    second = new_id()
    inbox = queues.asker.inbox(second)
    body = {"id": reply["data"]["id"]}
    message = {"mqkey": "openapi.queue.queueResult", "mqtype": f"call.{second}", "mqbody": body}
    queues.asker.publish(message, "openapi.queue")
    assert inbox.take().json["mqbody"]["result"] == {}


def test_e40_many_at_once(queues):
    """100 tasks without dependencies are all published on commit."""
    queue = queues.create()
    tasks = {queues.add(queue) for _ in range(100)}
    queues.commit(queue)
    assert queues.job_ids(100) == tasks
    queues.no_job(0.2)
    for task in tasks:
        queues.result(task)
    for task in tasks:
        queues.wait_status(queue, task, "finish")
    assert queues.describe(queue)["running"] == 0


def test_e40_pages_and_list(queues):
    queue = queues.create()
    tasks = [queues.add(queue) for _ in range(25)]
    pages = [list(queues.tasks(queue, pagesize=10, pagenumber=number)) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert sum(pages, []) == tasks
    other = queues.create(app="other")
    answer = must(queues.call("queueList", {"pagesize": 1, "pagenumber": 1}))
    assert answer["count"] == 2
    assert [row["id"] for row in answer["result"]] == [other]
    assert must(queues.call("queueList", {}))["result"][1]["tasks"] == 25


def test_e41_chain(queues):
    queue = queues.create()
    a = queues.add(queue)
    b = queues.add(queue, a)
    c = queues.add(queue, b)
    queues.commit(queue)
    for task in (a, b, c):
        assert queues.job()["id"] == task
        queues.no_job(0.2)
        queues.result(task)
    queues.wait_status(queue, c, "finish")
    assert queues.describe(queue)["end_time"] != ""


def test_e41_only_in_the_same_queue(queues):
    """The original accepts it, and such a task never starts."""
    first, second = queues.create(), queues.create()
    task = queues.add(first)
    refused(queues.ask_add(second, depend_task_id=task), NO_PARENT)


def test_e41_fast_result(queues):
    """A result that comes before anything else is known of the job is not overwritten."""
    queue = queues.create()
    tasks = [queues.add(queue) for _ in range(20)]
    queues.commit(queue)
    for _ in tasks:
        queues.result(queues.job()["id"])
    for task in tasks:
        queues.wait_status(queue, task, "finish")


def test_e41_graph(queues):
    """A diamond: the extension depend_task_ids."""
    queue = queues.create()
    top = queues.add(queue)
    left, right = queues.add(queue, top), queues.add(queue, [top])
    bottom = queues.add(queue, [left, right, left])
    queues.commit(queue)
    queues.job(top)
    queues.result(top)
    assert queues.job_ids(2) == {left, right}
    queues.result(left)
    queues.wait_status(queue, left, "finish")
    queues.no_job(0.3)
    queues.result(right)
    assert queues.job()["id"] == bottom
    assert queues.tasks(queue)[bottom]["depend_task_id"] == left


def test_e41_graph_refuses_what_is_not_there(queues):
    """A task may only depend on those that are there: so there is no cycle."""
    queue = queues.create()
    a = queues.add(queue)
    refused(queues.ask_add(queue, depend_task_ids=[a, new_id()]), NO_PARENT)
    assert list(queues.tasks(queue)) == [a]


@pytest.mark.parametrize(
    "end",
    [
        {"worker_flag": 0},
        {"worker_flag": -1},
        {"flag": "false", "error": "[410.1]Send Job To Agent Fail"},
    ],
)
def test_e42_failed_dependency(queues, end):
    queue = queues.create()
    a = queues.add(queue)
    b = queues.add(queue, a)
    c = queues.add(queue, b)
    queues.commit(queue)
    queues.job(a)
    queues.result(a, **end)
    queues.wait_status(queue, a, "finish")
    queues.no_job(0.3)
    assert queues.statuses(queue, b, c) == ["pendding", "pendding"]
    assert queues.describe(queue)["status"] == "running"
    records = queues.tasks(queue)
    assert records[a]["flag"] == end.get("flag", "true")
    assert records[a]["error"] == end.get("error", "")


def test_e42_policy_skipped(queues):
    """What depends on a failed task is settled, when the queue asks for it; the rest goes on."""
    queue = queues.create(on_failure="skipped")
    a = queues.add(queue)
    b = queues.add(queue, a)
    c = queues.add(queue, b)
    other = queues.add(queue)
    queues.commit(queue)
    assert queues.job_ids(2) == {a, other}
    queues.result(a, worker_flag=0)
    queues.wait_status(queue, c, "skipped")
    assert queues.statuses(queue, a, b, other) == ["finish", "skipped", "running"]
    record = queues.tasks(queue)[b]
    assert (record["flag"], record["error"]) == ("false", "Depend Task Failed")
    queues.result(other)
    queues.wait_status(queue, other, "finish")
    assert queues.describe(queue)["end_time"] != ""
    answer = queues.call("createQueue", {"app": "a", "on_failure": "explode"})
    assert answer["flag"] == "false"


def test_e42_result_without_message(queues):
    """taskResult of the scheduler's failure has only the id; the original lost such ones."""
    queue = queues.create()
    task = queues.add(queue)
    queues.commit(queue)
    queues.job(task)
    error = "[410.1]Send Job To Agent Fail"
    queues.cast_result({"flag": "false", "error": error, "result": {"id": task}})
    queues.wait_status(queue, task, "finish")
    record = queues.tasks(queue)[task]
    assert (record["flag"], record["error"], record["worker_flag"]) == ("false", error, -1)
    assert record["worker_message"] == ""


def test_e42_late_result_changes_nothing(queues):
    queue = queues.create()
    a = queues.add(queue)
    b = queues.add(queue, a)
    queues.commit(queue)
    queues.job(a)
    queues.result(b)  # it does not run yet
    queues.result(a, worker_flag=0, message="first")
    queues.wait_status(queue, a, "finish")
    queues.result(a, message="second")
    queues.result(new_id())
    queues.no_job(0.3)
    records = queues.tasks(queue)
    assert (records[a]["worker_message"], records[a]["worker_flag"]) == ("first", 0)
    assert records[b]["status"] == "pendding"


def test_e40_no_scheduler_yet(queues, stage):
    """A job that reaches no queue is published again, until it does."""
    queues.jobs.channel.queue_unbind(queues.jobs.name, stage.exchange, "queue.scheduler")
    queue = queues.create()
    task = queues.add(queue)
    queues.commit(queue)
    wait_until(lambda: "reached no queue" in stage.daemon.log(), "it is told", 10)
    assert queues.statuses(queue, task) == ["running"]
    queues.jobs.bind("queue.scheduler")
    queues.job(task)


def test_e40_deadline(stage, store_url):
    """A task whose result never comes has failed, some time after its timeout."""
    daemon = stage.queue_daemon(store_url, {"queue.grace": 1})
    queues = stage.queues()
    queue = queues.create()
    a = queues.add(queue, timeout=1)
    b = queues.add(queue, a)
    queues.commit(queue)
    queues.job(a)
    queues.wait_status(queue, a, "finish", 20)
    record = queues.tasks(queue)[a]
    assert (record["flag"], record["error"]) == ("false", "[410.1]Send Job To Agent Fail")
    assert (record["worker_flag"], record["reason"]) == (-1, "outcome-unknown")
    queues.result(a)
    queues.no_job(0.3)
    assert queues.statuses(queue, a, b) == ["finish", "pendding"]
    assert status(daemon, "metrics").count('elves_queue_tasks_ended_total{outcome="expired"} 1\n') == 1
    assert "elves_queue_results_late_total 1\n" in status(daemon, "metrics")


def status(daemon, page):
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon.status_port}/{page}", timeout=5) as answer:
        return answer.read().decode()


def test_e40_limits(stage, tmp_path):
    settings = {"queue.maxOpen": 1, "queue.maxTasks": 2, "queue.maxBytes": 1024, "queue.maxResult": 256}
    stage.queue_daemon(f"sqlite:{tmp_path}/q.db", settings)
    queues = stage.queues()
    queue = queues.create()
    refused(queues.call("createQueue", {"app": "a"}), "[412.5]Queue Limit Reached")
    refused(queues.ask_add(queue, param="x" * 1025), "[412.5]Queue Limit Reached")
    task = queues.add(queue)
    queues.add(queue)
    refused(queues.ask_add(queue), "[412.5]Queue Limit Reached")
    queues.commit(queue)
    queues.job(task)
    queues.result(task, message="ü" * 300)
    queues.wait_status(queue, task, "finish")
    assert queues.tasks(queue)[task]["worker_message"] == "ü" * 128
    queues.stop(queue)


def test_e40_history(stage, store_url):
    """Old queues are removed."""
    stage.queue_daemon(store_url, {"queue.history.count": 1})
    queues = stage.queues()
    made = [queues.create() for _ in range(3)]
    for queue in made:
        queues.commit(queue)
        time.sleep(0.002)  # they end one after the other
    wait_until(lambda: must(queues.call("queueList"))["count"] == 1, "two are removed", 20, 0.1)
    assert queues.describe(made[-1])["status"] == "running"
    refused(queues.call("queueResult", {"id": made[0]}), NOT_FOUND)


def test_e40_health(stage, tmp_path):
    daemon = stage.queue_daemon(f"sqlite:{tmp_path}/q.db")
    assert '"status":"ok"' in status(daemon, "healthz")
    assert "elves_queue_store_up 1\n" in status(daemon, "metrics")


@pytest.mark.parametrize(
    "settings, code, said",
    [
        ({"store.url": "mysql://u:secret@h/d"}, 2, "store.url"),
        ({"queue.maxTask": 5}, 2, "queue.maxTasks"),
        ({"store.url": "sqlite:/proc/no/such/q.db"}, 1, "/proc/no/such/q.db"),
        ({"store.url": "postgresql://u:secret@127.0.0.1:1/d"}, 1, "127.0.0.1"),
    ],
)
def test_e40_cannot_start(stage, settings, code, said):
    daemon = stage.queue_daemon("sqlite:/unused", settings, start=False)
    daemon.expected = (code,)
    daemon.start(ready=False)
    assert daemon.wait() == code
    assert said in daemon.log()
    assert "secret" not in daemon.log()


def test_e40_malformed_messages(queues):
    """They are dropped or answered, and the service goes on."""
    for body in (b"no json", b"{}", b'{"mqkey":"a.queue","mqtype":"call"}'):
        queues.asker.publish(body, "openapi.queue")
    queues.cast_result({"flag": "maybe", "result": {"id": "x"}})
    queues.cast_result({"flag": "true", "result": []})
    assert queues.call("noSuchAction")["flag"] == "false"
    assert queues.call("createQueue", {"app": ["a"]})["flag"] == "false"
    assert queues.call("commitQueue", {})["flag"] == "false"
    queues.create()
