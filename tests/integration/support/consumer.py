"""libelves-client at work: tests/integration/client/drive-consumer, whose lines are read."""

import json
import os
import queue
import subprocess
import threading

from services import Group

from .process import FAULT, build_dir, clean_environment
from .wait import wait_until

TOOL = "tests/integration/client/drive-consumer"


class Consumer:
    """handlers: {"a || b": "ok"}; ready when it is returned."""

    def __init__(self, stage, handlers, group=None, topic=None, is_global=False, wait=True, **settings):
        services = stage.services
        usual = {
            "groupid": group or stage.name,
            "namesvr": f"{services.mq_host}:{services.mq_port}",
            "access_key": services.mq_user,
            "secret_key": services.mq_password,
            "topic": topic or stage.name + "-topic",
            "reconnect.cap": 500,
            **settings,
        }
        command = [os.path.join(build_dir(), TOOL)] + (["--global"] if is_global else [])
        command += [f"{key}={value}" for key, value in usual.items()]
        command += ["--"] + [f"{tags}={what}" for tags, what in handlers.items()]
        self.log_path = stage.folder / f"consumer-{next(stage.numbers)}.log"
        self.log_file = open(self.log_path, "wb")
        self.process = Group(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log_file,
                             env=clean_environment({"G_MESSAGES_DEBUG": "all"}))
        self.lines, self.calls = queue.Queue(), []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        self.ready = self.released = False
        stage.exits.callback(self.close)
        if wait:
            wait_until(self._is_ready, "the consumer is ready")

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode().strip())

    def poll(self):
        """What its handlers were called with, since it began."""
        while not self.lines.empty():
            line = self.lines.get()
            if line in ("ready", "released"):
                setattr(self, line, True)
            else:
                self.calls.append(json.loads(line))
        return self.calls

    def _is_ready(self):
        self.poll()
        assert self.process.poll() is None, self.log_path.read_text()
        return self.ready

    def wait(self, count, timeout=30):
        wait_until(lambda: len(self.poll()) >= count, f"{count} calls", timeout)
        return self.calls

    def release(self):
        """Ends in good order."""
        if self.process.poll() is None and not self.process.stdin.closed:
            self.process.stdin.close()
        assert self.process.wait(30) == 0, self.log_path.read_text()
        self.thread.join(10)
        self.poll()
        assert self.released

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                pass
        self.process.kill()
        self.log_file.close()
        fault = FAULT.search(self.log_path.read_text(errors="replace"))
        assert fault is None, self.log_path.read_text(errors="replace")[-4000:]
