"""A test in real time that fails on a starved machine is repeated with fresh processes; others fail at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
import starvation

starvation.Starvation.starved = {starved}


def pytest_runtest_protocol(item, nextitem):
    return starvation.run_undisturbed(item, nextitem)
"""
TESTS = """
import pytest

begun = []


@pytest.fixture(scope="module")
def process():
    begun.append("process")
    return []


def test_leaves_the_process_in_another_state(process):
    process.append("stopped")


def test_fails_twice(process):
    process.append("stopped")
    assert len(begun) == 3


def test_shares_the_process_of_the_test_before(process):
    assert process == ["stopped"]
    assert len(begun) == 3
"""


@pytest.mark.parametrize(("starved", "result"), [(True, "3 passed"), (False, "2 failed, 1 passed")])
def test_only_a_starved_machine_repeats_a_test_and_each_try_gets_fresh_processes(tmp_path, starved, result):
    (tmp_path / "conftest.py").write_text(CONFTEST.format(starved=starved))
    (tmp_path / "test_shared.py").write_text(TESTS)
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-o",
            "timeout=60",
            "--rootdir",
            tmp_path,
            tmp_path,
        ],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert result in run.stdout, run.stdout
    assert run.stdout.count("once more") == (2 if starved else 0)
