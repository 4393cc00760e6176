"""The broker and ZooKeeper go away and come back in mid-flow: the flow goes on by itself."""

import collections
import json
import threading
import time

import pytest

from support.mq import async_body, flat_async_members, new_id
from support.wait import wait_until
from test_scheduler_faults import wait_reached


class Flow(threading.Thread):
    """Publishes async jobs all the time and collects their results, through every broker outage."""

    def __init__(self, stage, ip):
        super().__init__(daemon=True)
        self.stage, self.ip = stage, ip
        self.published, self.results = [], collections.Counter()
        self.publishing, self.running = True, True
        self.queue = "results-" + new_id()

    def run(self):
        while self.running:
            try:
                self.session()
            except Exception:  # the broker is away: again
                time.sleep(0.1)

    def session(self):
        asker = self.stage.new_asker()
        asker.channel.confirm_delivery()
        asker.channel.queue_declare(self.queue, durable=True)
        asker.channel.queue_bind(self.queue, asker.exchange, "scheduler.queue")
        while self.running:
            if self.publishing:
                id = new_id()
                body = async_body(self.ip, "queue", id=id, timeout=30)
                message = {"mqkey": "queue.scheduler.asyncJob", "mqtype": "cast", "mqbody": body}
                asker.publish(message, "queue.scheduler", delivery_mode=2)
                self.published.append(id)
            for _ in range(20):
                method, _, body = asker.channel.basic_get(self.queue)
                if method is None:
                    break
                self.results[json.loads(body)["mqbody"]["result"]["id"]] += 1
                # Only now: what the broker takes for delivered may be lost with the connection.
                asker.channel.basic_ack(method.delivery_tag)
            time.sleep(0.01)

    def finish(self):
        """Stops publishing and waits until every confirmed job has its result."""
        self.publishing = False
        wait_until(
            lambda: set(self.published) <= set(self.results),
            "every job has a result",
            40,
        )
        self.running = False
        self.join(10)


def start_flow(stage):
    stage.daemon = stage.scheduler({"retry.cap": 1000, "mq.prefetch": 20})
    agent = stage.fake_agent()
    wait_reached(stage, agent)

    def finish(_):
        time.sleep(0.05)
        return {}

    agent.auto_finish = finish
    flow = Flow(stage, agent.ip)
    flow.start()
    wait_until(lambda: len(flow.results) > 20, "jobs flow")
    return flow


@pytest.mark.slow
@pytest.mark.parametrize("way", ["stop", "kill"])
def test_broker_restart_in_mid_flow(faults, way):
    flow = start_flow(faults)
    getattr(faults.broker, way)()
    time.sleep(0.5)
    faults.broker.start()
    count = len(flow.results)
    wait_until(lambda: len(flow.results) > count + 20, "the flow goes on by itself", 40)
    flow.finish()
    assert faults.daemon.alive()


def test_e16_broker_restart_keeps_topology(faults):
    faults.scheduler({"retry.cap": 500}).terminate()
    faults.broker.stop()
    faults.broker.start()
    asker = faults.new_asker()
    asker.channel.exchange_declare(faults.exchange, "topic", passive=True)
    asker.channel.queue_declare(faults.queue, passive=True)
    asker.publish({"mqkey": "x"}, "any.scheduler")
    wait_until(lambda: asker.waiting() == 1, "the binding is there")


@pytest.mark.slow
def test_zookeeper_restart_in_mid_flow(faults):
    flow = start_flow(faults)
    faults.zookeeper.stop()
    count = len(flow.results)
    wait_until(lambda: len(flow.results) > count + 20, "jobs go on with the last known list")
    faults.zookeeper.start()
    wait_until(faults.schedulers, "the scheduler is registered", 30)
    newcomer = faults.fake_agent()
    wait_reached(faults, newcomer)
    flow.finish()


@pytest.mark.slow
def test_queue_deleted_under_the_scheduler_is_declared_again(stage):
    stage.scheduler({"retry.cap": 500})
    agent = stage.fake_agent()
    wait_reached(stage, agent)
    stage.asker.channel.queue_delete(stage.queue)

    def served():
        inbox = stage.asker.inbox(id := new_id())
        stage.asker.flat(id=id, **flat_async_members(agent_ip=agent.ip, timeout=5))
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            if inbox.poll():
                return True
            time.sleep(0.02)
        return False

    wait_until(served, "the queue is back", 15)
