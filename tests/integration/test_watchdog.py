"""Connections to the broker that stand and carry nothing: seen, rebuilt, counted. The daemon has no
heartbeat here, so that nothing else can see it."""

import contextlib
import time

import pytest

from support.mq import flat_members
from support.proxy import Proxy
from support.wait import wait_until
from test_status import health, is_healthy, metrics, up

CONSUMER, PUBLISHER = b"elves consumer", b"elves publisher"
SWALLOWED = {"mq.heartbeat": 0, "watchdog.interval": 200, "watchdog.timeout": 1000, "retry.cap": 300}


def rebuilt(daemon, use):
    return metrics(daemon)[f'elves_scheduler_watchdog_rebuilt_total{{use="{use}"}}']


@pytest.fixture
def proxied(stage):
    """A scheduler behind a proxy, and an agent."""
    with contextlib.closing(Proxy(stage.services.mq_host, stage.services.mq_port)) as proxy:
        stage.daemon = stage.scheduler({"mq.ip": "127.0.0.1", "mq.port": proxy.port, **SWALLOWED})
        stage.proxy = proxy
        stage.peer = stage.fake_agent()
        agents = 'elves_scheduler_agents{state="registered"}'
        wait_until(lambda: metrics(stage.daemon)[agents] == 1, "the agent is known")
        wait_until(lambda: is_healthy(stage.daemon), "all is well")
        yield stage
        stage.close()


def test_messages_to_itself_come_back(proxied):
    daemon = proxied.daemon
    wait_until(lambda: metrics(daemon)["elves_scheduler_watchdog_seconds_count"] >= 5, "they do")
    seen = metrics(daemon)
    assert rebuilt(daemon, "consume") == rebuilt(daemon, "publish") == 0
    assert seen["elves_scheduler_deliveries_total"] == 0, "they are no jobs"
    assert seen["elves_scheduler_watchdog_sent_total"] - seen["elves_scheduler_watchdog_seconds_count"] <= 1


@pytest.mark.slow
@pytest.mark.parametrize("use, name", [("consume", CONSUMER), ("publish", PUBLISHER)])
def test_swallowing_connection_is_rebuilt(proxied, use, name):
    daemon = proxied.daemon
    ip = proxied.peer.ip
    assert proxied.asker.flat_sync(agent_ip=ip).json["data"]["agent_sync_flag"] == 1
    proxied.proxy.wire(name).swallow()
    inboxes = []
    for number in range(5):
        id = f"{number:016X}"
        inboxes.append(proxied.asker.inbox(id))
        proxied.asker.flat(id=id, **flat_members({"agent_ip": ip}))

    wait_until(lambda: rebuilt(daemon, use) == 1, "it is seen", 10)
    wait_until(lambda: is_healthy(daemon), "it works again", 10)
    for inbox in inboxes:
        inbox.take(10, "each is answered")
    assert proxied.asker.flat_sync(agent_ip=ip).json["data"]["agent_sync_flag"] == 1
    other = "publish" if use == "consume" else "consume"
    assert rebuilt(daemon, other) == 0, "the one that works is left alone"
    ids = [job.id for job in proxied.peer.jobs]
    assert len(ids) == len(set(ids)), "nothing ran twice"
    assert "connecting anew" in daemon.log()
    time.sleep(1.5)
    assert rebuilt(daemon, use) == 1


@pytest.mark.slow
def test_broker_away_is_not_the_watchdogs_business(faults):
    daemon = faults.scheduler({"watchdog.interval": 100, "watchdog.timeout": 500, "retry.cap": 300})
    wait_until(lambda: is_healthy(daemon), "all is well")
    faults.broker.kill()
    wait_until(lambda: metrics(daemon)[up("consumer")] == 0, "it is noticed")
    time.sleep(2)
    faults.broker.start()
    wait_until(lambda: is_healthy(daemon), "it works again", 40)
    sent = metrics(daemon)["elves_scheduler_watchdog_seconds_count"]
    wait_until(
        lambda: metrics(daemon)["elves_scheduler_watchdog_seconds_count"] >= sent + 3, "it watches on"
    )
    assert rebuilt(daemon, "consume") == rebuilt(daemon, "publish") == 0


def test_no_watchdog(stage):
    daemon = stage.scheduler({"watchdog.interval": 0})
    wait_until(lambda: is_healthy(daemon), "all is well")
    time.sleep(0.3)
    assert metrics(daemon)["elves_scheduler_watchdog_sent_total"] == 0
    assert health(daemon)[0] == 200
