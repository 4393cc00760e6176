"""Other systems that do the same, measured in the same run where they are installed.

None is needed to build or to test anything. Debian's packages: celery (with the RabbitMQ of the
run); gearman-job-server, and libgearman-dev when Elves is built.
"""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from .stage import run_client

HERE = os.path.dirname(os.path.realpath(__file__))
READY_TIMEOUT = 20.0  # s
PATIENCE = 60.0  # s, with a peer that hangs
GEARMAN_WORKERS = 4


class Peer:
    """Started by `with`; measure() while it runs."""

    def __enter__(self):
        with contextlib.ExitStack() as exits:
            self.start(exits)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *_):
        self._exits.close()

    def spawn(self, exits, argv, environment=None):
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment, start_new_session=True,
        )  # fmt: skip
        exits.callback(end_group, child)
        return child

    def wait_until_it_answers(self):
        deadline = time.monotonic() + READY_TIMEOUT
        while time.monotonic() < deadline:
            try:
                self.measure(1, 0.1)
                return
            except RuntimeError:
                pass  # it is not there yet
            time.sleep(0.1)
        raise RuntimeError("%s does not answer" % self.name)


def wait_for_port(port):
    deadline = time.monotonic() + READY_TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def end_group(child):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, 9)
    child.wait()


class Celery(Peer):
    """Prefork, two processes: as many as there are cores in most of its users' smallest hosts."""

    name = "celery"

    def __init__(self, world):
        pass

    @staticmethod
    def missing(world):
        return None if importlib.util.find_spec("celery") else "celery is not installed"

    def start(self, exits):
        environment = dict(os.environ, PYTHONPATH=HERE, PYTHONDONTWRITEBYTECODE="1", C_FORCE_ROOT="1")
        argv = [sys.executable, "-m", "celery", "-A", "celery_echo", "worker", "-c", "2", "-P", "prefork"]
        self.spawn(exits, argv + ["--without-gossip", "--without-mingle"], environment)
        self.wait_until_it_answers()

    def measure(self, window, seconds):
        program = os.path.join(HERE, "celery_echo.py")
        return run_client([sys.executable, program, str(window), str(seconds)], PATIENCE)


class Gearman(Peer):
    """A gearmand that keeps its queue in memory, with a few C workers."""

    name = "gearman"

    def __init__(self, world):
        self.program = os.path.join(world.build, "tests", "bench", "bench-gearman")

    @staticmethod
    def missing(world):
        if not shutil.which("gearmand"):
            return "gearmand is not installed"
        if not os.path.exists(os.path.join(world.build, "tests", "bench", "bench-gearman")):
            return "Elves was built without libgearman"
        return None

    def start(self, exits):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        address = ["-L", "127.0.0.1", "-p", str(self.port)]
        folder = exits.enter_context(tempfile.TemporaryDirectory(prefix="elves-gearman-"))
        # It replaces what it finds under the name of its pid file.
        files = ["-l", os.path.join(folder, "log"), "-P", os.path.join(folder, "pid")]
        self.spawn(exits, ["gearmand", *address, *files])
        wait_for_port(self.port)
        for _ in range(GEARMAN_WORKERS):
            self.spawn(exits, [self.program, "--port", str(self.port), "--worker"])
        self.wait_until_it_answers()

    def measure(self, window, seconds):
        argv = [self.program, "--port", str(self.port), "-w", str(window), "-s", str(seconds)]
        return run_client(argv, PATIENCE)
