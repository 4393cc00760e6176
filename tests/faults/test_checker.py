"""The checker finds what is wrong in made-up histories, and nothing in right ones."""

import os
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.calls import Call, Delivery, check_calls  # noqa: E402
from harness.checker import by_fault, check, summarize  # noqa: E402
from harness.history import Answer, Fault, History, Job, Line, Task  # noqa: E402


def line(verb, token="a", at=1.0, agent="127.0.0.2", pid=10):
    return Line(verb, token, "key-" + token, pid, at, agent)


def success(token="a", message=None, at=2.0, **more):
    return Answer(token, True, 1, token if message is None else message, "", at, **more)


def failure(reason, token="a", at=2.0, delivered=False, **more):
    return Answer(token, delivered, -1 if delivered else None, "", reason, at, **more)


def history(answers=(), lines=(), faults=(Fault("kill-agent", "x", 0.5, 1.5),), **job):
    jobs = [Job("a", "flat-sync", "127.0.0.2", asked=0.7, **job)]
    return History(jobs, list(lines), list(answers), list(faults))


RAN = (line("B"), line("E"))

RIGHT = {
    "succeeded": history([success()], RAN),
    "the worker said no": history([Answer("a", True, 0, "a", "", 2.0)], RAN),
    "never started": history([failure("unreachable")]),
    "unknown, and it ran": history([failure("outcome-unknown")], RAN),
    "unknown, and it did not": history([failure("agent-lost")]),
    "restarted in the middle": history([failure("agent-restarted", delivered=True)], [line("B")]),
    "repeated under a fault": history([success(), success(at=2.5)], RAN),
    "never accepted": history(confirmed=False),
    "one of many of an id": history(repeats=True, keyed=False),
    "keyless, answered and then unknown": history(
        [success(), failure("outcome-unknown", at=2.5)], RAN, keyed=False, is_sync=True
    ),
    "unknown, and it lives": history([failure("agent-lost", alive=(10,))], [line("B")]),
    "unknown and answered, without a journal": history([failure("outcome-unknown"), success()], RAN, plain=True),
    "no answer of an agent without a journal": history([], [line("B")], plain=True),
}

WRONG = {
    "lost": ("P1", "lost", history()),
    "lost in the middle": ("P1", "lost", history(lines=[line("B")])),
    "lost result": ("P5", "lost", history(lines=RAN)),
    "doubled": ("P2", "doubled", history([success()], RAN + (line("B", pid=11), line("E", pid=11)))),
    "doubled elsewhere": ("P2", "doubled", history([success()], RAN + (line("B", agent="127.0.0.3"),))),
    "doubled and not accepted": ("P2", "doubled", history([], RAN + (line("B"),), confirmed=False)),
    "doubled of many": ("P2", "doubled", history([success()], RAN + (line("B"),), repeats=True)),
    "outcome changed": ("P3", "changed", history([failure("agent-lost"), success()], RAN)),
    "outcome changed back": ("P3", "changed", history([success(), failure("timeout", delivered=True)], RAN)),
    "answered and then unknown": ("P3", "changed", history([success(), failure("outcome-unknown")], RAN, is_sync=True)),
    "keyless, unknown and then answered": (
        "P3",
        "changed",
        history([failure("outcome-unknown"), success()], RAN, keyed=False, is_sync=True),
    ),
    "keyless, async, and then unknown": ("P3", "changed", history([success(), failure("outcome-unknown")], RAN, keyed=False)),
    "repeated for nothing": ("P3", "repeated", history([success(), success()], RAN, faults=())),
    "said it never ran": ("P4", "contradicted", history([failure("not-registered")], RAN)),
    "said it was refused": ("P4", "contradicted", history([failure("busy")], [line("B")])),
    "success without a run": ("P1", "invented", history([success()])),
    "success without an end": ("P1", "invented", history([success()], [line("B")])),
    "another one's result": ("P1", "invented", history([success(message="b")], RAN)),
    "answer to nothing": ("P1", "invented", history([success(), success("z")], RAN)),
    "ran unasked": ("P2", "invented", history([success()], RAN + (line("B", "z"),))),
    "answered twice, without a journal": (
        "P3",
        "changed",
        history([failure("timeout", delivered=True), success()], RAN, plain=True),
    ),
    "started twice without a journal": ("P2", "doubled", history([success()], RAN + RAN, plain=True)),
    "process left": ("P6", "alive", history([success(alive=(10,))], RAN)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    assert check(RIGHT[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    promise, what, made_up = WRONG[name]
    assert [(f.promise, f.what) for f in check(made_up)] == [(promise, what)]


def test_leftover_worker():
    made_up = RIGHT["succeeded"]
    made_up = History(made_up.jobs, made_up.lines, made_up.answers, made_up.faults, ["pid 4711"])
    assert [(f.promise, f.what) for f in check(made_up)] == [("P6", "alive")]


def queue_history(first="finish", second="finish", lines=None, committed=True, message="b"):
    """Two tasks: b needs a."""
    tasks = [
        Task("a", "A", "Q", [], committed, first, "true" if first == "finish" else "", int(first == "finish"), "a"),
        Task("b", "B", "Q", ["a"], committed, second, "true" if second == "finish" else "", int(second == "finish"), message),
    ]
    jobs = [Job(task.token, "task", "127.0.0.2", asked=0.7, confirmed=False) for task in tasks]
    if lines is None:
        lines = [line("B", at=1), line("E", at=2), line("B", "b", at=3), line("E", "b", at=4)]
    return History(jobs, lines, [success(), success("b")], [Fault("kill-queue", "x", 0.5, 1.5)], tasks=tasks)


EARLY = [line("B", "b", at=0.5), line("B", at=1), line("E", at=2), line("E", "b", at=4)]
FIRST_ONLY = [line("B", at=1), line("E", at=2)]
TASKS = {
    "both ran": (None, queue_history()),
    "never committed": (None, queue_history("pendding", "pendding", [], committed=False)),
    "not ended": ("lost", queue_history(second="running")),
    "forgotten": ("lost", queue_history(second="")),
    "not started": ("lost", queue_history(second="pendding", lines=FIRST_ONLY)),
    "too early": ("invented", queue_history(lines=EARLY)),
    "another one's result": ("invented", queue_history(message="a")),
    "twice": ("doubled", queue_history(lines=queue_history().lines + [line("B", "b", at=5)])),
}


@pytest.mark.parametrize("name", TASKS)
def test_tasks(name):
    what, made_up = TASKS[name]
    made_up.answers = [a for a in made_up.answers if any(l.verb == "E" and l.token == a.token for l in made_up.lines)]
    assert sorted({f.what for f in check(made_up)}) == ([what] if what else [])


KILLED = (Fault("kill-cron", "x", 1.5, 2.5),)


def calls(state="ended", flag="true", error="", path="/take", came=((200, 1.0),), key="k", faults=()):
    return [Call("k", path, state, flag, error)], [Delivery(key, path, status, at) for status, at in came], faults


CALLS = {
    "taken": (None, calls()),
    "taken at last": (None, calls(came=[(503, 1), (0, 2), (200, 3)])),
    "taken twice under a fault": (None, calls(came=[(200, 1), (200, 2)], faults=KILLED)),
    "refused": (None, calls(path="/refuse", flag="false", error="HTTP 404 ", came=[(404, 1)])),
    "hung": (None, calls(path="/hang", flag="false", error="no answer within 3 s from x", came=[(0, 1)])),
    "never came, and says why": (None, calls(path="/hang", flag="false", error="no answer within 3 s", came=[])),
    "forgotten": ("in the end", calls(state="decided", flag="", came=[])),
    "missed": ("was missed", calls(state="missed", came=[])),
    "never came": ("was not", calls(came=[])),
    "refused and recorded as taken": ("was not", calls(came=[(503, 1)])),
    "given up": ("failed, and", calls(flag="false", error="HTTP 503", came=[(503, 1)])),
    "failed without a word": ("does not say why", calls(path="/refuse", flag="false", came=[(404, 1)])),
    "taken twice undisturbed": ("came again", calls(came=[(200, 1), (200, 2)])),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    what, made_up = CALLS[name]
    found = check_calls(*made_up)
    assert len(found) == (1 if what else 0) and all(what in text for text in found), found


def test_a_call_with_another_key_is_found():
    made_up, came, faults = calls(came=[(503, 1.0), (200, 2.0)])
    came[0].key = "another"
    assert ["in no record" in text for text in check_calls(made_up, came, faults)] == [True]


def test_summary_and_rows():
    made_up = History(
        [Job("a", "flat-sync", "x", asked=0.7), Job("b", "queue", "x", asked=0.8), Job("c", "queue", "x", asked=9)],
        [line("B"), line("E"), line("B", "b"), line("B", "b")],
        [success(), success(at=2.1), failure("outcome-unknown", "b")],
        [Fault("kill-agent", "x", 0.5, 1.5), Fault("delay", "x", 8, 10)],
    )
    findings = check(made_up)
    numbers = summarize(made_up, findings)
    expected = dict(asked=3, executions=3, results=2, succeeded=1, unknown=1, repeated=1, lost=1, doubled=1, faults=2)
    assert {name: numbers[name] for name in expected} == expected
    rows = by_fault(made_up, findings)
    assert rows["kill-agent"] == {"faults": 1, "hit": 1, "open": 2, "executions": 3, "results": 2, "unknown": 1, "doubled": 1}
    assert rows["delay"] == {"faults": 1, "hit": 1, "open": 1, "executions": 0, "results": 0, "unknown": 0, "lost": 1}
