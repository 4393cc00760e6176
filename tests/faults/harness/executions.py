"""What the workers wrote down: files that grow while the run goes on, read a piece at a time."""

import base64
import contextlib
import os
import threading

from .history import Line


class Executions:
    def __init__(self):
        self._files = {}  # agent -> [path, bytes read]
        self._lock = threading.Lock()
        self.lines = []
        self._pids = {}  # token as workers know it -> pids

    def add(self, agent, path):
        with self._lock:
            self._files[agent] = [path, 0]

    def read(self):
        with self._lock:
            for agent, state in self._files.items():
                with contextlib.suppress(FileNotFoundError):
                    self._read_one(agent, state)
            return self.lines

    def _read_one(self, agent, state):
        with open(state[0], "rb") as file:
            file.seek(state[1])
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        state[1] += len(whole)
        for text in whole.decode().splitlines():
            verb, token, key, pid, at = text.split()
            self._pids.setdefault(token, []).append(int(pid))
            self.lines.append(Line(verb, base64.b64decode(token).decode(), "" if key == "-" else key, int(pid), float(at), agent))

    def alive(self, token):
        """The processes of this job that are there now: by its token in their arguments, as a number
        may be somebody else's by now."""
        self.read()
        name = base64.b64encode(token.encode())
        found = []
        for pid in set(self._pids.get(name.decode(), ())):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
                if name in file.read():
                    found.append(pid)
        return tuple(found)


def processes_below(folder):
    """(pid, arguments) of every process whose working directory is in the folder."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{name}/cwd").startswith(folder + os.sep):
                    with open(f"/proc/{name}/cmdline", "rb") as file:
                        found.append((int(name), file.read().replace(b"\0", b" ").decode(errors="replace")))
    return found
