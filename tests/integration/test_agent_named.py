"""Jobs that somebody names while they run or wait: to end one, to read what it prints."""

import json
import os
import threading
import time

import pytest
from thrift.Thrift import TApplicationException

from support import apps, rpc
from support.wait import stays, wait_until
from test_agent_warm import WORKER

CANCELLED = "cancelled"


class Host:
    """An agent and what it reports to."""

    def __init__(self, stage, **settings):
        self.scheduler = stage.fake_scheduler()
        settings = {"scheduler.addr": self.scheduler.host, "scheduler.port": self.scheduler.port,
                    "worker.grace": 300, **{key.replace("_", "."): value for key, value in settings.items()}}
        self.agent = stage.agent(settings)
        apps.shell(self.agent.apps, "sh", "run.sh", 'eval "$(printf %s "$3" | base64 -d)"')
        self.folder = stage.folder
        self.calls = []

    def path(self, name):
        return str(self.folder / name)

    def job(self, script, key, **fields):
        values = dict(id="J-" + key, type="queue", app="sh", func="f", proxy="run.sh", param=script, timeout=120,
                      execution=key)
        values.update(fields)
        return rpc.instruct(**values)

    def start(self, script, key, **fields):
        with self.agent.client() as client:
            (answer,) = client.instructionInvokeAsync([self.job(script, key, **fields)])
        assert answer.flag == 1, answer

    def start_sync(self, script, key, **fields):
        """In the background; the answer is in the list that is returned."""
        answers = []

        def call():
            with self.agent.client(timeout=100) as client:
                answers.append(client.instructionInvokeSync(self.job(script, key, **fields)))

        threading.Thread(target=call, daemon=True).start()
        return answers

    def cancel(self, **fields):
        with self.agent.client() as client:
            answer = client.cancel(rpc.generated().Instruct(**fields))
        assert answer.flag == 1, answer
        return answer.result

    def read(self, offset=0, limit=0, **fields):
        with self.agent.client() as client:
            return client.readOutput(rpc.generated().Instruct(**fields), offset, limit)

    def results(self, key):
        with self.scheduler.lock:
            return [result for result in self.scheduler.results if result.ins.execution == key]

    def outcome(self, key):
        wait_until(lambda: self.results(key), f"the result of {key} is reported", 30)
        return self.results(key)[0]

    def wait_file(self, name):
        wait_until(lambda: os.path.exists(self.path(name)), f"{name} is there", 30)
        return self.path(name)


@pytest.fixture(params=["journal", "no-journal"])
def host(request, alone):
    return Host(alone, journal_enabled=str(request.param == "journal").lower())


def alive(path):
    """Of the pids in the lines of the file."""
    with open(path) as file:
        pids = [int(line) for line in file]
    assert len(pids) == 4
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}") and not is_zombie(pid)]


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def tree(host, name, ignore_term=False):
    """A worker, a child, a grandchild of it and one in a session of its own; none ends by itself."""
    path = host.path(name)
    trap = "trap '' TERM; " if ignore_term else ""
    return (f'{trap}echo $$ >{path}.new; sleep 601 & echo $! >>{path}.new; (sleep 602 & echo $! >>{path}.new; wait) & '
            f'setsid sh -c "{trap}echo \\$\\$ >>{path}.new; while :; do sleep 1; done" & '
            f'while [ $(wc -l <{path}.new) -lt 4 ]; do sleep 0.02; done; mv {path}.new {path}; while :; do sleep 1; done')


# cancel


@pytest.mark.parametrize("ignore_term", [False, True], ids=["obeys", "ignores-the-signal"])
def test_cancel_ends_all_processes_of_a_running_job(host, ignore_term):
    host.start(tree(host, "tree", ignore_term), "k1")
    path = host.wait_file("tree")
    assert len(alive(path)) == 4
    assert host.cancel(execution="k1") == "cancelling"
    outcome = host.outcome("k1")
    assert (outcome.flag, outcome.reason, outcome.result) == (-1, CANCELLED, "app exec cancelled")
    assert alive(path) == []
    stays(lambda: len(host.results("k1")) == 1, "it has one outcome", 0.3)


def test_cancel_gives_a_sync_call_its_answer(host):
    answers = host.start_sync(tree(host, "tree"), "k1")
    path = host.wait_file("tree")
    assert host.cancel(execution="k1") == "cancelling"
    wait_until(lambda: answers, "the call is answered", 30)
    assert (answers[0].flag, answers[0].reason) == (-1, CANCELLED)
    assert alive(path) == []


def test_cancel_by_id_and_type(host):
    host.start(tree(host, "tree"), "k1", id="ID", type="cron")
    host.wait_file("tree")
    assert host.cancel(id="ID", type="queue") == "not-found"
    assert host.cancel(id="other") == "not-found"
    assert host.cancel(id="ID", type="cron", execution="k2") == "not-found"
    assert host.cancel(id="ID", type="cron") == "cancelling"
    assert host.outcome("k1").reason == CANCELLED


def test_cancel_by_id_ends_all_executions_of_it(host):
    for n in range(3):
        host.start(f"touch {host.path('runs')}{n}; sleep 600", f"k{n}", id="ID")
    for n in range(3):
        host.wait_file(f"runs{n}")
    assert host.cancel(id="ID") == "cancelling"
    assert {host.outcome(f"k{n}").reason for n in range(3)} == {CANCELLED}


def test_a_worker_that_ends_well_at_the_signal_is_cancelled(host):
    """As at the timeout: what it prints then is no result."""
    path = host.path("here")
    host.start(f"trap 'echo late; exit 0' TERM; touch {path}; while :; do sleep 0.05; done", "k1")
    host.wait_file("here")
    assert host.cancel(execution="k1") == "cancelling"
    assert host.outcome("k1").reason == CANCELLED


def test_cancel_twice_and_after_the_end(host):
    host.start("trap '' TERM; touch %s; while :; do sleep 0.05; done" % host.path("here"), "k1")
    host.wait_file("here")
    assert [host.cancel(execution="k1") for _ in range(3)] == ["cancelling"] * 3
    assert host.outcome("k1").reason == CANCELLED
    assert host.cancel(execution="k1") in ("finished", "not-found")  # without a journal that is forgotten
    assert len(host.results("k1")) == 1


def test_cancel_of_a_finished_and_of_an_unknown_job(alone):
    host = Host(alone)
    host.start("echo done", "k1")
    assert host.outcome("k1").flag == 1
    assert host.cancel(execution="k1") == "finished"
    assert host.cancel(id="J-k1", type="queue") == "finished"
    assert host.cancel(execution="k9") == "not-found"
    assert host.cancel(id="J-k9", type="queue") == "not-found"
    stays(lambda: len(host.results("k1")) == 1 and host.results("k1")[0].flag == 1, "its outcome stands", 0.3)


def test_cancel_needs_a_name(host):
    for fields in ({}, {"type": "queue"}, {"execution": ""}):
        with pytest.raises(TApplicationException):
            host.cancel(**fields)
    assert host.cancel(id="x") == "not-found"


@pytest.mark.parametrize("journal", [True, False], ids=["journal", "no-journal"])
def test_cancel_of_waiting_jobs_starts_nothing(alone, journal):
    host = Host(alone, worker_maxRunning=1, journal_enabled=str(journal).lower())
    host.start(f"touch {host.path('first')}; sleep 600", "k0")
    host.wait_file("first")
    for n in range(1, 4):
        host.start(f"touch {host.path('ran')}-{n}", f"k{n}")
    answers = host.start_sync(f"touch {host.path('ran')}-sync", "k4")
    wait_until(lambda: host.cancel(execution="k4") in ("cancelled", "cancelling"), "the sync one is there")
    assert {host.cancel(execution=f"k{n}") for n in (1, 2)} <= {"cancelled", "cancelling"}
    for n in (1, 2):
        outcome = host.outcome(f"k{n}")
        assert outcome.reason == CANCELLED and "not started" in outcome.result
    wait_until(lambda: answers, "the sync call is answered", 30)
    assert answers[0].reason == CANCELLED
    assert host.results("k0") == [] and host.results("k3") == []
    assert host.cancel(execution="k0") == "cancelling"
    assert host.outcome("k3").flag == 1, "the one that was not cancelled gets its turn"
    assert sorted(name for name in os.listdir(host.folder) if name.startswith("ran")) == ["ran-3"]


def test_cancelled_while_waiting_stays_so_over_a_restart(alone):
    """P1: the outcome is in the journal; the next agent starts nothing."""
    host = Host(alone, worker_maxRunning=1)
    host.start(f"touch {host.path('first')}; sleep 600", "k0")
    host.wait_file("first")
    host.scheduler.on_result = lambda result: "not now"
    host.start(f"touch {host.path('ran')}", "k1")
    host.cancel(execution="k1")
    wait_until(lambda: host.results("k1"), "its outcome is reported")
    host.agent.kill()
    host.scheduler.on_result = None
    host.scheduler.results.clear()
    host.agent.start()
    assert host.outcome("k1").reason == CANCELLED
    assert host.outcome("k0").reason == "agent-restarted"
    assert not os.path.exists(host.path("ran"))


@pytest.mark.slow
def test_cancel_races_with_the_end(host):
    """Whatever comes first: one outcome, and the answer does not contradict it."""
    rounds = 60
    said = {}
    delay = 0.01  # always near the one at which both happen
    for n in range(rounds):
        key = f"k{n}"
        host.start("echo done", key)
        time.sleep(delay)
        said[key] = host.cancel(execution=key)
        delay *= 1.5 if said[key].startswith("cancel") else 0.6
    kinds = set()
    for key, word in said.items():
        outcome = host.outcome(key)
        kinds.add((word, outcome.flag, outcome.reason))
        if outcome.flag == 1:
            assert outcome.result.strip() == "done" and word in ("finished", "not-found"), (word, outcome)
        else:
            assert outcome.reason == CANCELLED and word in ("cancelling", "cancelled"), (word, outcome)
    assert len(host.scheduler.results) == rounds, "one outcome each"
    assert {flag for _, flag, _ in kinds} == {1, -1}, f"both ends were met: {kinds}"


def test_cancel_stops_a_warm_worker(alone):
    """As at a timeout; the one that waits behind it is not started, and the next call has a new worker."""
    host = Host(alone, warm_maxWorkersPerApp=1)
    apps.python(host.agent.apps, "warm", "app-worker.py", WORKER % {"concurrency": 1})
    apps.write_program(host.agent.apps, "warm", "appcfg.json", json.dumps({"Worker": {"Warm": True}}), 0o644)
    answers = host.start_sync(host.path("hangs"), "k1", app="warm", func="hang", proxy="")
    wait_until(lambda: os.path.exists(host.path("hangs")) and open(host.path("hangs")).read(), "it hangs", 30)
    pid = int(open(host.path("hangs")).read())
    behind = host.start_sync("x", "k2", app="warm", func="echo", proxy="")
    wait_until(lambda: host.cancel(execution="k2") in ("cancelled", "cancelling"), "the second is there")
    wait_until(lambda: behind, "the second is answered", 30)
    assert behind[0].reason == CANCELLED and not answers
    assert host.read(execution="k1").ended is False
    assert host.cancel(execution="k1") == "cancelling"
    wait_until(lambda: answers, "the first is answered", 30)
    assert answers[0].reason == CANCELLED
    assert is_zombie(pid)
    after = host.start_sync("back", "k3", app="warm", func="echo", proxy="")
    wait_until(lambda: after, "the next call is answered", 30)
    assert (after[0].flag, after[0].result) == (1, "back")


# readOutput


def read_all(host, limit=0, **fields):
    """In chunks, until the end; and how many there were."""
    text, chunks = b"", 0
    while True:
        chunk = host.read(len(text), limit, **fields)
        assert chunk.offset == len(text)
        assert chunk.total >= len(text) + len(chunk.data)
        text += chunk.data
        chunks += 1
        if chunk.ended and not chunk.data:
            return text, chunks, chunk.total


def test_output_can_be_read_while_it_comes(host):
    go = host.path("go")
    host.start(f"printf one; touch {host.path('one')}; while [ ! -e {go} ]; do sleep 0.02; done; printf two; echo no >&2",
               "k1")
    host.wait_file("one")
    wait_until(lambda: host.read(execution="k1").data == b"one", "the first part can be read")
    chunk = host.read(1, 1, execution="k1")
    assert (chunk.data, chunk.offset, chunk.total, chunk.ended) == (b"n", 1, 3, False)
    assert host.read(3, execution="k1").data == b"" and host.read(10**15, execution="k1").data == b""
    assert host.read(-5, execution="k1").data == b"one"
    open(go, "w").close()
    assert host.outcome("k1").result == "onetwo"
    chunk = host.read(3, id="J-k1", type="queue")
    assert (chunk.data, chunk.total, chunk.ended) == (b"two", 6, True)


def test_large_output_comes_in_chunks(alone):
    host = Host(alone, worker_outputLimit=300000)
    host.start(f"head -c 500000 /dev/zero | tr '\\0' x; touch {host.path('all')}; sleep 600", "k1")
    host.wait_file("all")
    wait_until(lambda: host.read(execution="k1").total == 500000, "all of it was read")
    assert len(host.read(0, 10**9, execution="k1").data) == 65536
    host.cancel(execution="k1")
    assert host.outcome("k1").reason == CANCELLED
    text, chunks, total = read_all(host, 50000, execution="k1")
    assert text == b"x" * 300000 and chunks == 7 and total == 500000


def test_bytes_that_are_no_text_are_as_they_were(host):
    host.start(f"printf 'a\\000\\377b'; touch {host.path('all')}; sleep 600", "k1")
    host.wait_file("all")
    wait_until(lambda: host.read(execution="k1").data == b"a\0\xffb", "they are there")
    host.cancel(execution="k1")


def test_what_has_ended_is_kept_for_a_bounded_time_and_in_bounded_memory(alone):
    host = Host(alone, output_keep=1, output_keepBytes=5000)
    host.start("head -c 2000 /dev/zero", "k1")
    host.outcome("k1")
    assert len(host.read(execution="k1").data) == 2000
    host.start("head -c 6000 /dev/zero", "k2")
    host.outcome("k2")
    assert host.read(execution="k2").total == 0, "larger than all that may be kept"
    for key in ("k3", "k4"):
        host.start("head -c 2000 /dev/zero", key)
        host.outcome(key)
    assert host.read(execution="k1").total == 0, "the oldest went first"
    wait_until(lambda: host.read(execution="k4").total == 0, "and the others after their time")


def test_nothing_is_kept_when_it_is_switched_off(alone):
    host = Host(alone, output_keep=0)
    host.start("echo x", "k1")
    host.outcome("k1")
    chunk = host.read(execution="k1")
    assert (chunk.data, chunk.total, chunk.ended) == (b"", 0, True)


def test_output_of_a_waiting_job_has_not_ended(alone):
    host = Host(alone, worker_maxRunning=1)
    host.start("sleep 600", "k0")
    host.start("echo x", "k1")
    chunk = host.read(execution="k1")
    assert (chunk.data, chunk.total, chunk.ended) == (b"", 0, False)
    assert host.read(execution="k9").ended is True
    host.cancel(execution="k0")
    assert host.outcome("k1").flag == 1
