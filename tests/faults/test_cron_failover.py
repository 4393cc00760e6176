"""The short form of tests/faults/cron-failover: no instant lost, none twice, and the audit can see."""

import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))


def test_every_instant_once_while_leaders_are_killed():
    if "ELVES_TEST_POSTGRES" not in os.environ:
        pytest.skip("no PostgreSQL: run below tests/lib/with-services")
    arguments = ["--minutes", "0.4", "--schedules", "50", "--every", "4", "--break-ledger"]
    command = [sys.executable, os.path.join(HERE, "cron-failover"), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
