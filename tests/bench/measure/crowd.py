"""Emulated agents: a few processes that are thousands of them (tests/bench/emulator)."""

import json
import os
import socket
import subprocess
import sys

from .process import Process

PER_PROCESS = 5000  # a listener and a connection each: half of what 20,000 descriptors allow


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.32.0.1", 0))
        return probe.getsockname()[1]


class Emulator(Process):
    def __init__(self, stage, name, *flags):
        zookeeper = stage.zookeeper()
        program = os.path.join(stage.build, "tests", "bench", "emulate-agents")
        argv = [program, "--zookeeper", zookeeper["zookeeper.host"], "--root", zookeeper["zookeeper.root"]]
        self.child = subprocess.Popen(
            argv + [str(flag) for flag in flags],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        super().__init__(name, self.child.pid)

    def answer(self):
        line = self.child.stdout.readline()
        if not line:
            sys.exit("emulate-agents has ended")
        return json.loads(line)

    def say(self, command):
        self.child.stdin.write(command + "\n")
        self.child.stdin.flush()

    def close(self):
        self.child.stdin.close()
        self.child.wait()


class Crowd:
    """Agents 0 to @count - 1 of a stage, closed with it."""

    def __init__(self, stage, count, *flags):
        self.count = count
        port = free_port()
        self.emulators = []
        for first in range(0, count, PER_PROCESS):
            share = min(PER_PROCESS, count - first)
            emulator = Emulator(
                stage, "crowd-%d" % first, "--first", first, "--count", share, "--port", port, *flags
            )
            stage.exits.callback(emulator.close)
            self.emulators.append(emulator)
        for emulator in self.emulators:
            emulator.answer()

    def ask(self, command):
        """All of them at once; returns what each answers."""
        for emulator in self.emulators:
            emulator.say(command)
        return [emulator.answer() for emulator in self.emulators]

    def read(self):
        """How long a bare client takes to read the nodes of all, with watches."""
        self.emulators[0].say("read")
        return self.emulators[0].answer()

    def total(self, key):
        return sum(counts[key] for counts in self.ask("count"))

    def cpu_us(self):
        return sum(emulator.cpu_us() for emulator in self.emulators)
