"""/api/v3 in front of real daemons: every operation, and what jobs of many agents do."""

import concurrent.futures
import time

import pytest

from support import apps
from support.cron import CronStage
from support.ports import loopback_address
from support.stage import Stage
from support.v3 import PREFIX, V3
from support.v3_fuzz import Fuzz
from support.wait import stays, wait_until

# Says what it was given; fails where a file says so.
WORKER = """
    import base64, os, sys, time
    func, param = sys.argv[2], base64.b64decode(sys.argv[3]).decode()
    good = func != "fail" and not os.path.exists(os.path.join(os.path.dirname(sys.argv[0]), "fails"))
    if func in ("slow", "hang"):
        good = True
        print("begun", flush=True)
        time.sleep(60 if func == "hang" else 0.5)
    print(f"<ElvesWFlag>{str(good).lower()}</ElvesWFlag> <ElvesWResult>{func}:{param}</ElvesWResult>")
"""


def add_agent(stage, number, labels):
    ip = loopback_address()
    settings = {"agent.ip": ip, "agent.listen": ip, "agent.labels": labels}
    settings.update({"apps.dir": stage.folder / f"apps-{number}", "run.dir": stage.folder / f"run-{number}"})
    agent = stage.agent(settings)
    apps.python(agent.apps, "demo", "app-worker.py", WORKER)
    return agent


@pytest.fixture(scope="module")
def world(services, tmp_path_factory):
    """Scheduler, queue, three agents and openapi; the third agent fails what it runs."""
    stage = Stage(services, tmp_path_factory.mktemp("v3"))
    stage.scheduler({"shutdown.timeout": 1})
    stage.queue_daemon(f"sqlite:{stage.folder}/queue.db")
    labels = ("role=db,zone=a", "role=db,zone=b", "role=web,zone=b")
    stage.agents = [add_agent(stage, i, text) for i, text in enumerate(labels)]
    (stage.folder / "apps-2" / "demo" / "fails").write_text("")
    stage.ips = sorted(agent.ip for agent in stage.agents)
    stage.v3 = V3(stage)
    wait_until(lambda: stage.v3.get("/agents")["total"] == 3, "the agents are known", 60)
    yield stage
    stage.close()


@pytest.fixture
def v3(world):
    return world.v3


def first_ip(world):
    return world.agents[0].ip


def test_e45_v3_agents(world, v3):
    page = v3.get("/agents?size=2")
    assert (page["total"], page["page"], len(page["items"])) == (3, 1, 2)
    assert [one["ip"] for one in page["items"] + v3.get("/agents?size=2&page=2")["items"]] == world.ips
    assert v3.get("/agents?selector=role%3Ddb,zone!%3Da")["items"][0]["ip"] == world.agents[1].ip
    agent = v3.get("/agents/" + first_ip(world))
    assert agent["labels"] == {"role": "db", "zone": "a"} and "cancel" in agent["features"] and agent["started"]
    assert v3.problem("GET", "/agents/10.99.99.99") == (404, "not-found")
    answer = v3.ask("GET", "/agents?selector=role%3D(")
    assert answer.status == 422 and "expected" in answer.json["detail"]


def test_e45_v3_run_and_wait(world, v3):
    job = v3.job(agent=first_ip(world), param={"a": 1}, name="once", status=200)
    shown = ("succeeded", "run", "once", "tester")
    assert (job["status"], job["func"], job["name"], job["created_by"]) == shown, str(job["tasks"])
    assert job["counts"]["succeeded"] == job["total"] == 1
    [task] = job["tasks"]
    assert (task["status"], task["agent"], task["result"]) == ("succeeded", first_ip(world), 'run:{"a": 1}')
    assert v3.get("/jobs/" + job["id"])["ended"]
    text = v3.job(agent=first_ip(world), param="as it is")["tasks"][0]["result"]
    assert text == "run:as it is"


def test_e45_v3_prefer_wait_and_location(world, v3):
    body = {"app": "demo", "func": "hang", "agent": first_ip(world)}
    answer = v3.ask("POST", "/jobs", body, Prefer="respond-async, wait=1")
    assert answer.status == 202 and answer.headers["Preference-Applied"] == "wait=1"
    location = answer.headers["Location"].removeprefix(PREFIX)
    assert v3.get(location)["status"] == "running"
    assert v3.get(location + "?wait=1")["status"] == "running"
    v3.post(location + "/cancel")
    assert v3.get(location + "?wait=30")["status"] == "cancelled"


def test_e45_v3_fan_out_with_one_that_fails(world, v3):
    for target in ({"all": True}, {"agents": world.ips}):
        job = v3.job(**target)
        assert (job["status"], job["counts"]["succeeded"], job["counts"]["failed"]) == ("failed", 2, 1)
        by_agent = {task["agent"]: task["status"] for task in job["tasks"]}
        assert by_agent == {agent.ip: "failed" if i == 2 else "succeeded" for i, agent in enumerate(world.agents)}
        failed = v3.get(f"/jobs/{job['id']}/tasks?status=failed")["items"]
        assert [task["agent"] for task in failed] == [world.agents[2].ip]
    job = v3.job(selector="role=db")
    assert (job["status"], job["total"], job["selector"]) == ("succeeded", 2, "role=db")
    assert v3.problem("POST", "/jobs", {"app": "demo", "func": "run", "selector": "role=none"}) == (422, "no-agents")


def test_e45_v3_tasks_page_by_page(world, v3):
    job = v3.job(all=True)
    path = f"/jobs/{job['id']}/tasks?limit=2"
    first = v3.get(path)
    rest = v3.get(f"{path}&after={first['next']}")
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert sorted(task["agent"] for task in first["items"] + rest["items"]) == world.ips


def test_e45_v3_width_and_budget(world, v3):
    job = v3.job(all=True, func="slow", width=1)
    spans = sorted((task["started"], task["finished"]) for task in job["tasks"])
    assert job["status"] == "succeeded"
    assert all(before[1] <= after[0] for before, after in zip(spans, spans[1:])), spans

    job = v3.job(agents=world.ips, func="fail", width=1, max_failures=0)
    assert (job["status"], job["counts"]["failed"], job["counts"]["stopped"]) == ("failed", 1, 2)


def test_e45_v3_stagger(world, v3):
    job = v3.job(all=True, stagger_ms=500)
    starts = sorted(task["started"] for task in job["tasks"])
    assert job["total"] == 3 and len(set(starts)) == 3


def test_e45_v3_cancel(world, v3):
    job = v3.job(0, all=True, func="hang", width=2)
    path = "/jobs/" + job["id"]
    wait_until(lambda: v3.get(path)["counts"]["running"] == 2, "two run", 30)
    assert v3.post(path + "/cancel", status=(200, 202))["id"] == job["id"]
    job = v3.get(path + "?wait=60")
    assert job["status"] == "cancelled" and job["counts"]["cancelled"] == 2 and job["counts"]["stopped"] == 1
    assert v3.post(path + "/cancel", status=200)["status"] == "cancelled", "once more does no harm"


def test_e45_v3_list(world, v3):
    name = f"listed-{time.monotonic_ns()}"
    ids = [v3.job(agent=first_ip(world), name=name)["id"] for _ in range(3)]
    page = v3.get(f"/jobs?name={name}&size=2")
    assert (page["total"], [job["id"] for job in page["items"]]) == (3, ids[:0:-1])
    assert [job["id"] for job in v3.get(f"/jobs?name={name}&size=2&page=2")["items"]] == ids[:1]
    assert v3.get("/jobs?app=other")["total"] == 0
    assert v3.problem("GET", "/jobs/" + "F" * 16) == (404, "not-found")


def test_e45_v3_idempotency_under_parallel_requests(world, v3):
    body = {"app": "demo", "func": "run", "all": True}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: v3.ask("POST", "/jobs", body, Idempotency_Key="once"), range(16)))
    assert {answer.status for answer in answers} <= {200, 202}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert sum(answer.headers["Idempotency-Replayed"] is None for answer in answers) == 1
    assert v3.problem("POST", "/jobs", {**body, "func": "fail"}, Idempotency_Key="once") == (422, "key-reused")
    other = v3.post("/jobs", body, Idempotency_Key="another")
    assert other["id"] != answers[0].json["id"]


def test_e45_v3_long_poll(world, v3):
    job = v3.job(0, all=True, func="slow", width=1)
    since, seen, ended = 0, {}, False
    while not ended:
        answer = v3.get(f"/jobs/{job['id']}/events?since={since}&wait=30")
        seen.update({task["agent"]: task["status"] for task in answer["items"]})
        assert answer["next"] >= since
        since, ended = answer["next"], answer["ended"]
    assert seen == {ip: "succeeded" for ip in world.ips}
    assert v3.get(f"/jobs/{job['id']}/events?since={since}&wait=30")["ended"], "at once"
    assert v3.problem("GET", f"/jobs/{job['id']}/events?since=999999999") == (422, "invalid")


def test_e45_v3_events(world, v3):
    job = v3.job(0, all=True, func="slow", width=1)
    path = f"/jobs/{job['id']}/events"
    with v3.events(path) as events:
        got = list(events)
    tasks = [(name, identity, data) for name, identity, data in got if name == "task"]
    assert got[-1][0] == "end" and got[-1][2]["status"] == "succeeded"
    last = {data["agent"]: data["status"] for _name, _identity, data in tasks}
    assert last == {ip: "succeeded" for ip in world.ips}
    statuses = [data["status"] for _name, _identity, data in tasks]
    assert len(statuses) > 3, "also those that begin"

    # A client that comes again gets what it has not seen.
    identities = [identity for _name, identity, _data in tasks if identity]
    with v3.events(path, Last_Event_ID=identities[-1]) as events:
        assert [name for name, _identity, _data in events if name] == ["end"]
    with v3.events(path, Last_Event_ID=identities[0]) as events:
        assert [name for name, _identity, _data in events if name][-1] == "end"


def test_e45_v3_live_output(world, v3):
    job = v3.job(0, agent=first_ip(world), func="hang")
    path = f"/jobs/{job['id']}/tasks"
    task = v3.get(path)["items"][0]["id"]
    path += f"/{task}/output"
    piece = v3.get(path + "?wait=30")
    assert (piece["text"], piece["ended"], piece["next"]) == ("begun\n", False, 6)
    assert v3.get(path + "?offset=6") == {**piece, "offset": 6, "text": ""}
    assert v3.problem("GET", path.replace(task, "F" * 16)) == (404, "not-found")
    with v3.events(path) as events:
        assert next(events)[2]["text"] == "begun\n"
        v3.post(f"/jobs/{job['id']}/cancel")
        assert [name for name, _identity, _data in events if name][-1] == "end"
    stays(lambda: v3.get(path)["ended"], "it has ended", 0.5)


def test_e45_v3_output_of_what_has_ended(world, v3):
    job = v3.job(agent=first_ip(world), param="x" * 100)
    path = f"/jobs/{job['id']}/tasks/{job['tasks'][0]['id']}/output"
    text, offset, ended = "", 0, False
    while not ended:
        piece = v3.get(f"{path}?offset={offset}&limit=64")
        text, offset, ended = text + piece["text"], piece["next"], piece["ended"]
    assert "x" * 100 in text


# Queues.


def test_e45_v3_queue(world, v3):
    ip = first_ip(world)
    tasks = [
        {"name": "last", "agent": ip, "func": "run", "param": "3", "after": ["left", "right"]},
        {"name": "left", "agent": ip, "func": "slow", "after": ["first"]},
        {"name": "right", "agent": world.agents[1].ip, "func": "run", "after": ["first"]},
        {"name": "first", "agent": ip, "func": "run"},
    ]
    queue = v3.post("/queues?wait=60", {"app": "demo", "name": "roll out", "tasks": tasks}, status=200)
    assert (queue["status"], queue["total"], queue["name"]) == ("succeeded", 4, "roll out")
    by_name = {task["name"]: task for task in queue["tasks"]}
    assert by_name["first"]["finished"] <= by_name["left"]["started"]
    assert by_name["left"]["finished"] <= by_name["last"]["started"]
    path = "/queues/" + queue["id"]
    assert v3.get(path)["id"] == queue["id"] and v3.get("/queues")["items"][0]["id"] == queue["id"]
    assert len(v3.get(path + "/tasks")["items"]) == 4
    assert v3.get(path + "/events")["ended"]
    assert v3.get(f"{path}/tasks/{by_name['first']['id']}/output")["ended"]
    assert v3.problem("GET", "/jobs/" + queue["id"]) == (404, "not-found"), "it is no job"


def test_e45_v3_queue_that_fails_is_cancelled_or_wrong(world, v3):
    ip = first_ip(world)
    tasks = [{"name": "a", "agent": ip, "func": "fail"}, {"name": "b", "agent": ip, "func": "run", "after": ["a"]}]
    queue = v3.post("/queues?wait=60", {"app": "demo", "tasks": tasks}, status=200)
    assert (queue["status"], queue["counts"]["failed"], queue["counts"]["skipped"]) == ("failed", 1, 1)

    tasks[0]["func"] = "hang"
    queue = v3.post("/queues", {"app": "demo", "tasks": tasks}, Idempotency_Key="q")
    assert v3.post("/queues", {"app": "demo", "tasks": tasks}, Idempotency_Key="q")["id"] == queue["id"]
    v3.post(f"/queues/{queue['id']}/cancel")
    assert v3.get(f"/queues/{queue['id']}?wait=60")["status"] == "cancelled"

    for wrong in ("nobody", "b"):
        tasks[1]["after"] = [wrong]
        answer = v3.ask("POST", "/queues", {"app": "demo", "tasks": tasks})
        assert answer.status == 422 and "after" in answer.json["detail"], answer


# Timed tasks.


@pytest.fixture(scope="module")
def timed(services, tmp_path_factory):
    stage = CronStage(services, tmp_path_factory.mktemp("timed"), "sqlite")
    stage.cron()
    v3 = V3(stage)
    wait_until(lambda: v3.ask("GET", "/schedules").status == 200, "elves-cron leads", 60)
    yield v3
    stage.close()


JOB = {"agent": "10.0.0.1", "app": "demo", "func": "run"}


def test_e45_v3_schedule_life(timed):
    body = {"name": "nightly", "rule": "0 0 3 * * ?", "timezone": "UTC", "job": {**JOB, "param": {"a": 1}}}
    answer = timed.ask("POST", "/schedules", body)
    assert answer.status == 201
    made = answer.json
    path = "/schedules/" + made["id"]
    assert answer.headers["Location"] == PREFIX + path
    assert (made["state"], made["dialect"], made["job"]["param"]) == ("started", "quartz", '{"a": 1}')
    assert made["next"].endswith("T03:00:00Z")
    assert timed.get(path) == made
    assert timed.post(path + "/stop")["state"] == "stopped"
    assert timed.post(path + "/start")["state"] == "started"
    other = {"every_ms": 1500, "http": {"urls": ["http://127.0.0.1:9/a"], "headers": {"X-A": "b"}, "body": "x"}}
    answer = timed.ask("PUT", path, other)
    assert answer.status == 200, answer
    assert (answer.json["id"], answer.json["every_ms"], answer.json["rule"]) == (made["id"], 1500, None)
    assert answer.json["http"]["headers"] == {"X-A": "b"}
    assert timed.get("/schedules?name=nightly")["total"] == 0
    assert timed.get("/schedules?state=started")["items"][0]["id"] == made["id"]
    answer = timed.ask("DELETE", path)
    assert (answer.status, answer.text) == (204, "")
    for method, target in (("GET", path), ("DELETE", path), ("PUT", path), ("POST", path + "/stop")):
        body = other if method == "PUT" else None
        assert timed.problem(method, target, body) == (404, "not-found"), method


def test_e45_v3_schedule_executions(timed):
    body = {"at": "2020-01-01T00:00:00+01:00", "message": {"topic": "v3.test", "body": "hello"}}
    made = timed.post("/schedules", body)
    path = f"/schedules/{made['id']}/executions"
    wait_until(lambda: timed.get(path)["total"] == 1, "it has fired", 30)
    wait_until(lambda: timed.get(path)["items"][0]["status"] == "succeeded", "it was sent", 30)
    assert timed.problem("GET", "/schedules/0123456789ABCDEF/executions") == (404, "not-found")


def test_e45_v3_schedule_idempotency(timed):
    body = {"every_ms": 3600000, "message": {"topic": "v3.same"}}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: timed.ask("POST", "/schedules", body, Idempotency_Key="s"), range(8)))
    assert [answer.status for answer in answers] == [201] * 8
    assert len({answer.json["id"] for answer in answers}) == 1
    changed = {**body, "every_ms": 1000}
    assert timed.problem("POST", "/schedules", changed, Idempotency_Key="s") == (422, "key-reused")


@pytest.mark.parametrize(
    "body",
    [
        {"job": JOB},
        {"rule": "0 0 3 * * ?"},
        {"rule": "0 0 3 * * ?", "every_ms": 1, "job": JOB},
        {"rule": "0 0 3 * * ?", "job": JOB, "message": {"topic": "x"}},
        {"rule": "0 0 3 31 2 ?", "job": JOB},
        {"rule": "odd", "job": JOB},
        {"rule": "0 0 3 * * ?", "timezone": "Mars/Olympus", "job": JOB},
        {"at": "tomorrow", "job": JOB},
        {"at": "2030-01-01T00:00:00", "job": JOB},
        {"every_ms": 1000, "http": {"urls": ["ftp://x"]}},
        {"every_ms": 1000, "http": {"urls": []}},
        {"every_ms": 1000, "overlap": "odd", "job": JOB},
    ],
)
def test_e45_v3_schedules_that_are_none(timed, body):
    answer = timed.ask("POST", "/schedules", body)
    assert answer.status == 422, answer
    assert answer.json["detail"] and "[403" not in answer.text


def test_e45_v3_every_operation_was_exercised(world, timed):
    """Behind all others of this file."""
    world.v3.ask("GET", "/openapi.json")
    wanted = {(method, path) for method, path, _operation in world.v3.described.operations()}
    missing = wanted - world.v3.described.seen - timed.described.seen
    assert not missing, missing


def test_e45_v3_random_requests(world):
    """For long: tests/integration/support/v3_fuzz.py --minutes 10 --seed 1."""
    fuzz = Fuzz(world.v3, seed=6, agents=world.ips)
    fuzz.run(20)
    assert fuzz.requests > 50 and fuzz.by_status[422] and fuzz.by_status[200], fuzz.summary()
