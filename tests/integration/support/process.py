"""A daemon under test: started with a file of properties, watched, and ended for certain."""

import os
import re
import signal
import subprocess
import time
import urllib.request

from services import Group

from .wait import FACTOR, wait_until

FAULT = re.compile(
    r"CRITICAL|AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|"
    r"assertion failed|Bail out!",
)


def build_dir():
    here = os.path.dirname(os.path.abspath(__file__))
    top = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    return os.environ.get("ELVES_BUILD_DIR") or os.environ.get("top_builddir") or top


def binary(name):
    folder = "cli" if name == "elvesctl" else name.removeprefix("elves-")
    for path in (os.path.join(build_dir(), folder, name), os.path.join(build_dir(), name)):
        if os.access(path, os.X_OK):
            return os.path.abspath(path)
    raise AssertionError(f"{name} is not built below {build_dir()}: set ELVES_BUILD_DIR")


def clean_environment(extra=None):
    """The environment of a daemon: no ELVES_ variable that a developer's shell may hold."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ELVES_")}
    environment.update(extra or {})
    return environment


def properties(entries):
    return "".join(f"{key} = {value}\n" for key, value in entries.items())


class Daemon:
    """elves-scheduler or elves-agent in a process group of its own."""

    def __init__(self, name, folder, settings, arguments=(), environment=None, text=None, prefix=()):
        self.name = name
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / f"{name}.properties"
        self.config.write_text(properties(settings) if text is None else text)
        self.log_path = folder / f"{name}.log"
        self.ready_path = folder / f"{name}.ready"
        self.arguments = list(arguments)
        self.environment = environment
        self.prefix = list(prefix)
        self.process = None
        self.expected = (0,)

    def start(self, ready=True, timeout=15):
        self.ready_path.unlink(missing_ok=True)
        command = self.prefix + [binary(self.name), "--config", str(self.config)]
        command += ["--ready-file", str(self.ready_path)] + self.arguments
        with open(self.log_path, "ab") as log:
            self.process = Group(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=clean_environment(self.environment),
            )
        if ready:
            self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout=15):
        def is_ready():
            assert self.process.poll() is None, (
                f"{self.name} ended with {self.process.returncode} before it was ready:\n{self.log()}"
            )
            return self.ready_path.exists()

        wait_until(is_ready, f"{self.name} serves ({self.log_path})", timeout)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def metric(self, sample):
        """One number of /metrics, by its name and labels as they stand there."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status_port}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(sample + " "):
                    return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"{self.name} has no number {sample}")

    def rss(self):
        """Resident memory in bytes."""
        with open(f"/proc/{self.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError(f"{self.name} has no memory: it is gone")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def terminate(self, timeout=20):
        """SIGTERM; the exit status must be 0."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout=20):
        try:
            return self.process.wait(timeout * FACTOR)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {timeout} s:\n{self.log()[-4000:]}")

    def kill(self):
        """kill -9, as a crash would end it."""
        self.expected = (0, -signal.SIGKILL)
        if self.alive():
            self.process.kill()
        self.process.wait(10)

    def close(self):
        """Ends it whatever it does, then says what was wrong with its life."""
        if self.process is None:
            return
        complaint = None
        if self.process.poll() is None:
            try:
                self.terminate()
            except AssertionError as error:
                complaint = str(error)
        self.process.kill()
        self.process.wait(10)
        if complaint is None and self.process.returncode not in self.expected:
            complaint = f"{self.name} ended with {self.process.returncode}, not {self.expected}"
        fault = FAULT.search(self.log())
        if fault is not None:
            complaint = f"{complaint or self.name}: its log has {fault.group(0)!r}"
        assert complaint is None, f"{complaint}:\n{self.log()[-4000:]}"


def run_tool(name, *arguments, environment=None, timeout=30, cwd=None):
    """Runs a program to its end; returns the CompletedProcess with text output."""
    return subprocess.run(
        [binary(name), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=clean_environment(environment),
        timeout=timeout * FACTOR,
        cwd=cwd,
    )


def now():
    return time.monotonic()
