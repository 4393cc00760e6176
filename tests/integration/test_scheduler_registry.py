"""Topology on the broker, presence in ZooKeeper, and the table of agents."""

import json
import re
import time

import pika
import pytest

from support.mq import async_body, job_body, new_id
from support.ports import loopback_address
from support.wait import stays, wait_until


def reached(stage, ip, **body):
    return stage.asker.call(job_body(ip, **body)).json["mqbody"]


def wait_reached(stage, ip):
    wait_until(lambda: reached(stage, ip)["flag"] == "true", f"the scheduler reaches {ip}")


# Topology


def test_e16_exchange_queue_and_binding(stage):
    stage.scheduler()
    channel = stage.asker.connection.channel()
    channel.exchange_declare(stage.exchange, "topic", durable=True)  # other attributes: refused
    channel.queue_declare(stage.queue, passive=True)
    channel.queue_declare(stage.queue, durable=True)
    for key in ("openapi.scheduler", "cron.scheduler", "any.scheduler"):
        agent = stage.fake_agent(port=0)
        wait_reached(stage, agent.ip)
        count = len(agent.jobs)
        stage.asker.publish(
            {"mqkey": "openapi.scheduler.syncJob", "mqtype": "call", "mqbody": job_body(agent.ip)}, key
        )
        wait_until(lambda: len(agent.jobs) == count + 1, f"{key} is routed to the queue")


def test_e16_names_of_the_interface_are_the_defaults(faults):
    """Without mq.exchange and mq.queue: elves and scheduler, on a broker of our own."""
    settings = faults.scheduler_settings()
    del settings["mq.exchange"], settings["mq.queue"]
    faults.exchange, faults.queue = "elves", "scheduler"
    daemon = faults.scheduler(start=False)
    daemon.config.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
    daemon.start()
    channel = faults.asker.connection.channel()
    channel.exchange_declare("elves", "topic", durable=True)
    channel.queue_declare("scheduler", durable=True)


@pytest.mark.slow
def test_e16_quorum_queue_by_configuration(stage):
    stage.scheduler({"mq.queueType": "quorum"})
    channel = stage.asker.connection.channel()
    channel.queue_declare(stage.queue, durable=True, arguments={"x-queue-type": "quorum"})
    agent = stage.fake_agent()
    wait_reached(stage, agent.ip)


def test_e16_queue_of_another_kind_is_said_in_the_log(stage):
    asker = stage.new_asker()
    asker.channel.queue_declare(stage.queue, durable=True, arguments={"x-max-length": 10})
    daemon = stage.scheduler(start=False).start(ready=False)
    wait_until(
        lambda: "PRECONDITION" in daemon.log() or "inequivalent" in daemon.log() or not daemon.alive(),
        "the broker's refusal is in the log",
    )
    assert "inequivalent" in daemon.log() or "PRECONDITION" in daemon.log()
    daemon.expected = (0, 1)
    if daemon.alive():
        daemon.terminate()
    stage.asker.channel.queue_delete(stage.queue)


# The seed's configuration


SEED_TEXT = """\
#zookeeper config
zookeeper.host=192.168.6.117
zookeeper.outTime=10000
zookeeper.root = /elves

#mq config
mq.ip=192.168.6.117
mq.port=5672
mq.user=root
mq.password=root
"""


def test_e17_file_of_the_first_documents_starts_the_scheduler(faults):
    """Its text unchanged; only where the servers of this test are comes from the environment."""
    zookeeper_host, zookeeper_port = faults.services.zookeeper.split(":")
    environment = {
        "ELVES_MQ_IP": faults.services.mq_host,
        "ELVES_MQ_PORT": str(faults.services.mq_port),
        "ELVES_ZOOKEEPER_HOST": f"{zookeeper_host}:{zookeeper_port}",
        "ELVES_THRIFT_SCHEDULER_PORT": str(faults.scheduler_settings()["thrift.scheduler.port"]),
    }
    faults.exchange, faults.queue, faults.root = "elves", "scheduler", "/elves"
    daemon = faults.scheduler(start=False, environment=environment)
    daemon.config.write_text(SEED_TEXT)
    daemon.start()
    assert len(faults.schedulers()) == 1
    agent = faults.fake_agent(port=0)
    wait_reached(faults, agent.ip)


# Presence


def node(stage):
    (name,) = stage.schedulers()
    return name, *stage.kazoo.get(f"{stage.root}/scheduler/{name}")


@pytest.mark.slow
def test_e18_sequential_ephemeral_node(stage):
    daemon = stage.scheduler()
    wait_until(stage.schedulers, "the node stands")
    name, data, stat = node(stage)
    assert re.match(r"^\d{10}$", name)
    assert stat.ephemeralOwner != 0
    content = json.loads(data)
    assert {"host", "port", "version", "started"} <= set(content)
    assert (content["host"], content["port"]) == ("127.0.0.1", daemon.port)
    assert stage.kazoo.exists(f"{stage.root}/scheduler").ephemeralOwner == 0
    stays(lambda: stage.schedulers() == [name], "the node stands", 3)
    second = stage.scheduler()
    wait_until(lambda: len(stage.schedulers()) == 2, "two instances, two nodes")
    assert second.terminate() == 0
    assert stage.schedulers() == [name], "an orderly end takes the node away at once"


@pytest.mark.slow
@pytest.mark.parametrize("session_ms", [2000, 10000])
def test_e18_node_goes_after_kill_9_in_about_the_session_time(stage, session_ms):
    daemon = stage.scheduler({"zookeeper.outTime": session_ms})
    wait_until(stage.schedulers, "the node stands")
    daemon.kill()
    killed = time.monotonic()
    stays(stage.schedulers, "the node stands until the session ends", session_ms / 1000 * 0.4)
    wait_until(lambda: not stage.schedulers(), "the node is gone", session_ms / 1000 + 8, 0.05)
    assert time.monotonic() - killed < session_ms / 1000 * 1.4 + 5


@pytest.mark.slow
def test_e18_expired_session_is_replaced(stage):
    """The process sleeps longer than its session: afterwards a new node, with a higher number."""
    daemon = stage.scheduler({"zookeeper.outTime": 1000})
    (first,) = wait_until(stage.schedulers, "the node stands")
    daemon.process.send_signal(19)  # SIGSTOP
    try:
        wait_until(lambda: not stage.schedulers(), "the session has ended", 10)
    finally:
        daemon.process.send_signal(18)  # SIGCONT
    (second,) = wait_until(stage.schedulers, "a new node stands", 15)
    assert int(second) > int(first)
    agent = stage.fake_agent()
    wait_reached(stage, agent.ip)


# Several schedulers


@pytest.mark.slow
def test_e19_two_schedulers_share_100_jobs_none_twice(stage):
    daemons = [stage.scheduler({"mq.prefetch": 5}) for _ in range(2)]
    agent = stage.fake_agent()
    agent.auto_finish = lambda ins: {"result": ins.param}
    wait_until(lambda: all(reached(stage, agent.ip)["flag"] == "true" for _ in range(4)), "both know it")
    results = stage.asker.inbox("scheduler.queue")
    ids = [new_id() for _ in range(100)]
    for id in ids:
        stage.asker.cast(async_body(agent.ip, "queue", id=id), "queue")
    seen = [m.json["mqbody"]["result"]["id"] for m in results.take_many(100)]
    assert sorted(seen) == sorted(ids)
    assert sorted(ins.id for ins in agent.async_jobs) == sorted(ids)
    origins = {ins.origin for ins in agent.async_jobs}
    assert origins == {f"127.0.0.1:{daemon.port}" for daemon in daemons}, "both took part"
    results.stays_empty(0.3)


# The table of agents


def test_unregistered_ip_fails_within_a_second(stage, stopwatch):
    stage.scheduler()
    asker = stage.asker
    stopwatch()
    body = reached(stage, "10.255.255.1")
    assert stopwatch() < 1
    assert (body["flag"], body["error"]) == ("false", "[410.0]Send Job To Agent Fail")
    assert body["reason"] == "not-registered"
    flat = asker.flat_sync(agent_ip="10.255.255.1").json
    assert (flat["mqflag"], flat["data"]["reason"]) == ("0", "not-registered")
    inbox = asker.inbox("scheduler.cron")
    stopwatch()
    asker.cast(async_body("10.255.255.1", "cron"), "cron")
    failure = inbox.take().json["mqbody"]
    assert stopwatch() < 1
    assert failure["error"] == "[410.1]Send Job To Agent Fail"
    assert "not-registered" in json.dumps(failure)


def test_agents_come_move_and_go(stage):
    stage.scheduler()
    first, second = stage.fake_agent(register=False, port=0), stage.fake_agent(register=False, port=0)
    ip = first.ip
    assert reached(stage, ip)["flag"] == "false"
    stage.register(ip, first.port)
    wait_reached(stage, ip)
    count = len(first.jobs)
    stage.register(ip, second.port, address=second.host)  # the data of a node changes
    wait_until(lambda: reached(stage, ip)["flag"] == "true" and second.jobs, "calls go to the new place")
    assert len(first.jobs) >= count
    stage.unregister(ip)
    wait_until(lambda: reached(stage, ip).get("reason") == "not-registered", "the agent is forgotten")


def test_agents_that_were_there_before_are_known(stage):
    agents = [stage.fake_agent(port=0) for _ in range(20)]
    stage.scheduler()
    for agent in agents:
        assert reached(stage, agent.ip)["flag"] == "true"


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b"[]", b'{"port":"x"}', b'{"ip":7,"port":70000}', b'{"port":-1}', b"\xff\xfe\x00", b"[" * 50000],
    ids=["empty", "half", "null", "array", "port-text", "port-high", "port-low", "bytes", "deep"],
)
def test_node_with_garbage_harms_only_itself(stage, data):
    stage.scheduler()
    ip = loopback_address()
    stage.kazoo.create(f"{stage.root}/agent/{ip}", data, ephemeral=True, makepath=True)
    good = stage.fake_agent()
    wait_reached(stage, good.ip)
    assert reached(stage, ip)["flag"] == "false"


def test_unregistered_ip_is_dialled_when_configured(stage):
    stage.scheduler({"agents.unregistered": "dial"})
    agent = stage.fake_agent(register=False)
    assert reached(stage, agent.ip)["flag"] == "true"


def test_without_zookeeper_no_connection_is_tried(dial_stage):
    daemon = dial_stage.scheduler({"zookeeper.host": "127.0.0.1:1"})
    agent = dial_stage.fake_agent()
    assert reached(dial_stage, agent.ip)["flag"] == "true"
    assert "127.0.0.1:1 " not in daemon.log()


def test_scheduler_starts_before_zookeeper_and_broker(faults):
    faults.broker.stop()
    faults.zookeeper.stop()
    daemon = faults.scheduler({"retry.cap": 500}, start=False).start(ready=False)
    time.sleep(1)
    assert daemon.alive(), daemon.log()
    faults.zookeeper.start()
    faults.broker.start()
    daemon.wait_ready(30)
    agent = faults.fake_agent()
    wait_reached(faults, agent.ip)
    assert isinstance(faults.asker.connection, pika.BlockingConnection)
