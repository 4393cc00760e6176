"""The short form of tests/schedule/differential: a few hundred random rules to each oracle."""

import importlib.machinery
import importlib.util
import os

import pytest

from support.process import build_dir

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "schedule")
RULES, SEED = 300, 20261121


def load_differential():
    path = os.path.join(FOLDER, "differential")
    loader = importlib.machinery.SourceFileLoader("differential", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("differential", loader))
    loader.exec_module(module)
    return module


differential = load_differential()
COMPARISONS = [(dialect, name, function) for dialect, entries in sorted(differential.COMPARISONS.items())
               for name, function in entries]


@pytest.mark.slow
@pytest.mark.parametrize("dialect, name, function", COMPARISONS, ids=[name for _, name, _ in COMPARISONS])
def test_e38_rules_like_the_oracle(dialect, name, function, capsys):
    driver = os.path.join(build_dir(), "tests", "schedule", "schedule-next")
    if not os.access(driver, os.X_OK):
        pytest.fail(f"{driver} is not built: make check TESTS=")
    if differential.missing(name):
        pytest.skip(differential.missing(name) + " is not installed")
    assert differential.compare(name, function, driver, dialect, RULES, SEED) == 0, capsys.readouterr().out
