"""The scheduler's no-op through the broker, an agent and back: what it reaches, and what it counts."""

import contextlib

import pytest

from support.proxy import Proxy
from support.wait import wait_until
from test_status import metrics

QUICK = {"canary.interval": 100, "canary.timeout": 1000}
HOPS = ("total", "out", "agent", "back")
STEPS = ("out", "agent", "back")


def count(daemon, hop="total"):
    return metrics(daemon)[f'elves_scheduler_canary_seconds_count{{hop="{hop}"}}']


def failures(daemon, step):
    return metrics(daemon)[f'elves_scheduler_canary_failures_total{{step="{step}"}}']


def our_agent(stage):
    """One that says it is of our own kind."""
    agent = stage.fake_agent(register=False)
    stage.register(agent.ip, agent.port, type="elves-c")
    return agent


def test_it_comes_back_and_says_how_long_it_took(stage):
    stage.daemon = stage.scheduler(QUICK)
    agent = our_agent(stage)
    wait_until(lambda: count(stage.daemon) >= 3, "it comes back")
    seen = metrics(stage.daemon)
    assert [failures(stage.daemon, step) for step in STEPS] == [0, 0, 0]
    assert seen["elves_scheduler_canary_last_microseconds"] > 0
    sums = [seen[f'elves_scheduler_canary_seconds_sum{{hop="{hop}"}}'] for hop in HOPS]
    assert sums[0] >= sum(sums[1:]) > 0
    assert {(job.app, job.func) for job in agent.jobs} == {("elves", "ping")}
    assert seen["elves_scheduler_deliveries_total"] == 0, "it is no job"


def test_agents_of_others_are_left_alone(stage):
    stage.daemon = stage.scheduler(QUICK)
    foreign = stage.fake_agent()
    agent = our_agent(stage)
    wait_until(lambda: count(stage.daemon) >= 5, "it comes back")
    assert foreign.jobs == []
    assert len(agent.jobs) >= 5


def test_dead_agent_is_counted_and_logged_once(stage):
    stage.daemon = stage.scheduler(QUICK)
    agent = our_agent(stage)
    wait_until(lambda: count(stage.daemon) >= 1, "it comes back")
    agent.close()
    wait_until(lambda: failures(stage.daemon, "agent") >= 3, "it is seen")
    assert [failures(stage.daemon, step) for step in ("out", "back")] == [0, 0]
    assert stage.daemon.log().count("the canary did not come back") == 1
    came_back = count(stage.daemon)
    stage.unregister(agent.ip)
    our_agent(stage)
    wait_until(lambda: count(stage.daemon) > came_back, "it comes back from another agent")
    assert "the canary comes back again" in stage.daemon.log()


@pytest.mark.slow
def test_broker_that_swallows_is_seen(stage):
    with contextlib.closing(Proxy(stage.services.mq_host, stage.services.mq_port)) as proxy:
        settings = {"mq.ip": "127.0.0.1", "mq.port": proxy.port, "mq.heartbeat": 0, "watchdog.interval": 0}
        stage.daemon = stage.scheduler({**settings, **QUICK})
        our_agent(stage)
        wait_until(lambda: count(stage.daemon) >= 1, "it comes back")
        proxy.wire(b"elves publisher").swallow()
        wait_until(lambda: failures(stage.daemon, "out") + failures(stage.daemon, "back") >= 2, "it is seen", 20)
        unconfirmed = metrics(stage.daemon)["elves_scheduler_unconfirmed"]
        assert unconfirmed <= 2, "one round's; an outage gathers no messages"
        stage.close()


def test_off(stage):
    stage.daemon = stage.scheduler({"canary.interval": 0, "watchdog.interval": 100})
    agent = our_agent(stage)
    wait_until(lambda: metrics(stage.daemon)["elves_scheduler_watchdog_seconds_count"] >= 5, "time passes")
    assert metrics(stage.daemon)["elves_scheduler_canary_sent_total"] == 0
    assert agent.jobs == []


def test_without_a_watchdog(stage):
    stage.daemon = stage.scheduler({**QUICK, "watchdog.interval": 0})
    our_agent(stage)
    wait_until(lambda: count(stage.daemon) >= 2, "it comes back")
