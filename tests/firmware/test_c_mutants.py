"""The tests of safety.c tested: a sample of changed safety.c's, none of which they may miss. `make mutate` does all."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import mutate
import pytest

HERE = Path(__file__).parent
SAMPLE = 12


@pytest.mark.slow
def test_no_mutant_of_a_sample_survives() -> None:
    command = [sys.executable, HERE / "mutate.py", "--sample", str(SAMPLE), "--seed", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_explained_mutant_exists() -> None:
    text = mutate.SUBJECT.read_text(encoding="utf-8")
    all_of_them = [mutant.describe(text) for mutant in mutate.mutants(text)]
    assert len(all_of_them) > 300
    for known in tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))["equivalent"]:
        matches = [d for d in all_of_them if known["line"] in d and known["change"] in d]
        assert len(matches) == 1, known
        assert known["why"]
