"""Cases that are programs of their own: `case-NAME` in the build's or the source's tests/bench.

One prints figures as JSON objects, one a line, and nothing else on stdout. With --quick it takes
seconds and shows only that it works. It finds the build in ELVES_BUILD_DIR, and the broker and
ZooKeeper where every test does. It bounds its own time; we end it after TIMEOUT.
"""

import json
import os
import subprocess

TIMEOUT = 120  # s
SOURCE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
NAMES = ("spawn", "warm-python")


def names():
    return list(NAMES)


def find(name, build):
    for folder in (os.path.join(build, "tests", "bench"), SOURCE):
        path = os.path.join(folder, "case-" + name)
        if os.access(path, os.X_OK):
            return path
    return None


def run(report, cases, world):
    for name in cases:
        path = find(name, world.build)
        if path is None:
            report.note("%s is left out: there is no program case-%s" % (name, name))
            continue
        argv = [path] + (["--quick"] if world.quick else [])
        environment = dict(os.environ, ELVES_BUILD_DIR=os.path.realpath(world.build))
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT, env=environment)
        for line in done.stdout.splitlines():
            report.add_figure(json.loads(line))
        if done.returncode != 0 or not done.stdout:
            raise RuntimeError("case-%s failed: exit status %d" % (name, done.returncode))
