"""Waiting with a deadline instead of sleeping and hoping."""

import os
import time

# A slow build (sanitizers, a loaded machine) may stretch every deadline, never a measured limit.
FACTOR = float(os.environ.get("ELVES_TEST_TIME_FACTOR", "1"))
# s: who waits for what has to come loses nothing by patience.
LEAST = 30.0


def wait_until(predicate, what, timeout=10.0, interval=0.01):
    """Polls until predicate() is true and returns its value; fails the test at the deadline."""
    timeout = max(timeout, LEAST) * FACTOR
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:.1f} s: {what}")
        time.sleep(interval)


def stays(predicate, what, seconds):
    """Fails as soon as predicate() is false within that many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert predicate(), f"did not stay so for {seconds} s: {what}"
        time.sleep(0.02)
