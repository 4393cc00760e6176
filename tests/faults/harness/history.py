"""What happened in a run: what was asked, what ran, what was answered, and what was broken when.

Plain data, made by the load, read by the checker; times are seconds of time.time().
"""

import dataclasses

# The asker is told: it never started. / It may have started, nobody knows how it ended.
NEVER_STARTED = {"not-registered", "unreachable", "refused", "busy", "app-missing", "worker-missing", "invalid"}
UNKNOWN = {"outcome-unknown", "agent-lost", "agent-restarted"}


@dataclasses.dataclass
class Job:
    token: str  # unique; the job's parameter, which the worker writes down and answers
    kind: str  # of message, e.g. "flat-sync"
    agent: str
    func: str = ""
    asked: float = 0.0
    confirmed: bool = True  # by the broker; else it may have been accepted or not
    keyed: bool = True  # has an execution key of its own; else "rather once too few than twice"
    is_sync: bool = False
    plain: bool = False  # its agent keeps no journal: it runs at most once, and may be answered never
    repeats: bool = False  # shares its id with others: an answer may be of any of them

    @property
    def must_be_answered(self):
        return self.confirmed and not self.repeats and not self.plain


@dataclasses.dataclass
class Task:
    """A task of a queue, and what elves-queue says of it in the end. Its job has the same token."""

    token: str
    id: str
    queue: str
    needs: list  # tokens
    committed: bool = False  # its queue was
    status: str = ""  # "": elves-queue knows nothing of it
    flag: str = ""
    worker_flag: int = 0
    message: str = ""

    @property
    def succeeded(self):
        return self.status == "finish" and self.flag == "true" and self.worker_flag == 1


@dataclasses.dataclass
class Line:
    """One line a worker wrote."""

    verb: str  # "B" begin, "E" end, "C" a child it leaves behind
    token: str
    key: str  # ELVES_EXECUTION
    pid: int
    at: float
    agent: str


@dataclasses.dataclass
class Answer:
    token: str  # "": belongs to no job that was asked
    delivered: bool
    worker_flag: object  # number, or None when the message has none
    message: str  # worker_message
    reason: str
    at: float = 0.0
    alive: tuple = ()  # processes of the job that were there when the answer came
    text: str = ""  # the message, for people

    @property
    def outcome(self):
        """What must never change."""
        return (self.delivered, self.worker_flag, self.message, self.reason)

    @property
    def is_success(self):
        return self.delivered and self.worker_flag == 1


@dataclasses.dataclass
class Fault:
    kind: str
    target: str
    began: float
    ended: float = 0.0
    hit: bool = True  # a crash point may not have been passed in time


@dataclasses.dataclass
class History:
    jobs: list = dataclasses.field(default_factory=list)
    lines: list = dataclasses.field(default_factory=list)
    answers: list = dataclasses.field(default_factory=list)
    faults: list = dataclasses.field(default_factory=list)
    leftovers: list = dataclasses.field(default_factory=list)  # workers alive after the end
    tasks: list = dataclasses.field(default_factory=list)  # of Task
    journal: bool = True  # the agents keep a journal: P2 holds
    findings: list = dataclasses.field(default_factory=list)  # texts: of timed tasks
    numbers: dict = dataclasses.field(default_factory=dict)  # of the loads
