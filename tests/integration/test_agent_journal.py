"""The agent's promises across its own death: an agent with a journal, killed in every state.

Each worker appends to a file before and after its work: what ran, and how often, is read from there.
"""

import os
import signal
import sqlite3
import time

import pytest

from support import apps, rpc
from support.process import binary
from support.wait import stays, wait_until

RESTARTED = "agent-restarted"


class Journaled:
    """An agent, the scheduler it reports to, and the file in which its workers say that they ran."""

    def __init__(self, stage, settings=None, crash=None):
        self.stage = stage
        self.scheduler = stage.fake_scheduler()
        self.scheduler.answer = "success"
        self.scheduler.on_result = lambda _: self.scheduler.answer
        self.runs = stage.folder / "runs"
        self.runs.touch()
        usual = {
            "scheduler.addr": "127.0.0.1",
            "scheduler.port": self.scheduler.port,
            "retry.first": 20,
            "retry.cap": 200,
            "shutdown.timeout": 1,
        }
        self.agent = stage.agent({**usual, **(settings or {})}, environment=crash and {"ELVES_CRASH": crash})
        self.agent.expected = (0, -signal.SIGKILL)
        apps.shell(
            self.agent.apps, "work", "run.sh",
            'PARAM=$(printf %s "$3" | base64 -d)',
            f'echo "begin $2" >>{self.runs}',
            'sleep "$PARAM"',
            f'echo "end $2" >>{self.runs}',
            *apps.echo_marked("did $2"),
        )

    def job(self, key, seconds=0, **fields):
        values = dict(id=key, type="queue", mode="np", app="work", func=key, proxy="run.sh", param=str(seconds))
        values.update(execution=key, timeout=60)
        values.update(fields)
        return rpc.instruct(**values)

    def send(self, *jobs):
        with self.agent.client() as client:
            return client.instructionInvokeAsync(list(jobs))

    def send_and_die(self, *jobs):
        """Sends; the answer may or may not come before the agent is killed by its crash point."""
        try:
            self.send(*jobs)
        except Exception:
            pass
        wait_until(lambda: not self.agent.alive(), "the agent dies at its crash point")
        assert self.agent.process.returncode == -signal.SIGKILL

    def restart(self):
        self.agent.environment = None
        self.agent.start()

    def ran(self, word="begin"):
        return [line.split()[1] for line in self.runs.read_text().splitlines() if line.startswith(word)]

    def results(self, count=1):
        wait_until(lambda: len(self.scheduler.results) >= count, f"{count} results are reported")
        return {r.ins.execution: r for r in self.scheduler.results}

    def state(self, key, **fields):
        (answer,) = self.send(self.job(key, queryOnly=True, **fields))
        return answer.state

    def rows(self, query):
        with sqlite3.connect(self.agent.folder / "journal" / "journal.sqlite") as db:
            return db.execute(query).fetchall()

    def processes(self):
        """Pids that have the agent's tracking entry."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if b"ELVES_TRACKING=%d-" % self.agent.pid in file.read():
                        found.append(int(pid))
            except OSError:
                pass
        return found


@pytest.fixture
def journaled(alone):
    return lambda settings=None, crash=None: Journaled(alone, settings, crash)


# P1, P2: each point of a job's way


@pytest.mark.parametrize("crash", ["after-accept", "before-fsync:2"])
def test_p1_accepted_and_not_started_is_started_by_the_next_agent(journaled, crash):
    host = journaled(crash=crash)
    host.send_and_die(host.job("a"))
    assert host.ran() == []
    host.restart()
    result = host.results()["a"]
    assert (result.flag, result.result) == (1, "did a")
    assert host.ran() == ["a"]


def test_p1_not_accepted_is_not_there(journaled):
    host = journaled(crash="before-fsync:1")
    host.send_and_die(host.job("a"))
    host.restart()
    assert host.state("a") == 4
    (answer,) = host.send(host.job("a"))
    assert (answer.flag, answer.state) == (1, 0)
    host.results()
    assert host.ran() == ["a"]


@pytest.mark.parametrize("containment", ["auto", "process"])
def test_p2_p6_started_is_ended_and_reported_as_agent_restarted(journaled, containment):
    host = journaled({"worker.containment": containment}, crash="after-start")
    host.send_and_die(host.job("a", 60))
    wait_until(lambda: host.ran() == ["a"] and host.processes(), "the worker lives on without its agent")
    old = host.processes()
    host.restart()
    result = host.results()["a"]
    assert not [pid for pid in old if os.path.exists(f"/proc/{pid}/cmdline") and open(f"/proc/{pid}/cmdline").read()]
    assert (result.flag, result.reason) == (-1, RESTARTED)
    assert result.killed >= 1
    (answer,) = host.send(host.job("a"))
    assert answer.state in (2, 3)
    stays(lambda: host.ran() == ["a"] and host.ran("end") == [], "it does not run again", 0.5)


def test_p6_descendants_in_sessions_of_their_own_are_ended(journaled):
    host = journaled({"worker.containment": "process"})
    apps.shell(host.agent.apps, "tree", "run.sh", "setsid sleep 300 &", "(setsid sh -c 'sleep 300 & wait' &)", "sleep 300")
    host.send(host.job("t", app="tree"))
    wait_until(lambda: len(host.processes()) >= 4, "the tree is there")
    old = host.processes()
    host.agent.kill()
    host.restart()
    result = host.results()["t"]
    assert result.reason == RESTARTED and result.killed >= 4
    assert not [pid for pid in old if os.path.exists(f"/proc/{pid}/cmdline") and open(f"/proc/{pid}/cmdline").read()]


def test_p2_ended_and_not_written_is_agent_restarted_and_not_run_again(journaled):
    host = journaled(crash="after-finish")
    host.send_and_die(host.job("a"))
    host.restart()
    result = host.results()["a"]
    assert (result.flag, result.reason) == (-1, RESTARTED)
    assert host.ran() == ["a"]


def test_p5_written_and_not_reported_is_reported_by_the_next_agent(journaled):
    host = journaled()
    host.scheduler.answer = "no"
    host.send(host.job("a"))
    host.results()
    host.agent.kill()
    host.scheduler.results.clear()
    host.scheduler.answer = "success"
    host.restart()
    result = host.results()["a"]
    assert (result.flag, result.result) == (1, "did a")
    assert host.ran() == ["a"]
    wait_until(lambda: host.state("a") == 3, "it is taken")


def test_p5_reported_and_not_noted_is_reported_again_with_the_same_outcome(journaled):
    host = journaled(crash="after-report")
    host.send_and_die(host.job("a"))
    host.restart()
    results = wait_until(lambda: len(host.scheduler.results) == 2 and host.scheduler.results, "it comes again")
    assert {(r.ins.execution, r.flag, r.result) for r in results} == {("a", 1, "did a")}
    assert host.ran() == ["a"]


def test_p1_killed_again_and_again_each_job_has_one_outcome(journaled):
    host = journaled()
    keys = []
    for round_ in range(6):
        jobs = [host.job(f"{round_}-{n}", 0.05 * (n % 3)) for n in range(20)]
        try:
            answers = host.send(*jobs)
        except Exception:
            answers = []
        keys += [a.ins.execution for a in answers if a.flag == 1]
        time.sleep(0.02 * round_)
        host.agent.kill()
        host.agent.start()
    assert len(keys) == 120
    wait_until(lambda: len({r.ins.execution for r in host.scheduler.results}) == 120, "all have an outcome", 30)
    outcomes = {}
    for r in host.scheduler.results:
        outcomes.setdefault(r.ins.execution, set()).add((r.flag, r.reason, r.result))
    assert all(len(seen) == 1 for seen in outcomes.values()), "no outcome changes"
    ran = host.ran()
    assert len(ran) == len(set(ran)), "nothing ran twice"
    for key, ((flag, reason, _),) in outcomes.items():
        assert flag == 1 or reason == RESTARTED, (key, flag, reason)
    done = set(host.ran("end"))
    assert {key for key, ((flag, _, _),) in outcomes.items() if flag == 1} <= done


# P2: the same key again


def test_p2_states_of_a_known_key(journaled):
    host = journaled()
    assert host.state("a") == 4
    host.scheduler.answer = "no"
    (first,) = host.send(host.job("a", 0.5))
    assert first.state == 0
    (again,) = host.send(host.job("a", 0.5))
    assert (again.flag, again.state) == (1, 1)
    assert host.state("a") == 1
    host.results()
    assert host.state("a") == 2
    host.scheduler.answer = "success"
    wait_until(lambda: host.state("a") == 3, "it is taken")
    (late,) = host.send(host.job("a"))
    assert late.state == 3
    assert host.ran() == ["a"]


def test_p2_finished_goes_to_the_scheduler_that_asks(journaled, alone):
    host = journaled()
    host.scheduler.answer = "no"
    host.send(host.job("a"))
    host.results()
    other = alone.fake_scheduler()
    (answer,) = host.send(host.job("a", origin=f"127.0.0.1:{other.port}"))
    assert answer.state == 2
    wait_until(lambda: other.results, "the one that asked gets it")
    assert host.ran() == ["a"]


def test_p3_result_of_a_job_that_no_scheduler_knows_is_set_aside(journaled, alone):
    host = journaled()
    host.scheduler.answer = "not held"
    host.send(host.job("a", held=True))
    aside = lambda: host.rows("SELECT 1 FROM execution WHERE state = 2 AND taken_ms NOTNULL")
    wait_until(aside, "it is set aside")
    stays(lambda: len(host.scheduler.results) == 1, "it is not reported again", 0.5)
    host.agent.kill()
    host.restart()
    assert host.results(2)["a"].ins.held
    other = alone.fake_scheduler()
    (answer,) = host.send(host.job("a", origin=f"127.0.0.1:{other.port}"))
    assert answer.state == 2
    wait_until(lambda: other.results, "the one that asks gets it")
    wait_until(lambda: host.state("a") == 3, "it is taken")
    assert host.ran() == ["a"]


def test_p3_result_goes_to_the_scheduler_that_asked_last_over_a_restart(journaled, alone):
    host = journaled()
    other = alone.fake_scheduler()
    host.send(host.job("a", seconds=60))
    wait_until(lambda: host.ran(), "it runs")
    (answer,) = host.send(host.job("a", origin=f"127.0.0.1:{other.port}"))
    assert answer.state == 1
    wait_until(lambda: host.rows("SELECT origin FROM execution") == [(f"127.0.0.1:{other.port}",)], "it is written")
    host.agent.kill()
    host.restart()
    wait_until(lambda: other.results, "the one that asked gets it")
    assert other.results[0].reason == RESTARTED
    assert not host.scheduler.results


def test_p2_taken_is_remembered_over_a_restart(journaled):
    host = journaled()
    host.send(host.job("a"))
    host.results()
    wait_until(lambda: host.state("a") == 3, "it is taken")
    host.agent.kill()
    host.restart()
    (answer,) = host.send(host.job("a"))
    assert answer.state == 3
    assert host.ran() == ["a"]


def test_p2_a_message_without_a_key_finds_its_execution(journaled):
    host = journaled()
    (first,) = host.send(host.job(None, 0.3, id="J", func="J", execution="k1"))
    (again,) = host.send(host.job(None, 0.3, id="J", func="J", execution="k2", seenWithin=60))
    assert (again.state, again.ins.execution) == (1, "k1")
    (other,) = host.send(host.job(None, 0, id="K", func="K", execution="k3", seenWithin=60))
    assert (other.state, other.ins.execution) == (0, "k3")
    host.results(2)
    assert sorted(host.ran()) == ["J", "K"]


def test_a_job_without_a_key_gets_one(journaled):
    host = journaled()
    (first, second) = host.send(*[host.job(None, id="J", func="J", execution=None)] * 2)
    assert first.ins.execution and first.ins.execution != second.ins.execution
    host.results(2)
    assert host.ran() == ["J", "J"]


def test_p2_same_key_twice_in_one_call(journaled):
    host = journaled()
    answers = host.send(host.job("a"), host.job("a"))
    assert sorted(a.state for a in answers) == [0, 1]
    host.results()
    stays(lambda: host.ran() == ["a"], "it runs once", 0.3)


# Sync calls with a key


def test_p2_a_second_sync_call_gets_the_answer_of_the_first(journaled):
    host = journaled()
    job = host.job("s", 0.5, type="rt")
    with host.agent.client() as one, host.agent.client() as two:
        one.send_instructionInvokeSync(job)
        wait_until(lambda: host.ran() == ["s"], "it runs")
        two.send_instructionInvokeSync(job)
        assert one.recv_instructionInvokeSync().result == "did s"
        assert two.recv_instructionInvokeSync().result == "did s"
        assert one.instructionInvokeSync(job).result == "did s"
    host.agent.kill()
    host.restart()
    with host.agent.client() as client:
        assert client.instructionInvokeSync(job).result == "did s"
    assert host.ran() == ["s"]
    assert host.scheduler.results == []


def test_p4_a_sync_job_that_ran_when_the_agent_died_is_not_run_again(journaled):
    host = journaled(crash="after-start")
    job = host.job("s", 60, type="rt")
    with pytest.raises(Exception):
        with host.agent.client() as client:
            client.instructionInvokeSync(job)
    wait_until(lambda: not host.agent.alive(), "it dies")
    host.restart()
    with host.agent.client() as client:
        answer = client.instructionInvokeSync(job)
    assert (answer.flag, answer.reason) == (-1, RESTARTED)
    assert len(host.ran()) <= 1


def test_sync_without_a_key_and_ping_are_not_journaled(journaled):
    host = journaled()
    with host.agent.client() as client:
        assert client.instructionInvokeSync(host.job(None, id="", func="x", execution=None)).flag == 1
        ping = rpc.instruct(id="p", app="elves", func="ping", param="hi", execution="p")
        assert client.instructionInvokeSync(ping).result == "hi"
    assert host.rows("SELECT count(*) FROM execution") == [(0,)]


# The end by SIGTERM


def test_sigterm_leaves_what_was_not_started_and_not_taken(journaled):
    host = journaled({"worker.maxRunning": 1})
    host.scheduler.answer = "no"
    host.send(host.job("done"))
    host.results()
    host.send(host.job("runs", 30), host.job("waits", 0.1))
    wait_until(lambda: "runs" in host.ran(), "one runs")
    assert host.agent.terminate() == 0
    assert "waits" not in host.ran()
    host.scheduler.results.clear()
    host.scheduler.answer = "success"
    host.restart()
    results = host.results(3)
    assert (results["done"].flag, results["done"].result) == (1, "did done")
    assert (results["runs"].flag, results["runs"].reason) == (-1, "cancelled")
    assert (results["waits"].flag, results["waits"].result) == (1, "did waits")
    assert host.ran() == ["done", "runs", "waits"]


# Limits


def test_p8_a_full_journal_refuses_new_jobs_and_brings_the_others_to_their_end(journaled):
    host = journaled({"journal.maxBytes": 1 << 20})
    host.scheduler.answer = "no"
    answers = []
    for n in range(30):
        answers += host.send(host.job(f"k{n}", mode="0", param="0" + " " * 100000))
    taken = [a.ins.execution for a in answers if a.flag == 1]
    refused = [a for a in answers if a.flag == -1]
    assert taken and refused
    assert {a.reason for a in refused} == {"busy"}
    assert "journal.maxBytes" in refused[0].result
    host.scheduler.answer = "success"
    wait_until(lambda: set(taken) <= {r.ins.execution for r in host.scheduler.results}, "all are reported")
    assert sorted(set(host.ran())) == sorted(taken)
    wait_until(lambda: host.send(host.job("again", param="0"))[0].flag == 1, "there is room again")


def test_p8_results_that_wait_cost_no_memory(journaled):
    host = journaled({"worker.maxRunning": 8})
    with open(binary("elves-agent"), "rb") as program:
        if b"__asan_init" in program.read():
            pytest.skip("a sanitizer's memory is not the agent's")
    apps.shell(host.agent.apps, "large", "run.sh", "head -c 200000 /dev/zero | tr '\\0' x")
    host.scheduler.answer = "no"
    host.send(*[host.job(f"k{n}", app="large") for n in range(200)])
    wait_until(lambda: host.rows("SELECT count(*) FROM execution WHERE state = 2") == [(200,)], "all have ended", 30)
    time.sleep(1)
    assert host.agent.rss() < 40e6, "40 MB of results wait on the disk"


def test_another_agent_on_the_same_journal_does_not_start(journaled, alone):
    host = journaled()
    folder = host.agent.folder / "journal"
    other = alone.agent({"journal.dir": folder}, start=False)
    other.expected = tuple(range(1, 256))
    other.start(ready=False)
    assert other.wait() != 0
    assert "another agent" in other.log()


def test_a_damaged_journal_is_not_thrown_away(journaled):
    host = journaled()
    host.agent.terminate()
    path = host.agent.folder / "journal" / "journal.sqlite"
    path.write_bytes(b"x" * 8192)
    host.agent.expected = tuple(range(0, 256))
    host.agent.start(ready=False)
    assert host.agent.wait() != 0
    assert "not a database" in host.agent.log()
    assert path.read_bytes() == b"x" * 8192


def test_journal_disabled(journaled):
    host = journaled({"journal.enabled": "false"})
    (answer,) = host.send(host.job("a"))
    assert answer.state == 0
    host.results()
    assert host.state("a") == 4
    assert not (host.agent.folder / "journal").exists()
