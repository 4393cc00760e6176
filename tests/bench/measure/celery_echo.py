"""Celery as a peer: its app, and a client that keeps a window of calls, a batch at a time.

celery_echo.py WINDOW SECONDS prints one line of JSON. The worker is Celery's own program (peers.py).
"""

import json
import os
import statistics
import sys
import time

from celery import Celery
from celery.result import ResultSet

QUEUE = "elves-bench-celery"
app = Celery(
    "celery_echo",
    broker="amqp://%(ELVES_TEST_MQ_USER)s:%(ELVES_TEST_MQ_PASSWORD)s@%(ELVES_TEST_MQ_HOST)s:%(ELVES_TEST_MQ_PORT)s//"
    % os.environ,
    backend="rpc://",
)
app.conf.task_default_queue = QUEUE
app.conf.worker_prefetch_multiplier = 50


@app.task(name="celery_echo.echo")
def echo(param):
    return param


def run_batch(window):
    begin = time.monotonic()
    ResultSet([echo.delay("0" * 200) for _ in range(window)], app=app).join_native(timeout=10)
    return time.monotonic() - begin


def main():
    window, seconds = int(sys.argv[1]), float(sys.argv[2])
    run_batch(min(window, 4))  # connections are made
    begin, times = time.monotonic(), []
    while time.monotonic() - begin < seconds:
        times.append(run_batch(window))
    took, calls = time.monotonic() - begin, window * len(times)
    print(json.dumps({
        "name": "celery", "window": window, "calls": calls, "per_s": calls / took,
        "p50_us": statistics.median(times) * 1e6,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
