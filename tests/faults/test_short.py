"""The short form of tests/faults/run: one seed, nothing found."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from short import run  # noqa: E402


def test_promises_hold_under_faults(tmp_path):
    kinds = "kill,stop-,cut,loss,crash,disk"  # those that take seconds
    status, report, output = run(tmp_path, "--minutes", "0.5", "--seed", "20", "--calm", "0.3", "--only", kinds)
    assert status == 0, output
    assert report["lost"] == report["doubled"] == report["changed"] == 0, output
    assert report["results"] > 200 and report["faults"] >= 6, output
