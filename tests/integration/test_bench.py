"""The benchmark works and says what it measured. How fast anything is, no test asks."""

import json
import os
import subprocess
import sys

RUN = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "bench", "run")
TIMEOUT = 300  # s, of a busy machine
KEYS = {"case", "metric", "value", "unit", "vs", "ratio"}


def run_bench(*arguments):
    return subprocess.run(
        [sys.executable, RUN, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT,
    )  # fmt: skip


def test_quick_run_writes_whole_figures(services, tmp_path):
    path = tmp_path / "figures.json"
    done = run_bench("--quick", "--json", str(path))
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if line.startswith("!!")]

    figures = json.loads(path.read_text())
    for figure in figures:
        assert set(figure) == KEYS
        assert isinstance(figure["value"], (int, float))
        assert (figure["ratio"] is not None) == bool(figure["vs"])
    names = set(run_bench("--list").stdout.split())
    left_out = {line.split()[1] for line in done.stdout.splitlines() if " is left out: " in line}
    assert {figure["case"] for figure in figures} - {"machine"} == names - left_out
    assert left_out <= {"spawn", "warm-python", "http-exec"}


def test_two_runs_are_compared(services, tmp_path):
    path = tmp_path / "figures.json"
    assert run_bench("--quick", "--only", "sync-w64", "--json", str(path)).returncode == 0
    done = run_bench("--quick", "--only", "sync-w64", "--compare", str(path))
    assert done.returncode == 0, done.stderr
    assert "% ratio" in done.stdout


def test_unknown_case_is_named():
    done = run_bench("--only", "sync-w65")
    assert done.returncode != 0
    assert "there is no case sync-w65" in done.stderr
