"""A promise that is broken on purpose is found: what cannot fail proves nothing."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from short import run  # noqa: E402


def test_an_execution_that_starts_twice_is_found(tmp_path):
    only = ("--minutes", "0.2", "--seed", "21", "--calm", "0.2", "--only", "kill-scheduler")
    status, report, output = run(tmp_path, "--break", "start-twice", *only)
    assert status == 1 and report["doubled"] > 0, output


def test_a_result_that_is_promised_and_forgotten_is_found(tmp_path):
    only = ("--minutes", "0.1", "--seed", "22", "--only", "none", "--drain", "8")
    status, report, output = run(tmp_path, "--break", "answer-before-confirm", *only)
    assert status == 1 and report["lost"] > 0, output


def test_a_task_that_is_sent_again_as_another_is_found(tmp_path):
    only = ("--minutes", "0.4", "--seed", "5", "--calm", "0.2", "--only", "crash-queue-before-sent")
    status, report, output = run(tmp_path, "--break", "new-key", *only)
    assert status == 1 and report["doubled"] > 0, output


def test_a_callback_that_is_forgotten_is_found(tmp_path):
    status, report, output = run(tmp_path, "--break", "forget-callback:9", "--minutes", "0.1", "--seed", "6", "--only", "none")
    assert status == 1 and "recorded as taken, and was not" in output, output


def test_a_callback_that_comes_with_another_key_is_found(tmp_path):
    status, report, output = run(tmp_path, "--break", "new-call-key:9", "--minutes", "0.1", "--seed", "7", "--only", "none")
    assert status == 1 and "in no record" in output, output
