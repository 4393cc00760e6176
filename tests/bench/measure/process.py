"""Processes whose CPU time and memory we read, and the daemons of a build folder."""

import glob
import os
import subprocess
import sys
import time

READY_TIMEOUT = 30.0  # s
STOP_TIMEOUT = 40.0  # s, then KILL


class Process:
    """One whose CPU time and memory we read."""

    def __init__(self, name, pid):
        self.name, self.pid = name, pid

    def cpu_us(self):
        clock = (~self.pid << 3) | 2  # clock_getcpuclockid() of Linux
        return time.clock_gettime(clock) * 1e6

    def rss_kb(self):
        with open("/proc/%d/status" % self.pid) as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


class Daemon(Process):
    """elves-scheduler or elves-agent with a configuration file of ours."""

    def __init__(self, build, name, folder, config, instance=None):
        """instance: what tells it from others of its kind in @folder"""
        base = os.path.join(folder, instance or name)
        path = base + ".properties"
        with open(path, "w") as file:
            file.writelines("%s = %s\n" % item for item in config.items())
        os.chmod(path, 0o600)
        self.log = base + ".log"
        self.started = time.monotonic()
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(
                [os.path.join(build, "elves-" + name), "--config", path, "--ready-file", base + ".ready"],
                stdout=log, stderr=log,
            )  # fmt: skip
        super().__init__(name, self.child.pid)
        try:
            self._wait_for(base + ".ready")
        except BaseException:
            self.close()
            raise
        os.unlink(base + ".ready")  # another one of this name starts anew

    def _wait_for(self, ready):
        deadline = time.monotonic() + READY_TIMEOUT
        while not os.path.exists(ready):
            if self.child.poll() is not None or time.monotonic() > deadline:
                sys.exit("elves-%s is not ready:\n%s" % (self.name, self.log_text()[-2000:]))
            time.sleep(0.01)

    def log_text(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def close(self):
        self.child.terminate()
        try:
            self.child.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def find_broker():
    """The one of with-services."""
    pattern = os.path.join(os.environ["ELVES_TEST_SERVICES_DIR"], "*", "pid")
    for path in glob.glob(pattern):
        with open(path) as file:
            return Process("broker", int(file.read()))
    sys.exit("no pid file of the broker below " + pattern)
