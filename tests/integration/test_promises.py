"""Nothing lost, nothing run twice: what the scheduler does with keys, journals and deliveries.

The agents are fakes: `journal_agent` keeps a journal in memory and answers states as ours does.
"""

import threading
import time

import pytest

from support.fake_agent import CloseConnection
from support.mq import async_body, flat_async_members, flat_members, job_body, new_id
from support.process import run_tool
from support.wait import stays, wait_until
from test_scheduler_faults import wait_reached

ACCEPTED, RUNNING, FINISHED, TAKEN, UNKNOWN = range(5)


class Journal:
    """Makes a fake agent one that knows its executions."""

    def __init__(self, agent):
        self.agent = agent
        self.lock = threading.Lock()
        self.records = {}  # key -> Record
        self.questions = []
        agent.on_async = self.on_async

    class Record:
        def __init__(self, ins):
            self.ins, self.state, self.origin, self.result = ins, RUNNING, ins.origin, None

    def find(self, ins):
        if ins.execution in self.records:
            return self.records[ins.execution]
        if ins.seenWithin:
            for record in reversed(list(self.records.values())):
                if (record.ins.type, record.ins.id) == (ins.type, ins.id):
                    return record
        return None

    def answer(self, ins):
        record = self.find(ins)
        if ins.queryOnly:
            self.questions.append(ins)
        if record is None and ins.queryOnly:
            return self.agent.reply(ins, result="", state=UNKNOWN)
        if record is None:
            self.records[ins.execution] = self.Record(ins)
            return self.agent.reply(ins, result="", state=ACCEPTED)
        record.origin = ins.origin
        if record.state == FINISHED:
            threading.Thread(target=self.report, args=(record,), daemon=True).start()
        return self.agent.reply(record.ins, result="", state=record.state)

    def on_async(self, calls):
        with self.lock:
            return [self.answer(ins) for ins in calls]

    def record(self, what="the agent has the job"):
        """The only one."""
        record = wait_until(lambda: next(iter(self.records.values()), None), what)
        assert len(self.records) == 1, self.records
        return record

    def end(self, record, result="done"):
        record.result, record.state = result, FINISHED

    def report(self, record, to=None):
        host, port = (to or record.origin).rsplit(":", 1)
        self.agent.scheduler = (host, port)
        answer = self.agent.finish(record.ins, result=record.result)
        if answer == "success":
            record.state = TAKEN
        return answer


@pytest.fixture
def journal(stage):
    agent = stage.fake_agent(register=False)
    stage.register(agent.ip, agent.port, features=["journal"])
    return Journal(agent)


def wait_known(stage, journal):
    """Sync jobs are answered without the journal."""
    wait_reached(stage, journal.agent)


def cron_body(journal, **members):
    return async_body(journal.agent.ip, "cron", timeout=30, **members)


def submit(stage, journal, form, id):
    """Publishes one async job; returns the key it has, or None."""
    if form == "flat":
        members = flat_async_members(agent_ip=journal.agent.ip, timeout=30)
        members.update(job_type="cron", rand_id="R1", properties={"delivery_mode": 2})
        stage.asker.flat("sendAsync", id=id, **members)
        return f"{id}:R1"
    properties = {"delivery_mode": 2}
    if form == "message-id":
        properties["message_id"] = "M-" + id
    type = "queue" if form == "queue" else "cron"
    message = {"mqkey": "cron.scheduler.asyncJob", "mqtype": "cast"}
    message["mqbody"] = async_body(journal.agent.ip, type, id=id, timeout=30)
    stage.asker.publish(message, "cron.scheduler", **properties)
    return {"message-id": "M-" + id, "queue": id, "keyless": None}[form]


def wait_settled(stage, *daemons):
    """All deliveries are acknowledged: nothing is left when the schedulers have gone."""
    for daemon in daemons:
        assert daemon.terminate() == 0
    assert stage.asker.waiting() == 0


def result_of(message):
    return message.json["mqbody"]["result"]


# A scheduler dies


@pytest.mark.parametrize("form", ["flat", "queue", "message-id", "keyless"])
def test_p1_p2_redelivered_job_has_its_key_and_runs_once(stage, journal, form):
    first = stage.scheduler({"mq.ackTimeout": 100})
    wait_known(stage, journal)
    results, id = stage.asker.inbox("scheduler.cron", "scheduler.queue"), new_id()
    key = submit(stage, journal, form, id)
    record = journal.record()
    assert record.ins.execution and key in (None, record.ins.execution)
    assert not record.ins.seenWithin
    first.kill()
    second = stage.scheduler({"mq.ackTimeout": 100})
    calls = wait_until(lambda: len(journal.agent.async_jobs) > 1 and journal.agent.async_jobs, "sent again")
    assert calls[-1].origin != record.ins.origin
    if key:
        assert calls[-1].execution == key and not calls[-1].seenWithin
    else:
        assert calls[-1].seenWithin == 160
    assert len(journal.records) == 1
    journal.end(record)
    assert journal.report(record) == "success"
    assert result_of(results.take())["worker_message"] == "done"
    results.stays_empty(0.5)
    wait_settled(stage, second)


def test_state_2_the_result_on_its_way_is_published_once(stage, journal):
    first = stage.scheduler()
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.queue")
    submit(stage, journal, "queue", new_id())
    record = journal.record()
    first.kill()
    journal.end(record)
    second = stage.scheduler()
    assert result_of(results.take())["worker_message"] == "done"
    results.stays_empty(0.5)
    wait_settled(stage, second)


def test_p3_state_3_is_acknowledged_and_not_published(stage, journal):
    first = stage.scheduler()
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.queue")
    submit(stage, journal, "queue", new_id())
    record = journal.record()
    first.kill()
    record.state = TAKEN
    second = stage.scheduler()
    wait_until(lambda: len(journal.agent.async_jobs) > 1, "sent again")
    results.stays_empty(0.5)
    wait_settled(stage, second)


def test_sync_job_without_id_is_not_run_again(stage, journal):
    first = stage.scheduler()
    wait_known(stage, journal)
    release = threading.Event()
    before = len(journal.agent.sync_calls)
    journal.agent.on_sync = lambda ins: (release.wait(20), journal.agent.reply(ins))[1]
    inbox = stage.asker.inbox()
    body = job_body(journal.agent.ip, timeout=20)
    stage.asker.later("syncJob", body, reply_to=inbox.name, delivery_mode=2)
    wait_until(lambda: len(journal.agent.sync_calls) > before, "the call is at the agent")
    first.kill()
    second = stage.scheduler()
    reply = inbox.take().json["mqbody"]
    assert reply["flag"] == "false" and reply["reason"] == "outcome-unknown", reply
    release.set()
    assert len(journal.agent.sync_calls) == before + 1
    wait_settled(stage, second)


def test_sync_job_with_id_is_asked_for_again(stage, journal):
    first = stage.scheduler()
    wait_known(stage, journal)
    release = threading.Event()
    before = len(journal.agent.sync_calls)
    journal.agent.on_sync = lambda ins: (release.wait(20), journal.agent.reply(ins, result="same"))[1]
    id = new_id()
    inbox = stage.asker.inbox(id)
    members = flat_members({"agent_ip": journal.agent.ip, "timeout": 20})
    stage.asker.flat(id=id, properties={"delivery_mode": 2}, **members)
    wait_until(lambda: len(journal.agent.sync_calls) > before, "the call is at the agent")
    first.kill()
    second = stage.scheduler()
    wait_until(lambda: len(journal.agent.sync_calls) > before + 1, "the call is there again")
    assert {ins.execution for ins in journal.agent.sync_calls[before:]} == {id}
    release.set()
    assert inbox.take().json["data"]["worker_message"] == "same"
    inbox.stays_empty()
    wait_settled(stage, second)


def test_agent_without_journal_at_most_once(stage):
    first = stage.scheduler()
    agent = stage.fake_agent()
    wait_reached(stage, agent)
    results = stage.asker.inbox("scheduler.queue")
    stage.asker.cast(async_body(agent.ip, "queue", timeout=30), "queue")
    wait_until(lambda: agent.async_jobs, "the job is at the agent")
    time.sleep(0.3)  # the acknowledgement is on its way
    first.kill()
    second = stage.scheduler()
    stays(lambda: len(agent.async_jobs) == 1, "it is not sent again", 0.5)
    agent.scheduler = ("127.0.0.1", second.port)
    assert agent.finish(agent.async_jobs[0], result="done") == "success"
    assert result_of(results.take())["worker_message"] == "done"
    results.stays_empty()
    wait_settled(stage, second)


def test_p4_job_that_may_have_been_sent_to_an_agent_without_journal_is_unknown(stage):
    agent = stage.fake_agent()  # before the scheduler, which then knows it when it begins to consume
    first = stage.scheduler(environment={"ELVES_CRASH": "after-send"})
    first.expected = (0, -9)
    results = stage.asker.inbox("scheduler.queue")
    stage.asker.cast(async_body(agent.ip, "queue", timeout=30), "queue")
    first.wait()
    second = stage.scheduler()
    failure = results.take().json["mqbody"]
    assert failure["flag"] == "false" and failure["reason"] == "outcome-unknown", failure
    assert len(agent.async_jobs) == 1
    wait_settled(stage, second)


# Two schedulers


def test_p3_result_is_taken_by_the_scheduler_that_has_the_message(stage, journal):
    settings = {"job.recheck": 1}
    holder = stage.scheduler(settings)
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.queue")
    submit(stage, journal, "queue", new_id())
    record = journal.record()
    assert record.ins.held
    other = stage.scheduler(settings)
    journal.end(record)
    assert journal.report(record, f"127.0.0.1:{other.port}") == "not held"
    assert result_of(results.take())["worker_message"] == "done"
    assert len(journal.questions) > 0, "the holder asked"
    results.stays_empty(1)
    wait_settled(stage, holder, other)


def test_result_that_reaches_the_other_scheduler_is_published_once(stage, journal):
    """Of an agent that says nothing of held messages, as one whose scheduler knew nothing of them."""
    settings = {"job.recheck": 1}
    holder = stage.scheduler(settings)
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.queue")
    submit(stage, journal, "queue", new_id())
    record = journal.record()
    other = stage.scheduler(settings)
    record.ins.held = None
    journal.end(record)
    assert journal.report(record, f"127.0.0.1:{other.port}") == "success"
    assert result_of(results.take())["worker_message"] == "done"
    wait_until(lambda: len(journal.questions) > 0, "the holder asks")
    results.stays_empty(1)
    wait_settled(stage, holder, other)


def test_result_that_cannot_reach_the_holder_goes_to_the_other_scheduler(stage, journal):
    """The agent is asked and answers, but its reports get nowhere: the message goes to the other."""
    settings = {"job.recheck": 1}
    holder = stage.scheduler(settings)
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.queue")
    submit(stage, journal, "queue", new_id())
    record = journal.record()
    blocked, report = record.origin, journal.report
    journal.report = lambda record, to=None: None if record.origin == blocked else report(record, to)
    other = stage.scheduler(settings)
    journal.end(record)
    assert result_of(results.take(timeout=30))["worker_message"] == "done"
    assert record.origin == f"127.0.0.1:{other.port}"
    results.stays_empty(1)
    wait_settled(stage, holder, other)


@pytest.mark.slow
@pytest.mark.parametrize("schedulers", [1, 2])
def test_long_job_outlives_the_ack_timeout(stage, journal, schedulers):
    """A job of 10 s with mq.ackTimeout of 1 s, as one of hours with the usual one."""
    settings = {"mq.ackTimeout": 1, "job.recheck": 3}
    daemons = [stage.scheduler(settings) for _ in range(schedulers)]
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.cron")
    submit(stage, journal, "keyless", new_id())
    record = journal.record()
    stays(lambda: len(journal.records) == 1, "started once", 10)
    assert len(journal.questions) >= 1
    journal.end(record)
    # While the message goes round nobody takes it.
    wait_until(lambda: journal.report(record) == "success", "the scheduler that has the message takes it", 30)
    assert result_of(results.take())["worker_message"] == "done"
    results.stays_empty(3.5)
    assert len(journal.records) == 1
    wait_settled(stage, *daemons)


# Agents come and go


def test_lost_call_to_a_journal_agent_is_made_again(stage, journal):
    daemon = stage.scheduler({"retry.first": 50})
    wait_known(stage, journal)
    lost = []

    def lose_the_first_answer(calls):
        answers = Journal.on_async(journal, calls)
        if not lost:
            lost.append(answers)
            raise CloseConnection()
        return answers

    journal.agent.on_async = lose_the_first_answer
    results = stage.asker.inbox("scheduler.cron")
    submit(stage, journal, "keyless", new_id())
    wait_until(lambda: len(journal.agent.async_jobs) == 2, "asked again")
    assert len({ins.execution for ins in journal.agent.async_jobs}) == 1
    record = journal.record()
    journal.end(record)
    journal.report(record)
    assert result_of(results.take())["worker_message"] == "done"
    results.stays_empty()
    wait_settled(stage, daemon)


def test_p3_agent_gone_for_good_and_its_late_result(stage, journal):
    daemon = stage.scheduler({"job.recheck": 1, "agents.lostAfter": 1})
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.queue")
    submit(stage, journal, "queue", new_id())
    record = journal.record()
    stage.unregister(journal.agent.ip)
    failure = results.take().json["mqbody"]
    assert failure["flag"] == "false" and failure["reason"] == "agent-lost", failure
    journal.end(record)
    assert journal.report(record) == "success"
    results.stays_empty(0.5)
    assert "given its outcome already" in daemon.log()
    wait_settled(stage, daemon)


@pytest.mark.parametrize("restarted", [False, True])
def test_p3_lost_agent_reports_to_a_scheduler_that_does_not_know(stage, journal, restarted):
    settings = {"job.recheck": 1, "agents.lostAfter": 1}
    daemon = stage.scheduler(settings)
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.queue")
    submit(stage, journal, "queue", new_id())
    record = journal.record()
    stage.unregister(journal.agent.ip)
    assert results.take().json["mqbody"]["reason"] == "agent-lost"
    if restarted:
        daemon.kill()
    other = stage.scheduler(settings)
    stage.register(journal.agent.ip, journal.agent.port, features=["journal"])
    journal.end(record)
    assert journal.report(record, f"127.0.0.1:{other.port}") == "not held"
    results.stays_empty(2)
    wait_settled(stage, *([other] if restarted else [daemon, other]))


def test_agent_that_comes_back_in_time_is_not_lost(stage, journal):
    daemon = stage.scheduler({"job.recheck": 1, "agents.lostAfter": 6})
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.queue")
    submit(stage, journal, "queue", new_id())
    record = journal.record()
    stage.unregister(journal.agent.ip)
    results.stays_empty(2.5)
    stage.register(journal.agent.ip, journal.agent.port, features=["journal"])
    asked = len(journal.questions)
    wait_until(lambda: len(journal.questions) > asked, "asked again")
    journal.end(record)
    journal.report(record)
    assert result_of(results.take())["worker_message"] == "done"
    wait_settled(stage, daemon)


def test_p4_state_4_the_journal_was_lost(stage, journal):
    daemon = stage.scheduler({"job.recheck": 1})
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.queue")
    submit(stage, journal, "queue", new_id())
    journal.record()
    journal.records.clear()
    failure = results.take().json["mqbody"]
    assert failure["reason"] == "outcome-unknown", failure
    assert not journal.records, "a question starts nothing"
    wait_settled(stage, daemon)


def test_agent_without_journal_that_never_reports(stage):
    daemon = stage.scheduler({"job.grace": 1})
    agent = stage.fake_agent()
    wait_reached(stage, agent)
    results = stage.asker.inbox("scheduler.queue")
    stage.asker.cast(async_body(agent.ip, "queue", timeout=1), "queue")
    failure = results.take().json["mqbody"]
    assert failure["reason"] == "outcome-unknown", failure
    assert agent.finish(agent.async_jobs[0]) == "success"
    results.stays_empty()
    wait_settled(stage, daemon)


# Poison


def dead_letters(stage):
    method, properties, body = stage.asker.channel.basic_get(stage.queue + ".dead", auto_ack=True)
    return None if method is None else (properties, body)


def test_message_that_kills_its_schedulers_is_put_aside(stage, journal):
    settings = {"mq.maxAttempts": 2}
    killer = {"ELVES_CRASH": "before-send"}
    daemon = stage.scheduler(settings, environment=killer)
    daemon.expected = (0, -9)
    results, id = stage.asker.inbox("scheduler.queue"), new_id()
    submit(stage, journal, "queue", id)
    daemon.wait()
    killed, answer = 0, None
    while answer is None:
        assert killed < 10
        daemon = stage.scheduler(settings, start=False, environment=killer)
        daemon.expected = (0, -9)
        daemon.start(ready=False)
        answer = wait_until(lambda: results.poll() or not daemon.alive(), "answered, or killed")
        if answer is True:
            killed, answer = killed + 1, None
    assert killed >= 2
    last = daemon
    failure = answer.json["mqbody"]
    assert failure["reason"] == "outcome-unknown" and failure["result"]["id"] == id
    properties, body = wait_until(lambda: dead_letters(stage), "it is in the queue of dead letters")
    assert id.encode() in body and properties.headers["elves-attempts"] == 3
    assert properties.headers["elves-execution"] == id
    assert not journal.records
    wait_settled(stage, last)


def test_message_delivered_often_whose_job_runs_is_no_poison(stage, journal):
    first = stage.scheduler({"mq.maxAttempts": 1})
    wait_known(stage, journal)
    results = stage.asker.inbox("scheduler.queue")
    submit(stage, journal, "queue", new_id())
    record = journal.record()
    first.kill()
    for _ in range(3):
        calls = len(journal.agent.async_jobs)
        daemon = stage.scheduler({"mq.maxAttempts": 1})
        wait_until(lambda: len(journal.agent.async_jobs) > calls, "asked")
        time.sleep(0.2)
        daemon.kill()
    last = stage.scheduler({"mq.maxAttempts": 1})
    wait_until(lambda: journal.questions, "asked before it is put aside")
    journal.end(record)
    journal.report(record, f"127.0.0.1:{last.port}")
    assert result_of(results.take())["worker_message"] == "done"
    results.stays_empty()
    assert dead_letters(stage) is None
    wait_settled(stage, last)


def test_poison_sync_job_is_answered(stage, journal):
    daemon = stage.scheduler()
    wait_known(stage, journal)
    inbox = stage.asker.inbox()
    calls = len(journal.agent.sync_calls)
    stage.asker.later(
        "syncJob", job_body(journal.agent.ip), reply_to=inbox.name, headers={"elves-attempts": 6}
    )
    assert inbox.take().json["mqbody"]["reason"] == "outcome-unknown"
    properties, _ = wait_until(lambda: dead_letters(stage), "it is put aside")
    assert properties.reply_to == inbox.name
    assert len(journal.agent.sync_calls) == calls
    wait_settled(stage, daemon)


# What is seen of it


def test_ctl_says_what_is_promised(stage, journal):
    original = stage.fake_agent()
    daemon = stage.scheduler(start=False)
    answer = run_tool("elvesctl", "--config", daemon.config, "agents")
    rows = {line.split()[0]: line.split() for line in answer.stdout.splitlines()}
    assert "GUARANTEE" in rows["AGENT"], answer.stdout
    assert "journal" in rows[journal.agent.ip]
    assert "at-most-once" in rows[original.ip]


# Retry


def test_retry_reaches_an_agent_that_comes_later(stage):
    stage.scheduler({"retry.first": 200, "retry.cap": 400})
    asker = stage.asker
    agent = stage.fake_agent(register=False)
    inbox = asker.inbox()
    asker.later("syncJob", job_body(agent.ip, retry=10, timeout=20), reply_to=inbox.name)
    time.sleep(0.5)
    stage.register(agent.ip, agent.port)
    assert inbox.take().json["mqbody"]["flag"] == "true"
    assert len(agent.sync_calls) == 1


def test_retry_ends(stage):
    stage.scheduler({"retry.first": 50, "retry.cap": 50})
    started = time.monotonic()
    results = stage.asker.inbox("scheduler.queue")
    stage.asker.cast(async_body(stage.dead_agent(), "queue", retry="2"), "queue")
    failure = results.take().json["mqbody"]
    assert failure["reason"] in ("refused", "not-registered"), failure
    assert time.monotonic() - started < 15


def test_retry_never_repeats_what_may_have_started(stage):
    stage.scheduler({"retry.first": 50})
    agent = stage.fake_agent()
    wait_reached(stage, agent)
    before = len(agent.sync_calls)

    def lose(ins):
        raise CloseConnection()

    agent.on_sync = lose
    reply = stage.asker.call(job_body(agent.ip, retry=5)).json["mqbody"]
    assert reply["reason"] in ("agent-lost", "outcome-unknown"), reply
    stays(lambda: len(agent.sync_calls) == before + 1, "it is not sent again", 0.5)


@pytest.mark.parametrize("retry", [11, -1, "x", [1]])
def test_retry_that_is_none_is_refused(shared, asker, agent, retry):
    reply = asker.call(job_body(agent.ip, retry=retry)).json["mqbody"]
    assert reply["error"] == "[403.9]Request Params (retry) Illegal", reply
    assert not agent.jobs
