"""A stage: everything one test (or one module) runs, with names that nobody else uses."""

import contextlib
import itertools
import json
import os
import uuid

import pika
from kazoo.client import KazooClient

from . import rpc
from .fake_agent import FakeAgent, FakeProcessor, FakeScheduler
from .mq import Asker
from .ports import free_port, loopback_address
from .process import Daemon
from .queues import Queues
from .wait import wait_until


class Services:
    """Where the broker and ZooKeeper are."""

    def __init__(self, mq_host, mq_port, mq_user, mq_password, zookeeper):
        self.mq_host, self.mq_port = mq_host, int(mq_port)
        self.mq_user, self.mq_password = mq_user, mq_password
        self.zookeeper = zookeeper

    @classmethod
    def from_environment(cls):
        names = ("MQ_HOST", "MQ_PORT", "MQ_USER", "MQ_PASSWORD")
        values = [os.environ.get("ELVES_TEST_" + name) for name in names + ("ZOOKEEPER",)]
        return cls(*values) if all(values) else None

    @classmethod
    def private(cls, broker, zookeeper):
        return cls("127.0.0.1", broker.port, broker.user, broker.password, f"127.0.0.1:{zookeeper.port}")

    def mq_parameters(self):
        return pika.ConnectionParameters(
            self.mq_host,
            self.mq_port,
            "/",
            pika.PlainCredentials(self.mq_user, self.mq_password),
            heartbeat=0,
        )


class Stage:
    def __init__(self, services, folder, registry=True):
        self.services = services
        self.folder = folder
        self.registry = registry
        self.name = "t" + uuid.uuid4().hex[:12]
        self.exchange = self.name
        self.queue = self.name + "-scheduler"
        self.root = "/" + self.name
        self.agent_port = free_port()  # thrift.agent.port: of agents that are dialled
        self.exits = contextlib.ExitStack()
        self.numbers = itertools.count(1)
        self._kazoo = None
        self._asker = None
        self.exits.callback(self._remove_traces)

    def close(self):
        self.exits.close()

    def _remove_traces(self):
        with contextlib.suppress(Exception):
            with contextlib.closing(Asker(self.services, self.exchange, self.queue)) as asker:
                asker.channel.queue_delete(self.queue)
                asker.channel.queue_delete(self.queue + ".dead")
                asker.channel.queue_delete(self.name + "-queue")
                asker.channel.exchange_delete(self.exchange)
        with contextlib.suppress(Exception):
            self.kazoo.delete(self.root, recursive=True)
        if self._kazoo is not None:
            self._kazoo.stop()
            self._kazoo.close()

    # Peers.

    @property
    def kazoo(self):
        if self._kazoo is None:
            self._kazoo = KazooClient(self.services.zookeeper, timeout=10)
            self._kazoo.start(30)
        return self._kazoo

    @property
    def asker(self):
        """Opened at the first use, when the scheduler has declared the exchange."""
        if self._asker is None:
            self._asker = self.new_asker()
        return self._asker

    def new_asker(self):
        asker = Asker(self.services, self.exchange, self.queue)
        self.exits.callback(_close_quietly, asker)
        return asker

    def register(self, ip, port, address=None, **members):
        """Puts the node of an agent into ZooKeeper, as an agent does."""
        node = {"ip": address or ip, "port": port, "asset": ip, "version": "0.1.0", "type": "test"}
        node.update({"apps": {}, "started": 1700000000, "features": []}, **members)
        path = f"{self.root}/agent/{ip}"
        data = json.dumps(node).encode()
        if self.kazoo.exists(path):
            self.kazoo.set(path, data)
        else:
            self.kazoo.create(path, data, ephemeral=True, makepath=True)
        return path

    def unregister(self, ip):
        self.kazoo.delete(f"{self.root}/agent/{ip}")

    def fake_agent(self, register=True, port=None, **options):
        """A fake agent with an address of its own, known to the registry."""
        agent = FakeAgent(loopback_address(), self.agent_port if port is None else port, **options)
        self.exits.callback(agent.close)
        agent.ip = agent.host
        if register and self.registry:
            self.register(agent.ip, agent.port)
        return agent

    def dead_agent(self):
        """The ip of a registered agent at whose port nobody listens."""
        ip = loopback_address()
        if self.registry:
            self.register(ip, self.agent_port)
        return ip

    def fake_scheduler(self, **options):
        scheduler = FakeScheduler(**options)
        self.exits.callback(scheduler.close)
        return scheduler

    def fake_processor(self, **options):
        processor = FakeProcessor(**options)
        self.exits.callback(processor.close)
        return processor

    # Daemons.

    def scheduler_settings(self, overrides=None):
        settings = {
            "mq.ip": self.services.mq_host,
            "mq.port": self.services.mq_port,
            "mq.user": self.services.mq_user,
            "mq.password": self.services.mq_password,
            "mq.exchange": self.exchange,
            "mq.queue": self.queue,
            "thrift.scheduler.listen": "127.0.0.1",
            "thrift.scheduler.port": free_port(),
            "thrift.agent.port": self.agent_port,
            "thrift.outTime": 3000,
            "metrics.port": free_port(),
            "shutdown.timeout": 8,
            "zookeeper.enabled": str(self.registry).lower(),
        }
        if self.registry:
            settings["zookeeper.host"] = self.services.zookeeper
            settings["zookeeper.root"] = self.root
            settings["zookeeper.outTime"] = 4000
        settings.update(overrides or {})
        return settings

    def scheduler(self, settings=None, start=True, arguments=(), environment=None):
        """A scheduler that serves; settings: {"key": value} over the usual ones."""
        merged = self.scheduler_settings(settings)
        folder = self.folder / f"scheduler-{next(self.numbers)}"
        daemon = Daemon("elves-scheduler", folder, merged, arguments, environment)
        daemon.port = int(merged["thrift.scheduler.port"])
        daemon.status_port = int(merged["metrics.port"])
        return self._adopt(daemon, start)

    def queue_settings(self, store_url, overrides=None):
        settings = {
            "mq.ip": self.services.mq_host,
            "mq.port": self.services.mq_port,
            "mq.user": self.services.mq_user,
            "mq.password": self.services.mq_password,
            "mq.exchange": self.exchange,
            "mq.queue": self.name + "-queue",
            "store.url": store_url,
            "retry.cap": 1000,
            "metrics.port": free_port(),
        }
        settings.update(overrides or {})
        return settings

    def queue_daemon(self, store_url, settings=None, start=True, arguments=(), environment=None):
        """An elves-queue that serves."""
        merged = self.queue_settings(store_url, settings)
        folder = self.folder / f"queue-{next(self.numbers)}"
        daemon = Daemon("elves-queue", folder, merged, arguments, environment)
        daemon.status_port = int(merged["metrics.port"])
        return self._adopt(daemon, start)

    def queues(self):
        """Who asks it, once it has declared the exchange."""
        asker = Queues(self.services, self.exchange)
        self.exits.callback(_close_quietly, asker)
        return asker

    def agent_settings(self, overrides=None):
        folder = self.folder / "agent"
        ip = loopback_address()
        settings = {
            "agent.ip": ip,
            "agent.listen": ip,
            "agent.port": self.agent_port,
            "apps.dir": folder / "apps",
            "apps.allowed": "*",
            "run.dir": folder / "run",
            "shutdown.timeout": 5,
            "metrics.port": free_port(),
            "zookeeper.enabled": str(self.registry).lower(),
        }
        if self.registry:
            settings["zookeeper.host"] = self.services.zookeeper
            settings["zookeeper.root"] = self.root
            settings["zookeeper.outTime"] = 4000
        settings.update(overrides or {})
        return settings

    def agent(self, settings=None, start=True, arguments=(), environment=None, prefix=()):
        """A real agent on a loopback address of its own."""
        merged = self.agent_settings(settings)
        for key in ("apps.dir", "run.dir"):
            os.makedirs(merged[key], exist_ok=True)
        folder = self.folder / f"agent-{next(self.numbers)}"
        merged.setdefault("journal.dir", folder / "journal")
        daemon = Daemon("elves-agent", folder, merged, arguments, environment, prefix=prefix)
        daemon.ip, daemon.host = merged["agent.ip"], merged["agent.listen"]
        daemon.port = int(merged["agent.port"])
        daemon.status_port = int(merged["metrics.port"])
        daemon.apps = merged["apps.dir"]
        daemon.client = lambda **options: rpc.agent_client(daemon.host, daemon.port, **options)
        return self._adopt(daemon, start)

    def _adopt(self, daemon, start):
        self.exits.callback(daemon.close)
        return daemon.start() if start else daemon

    # What is there.

    def schedulers(self):
        path = f"{self.root}/scheduler"
        if not self.kazoo.retry(self.kazoo.exists, path):
            return []
        return sorted(self.kazoo.retry(self.kazoo.get_children, path))

    def wait_registered(self, agent):
        path = f"{self.root}/agent/{agent.ip}"
        wait_until(lambda: self.kazoo.exists(path), f"{path} stands")


def _close_quietly(asker):
    with contextlib.suppress(Exception):
        asker.close()
