"""Lists between our own scheduler and agent (instructionInvokeList, instructionAnswers), seen by an
independent Thrift on either side; and what is done with a peer that knows only the first interface."""

import collections
import json
import threading
import time

import pytest
from thrift.Thrift import TApplicationException, TMessageType

from support import apps, rpc
from support.fake_agent import FakeAgent, FakeScheduler
from support.mq import job_body
from support.ports import loopback_address
from support.wait import wait_until


class ListClient:
    """What a scheduler does: sends lists one way, reads answers on the same connection."""

    def __init__(self, host, port):
        self.client = rpc.agent_client(host, port)
        self.protocol = self.client.stub._iprot
        self.answers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.transport.close()

    def send(self, *instructs):
        self.client.instructionInvokeList(list(instructs))

    def read(self, count):
        """Reads messages until there are so many answers; (number, monotonic time) of each."""
        times = {}
        while len(times) < count:
            name, type_, _ = self.protocol.readMessageBegin()
            assert (name, type_) == ("instructionAnswers", TMessageType.ONEWAY)
            arguments = rpc.generated().SchedulerService.instructionAnswers_args()
            arguments.read(self.protocol)
            self.protocol.readMessageEnd()
            for answer in arguments.answers:
                assert answer.call not in self.answers, "one answer for each"
                self.answers[answer.call] = answer
                times[answer.call] = time.monotonic()
        return times


class ListAgent(FakeAgent):
    """Takes lists by the generated code; answers on the same connection, last first."""

    def __init__(self, *arguments, **options):
        self.lists = []
        self.current = threading.local()
        super().__init__(*arguments, **options)
        processor = self.processor
        plain = processor._processMap["instructionInvokeList"]

        def keep_protocol(self_, seqid, iprot, oprot):
            self.current.protocol = oprot
            plain(self_, seqid, iprot, oprot)

        processor._processMap["instructionInvokeList"] = keep_protocol

    def instructionInvokeList(self, insList):
        with self.lock:
            self.lists.append(insList)
        protocol = self.current.protocol
        for ins in reversed(insList):
            if ins.param == "never":
                continue
            answer = rpc.generated().Reinstruct(call=ins.call, flag=1, costtime=3, result=f"list {ins.param}")
            protocol.writeMessageBegin("instructionAnswers", TMessageType.ONEWAY, 0)
            rpc.generated().SchedulerService.instructionAnswers_args(answers=[answer]).write(protocol)
            protocol.writeMessageEnd()
        protocol.trans.flush()


class FirstAgent(FakeAgent):
    """Says that it takes lists, and knows only the methods of the first interface."""

    def __init__(self, *arguments, **options):
        self.unknown = 0
        super().__init__(*arguments, **options)
        del self.processor._processMap["instructionInvokeList"]
        plain = self.processor.process

        def count(iprot, oprot):
            before = len(self.jobs)
            plain(iprot, oprot)
            self.unknown += len(self.jobs) == before

        self.processor.process = count


def adopt(stage, kind):
    """A fake agent of that kind, registered as one that takes lists."""
    agent = kind(loopback_address(), stage.agent_port)
    stage.exits.callback(agent.close)
    agent.ip = agent.host
    stage.register(agent.ip, agent.port, features=["lists"])
    return agent


@pytest.fixture
def agent(alone):
    daemon = alone.agent()
    apps.shell(daemon.apps, "echo", "run.sh", *apps.echo_marked())
    apps.shell(daemon.apps, "sleep", "run.sh", 'sleep "$(printf %s "$3" | base64 -d)"', "echo slept")
    return daemon


def run(stage, agent, param):
    """What a sync job answers; None: it failed."""
    answer = stage.asker.call(job_body(agent.ip, param=param), 20).json["mqbody"]
    return answer["result"]["worker_message"] if answer["flag"] == "true" else None


def serve(stage, kind, first):
    """A scheduler, and an agent of that kind that has answered a job; each job was sent once."""
    stage.scheduler()
    agent = adopt(stage, kind)
    wait_until(lambda: run(stage, agent, "0") == first, "the agent is known")
    return agent


def ask(**fields):
    return rpc.instruct(**{"app": "elves", "func": "ping", **fields})


# The agent


def test_no_answer_of_a_list_waits_for_another_one(agent):
    slow = dict(app="sleep", func="f", proxy="run.sh", param="2")
    with ListClient(agent.host, agent.port) as client:
        client.send(
            ask(call=1, wait=True, id="A", execution="k1", **slow),
            ask(call=2, wait=True, param="two"),
            ask(call=3, wait=True, id="C", execution="k3", app="echo", func="f", proxy="run.sh", param="three"),
        )
        client.send(ask(call=4, wait=True, param="four"))
        times = client.read(4)
    assert max(times, key=times.get) == 1, "the slow one is last"
    assert {n: (a.flag, a.ins) for n, a in client.answers.items()} == {n: (1, None) for n in (1, 2, 3, 4)}
    assert client.answers[2].result == "two" and client.answers[4].result == "four"
    assert "slept" in client.answers[1].result and client.answers[1].costtime >= 2000


def test_an_asynchronous_item_is_acknowledged_and_its_result_reported(alone):
    scheduler = alone.fake_scheduler()
    agent = alone.agent({"scheduler.addr": "127.0.0.1", "scheduler.port": scheduler.port})
    with ListClient(agent.host, agent.port) as client:
        client.send(
            ask(call=8, id="Q", type="queue", execution="q1", param="quick"),
            ask(call=9, id="Q", type="queue", execution="q1", param="quick"),
            ask(call=10, id="N", type="cron", param="no key"),
        )
        client.read(3)
    assert {n: (a.flag, a.call) for n, a in client.answers.items()} == {n: (1, n) for n in (8, 9, 10)}
    assert client.answers[8].state == 0 and client.answers[9].state in (1, 2, 3)
    assert client.answers[8].ins.execution == "q1" and client.answers[8].ins.param == ""
    assert client.answers[10].ins.execution, "the agent says by which key it knows the job"
    wait_until(lambda: len(scheduler.results) == 2, "each execution is reported once")
    assert sorted(r.result for r in scheduler.results) == ["no key", "quick"]


def test_the_same_connection_serves_other_calls_too(agent):
    with ListClient(agent.host, agent.port) as client:
        assert client.client.aliveCheck() == "success"
        client.send(ask(call=1, wait=True, param="x"))
        client.read(1)
        assert client.client.instructionInvokeSync(ask(param="y")).result == "y"


def test_answers_for_a_connection_that_is_gone_are_dropped(agent):
    with ListClient(agent.host, agent.port) as client:
        client.send(ask(call=1, wait=True, app="sleep", func="f", proxy="run.sh", param="0.3"))
        client.client.aliveCheck()
    with ListClient(agent.host, agent.port) as client:
        client.send(ask(call=1, wait=True, app="sleep", func="f", proxy="run.sh", param="0.6"))
        client.read(1)
    assert agent.process.poll() is None


def test_many_large_answers_to_a_slow_reader_all_come(agent):
    text = "x" * 100_000

    def send_all(client):
        for first in range(0, 200, 10):
            client.send(*(ask(call=n + 1, wait=True, param=text) for n in range(first, first + 10)))

    with ListClient(agent.host, agent.port) as client:
        sender = threading.Thread(target=send_all, args=(client,))
        sender.start()
        sender.join(0.5)
        assert sender.is_alive(), "an agent whose answers are not read takes no more"
        client.read(200)
        sender.join()
    assert all(answer.result == text for answer in client.answers.values())


# The scheduler


def test_a_scheduler_sends_lists_to_an_agent_that_takes_them(stage):
    agent = serve(stage, ListAgent, "list 0")
    assert run(stage, agent, "two") == "list two"
    assert not agent.jobs, "by lists only"
    assert agent.connection_count == 1
    item = agent.lists[-1][-1]
    assert (item.wait, item.call > 0, item.param) == (True, True, "two")


def test_the_end_of_the_connection_ends_what_was_on_it(stage):
    agent = serve(stage, ListAgent, "list 0")
    seen, inbox = len(agent.lists), stage.asker.inbox()
    stage.asker.later("syncJob", job_body(agent.ip, param="never"), reply_to=inbox.name)
    wait_until(lambda: len(agent.lists) > seen, "it was sent")
    agent.drop_connections()
    assert inbox.take(10).json["mqbody"]["reason"] == "agent-lost"
    assert run(stage, agent, "two") == "list two"


def test_a_call_that_is_not_answered_ends_alone(stage):
    agent = serve(stage, ListAgent, "list 0")
    inbox = stage.asker.inbox()
    stage.asker.later("syncJob", job_body(agent.ip, param="never", timeout=1), reply_to=inbox.name)
    for number in range(5):
        assert run(stage, agent, str(number)) == f"list {number}"
    failure = inbox.take(15).json["mqbody"]
    assert (failure["flag"], failure["reason"]) == ("false", "outcome-unknown")
    assert run(stage, agent, "after") == "list after"


def test_an_agent_that_knows_no_lists_gets_the_first_methods(stage):
    agent = serve(stage, FirstAgent, "0")
    for number in (1, 2, 3):
        assert run(stage, agent, str(number)) == str(number)
    assert [ins.param for ins in agent.sync_calls] == ["0", "1", "2", "3"], "each was started once"
    assert agent.unknown == 1, "and lists are not tried again"


def test_an_agent_that_says_nothing_gets_the_first_methods(stage):
    agent = serve(stage, ListAgent, "list 0")
    stage.register(agent.ip, agent.port, features=[])
    wait_until(lambda: run(stage, agent, "x") == "x", "the scheduler has seen the change")
    seen = len(agent.lists)
    assert run(stage, agent, "y") == "y" and len(agent.lists) == seen


def test_a_real_agent_without_such_a_method_says_so(agent):
    """What the scheduler's fall-back hangs on."""
    with agent.client() as client:
        stub = client.stub
        stub._oprot.writeMessageBegin("instructionInvokeLater", TMessageType.ONEWAY, 7)
        stub._oprot.writeFieldStop()
        stub._oprot.writeMessageEnd()
        stub._oprot.trans.flush()
        name, type_, _ = stub._iprot.readMessageBegin()
        error = TApplicationException()
        error.read(stub._iprot)
    assert type_ == TMessageType.EXCEPTION and error.type == TApplicationException.UNKNOWN_METHOD


# Results


class ListScheduler(FakeScheduler):
    """Takes results in lists, too."""

    def __init__(self, **options):
        self.lists = []
        super().__init__(**options)

    def dataTransportList(self, reinsList):
        with self.lock:
            self.lists.append(reinsList)
        return [self.dataTransport(reins) for reins in reinsList]


class FirstScheduler(FakeScheduler):
    """Knows only the methods of the first interface."""

    def __init__(self, **options):
        super().__init__(**options)
        del self.processor._processMap["dataTransportList"]


def report_to(stage, kind, **settings):
    """A registered scheduler of that kind that says it takes lists, and an agent that knows it."""
    scheduler = kind()
    stage.exits.callback(scheduler.close)
    node = {"host": "127.0.0.1", "port": scheduler.port, "version": "0", "features": ["lists"]}
    stage.kazoo.create(f"{stage.root}/scheduler/0000000001", json.dumps(node).encode(), makepath=True)
    agent = stage.agent({"results.maxList": 7, **settings})
    stage.wait_registered(agent)
    return scheduler, agent


def cast_pings(agent, scheduler, count):
    """So many results, reported at the place of their origin."""
    origin = f"127.0.0.1:{scheduler.port}"
    with agent.client() as client:
        jobs = [ask(id=f"R{n}", type="queue", execution=f"e{n}", param=str(n), origin=origin) for n in range(count)]
        client.instructionInvokeAsync(jobs)
    wait_until(lambda: len(scheduler.results) >= count, "all results are reported")
    assert sorted(int(r.result) for r in scheduler.results) == list(range(count))


def wait_listed(agent, scheduler):
    """The agent may see the scheduler's node later than a job."""

    def reported():
        before = len(scheduler.results)
        with agent.client() as client:
            client.instructionInvokeAsync([ask(type="cron", id="first", origin=f"127.0.0.1:{scheduler.port}")])
        wait_until(lambda: len(scheduler.results) > before, "it is reported")
        return scheduler.lists

    wait_until(reported, "the agent reports by lists")
    scheduler.results.clear()
    scheduler.lists.clear()


def test_results_are_reported_in_lists_to_a_scheduler_that_takes_them(stage):
    scheduler, agent = report_to(stage, ListScheduler)
    wait_listed(agent, scheduler)
    cast_pings(agent, scheduler, 40)
    sizes = [len(results) for results in scheduler.lists]
    assert sum(sizes) == 40 and max(sizes) <= 7 and len(sizes) < 40


def test_a_result_of_a_list_that_is_not_taken_is_reported_again(stage):
    scheduler, agent = report_to(stage, ListScheduler, **{"retry.first": 50, "retry.cap": 200})
    wait_listed(agent, scheduler)
    refused = []

    def refuse_some_once(reins):
        if int(reins.result) % 3 == 0 and reins.result not in refused:
            refused.append(reins.result)
            return "later"
        return "success"

    scheduler.on_result = refuse_some_once
    origin = f"127.0.0.1:{scheduler.port}"
    with agent.client() as client:
        client.instructionInvokeAsync(
            [ask(id=f"R{n}", type="queue", execution=f"e{n}", param=str(n), origin=origin) for n in range(9)]
        )
    wait_until(lambda: len(scheduler.results) >= 12, "three come again")
    counts = collections.Counter(int(r.result) for r in scheduler.results)
    assert counts == {n: 2 if n % 3 == 0 else 1 for n in range(9)}


def test_a_scheduler_that_knows_no_lists_gets_results_one_by_one(stage):
    scheduler, agent = report_to(stage, FirstScheduler)
    cast_pings(agent, scheduler, 20)


def test_a_list_of_results_is_answered_when_the_broker_has_them(stage):
    daemon = stage.scheduler()
    inbox = stage.asker.inbox("scheduler.cron", "scheduler.queue")
    results = [
        rpc.generated().Reinstruct(
            ins=rpc.instruct(id=f"L{n}", type=type, execution=f"L{n}:r"), flag=1, costtime=n, result=str(n)
        )
        for n, type in enumerate(["cron", "queue", "rt", "cron", "cron"])
    ]
    results.append(results[0])
    with rpc.scheduler_client("127.0.0.1", daemon.port) as client:
        assert client.dataTransportList(results) == ["success"] * 6
        assert client.dataTransportList([]) == []
        assert client.aliveCheck() == "success"
    came = [message.json["mqbody"]["result"]["id"] for message in inbox.take_many(4)]
    assert sorted(came) == ["L0", "L1", "L3", "L4"]
    inbox.stays_empty()
