"""Runs tests/faults/run for a test."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def run(tmp_path, *arguments):
    """(exit status, report, output)"""
    report = tmp_path / "report.json"
    command = [sys.executable, os.path.join(HERE, "run"), "--json", str(report), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=400)
    return done.returncode, json.loads(report.read_text()) if report.exists() else {}, done.stdout
