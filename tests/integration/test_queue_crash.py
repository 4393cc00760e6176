"""elves-queue is killed, its database and its broker go away: every task runs once, and every queue
ends."""

import collections
import contextlib
import datetime
import json
import signal
import threading
import time
import urllib.request

import pytest
from services import Postgres
from support.apps import shell
from support.queues import Queues, one_task
from support.wait import wait_until

POINTS = [
    "component-after-consume",
    "before-commit",
    "after-commit",
    "queue-before-publish",
    "component-before-confirm",
    "queue-before-sent",
]


class Keeper:
    """Starts the daemon again whenever it has died, as systemd does."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.deaths = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over.wait(0.01):
            if self.daemon.process.poll() is not None:
                self.deaths += 1
                self.daemon.environment = None
                self.daemon.start(ready=False)

    def close(self):
        self._over.set()
        self._thread.join()
        if self.daemon.alive():
            self.daemon.wait_ready(30)  # before, SIGTERM would find no handler


class Runner:
    """The scheduler and its agents: each execution key is run once, each message has a result."""

    def __init__(self, stage):
        self.stage = stage
        self.messages = collections.Counter()  # by key
        self.order = []
        self._over = threading.Event()
        self._bound = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._bound.wait(20)

    def _run(self):
        with contextlib.closing(Queues(self.stage.services, self.stage.exchange)) as queues:
            self._bound.set()
            while not self._over.is_set():
                message = queues.jobs.poll()
                if message is None:
                    time.sleep(0.002)
                    continue
                self._answer(queues, message)

    def _answer(self, queues, message):
        body, key = message.json["mqbody"], message.properties.message_id
        assert key == body["id"]
        self.messages[key] += 1
        if self.messages[key] == 1:
            self.order.append(key)
        queues.result(body["id"], message=f"answer {self.messages[key]}")

    def close(self):
        self._over.set()
        self._thread.join()


@pytest.fixture
def kept(stage, store_url):
    """kept(environment): an elves-queue that is started again when it dies, and who asks it."""
    exits = contextlib.ExitStack()

    def start(environment=None):
        daemon = stage.queue_daemon(store_url, environment=environment, start=False)
        daemon.expected = (0, -9)
        daemon.start(ready=False)
        keeper = Keeper(daemon)
        exits.callback(keeper.close)
        wait_until(daemon.ready_path.exists, "it serves", 30)
        return keeper, stage.queues()

    with exits:
        yield start


def make_diamond(queues):
    queue = queues.create()
    top = queues.add(queue)
    sides = [queues.add(queue, top) for _ in range(2)]
    return queue, [top, *sides, queues.add(queue, sides)]


def finished(queues, queue, tasks):
    records = queues.tasks(queue)
    return all(records[task]["status"] == "finish" for task in tasks)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("point", POINTS)
def test_e41_killed_at(stage, kept, point, count):
    """Killed at a given place for the first or the third time that it comes there."""
    keeper, queues = kept({"ELVES_CRASH": f"{point}:{count}"})
    runner = Runner(stage)
    queue, tasks = make_diamond(queues)
    queues.commit(queue)
    wait_until(lambda: finished(queues, queue, tasks), "all have ended", 30)
    assert keeper.deaths == 1
    runner.close()
    assert set(runner.order) == set(tasks)
    assert runner.order[0] == tasks[0] and runner.order[-1] == tasks[-1]
    assert sum(runner.messages.values()) <= len(tasks) + 2  # those on their way when it died
    assert set(queues.tasks(queue)) == set(tasks)
    assert all(r["worker_message"] == "answer 1" for r in queues.tasks(queue).values())
    assert queues.describe(queue)["end_time"] != ""


def test_e41_killed_again_and_again(stage, kept):
    """Many queues at once, kill -9 at any moment."""
    keeper, queues = kept()
    runner = Runner(stage)
    made = {}
    deaths = 8

    def kill():
        for _ in range(deaths):
            time.sleep(0.25)
            keeper.daemon.process.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    while killer.is_alive() or len(made) < 20:
        queue, tasks = make_diamond(queues)
        made[queue] = tasks
        queues.commit(queue)
    killer.join()
    for queue, tasks in made.items():
        wait_until(lambda: finished(queues, queue, tasks), f"{queue} has ended", 60)
    runner.close()
    assert keeper.deaths >= 5
    assert set(runner.order) == {task for tasks in made.values() for task in tasks}
    for queue, tasks in made.items():
        assert set(queues.tasks(queue)) == set(tasks)  # no request was done twice
        places = [runner.order.index(task) for task in tasks]
        assert places[0] == min(places) and places[-1] == max(places)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_e41_submit_killed_at(stage, kept, point, count):
    """A queue that was submitted as a whole is there once, or not at all, and each task runs once."""
    keeper, queues = kept({"ELVES_CRASH": f"{point}:{count}"})
    runner = Runner(stage)
    tasks = [one_task(f"t{i}", after=[f"t{i - 1}"] if i else None) for i in range(4)]
    tasks += [one_task() for _ in range(20)]
    made = queues.submit(tasks, key="once", width=5)
    again = queues.submit(tasks, key="once", width=5)
    assert (again["id"], again["tasks"]) == (made["id"], made["tasks"]) and again["existed"] == "true"
    detail = queues.wait_ended(made["id"], 60)
    assert keeper.deaths == 1
    runner.close()
    assert detail["counts"]["finish"] == detail["total"] == len(tasks)
    assert queues.find()["total"] == 1
    assert set(runner.order) == set(made["tasks"])
    chain = [runner.order.index(id) for id in made["tasks"][:4]]
    assert chain == sorted(chain)
    assert all(r["worker_message"] == "answer 1" for r in queues.records(made["id"]).values())


class Crew(Runner):
    """Answers a little later; knows how many ran at one time: published, and not yet answered."""

    def __init__(self, stage, delay=0.03):
        self.delay = delay
        self.running = {}
        self.most = 0
        super().__init__(stage)

    def _answer(self, queues, message):
        key = message.properties.message_id
        self.messages[key] += 1
        if self.messages[key] == 1:
            self.order.append(key)
        self.running.setdefault(key, time.monotonic() + self.delay)
        self.most = max(self.most, len(self.running))

    def _run(self):
        with contextlib.closing(Queues(self.stage.services, self.stage.exchange)) as queues:
            self._bound.set()
            while not self._over.is_set():
                message = queues.jobs.poll()
                if message is not None:
                    self._answer(queues, message)
                    continue
                for key, until in list(self.running.items()):
                    if until < time.monotonic():
                        del self.running[key]
                        queues.result(key)
                time.sleep(0.002)


@pytest.mark.parametrize("pace", [{"width": 4}, {"stagger_ms": 20}, {"width": 3, "stagger_ms": 10}])
def test_e41_pace_killed_again_and_again(stage, kept, pace):
    """Width and stagger hold, and no task is forgotten, whenever the daemon is killed."""
    keeper, queues = kept()
    crew = Crew(stage)
    made = queues.submit([one_task() for _ in range(120)], **pace)
    killer = threading.Thread(target=kill_often, args=(keeper, 6))
    killer.start()
    detail = queues.wait_ended(made["id"], 90)
    killer.join()
    crew.close()
    assert keeper.deaths >= 4
    assert detail["counts"]["finish"] == 120 and set(crew.order) == set(made["tasks"])
    # A task that was published before a death and after it, and answered in between, counts twice.
    repeated = sum(crew.messages.values()) - 120
    assert crew.most <= pace.get("width", 120) + repeated
    if "stagger_ms" in pace:
        started = sorted(record["started"] for record in queues.records(made["id"]).values())
        instants = [datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() for text in started]
        gaps = [after - before for before, after in zip(instants, instants[1:])]
        assert min(gaps) >= pace["stagger_ms"] / 1000 - 0.0011, gaps


def kill_often(keeper, times):
    for _ in range(times):
        time.sleep(0.3)
        keeper.daemon.process.kill()


def test_e41_restart_resumes(stage, store_url):
    daemon = stage.queue_daemon(store_url)
    queues = stage.queues()
    queue = queues.create()
    a = queues.add(queue)
    b = queues.add(queue, a)
    queues.commit(queue)
    queues.job(a)
    wait_until(lambda: unsent(daemon) == 0, "the job is recorded as sent", 10)
    daemon.terminate()
    queues.result(a)  # waits at the broker
    daemon.start()
    assert queues.job()["id"] == b  # and a is not sent again
    queues.result(b)
    queues.wait_status(queue, b, "finish")


def unsent(daemon):
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon.status_port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return int(next(l for l in text.splitlines() if l.startswith("elves_queue_tasks_unsent")).split()[1])


def test_e41_real_agent(stage, store_url, tmp_path):
    """Through a real scheduler and a real agent, with kill -9 in between: each task runs once."""
    stage.scheduler()
    agent = stage.agent()
    ran = tmp_path / "ran"
    shell(agent.apps, "steps", "run.sh", f"sleep 0.1; echo $ELVES_ID >> {ran}")
    stage.wait_registered(agent)
    daemon = stage.queue_daemon(store_url)
    keeper = Keeper(daemon)
    daemon.expected = (0, -9)
    queues = stage.queues()
    queue = queues.create(app="steps")
    order = []
    for place in range(10):
        order.append(queues.add(queue, order[-1:], ip=agent.ip, proxy="run.sh", timeout=20))
    queues.commit(queue)
    for lines in (2, 5):
        wait_until(lambda: ran.exists() and len(ran.read_text().split()) >= lines, "tasks run", 30)
        daemon.process.kill()
    wait_until(lambda: finished(queues, queue, order), "the queue has ended", 60)
    keeper.close()
    assert keeper.deaths == 2
    assert ran.read_text().split() == order
    assert all(r["worker_flag"] == 1 for r in queues.tasks(queue).values())


@pytest.fixture
def own_postgres():
    with Postgres() as server:
        yield server


def test_e40_database_away(stage, own_postgres):
    """Results wait and are not lost; requests are told, or wait as well."""
    daemon = stage.queue_daemon(own_postgres.create("q"), {"retry.first": 50, "retry.cap": 200})
    queues = stage.queues()
    queue = queues.create()
    a = queues.add(queue)
    b = queues.add(queue, a)
    queues.commit(queue)
    queues.job(a)
    own_postgres.kill()
    queues.result(a)
    wait_until(lambda: "cannot be written" in daemon.log(), "the outage is noticed", 20)
    own_postgres.start()
    assert queues.job(timeout=20)["id"] == b
    assert queues.statuses(queue, a, b) == ["finish", "running"]
    assert daemon.alive()


def test_e40_one_at_a_time(stage, own_postgres):
    """A second one on the same database does not start until the first one has gone."""
    url = own_postgres.create("q")
    first = stage.queue_daemon(url)
    second = stage.queue_daemon(url, start=False)
    second.expected = (0, 1)
    second.start(ready=False)
    assert second.wait() == 1
    assert "another process" in second.log()
    first.kill()
    wait_until(lambda: starts(second), "the second one takes over", 20, 0.2)


def test_e40_taken_over(stage, own_postgres):
    """One that was out of reach of its database, and finds it taken, ends."""
    url = own_postgres.create("q")
    first = stage.queue_daemon(url, {"retry.first": 50, "retry.cap": 100})
    first.expected = (1,)
    first.process.send_signal(signal.SIGSTOP)
    own_postgres.ask("SELECT pg_terminate_backend (pid) FROM pg_stat_activity WHERE application_name = 'elves'")
    second = stage.queue_daemon(url)
    first.process.send_signal(signal.SIGCONT)
    assert first.wait(30) == 1
    assert "taken the database over" in first.log()
    queues = stage.queues()
    queues.create()
    assert second.alive()


def test_e40_database_frozen(stage, own_postgres):
    """A server that takes and does not answer is given up; what waited is done when it answers."""
    settings = {"store.timeout": 1000, "retry.first": 50, "retry.cap": 200}
    daemon = stage.queue_daemon(own_postgres.create("q"), settings)
    queues = stage.queues()
    queue = queues.create()
    task = queues.add(queue)
    queues.commit(queue)
    queues.job(task)
    own_postgres.signal(signal.SIGSTOP)
    queues.result(task)
    wait_until(lambda: "no answer within store.timeout" in daemon.log(), "it is noticed", 20)
    own_postgres.signal(signal.SIGCONT)
    queues.wait_status(queue, task, "finish", 20)


def starts(daemon):
    daemon.start(ready=False)
    with contextlib.suppress(AssertionError):
        daemon.wait_ready(5)
        return True
    return False


def test_e40_broker_away(faults, tmp_path):
    """What was committed is published when the broker is back."""
    daemon = faults.queue_daemon(f"sqlite:{tmp_path}/q.db", {"retry.first": 50, "retry.cap": 300})
    queues = faults.queues()
    queue = queues.create()
    task = queues.add(queue)
    jobs = faults.name + "-jobs"  # durable: it outlives the broker
    queues.asker.channel.queue_declare(jobs, durable=True)
    queues.asker.channel.queue_bind(jobs, faults.exchange, "queue.scheduler")
    queues.commit(queue)
    wait_until(lambda: unsent(daemon) == 0, "it is sent", 20)
    faults.broker.kill()
    faults.broker.start()
    fresh = faults.queues()
    fresh.asker.publish(result_of(task), "scheduler.queue")
    wait_until(lambda: finished(fresh, queue, [task]), "the result is taken", 30)
    _, _, body = fresh.asker.channel.basic_get(jobs, auto_ack=True)
    assert json.loads(body)["mqbody"]["id"] == task
    fresh.asker.channel.queue_delete(jobs)


def result_of(task):
    result = {"id": task, "worker_flag": 1, "worker_message": "", "worker_costtime": 1}
    body = {"flag": "true", "error": "", "result": result}
    return {"mqkey": "scheduler.queue.taskResult", "mqtype": "cast", "mqbody": body}
