"""Are the promises kept? Reads a History, returns findings; knows nothing of processes or brokers.

    P1  an accepted job reaches exactly one final outcome        lost, invented
    P2  an execution starts at most once on a journal agent      doubled
    P3  a final outcome never changes                            changed
    P4  "never started" and "outcome unknown" are different      contradicted
    P5  a result is forgotten only after the broker confirmed    lost although it ended
    P6  no process of a job is alive when its result is sent     alive

The same outcome twice is no finding while something was broken: a scheduler that dies between the
publication and its confirmation cannot know, and publishes again. It is counted as `repeated`; with
nothing broken it is one.

A sync job without a key of its own cannot be recognized when its message comes again: its caller is
told that the outcome is unknown, even if the answer was published just before. Callers take the first
answer; it is counted as `superseded`, and any other second outcome of such a job is a finding.

A task of a queue is a job like any other; besides, what elves-queue says of it in the end has to be what
became of it, it starts after the tasks that it needs, and the queue ends.

A job of an agent without a journal runs at most once. It may have no answer, when its agent and its
scheduler have died: that is counted as `unanswered`, and no finding. Nobody can tell a scheduler that
gets the message again, or whose connection to the agent has ended, how such a job went on, so its asker
may be told that the outcome is unknown, or the agent lost, and the outcome as well: that is counted as
`revised`; two other outcomes are a finding.
"""

import collections
import dataclasses

from .history import NEVER_STARTED, UNKNOWN

REPEAT_GRACE = 30.0  # s after the end of a fault in which an outcome may be published again


@dataclasses.dataclass
class Finding:
    promise: str
    what: str  # lost, invented, doubled, changed, contradicted, alive, repeated
    token: str
    text: str
    fault: str = ""  # kind of the fault it is put down to


class _Index:
    def __init__(self, history):
        self.history = history
        self.jobs = {job.token: job for job in history.jobs}
        self.begins = collections.defaultdict(list)
        self.ends = collections.defaultdict(list)
        self.answers = collections.defaultdict(list)
        for line in history.lines:
            if line.verb in "BE":
                (self.begins if line.verb == "B" else self.ends)[line.token].append(line)
        for answer in history.answers:
            self.answers[answer.token].append(answer)

    def outcomes(self, token):
        """The distinct ones, in the order they came."""
        return list(dict.fromkeys(answer.outcome for answer in self.answers[token]))


def check(history):
    """All findings, worst promise first."""
    index = _Index(history)
    findings = []
    for job in history.jobs:
        findings += _check_executions(index, job)
        findings += _check_answers(index, job)
        findings += _check_truth(index, job)
    findings += _check_tasks(index)
    findings += _check_strangers(index)
    for text in history.leftovers:
        findings.append(Finding("P6", "alive", "", f"a worker outlived the run: {text}"))
    for finding in findings:
        finding.fault = blame(history, index, finding)
    return sorted(findings, key=lambda finding: finding.promise)


def _check_executions(index, job):
    begins = index.begins[job.token]
    if len(begins) > 1:
        who = ", ".join(f"{line.agent} pid {line.pid} key {line.key or '-'}" for line in begins)
        yield Finding("P2", "doubled", job.token, f"{job.kind} started {len(begins)} times: {who}")


def _check_answers(index, job):
    outcomes = index.outcomes(job.token)
    if not outcomes and job.must_be_answered:
        ended, began = index.ends[job.token], index.begins[job.token]
        state = "ended" if ended else "started, did not end" if began else "never started"
        promise = "P5" if ended else "P1"
        yield Finding(promise, "lost", job.token, f"{job.kind} to {job.agent} has no answer ({state})")
    answers = index.answers[job.token]
    if len(outcomes) > 1 and not is_superseded(index.history, job, answers) and not is_revised(job, outcomes):
        yield Finding("P3", "changed", job.token, f"{job.kind} to {job.agent} has {len(outcomes)} outcomes: {outcomes}")
    if len(answers) > 1 and not _was_disturbed(index.history, job.asked, answers[-1].at):
        yield Finding("P3", "repeated", job.token, f"{job.kind} was answered {len(answers)} times, undisturbed")
    for answer in answers:
        if answer.alive and answer.reason not in UNKNOWN:
            yield Finding("P6", "alive", job.token, f"{job.kind} to {job.agent} answered while {answer.alive} lived")


def is_superseded(history, job, answers):
    """The first answer is one outcome, all others say that it is unknown, and something was broken."""
    unknown = all(a.reason == "outcome-unknown" and not a.delivered for a in answers[1:])
    known = bool(answers) and answers[0].outcome != answers[-1].outcome
    return not job.keyed and job.is_sync and known and unknown and _was_disturbed(history, job.asked, answers[-1].at)


def is_revised(job, outcomes):
    """Unknown, and one other outcome, of an agent without a journal."""
    unknown = [outcome for outcome in outcomes if outcome[-1] in ("outcome-unknown", "agent-lost")]
    return job.plain and len(outcomes) == 2 and len(unknown) == 1


def _was_disturbed(history, begin, end):
    return any(f.began <= end and (not f.ended or f.ended + REPEAT_GRACE >= begin) for f in history.faults)


def _check_truth(index, job):
    """What the answer says against what the worker wrote down."""
    began, ended = len(index.begins[job.token]), len(index.ends[job.token])
    for answer in index.answers[job.token]:
        if answer.is_success and not ended:
            yield Finding("P1", "invented", job.token, f"{job.kind} succeeded but never ran to its end")
        if answer.message and answer.is_success and answer.message != job.token:
            yield Finding("P1", "invented", job.token, f"{job.kind} has the result of {answer.message!r}")
        if answer.reason in NEVER_STARTED and began:
            yield Finding("P4", "contradicted", job.token, f"{job.kind} said {answer.reason} but it ran")


def _check_tasks(index):
    tasks = {task.token: task for task in index.history.tasks}
    for task in tasks.values():
        needs = [tasks[token] for token in task.needs]
        yield from _check_settled(index, task, needs)
        yield from _check_order(index, task, needs)


def _check_settled(index, task, needs):
    """Ready tasks have ended, others have not begun, and the record says what the worker did."""
    ready = task.committed and all(need.succeeded for need in needs)
    began, ended = index.begins[task.token], index.ends[task.token]
    if ready and task.status != "finish":
        yield Finding("P1", "lost", task.token, f"task of queue {task.queue} is {task.status or 'unknown'} in the end")
    if not ready and began:
        yield Finding("P1", "invented", task.token, f"task of queue {task.queue} ran, and must not")
    if task.succeeded and (not ended or task.message != task.token):
        yield Finding("P1", "invented", task.token, f"task of queue {task.queue} has a result that is not its own")
    outcomes = [(a.delivered, a.worker_flag) for a in index.answers[task.token]]
    recorded = (task.flag == "true", task.worker_flag if task.flag == "true" else None)
    if task.status == "finish" and outcomes and recorded not in outcomes:
        yield Finding("P3", "changed", task.token, f"task is recorded as {recorded}, its results were {outcomes}")


def _check_order(index, task, needs):
    for begin in index.begins[task.token][:1]:
        for need in needs:
            if not index.ends[need.token] or index.ends[need.token][0].at > begin.at:
                yield Finding("P1", "invented", task.token, f"task began before {need.token}, which it needs, had ended")


def _check_strangers(index):
    for token, answers in index.answers.items():
        if token not in index.jobs:
            yield Finding("P1", "invented", token, f"answers nothing that was asked: {answers[0].text[:200]}")
    for token, lines in index.begins.items():
        if token not in index.jobs:
            yield Finding("P2", "invented", token, f"ran without being asked on {lines[0].agent}")


def blame(history, index, finding):
    """The kind of the fault it is put down to: of something lost the first that was not over when the
    job was asked for, of something twice the last that began before the second time."""
    job = index.jobs.get(finding.token)
    if job is None or not history.faults:
        return "none"
    if finding.what == "lost":
        open_then = [fault for fault in history.faults if not fault.ended or fault.ended >= job.asked]
        return (open_then or history.faults[-1:])[0].kind
    second = [line.at for line in index.begins[job.token]][1:] if finding.what == "doubled" else []
    second = second or [answer.at for answer in index.answers[job.token]][-1:] or [job.asked]
    before = [fault for fault in history.faults if fault.began <= second[0]]
    return before[-1].kind if before else "none"


def summarize(history, findings):
    """The numbers of the report."""
    index = _Index(history)
    what = collections.Counter(finding.what for finding in findings)
    final = [index.answers[job.token][-1] for job in history.jobs if index.answers[job.token]]
    return {
        "asked": len(history.jobs),
        "confirmed": sum(job.confirmed for job in history.jobs),
        "executions": sum(len(lines) for lines in index.begins.values()),
        "results": len(final),
        "succeeded": sum(answer.is_success for answer in final),
        "never_started": sum(answer.reason in NEVER_STARTED for answer in final),
        "unknown": sum(answer.reason in UNKNOWN for answer in final),
        "repeated": sum(max(0, len(index.answers[job.token]) - 1) for job in history.jobs),
        "superseded": sum(is_superseded(history, job, index.answers[job.token]) for job in history.jobs),
        "revised": sum(is_revised(job, index.outcomes(job.token)) for job in history.jobs),
        "tasks": sum(task.committed for task in history.tasks),
        "plain": sum(job.plain for job in history.jobs),
        "unanswered": sum(job.plain and job.confirmed and not index.answers[job.token] for job in history.jobs),
        "lost": what["lost"],
        "doubled": what["doubled"],
        "changed": what["changed"],
        "contradicted": what["contradicted"],
        "invented": what["invented"],
        "alive": what["alive"],
        "findings": len(findings),
        "faults": len(history.faults),
        "reasons": dict(collections.Counter(answer.reason or "-" for answer in final)),
    }


def by_fault(history, findings):
    """Rows of the table: kind, faults, hit; of the jobs open meanwhile how many there were, how often
    they ran, and how they ended; and what was found."""
    index = _Index(history)
    rows = {}
    for fault in history.faults:
        row = rows.setdefault(fault.kind, collections.Counter())
        row["faults"] += 1
        row["hit"] += fault.hit
        for job in history.jobs:
            answers = index.answers[job.token]
            closed = answers[-1].at if answers else float("inf")
            if job.asked <= (fault.ended or fault.began) and closed >= fault.began:
                row["open"] += 1
                row["executions"] += len(index.begins[job.token])
                row["results"] += bool(answers)
                row["unknown"] += bool(answers) and answers[-1].reason in UNKNOWN
    for finding in findings:
        rows.setdefault(finding.fault or "none", collections.Counter())[finding.what] += 1
    return rows
