"""All that runs: a broker, a ZooKeeper, two schedulers, three agents with a journal and one without,
and a proxy before each of these; an elves-queue, an elves-cron and an elves-openapi.

An agent is known by 127.0.0.N, where its proxy listens; it listens on 127.0.1.N itself. A scheduler
advertises 127.0.3.N, where its proxy listens, and listens on 127.0.2.N. So no daemon knows of a proxy.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time

from services import Broker, Group, Port, ZooKeeper

from .executions import Executions, processes_below
from .proxy import Loop, Proxy

HERE = os.path.dirname(os.path.abspath(__file__))
SESSION_MS = 4000  # zookeeper.outTime: a longer pause ends the session
LOST_AFTER_S = 10  # agents.lostAfter

# Keys that only newer builds know: asked for by --check-config.
SCHEDULER_EXTRAS = {
    "mq.ackTimeout": 10,
    "agents.lostAfter": LOST_AFTER_S,
    "job.recheck": 3,
    "job.grace": 15,
    "metrics.port": None,
}
CRON_SETTINGS = {
    "cron.missedAfter": 3600,
    "history.count": 100000,
    "http.retryFirst": 100,
    "http.retryCap": 1000,
}
AGENT_EXTRAS = {"journal.dir": None, "metrics.port": None}


class Daemon:
    """One daemon, started again and again with the same configuration. proxy: None, nobody calls it."""

    def __init__(self, world, kind, name, folder, settings, proxy):
        self.kind, self.name, self.folder, self.proxy = kind, name, folder, proxy
        self.environment = {}
        self.log = os.path.join(folder, "log")
        self._binary = os.path.join(world.build, "elves-" + kind)
        self._config = os.path.join(folder, "properties")
        self._ready = os.path.join(folder, "ready")
        with open(self._config, "w") as file:
            file.writelines(f"{key} = {value}\n" for key, value in settings.items())
        self.process = None

    def knows(self, key, value):
        command = [self._binary, "--config", self._config, "--set", f"{key}={value}", "--check-config"]
        return subprocess.run(command, capture_output=True).returncode == 0

    def add(self, key, value):
        with open(self._config, "a") as file:
            file.write(f"{key} = {value}\n")

    def launch(self, **environment):
        """Starts it; environment: for this life only."""
        if os.path.exists(self._ready):
            os.unlink(self._ready)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("ELVES_")}
        clean.update(self.environment, **environment)
        with open(self.log, "ab") as log:
            self.process = Group(
                [self._binary, "--config", self._config, "--ready-file", self._ready],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=clean,
            )
        if self.proxy:
            self.proxy.open()

    def start(self, timeout=30, **environment):
        self.launch(**environment)
        deadline = time.monotonic() + timeout
        while not os.path.exists(self._ready) and time.monotonic() < deadline:
            if not self.alive() or self.stopped():
                break
            time.sleep(0.02)
        return self

    def memory(self):
        """Resident, in MiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stopped(self):
        """Whether a signal has stopped it."""
        with contextlib.suppress(OSError), open(f"/proc/{self.process.pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"
        return False

    def signal(self, number):
        if self.alive():
            self.process.send_signal(number)

    def kill(self):
        """What a crash leaves: its port refuses."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        self._close_proxy()

    def terminate(self, timeout=30):
        """An orderly end; returns the exit status."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            status = None
        self._close_proxy()
        return status

    def _close_proxy(self):
        if self.proxy:
            self.proxy.close()


class World:
    def __init__(self, build, folder, break_promise=None, schedulers=2, settings=None, plain=0):
        """settings: {"scheduler": {key: value}, "agent": ...} over the usual ones; plain: agents without
        a journal"""
        self.build, self.folder = os.path.abspath(build), folder
        os.makedirs(folder, exist_ok=True)
        self.broker = Broker(os.path.join(folder, "rabbitmq"))
        self.zookeeper = ZooKeeper(os.path.join(folder, "zookeeper"))
        self.exchange, self.queue = "elves", "scheduler"
        self._loop = Loop()
        self._ports = []
        self._break = {"ELVES_BREAK": break_promise} if break_promise else {}
        self._settings = settings or {}
        self.n_schedulers, self.n_agents, self.n_plain = schedulers, 3, plain
        self.schedulers, self.agents, self.queues, self.crons, self.openapis = [], [], [], [], []
        self._numbers = 1  # of the last agent
        self.executions = Executions()
        self.died = []  # daemons that ended by themselves

    def start(self):
        self.broker.start()
        self.zookeeper.start()
        self._preload = self._build_preload()
        self.schedulers = [self._scheduler(number) for number in range(1, self.n_schedulers + 1)]
        if os.access(os.path.join(self.build, "elves-queue"), os.X_OK):
            self.queues = [self._component("queue")]
        if os.access(os.path.join(self.build, "elves-cron"), os.X_OK):
            self.crons = [self._component("cron", CRON_SETTINGS)]
        if os.access(os.path.join(self.build, "elves-openapi"), os.X_OK):
            self.openapis = [self._openapi()]
        agents = [self.add_agent() for _ in range(self.n_agents)]
        agents += [self.add_agent(journal=False) for _ in range(self.n_plain)]
        for daemon in self.schedulers + self.queues + self.crons + self.openapis + agents:
            if not daemon.alive() and not daemon.start().alive():
                raise SystemExit(f"{daemon.name} does not start: {daemon.log}")

    @property
    def daemons(self):
        return self.schedulers + self.queues + self.crons + self.openapis + self.agents

    @property
    def journal_agents(self):
        return [agent for agent in self.agents if agent.has_journal]

    @property
    def has_journal(self):
        return self.agents[0].has_journal

    def heal(self):
        """Everything that should run does; notes what ended by itself."""
        self.broker.start()
        self.zookeeper.start()
        for daemon in self.daemons:
            if not daemon.alive():
                self.died.append(f"{daemon.name} ended with {daemon.process.returncode}: {daemon.log}")
                daemon.start()

    def add_agent(self, journal=True):
        """One more, which serves; who takes it from `agents` has to end it."""
        self._numbers += 1
        agent = self._agent(self._numbers, journal)
        self.executions.add(agent.ip, os.path.join(agent.folder, "executions"))
        agent.start()
        self.agents.append(agent)
        return agent

    def close(self):
        for daemon in self.daemons:
            if daemon.process is not None:
                daemon.kill()
        for agent in self.agents:
            self.kill_workers(agent)
        self.broker.close()
        self.zookeeper.close()
        self._loop.close()

    def workers(self, agent=None):
        """Processes of workers, of one agent or of all."""
        return [found for a in ([agent] if agent else self.agents) for found in processes_below(a.folder)]

    def kill_workers(self, agent):
        """What the end of a machine does to them."""
        for _ in range(3):
            for pid, _ in self.workers(agent):
                self._kill(pid)

    @staticmethod
    def _kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    # The parts.

    def _port(self):
        self._ports.append(Port())
        return self._ports[-1].number

    def _folder(self, name):
        path = os.path.join(self.folder, name)
        os.makedirs(path, exist_ok=True)
        return path

    def _scheduler(self, number):
        name, port = f"scheduler-{number}", self._port()
        here, proxied = f"127.0.2.{number}", f"127.0.3.{number}"
        settings = {
            "mq.ip": "127.0.0.1",
            "mq.port": self.broker.port,
            "mq.user": self.broker.user,
            "mq.password": self.broker.password,
            "mq.exchange": self.exchange,
            "mq.queue": self.queue,
            "mq.prefetch": 400,
            "thrift.scheduler.listen": here,
            "thrift.scheduler.port": port,
            "thrift.scheduler.advertise": proxied,
            "thrift.outTime": 3000,
            "retry.cap": 1000,
            "shutdown.timeout": 4,
            **self._zookeeper(),
            **self._own_settings("scheduler", SCHEDULER_EXTRAS),
        }
        proxy = Proxy(self._loop, (proxied, port), (here, port))
        daemon = Daemon(self, "scheduler", name, self._folder(name), settings, proxy)
        daemon.environment = dict(self._break)
        self._add_extras(daemon, SCHEDULER_EXTRAS)
        return daemon

    def _component(self, kind, more=None):
        """An elves-queue or an elves-cron, with a database of its own."""
        folder = self._folder(f"{kind}-1")
        settings = {
            "mq.ip": "127.0.0.1",
            "mq.port": self.broker.port,
            "mq.user": self.broker.user,
            "mq.password": self.broker.password,
            "mq.exchange": self.exchange,
            "store.url": f"sqlite:{folder}/{kind}.db",
            "metrics.port": self._port(),
            "retry.cap": 1000,
            "shutdown.timeout": 4,
            **(more or {}),
            **self._settings.get(kind, {}),
        }
        daemon = Daemon(self, kind, f"{kind}-1", folder, settings, None)
        daemon.environment = dict(self._break)
        return daemon

    def _openapi(self):
        port = self._port()
        settings = {
            "mq.ip": "127.0.0.1",
            "mq.port": self.broker.port,
            "mq.user": self.broker.user,
            "mq.password": self.broker.password,
            "mq.exchange": self.exchange,
            "server.port": port,
            "auth.id": "faults",
            "auth.key": "faults",
            "auth.token.faults": "faults",
            "metrics.port": self._port(),
            "retry.cap": 1000,
        }
        daemon = Daemon(self, "openapi", "openapi-1", self._folder("openapi-1"), settings, None)
        daemon.environment, daemon.port = dict(self._break), port
        return daemon

    def _agent(self, number, journal):
        name, port = f"agent-{number}", self._port()
        here, proxied = f"127.0.1.{number}", f"127.0.0.{number}"
        folder = self._folder(name)
        app = os.path.join(folder, "apps", "load")
        for path in (app, os.path.join(folder, "run"), os.path.join(folder, "journal")):
            os.makedirs(path, exist_ok=True)
        for program in ("worker", "warm"):
            shutil.copy(os.path.join(HERE, program), app)
        with open(os.path.join(app, "appcfg.json"), "w") as file:
            file.write('{"Worker": {"Warm": true, "Proxy": "warm"}}\n')
        settings = {
            "agent.ip": proxied,
            "agent.listen": here,
            "agent.port": port,
            "apps.dir": os.path.join(folder, "apps"),
            "run.dir": os.path.join(folder, "run"),
            "scheduler.timeout": 3,
            "worker.grace": 300,
            "warm.idleTimeout": 1,  # none is there when the run is over
            "retry.cap": 1000,
            "shutdown.timeout": 3,
            **self._zookeeper(),
            **self._own_settings("agent", AGENT_EXTRAS),
        }
        proxy = Proxy(self._loop, (proxied, port), (here, port))
        daemon = Daemon(self, "agent", name, folder, settings, proxy)
        daemon.ip = proxied
        daemon.disk = os.path.join(folder, "disk")
        daemon.has_journal = self._add_extras(daemon, AGENT_EXTRAS, os.path.join(folder, "journal")) and journal
        if not journal:
            daemon.add("journal.enabled", "false")
        daemon.environment = dict(self._break)
        if self._preload:
            daemon.environment.update(
                LD_PRELOAD=self._preload, DISK_CONTROL=daemon.disk, DISK_FOLDER=os.path.join(folder, "journal")
            )
        return daemon

    def _add_extras(self, daemon, extras, journal=None):
        known = set()
        for key, value in extras.items():
            value = self._settings.get(daemon.kind, {}).get(key, value)
            value = {"metrics.port": self._port, "journal.dir": lambda: journal}.get(key, lambda: value)()
            if daemon.knows(key, value):
                daemon.add(key, value)
                known.add(key)
        return "journal.dir" in known

    def _own_settings(self, kind, extras):
        given = self._settings.get(kind, {})
        return {key: value for key, value in given.items() if key not in extras}

    def _zookeeper(self):
        return {
            "zookeeper.host": f"127.0.0.1:{self.zookeeper.port}",
            "zookeeper.root": "/elves",
            "zookeeper.outTime": SESSION_MS,
        }

    def _build_preload(self):
        """None without a compiler: then nothing happens to the disk."""
        path = os.path.join(self.folder, "disk.so")
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", path, os.path.join(HERE, "disk.c"), "-ldl"]
        try:
            return path if subprocess.run(command).returncode == 0 else None
        except FileNotFoundError:
            return None
