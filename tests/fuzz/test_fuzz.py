"""Each target keeps its promises on its seeds, and in a short run of the fuzzer; run.py fuzzes for longer."""

import importlib
import os

import pytest
import run

RUNS = 1500
"""Takes some seconds for all targets together."""


@pytest.mark.parametrize("target", run.TARGETS)
def test_the_seeds_keep_the_promises(target):
    module = importlib.import_module(f"target_{target}")
    for seed in module.seeds():
        module.fuzz(seed)
        module.fuzz(seed[: len(seed) // 2])


@pytest.mark.slow
@pytest.mark.parametrize("target", run.TARGETS)
def test_a_short_run_finds_nothing(target, tmp_path):
    pytest.importorskip("atheris", reason="has wheels for x86_64 and Python 3.11 to 3.13 only")
    outcome = run.fuzz(target, f"-runs={RUNS}", tmp_path / "corpus", tmp_path)
    assert not outcome.problem
    assert outcome.runs >= RUNS and outcome.edges > 10


def test_a_broken_promise_is_found_and_shown(tmp_path, monkeypatch):
    pytest.importorskip("atheris", reason="has wheels for x86_64 and Python 3.11 to 3.13 only")
    (tmp_path / "target_broken.py").write_text(
        "def seeds():\n    return [b'aa']\n\n\ndef fuzz(data):\n    assert data in (b'', b'aa'), 'found'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    outcome = run.fuzz("broken", f"-runs={RUNS}", tmp_path / "corpus", tmp_path)
    assert "AssertionError: found" in outcome.problem
    assert list(tmp_path.glob("crash-*"))
