"""cancelJob and readOutput: asked of the scheduler, done by an agent."""

import base64
import os
import threading
import time

import pytest
from thrift.Thrift import TApplicationException

from support import apps
from support.fake_agent import CloseConnection
from support.mq import async_body, job_body
from support.process import run_tool
from support.wait import wait_until
from test_agent_named import alive, tree

OLD = "[410.3]Agent Does Not Support It"
FAILED = "[410.0]Send Job To Agent Fail"
PARAM = "[403.2]Request Params (param) Illegal"


class Path:
    """A scheduler and a real agent."""

    def __init__(self, stage, scheduler=None, **settings):
        self.stage = stage
        self.folder = stage.folder
        self.daemon = stage.scheduler({"thrift.outTime": 30000, **(scheduler or {})})
        self.asker = stage.asker
        settings = {"worker.grace": 300, **{key.replace("_", "."): value for key, value in settings.items()}}
        self.agent = stage.agent(settings)
        self.ip = self.agent.ip
        apps.shell(self.agent.apps, "sh", "run.sh", 'eval "$(printf %s "$3" | base64 -d)"')
        wait_until(lambda: self.run("echo up")["flag"] == "true", "the path works", 30)

    def path(self, name):
        return str(self.folder / name)

    def run(self, script, **body):
        return self.asker.call(self.body(script, **body), 30).json["mqbody"]

    def body(self, script, **body):
        return job_body(self.ip, app="sh", func="f", proxy="run.sh", param=script, **{"timeout": 120, **body})

    def start_sync(self, script, key):
        """The inbox of the reply."""
        inbox = self.asker.inbox()
        self.asker.later("syncJob", self.body(script), "call", "openapi", reply_to=inbox.name, message_id=key)
        return inbox

    def start(self, script, id, sender="queue", **body):
        """The inbox of the result."""
        inbox = self.asker.inbox(f"scheduler.{sender}")
        self.asker.cast(async_body(self.ip, sender, app="sh", func="f", proxy="run.sh", param=script,
                                   **{"id": id, "timeout": 120, **body}), sender)
        return inbox

    def ask(self, action, **body):
        return ask(self.asker, action, **{"ip": self.ip, **body})

    def cancel(self, **names):
        answer = self.ask("cancelJob", **names)
        assert answer["flag"] == "true" and answer["error"] == "", answer
        assert list(answer["result"]) == ["state"]
        return answer["result"]["state"]

    def read(self, **names):
        answer = self.ask("readOutput", **names)
        assert answer["flag"] == "true", answer
        result = answer["result"]
        return base64.b64decode(result["data"]), result

    def wait_file(self, name):
        wait_until(lambda: os.path.exists(self.path(name)), f"{name} is there", 30)
        return self.path(name)


def ask(asker, action, **body):
    return asker.call(body, 30, action=action).json["mqbody"]


@pytest.fixture
def path(stage):
    return Path(stage)


def test_cancel_of_a_running_sync_job(path):
    inbox = path.start_sync(tree(path, "tree"), "key-1")
    pids = path.wait_file("tree")
    assert path.cancel(execution="key-1") == "cancelling"
    reply = inbox.take(30).json["mqbody"]
    assert reply["flag"] == "true" and reply["result"]["worker_flag"] == -1, reply
    assert reply["result"]["reason"] == "cancelled", reply
    assert alive(pids) == []
    assert path.cancel(execution="key-1") == "finished"


@pytest.mark.parametrize("sender", ["queue", "cron"])
def test_cancel_of_a_running_async_job(path, sender):
    inbox = path.start(tree(path, "tree"), "ID-1", sender)
    pids = path.wait_file("tree")
    assert path.cancel(id="ID-1", type="rt") == "not-found"
    assert path.cancel(id="ID-1", type=sender) == "cancelling"
    result = inbox.take(30).json["mqbody"]["result"]
    assert result["id"] == "ID-1" and result["worker_flag"] == -1 and result["reason"] == "cancelled", result
    assert alive(pids) == []
    wait_until(lambda: path.cancel(id="ID-1", type=sender) == "finished", "its end is known")
    inbox.stays_empty()


def test_cancel_of_a_waiting_job(stage):
    path = Path(stage, worker_maxRunning=1)
    first = path.start(f"touch {path.path('first')}; sleep 600", "ID-1")
    path.wait_file("first")
    second = path.start_sync(f"touch {path.path('ran')}", "key-2")
    state = path.cancel(execution="key-2")
    assert state in ("cancelled", "cancelling")
    reply = second.take(30).json["mqbody"]["result"]
    assert reply["reason"] == "cancelled" and "not started" in reply["worker_message"]
    assert path.cancel(id="ID-1") == "cancelling"
    assert first.take(30).json["mqbody"]["result"]["reason"] == "cancelled"
    assert not os.path.exists(path.path("ran"))


def test_cancel_of_finished_and_unknown_jobs(path):
    inbox = path.start("echo done", "ID-1")
    assert inbox.take(30).json["mqbody"]["result"]["worker_flag"] == 1
    wait_until(lambda: path.cancel(id="ID-1", type="queue") == "finished", "its end is known")
    assert path.cancel(id="nothing") == "not-found"
    assert path.cancel(execution="nothing") == "not-found"


def test_cancel_may_come_right_behind_its_job(path):
    """It may overtake the job on the way to the agent, and waits for it."""
    for n in range(20):
        inbox = path.start_sync("sleep 600", f"key-{n}")
        assert path.cancel(execution=f"key-{n}") in ("cancelled", "cancelling")
        assert inbox.take(30).json["mqbody"]["result"]["reason"] == "cancelled"


def test_cancel_of_a_job_that_waits_to_be_sent_again(stage):
    """Its agent is not there: nothing but this scheduler knows of it."""
    stage.scheduler({"retry.first": 60000, "retry.cap": 60000})
    inbox = stage.asker.inbox()
    stage.asker.later("syncJob", job_body("10.9.9.9", retry=5, timeout=100), "call", reply_to=inbox.name,
                      message_id="key-1")
    wait_until(lambda: ask(stage.asker, "cancelJob", ip="10.9.9.9", execution="key-1").get("result") ==
               {"state": "cancelled"}, "it is cancelled")
    reply = inbox.take(30).json["mqbody"]
    assert reply["flag"] == "false" and reply["reason"] == "cancelled", reply
    answer = ask(stage.asker, "cancelJob", ip="10.9.9.9", execution="key-1")
    assert (answer["flag"], answer["error"]) == ("false", FAILED) and "10.9.9.9" in answer["detail"]


def test_old_agents_are_answered_for(stage):
    stage.scheduler()
    agent = stage.fake_agent()
    for action in ("cancelJob", "readOutput"):
        wait_until(lambda: ask(stage.asker, action, ip=agent.ip, id="x") == {"flag": "false", "error": OLD},
                   "it is answered for", 30)
    assert agent.connection_count == 0, "and not asked"


def test_old_agents_that_are_dialled_say_so_themselves(dial_stage):
    class Old:
        def cancel(self, ins):
            raise TApplicationException(TApplicationException.UNKNOWN_METHOD, "Unknown function cancel")

    dial_stage.scheduler()
    agent = dial_stage.fake_agent()
    agent.cancel = Old().cancel
    for _ in range(3):
        answer = ask(dial_stage.asker, "cancelJob", ip=agent.ip, id="x")
        assert (answer["flag"], answer["error"]) == ("false", OLD)
    assert agent.connection_count == 1, "the connection is kept"


def test_agents_that_fail(stage):
    """Dead, silent, closing, and saying nonsense: each is answered for, in time."""
    stage.scheduler({"thrift.outTime": 1000})
    dead = stage.dead_agent()
    stage.register(dead, stage.agent_port, features=["cancel", "output"])
    agent = stage.fake_agent(register=False)
    stage.register(agent.ip, agent.port, features=["cancel", "output"])
    hang = threading.Event()

    def close(_):
        raise CloseConnection()

    ways = {
        "hang": lambda ins: hang.wait(20) and agent.reply(ins),
        "close": close,
        "nonsense": lambda ins: agent.reply(ins, result="sure"),
        "failure": lambda ins: agent.reply(ins, flag=-1, result="no", reason="busy"),
        "crash": lambda ins: 1 / 0,
    }
    wait_until(lambda: ask(stage.asker, "cancelJob", ip=dead, id="x").get("error") == FAILED, "the dead one fails", 30)
    wait_until(lambda: ask(stage.asker, "agents", selector=f"ip={agent.ip}")["total"] == 1, "it is known")
    for name, way in ways.items():
        agent.cancel = way
        started = time.monotonic()
        answer = ask(stage.asker, "cancelJob", ip=agent.ip, id="x")
        assert (answer["flag"], answer["error"]) == ("false", FAILED) and answer["detail"], (name, answer)
        assert time.monotonic() - started < 10, name
    hang.set()
    agent.cancel = lambda ins: agent.reply(ins, result="not-found")
    assert ask(stage.asker, "cancelJob", ip=agent.ip, id="x")["result"] == {"state": "not-found"}


def test_an_agent_that_came_back_is_asked_on_a_new_connection(stage):
    stage.scheduler()
    agent = stage.fake_agent(register=False)
    agent.cancel = lambda ins: agent.reply(ins, result="not-found")
    stage.register(agent.ip, agent.port, features=["cancel"])
    names = {"ip": agent.ip, "id": "x"}
    wait_until(lambda: "result" in ask(stage.asker, "cancelJob", **names), "it answers", 30)
    for _ in range(5):
        agent.drop_connections()
        assert ask(stage.asker, "cancelJob", **names)["result"] == {"state": "not-found"}


def test_wrong_questions(path):
    for body, error, detail in (
        ({"ip": ""}, "[403.1]Request Params (ip) Illegal", None),
        ({}, PARAM, "id, or execution: one of them must be given"),
        ({"id": []}, PARAM, "id: expected a text"),
        ({"id": "x" * 256}, PARAM, "id: longer than 255 bytes"),
        ({"id": "x", "ip": "10.9.9.9"}, FAILED, 'no agent is registered as "10.9.9.9"'),
    ):
        for action in ("cancelJob", "readOutput"):
            answer = path.ask(action, **body)
            assert (answer["flag"], answer["error"], answer.get("detail")) == ("false", error, detail)
    for body, detail in (({"offset": -1}, "offset: expected"), ({"limit": 65537}, "limit: expected"),
                         ({"limit": 0}, "limit: expected"), ({"offset": "x"}, "offset: expected")):
        answer = path.ask("readOutput", id="x", **body)
        assert answer["error"] == PARAM and answer["detail"].startswith(detail), answer


def test_output_comes_in_chunks_while_the_job_runs(path):
    steps = "; ".join(f"printf {word}; while [ ! -e {path.path(word)} ]; do sleep 0.02; done" for word in ("one", "two", "three"))
    inbox = path.start_sync(steps, "key-1")
    text, offset = b"", 0
    for word in ("one", "two", "three"):
        def more():
            return path.read(execution="key-1", offset=offset, limit=2)[0]

        while len(text) < offset + len(word):
            wait_until(more, f"{word} comes")
            data, result = path.read(execution="key-1", offset=len(text), limit=2)
            assert result["offset"] == len(text) and result["next"] == len(text) + len(data) and result["ended"] == "false"
            assert len(data) <= 2
            text += data
        offset = len(text)
        open(path.path(word), "w").close()
    assert text == b"onetwothree"
    assert inbox.take(30).json["mqbody"]["result"]["worker_message"] == "onetwothree"
    data, result = path.read(execution="key-1", offset=3)
    assert data == b"twothree" and result["ended"] == "true" and result["total"] == 11
    assert path.read(execution="key-1", offset=11)[1] == {"data": "", "offset": 11, "next": 11, "ended": "true", "total": 11}


def test_output_of_an_unknown_job_has_ended(path):
    assert path.read(id="nothing")[1] == {"data": "", "offset": 0, "next": 0, "ended": "true", "total": 0}


def test_output_of_any_bytes_and_of_64_kib(path):
    path.start(f"printf '\\000\\377'; head -c 100000 /dev/zero | tr '\\0' x; touch {path.path('all')}; sleep 600", "ID-1")
    path.wait_file("all")
    wait_until(lambda: path.read(id="ID-1", type="queue")[1]["total"] == 100002, "all of it was read")
    data, result = path.read(id="ID-1")
    assert data == b"\0\xff" + b"x" * 65534 and result["next"] == 65536
    assert len(path.read(id="ID-1", offset=65536)[0]) == 34466
    assert path.cancel(id="ID-1") == "cancelling"


def test_many_cancels_at_once(path):
    inboxes = [path.start_sync("sleep 600", f"key-{n}") for n in range(30)]
    answers = path.asker.inbox()
    for n in range(30):
        path.asker.later("cancelJob", {"ip": path.ip, "execution": f"key-{n}"}, reply_to=answers.name)
    states = {message.json["mqbody"]["result"]["state"] for message in answers.take_many(30, 60)}
    assert states <= {"cancelled", "cancelling"}
    for inbox in inboxes:
        assert inbox.take(30).json["mqbody"]["result"]["reason"] == "cancelled"


def test_ctl_cancel(path):
    def ctl(*arguments):
        return run_tool("elvesctl", "--config", path.daemon.config, "cancel", *arguments, timeout=60)

    inbox = path.start(f"touch {path.path('here')}; sleep 600", "ID-1")
    path.wait_file("here")
    assert ctl(path.ip, "ID-1", "--type", "cron").stdout == "not-found\n"
    answer = ctl(path.ip, "ID-1")
    assert (answer.returncode, answer.stdout) == (0, "cancelling\n"), answer
    assert inbox.take(30).json["mqbody"]["result"]["reason"] == "cancelled"
    sync = path.start_sync(f"touch {path.path('sync')}; sleep 600", "key-1")
    path.wait_file("sync")
    assert ctl(path.ip, "--execution", "key-1").stdout == "cancelling\n"
    assert sync.take(30).json["mqbody"]["result"]["reason"] == "cancelled"
    missing = ctl(path.ip, "nothing")
    assert (missing.returncode, missing.stdout) == (1, "not-found\n")
    assert "no agent is registered" in ctl("10.9.9.9", "x").stderr
    assert ctl(path.ip).returncode == 2


def test_ctl_output(path):
    def ctl(*arguments):
        return run_tool("elvesctl", "--config", path.daemon.config, "output", *arguments, timeout=60)

    go = path.path("go")
    path.start(f"printf 'one\\n'; touch {path.path('here')}; while [ ! -e {go} ]; do sleep 0.02; done; printf two", "ID-1")
    path.wait_file("here")
    wait_until(lambda: ctl(path.ip, "ID-1").stdout == "one\n", "what is there is printed")
    followed = []
    reader = threading.Thread(target=lambda: followed.append(ctl(path.ip, "ID-1", "--follow", "-t", "queue")))
    reader.start()
    open(go, "w").close()
    reader.join(60)
    assert (followed[0].returncode, followed[0].stdout) == (0, "one\ntwo"), followed[0]
    assert "no agent is registered" in ctl("10.9.9.9", "x", "-f").stderr
