"""Every line and branch of the safety rules, the framing and the stored limits is run by their own tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TESTS = (
    "test_c_states.py",
    "test_c_setpoints.py",
    "test_c_motion.py",
    "test_c_guide.py",
    "test_c_frame.py",
    "test_c_limits.py",
)
COMPLETE = ("safety.c", "frame.c", "limits.c")


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """gcov's report, by file name."""
    folder = tmp_path_factory.mktemp("coverage")
    environment = {**os.environ, "HAND_C_COVERAGE": str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(HERE / t) for t in TESTS)]
    subprocess.run(command, env=environment, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    notes = [str(path) for path in folder.glob("*.gcda")]
    done = subprocess.run(
        ["gcov", "--json-format", "--stdout", "-b", *notes], cwd=folder, capture_output=True, check=True
    )
    reports = [json.loads(line) for line in done.stdout.splitlines() if line]
    return {Path(file["file"]).name: file for report in reports for file in report["files"]}


@pytest.mark.parametrize("name", COMPLETE)
def test_every_line_is_run(counts: dict[str, Any], name: str) -> None:
    lines = counts[name]["lines"]
    assert len(lines) > 50
    assert [line["line_number"] for line in lines if line["count"] == 0] == []


@pytest.mark.parametrize("name", COMPLETE)
def test_every_branch_is_taken_both_ways(counts: dict[str, Any], name: str) -> None:
    branches = [(line["line_number"], branch) for line in counts[name]["lines"] for branch in line["branches"]]
    assert len(branches) > 20
    assert [number for number, branch in branches if branch["count"] == 0] == []
