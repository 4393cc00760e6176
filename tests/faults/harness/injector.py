"""The faults: each kind is a method that breaks something, waits, and mends it.

The order of kinds, their targets and durations come from the seed alone. Crash points are kinds of
their own: the daemon is started anew with the point armed; it dies there and is started again without
it (crash-), or it stands still there and goes on later (halt-).
"""

import contextlib
import os
import random
import signal
import time

from .history import Fault
from .world import LOST_AFTER_S, SESSION_MS

SCHEDULER_POINTS = ("after-consume", "before-send", "after-send", "before-confirm", "before-ack")
AGENT_POINTS = ("after-accept", "before-fsync", "after-start", "after-finish", "after-report")
QUEUE_POINTS = ("component-after-consume", "component-before-confirm", "before-commit", "after-commit")
QUEUE_POINTS += ("queue-before-publish", "queue-before-sent")
CRON_POINTS = ("cron-after-record", "cron-before-mark")
OPENAPI_POINTS = ("openapi-before-ask", "openapi-before-answer")
CRASH_PATIENCE = 8.0  # s until an armed daemon must have passed its point

NEED_JOURNAL = ("agent-gone", "disk-slow", "disk-full")

# How often each kind occurs in one round; rounds are shuffled.
KINDS = {
    "kill-scheduler": 3,
    "kill-agent": 3,
    "kill-queue": 3,
    "stop-queue": 1,
    "term-queue": 1,
    "kill-cron": 3,
    "stop-cron": 1,
    "term-cron": 1,
    "kill-openapi": 3,
    "stop-openapi": 1,
    "term-openapi": 1,
    "stop-scheduler": 2,
    "stop-agent": 2,
    "term-scheduler": 1,
    "term-agent": 1,
    "broker-restart": 1,
    "broker-kill": 1,
    "zookeeper-restart": 1,
    "expire-scheduler": 1,
    "expire-agent": 1,
    "cut-to-agent": 2,
    "cut-to-scheduler": 2,
    "loss-to-agent": 2,
    "loss-from-agent": 2,
    "loss-to-scheduler": 1,
    "loss-from-scheduler": 1,
    "delay": 1,
    "disk-slow": 1,
    "disk-full": 1,
    "agent-gone": 1,
    "agent-gone-for-good": 1,
}
for _point in SCHEDULER_POINTS + AGENT_POINTS + QUEUE_POINTS + CRON_POINTS + OPENAPI_POINTS:
    KINDS["crash-" + _point] = 2
    KINDS["halt-" + _point] = 1


def is_of_queue(kind):
    point = kind.partition("-")[2]
    return point == "queue" or point in QUEUE_POINTS


def is_of_cron(kind):
    point = kind.partition("-")[2]
    return point == "cron" or point in CRON_POINTS


def is_of_openapi(kind):
    point = kind.partition("-")[2]
    return point == "openapi" or point in OPENAPI_POINTS


class Injector:
    def __init__(self, world, seed, only=()):
        self._world = world
        self._rng = random.Random(f"{seed}-faults")
        kinds = {k: n for k, n in KINDS.items() if not only or any(k.startswith(word) for word in only)}
        if not kinds and list(only) != ["none"]:
            raise SystemExit(f"no such fault; there are: {' '.join(KINDS)}")
        if not world.has_journal:
            kinds = {k: n for k, n in kinds.items() if not k.startswith("disk")}
        if not world.queues:
            kinds = {k: n for k, n in kinds.items() if not is_of_queue(k)}
        if not world.crons:
            kinds = {k: n for k, n in kinds.items() if not is_of_cron(k)}
        if not world.openapis:
            kinds = {k: n for k, n in kinds.items() if not is_of_openapi(k)}
        self._kinds = kinds
        self._bag = []
        self.faults = []

    def next(self):
        """Does one fault, from its beginning to its end; returns it, or None when none is wanted."""
        if not self._kinds:
            time.sleep(1)
            return None
        if not self._bag:
            self._bag = [kind for kind, count in self._kinds.items() for _ in range(count)]
            self._rng.shuffle(self._bag)
        kind = self._bag.pop()
        # All that is random about it, drawn before anything happens: a replay draws the same.
        self._draw = random.Random(self._rng.getrandbits(64))
        target = self._draw.choice(self._targets(kind))
        fault = Fault(kind, getattr(target, "name", ""), time.time())
        self.faults.append(fault)
        armed = kind.startswith(("crash-", "halt-"))
        name = kind.partition("-")[0] if armed else kind.replace("-", "_")
        hit = getattr(self, "_" + name)(target, kind)
        fault.ended, fault.hit = time.time(), hit is not False
        return fault

    def calm(self, scale=1.0):
        """Seconds until the next one."""
        return self._draw.uniform(1.0, 4.0) * scale if self._kinds else 0

    def _targets(self, kind):
        point = kind.partition("-")[2]
        if kind in ("broker-restart", "broker-kill", "zookeeper-restart", "agent-gone-for-good"):
            return [None]
        if point in SCHEDULER_POINTS or (point.endswith("scheduler") and kind != "delay"):
            return self._world.schedulers
        if is_of_queue(kind):
            return self._world.queues
        if is_of_cron(kind):
            return self._world.crons
        if is_of_openapi(kind):
            return self._world.openapis
        if kind == "delay":
            return self._world.schedulers + self._world.agents
        if point in AGENT_POINTS or kind in NEED_JOURNAL:
            return self._world.journal_agents
        return self._world.agents

    def _pause(self, least, most):
        time.sleep(self._draw.uniform(least, most))

    # Processes.

    def _kill_scheduler(self, daemon, _):
        daemon.kill()
        self._pause(0.0, 3.0)
        daemon.start()

    _kill_agent = _kill_queue = _kill_cron = _kill_openapi = _kill_scheduler

    def _term_scheduler(self, daemon, _):
        daemon.terminate()
        self._pause(0.0, 1.0)
        daemon.start()

    _term_agent = _term_queue = _term_cron = _term_openapi = _term_scheduler

    def _stop_scheduler(self, daemon, _):
        daemon.signal(signal.SIGSTOP)
        self._pause(0.3, 3.0)
        daemon.signal(signal.SIGCONT)

    _stop_agent = _stop_queue = _stop_cron = _stop_openapi = _stop_scheduler

    def _expire_scheduler(self, daemon, _):
        """Longer than its ZooKeeper session lives."""
        daemon.signal(signal.SIGSTOP)
        time.sleep(SESSION_MS / 1000 * 1.6)
        daemon.signal(signal.SIGCONT)

    _expire_agent = _expire_scheduler

    def _agent_gone(self, daemon, _):
        """The machine is gone, with its workers, for longer than schedulers wait. When it comes back
        with its journal its jobs have their outcome, which must not change."""
        daemon.kill()
        self._world.kill_workers(daemon)
        time.sleep(SESSION_MS / 1000 + LOST_AFTER_S + 5)
        daemon.start()

    def _agent_gone_for_good(self, _, __):
        """A machine that joined, got jobs, and is never seen again."""
        victim = self._world.add_agent()
        self._pause(2.0, 5.0)
        self._world.agents.remove(victim)
        victim.kill()
        self._world.kill_workers(victim)

    def _crash(self, daemon, kind):
        point = kind.partition("-")[2]
        daemon.kill()
        daemon.start(ELVES_CRASH=f"{point}:{self._draw.randint(1, 25)}")
        deadline = time.monotonic() + CRASH_PATIENCE
        while daemon.alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        hit = not daemon.alive() and daemon.process.returncode == -signal.SIGKILL
        if daemon.alive():
            daemon.kill()
        self._pause(0.0, 1.0)
        daemon.start()
        return hit

    def _halt(self, daemon, kind):
        point = kind.partition("-")[2]
        daemon.kill()
        daemon.start(ELVES_CRASH=f"{point}:{self._draw.randint(1, 25)}:stop")
        deadline = time.monotonic() + CRASH_PATIENCE
        while not daemon.stopped() and time.monotonic() < deadline:
            time.sleep(0.02)
        hit = daemon.stopped()
        self._pause(0.3, 6.0)
        daemon.kill() if self._draw.random() < 0.2 else daemon.signal(signal.SIGCONT)
        # Not armed any more, when the point was not passed.
        if not hit or not daemon.alive():
            daemon.kill()
            daemon.start()
        return hit

    # Servers.

    def _broker_restart(self, _, __):
        self._world.broker.stop()
        self._pause(0.0, 2.0)
        self._world.broker.start()

    def _broker_kill(self, _, __):
        self._world.broker.kill()
        self._pause(0.0, 2.0)
        self._world.broker.start()

    def _zookeeper_restart(self, _, __):
        if self._draw.random() < 0.5:
            self._world.zookeeper.stop()
        else:
            self._world.zookeeper.kill()
        self._pause(0.0, 4.0)
        self._world.zookeeper.start()

    # Wires.

    def _cut_to_agent(self, daemon, _):
        if self._draw.random() < 0.5:
            daemon.proxy.reset()
            return
        daemon.proxy.cut()
        self._pause(0.2, 4.0)
        daemon.proxy.open()

    _cut_to_scheduler = _cut_to_agent

    def _lose(self, daemon, direction):
        """What is sent in one direction does not arrive; then it does after all, or never."""
        daemon.proxy.stall(direction)
        self._pause(0.5, 5.0)
        if self._draw.random() < 0.6:
            daemon.proxy.reset()
        daemon.proxy.flow(direction)

    def _loss_to_agent(self, daemon, _):
        self._lose(daemon, "there")

    def _loss_from_agent(self, daemon, _):
        self._lose(daemon, "back")

    _loss_to_scheduler, _loss_from_scheduler = _loss_to_agent, _loss_from_agent

    def _delay(self, daemon, _):
        daemon.proxy.delay(self._draw.uniform(0.05, 0.8))
        self._pause(1.0, 4.0)
        daemon.proxy.delay(0)

    # Disks.

    def _disk(self, daemon, text):
        with open(daemon.disk, "w") as file:
            file.write(text)
        self._pause(1.0, 5.0)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(daemon.disk)

    def _disk_slow(self, daemon, _):
        self._disk(daemon, "slow %d" % self._draw.randint(50, 1000))

    def _disk_full(self, daemon, _):
        self._disk(daemon, "full")
