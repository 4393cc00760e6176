"""A scheduler and an agent on an exchange, a queue and a znode of their own."""

import itertools
import json
import os
import subprocess
import sys

from .process import Daemon, find_broker

_numbers = itertools.count(1)


class Stage:
    """What is started here is closed by @exits, an ExitStack."""

    def __init__(self, build, folder, exits):
        self.build, self.exits = os.path.realpath(build), exits
        self.name = "elves-bench-%d-%d" % (os.getpid(), next(_numbers))
        self.folder = os.path.join(folder, self.name)
        for name in ("", "apps", "run"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        self.exchange = self.name
        self.broker = find_broker()
        self.processes = [self.broker]

    def zookeeper(self):
        return {
            "zookeeper.host": os.environ["ELVES_TEST_ZOOKEEPER"],
            "zookeeper.root": "/" + self.name,
        }

    def start_scheduler(self, settings=None, instance="scheduler"):
        """The queue is the stage's own unless @settings name another one."""
        config = {
            "mq.ip": os.environ["ELVES_TEST_MQ_HOST"],
            "mq.port": os.environ["ELVES_TEST_MQ_PORT"],
            "mq.user": os.environ["ELVES_TEST_MQ_USER"],
            "mq.password": os.environ["ELVES_TEST_MQ_PASSWORD"],
            "mq.exchange": self.exchange,
            "mq.queue": self.exchange,
            "thrift.scheduler.port": 0,
            "metrics.port": 0,
            **self.zookeeper(),
            **(settings or {}),
        }
        return self.start("scheduler", config, instance)

    def start_agent(self, settings=None):
        config = {
            "agent.ip": "127.0.0.1",
            "agent.port": 0,
            "metrics.port": 0,
            "apps.dir": os.path.join(self.folder, "apps"),
            "run.dir": os.path.join(self.folder, "run"),
            "journal.dir": os.path.join(self.folder, "journal"),
            **self.zookeeper(),
            **(settings or {}),
        }
        return self.start("agent", config, "agent")

    def start(self, name, config, instance):
        daemon = Daemon(self.build, name, self.folder, config, instance)
        self.exits.callback(daemon.close)
        self.processes.append(daemon)
        return daemon

    def echo(self, window, seconds, *flags):
        """A bare call over the broker."""
        argv = ["bench-echo", "-w", str(window), "-s", str(seconds), *flags]
        return self.measure([self.broker], argv)

    def rpc(self, window, seconds, *flags):
        """A call of the built-in function, through all of it."""
        argv = ["bench-rpc", "-e", self.exchange, "-w", str(window), "-s", str(seconds), *flags]
        return self.measure(self.processes, argv)

    def measure(self, processes, argv):
        """Runs a load client; the CPU time of @processes per call is added to what it says."""
        before = [process.cpu_us() for process in processes]
        result = run_client([os.path.join(self.build, "tests", "bench", argv[0]), *argv[1:]])
        calls = max(result["calls"], 1)
        for process, begin in zip(processes, before):
            result[process.name + "_cpu_us"] = (process.cpu_us() - begin) / calls
        return result

    def memory(self):
        return {process.name: process.rss_kb() for process in self.processes}


def run_client(argv, timeout=None):
    """What a load client prints: one line of JSON. An answer that is wrong is said aloud."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=timeout)
    if not done.stdout:
        raise RuntimeError("%s failed" % " ".join(argv))
    result = json.loads(done.stdout)
    for kind in ("bad", "lost", "strange"):
        if result.get(kind):
            print("!! %s: %d %s answers" % (result["name"], result[kind], kind), file=sys.stderr)
    return result
