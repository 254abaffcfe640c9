"""Progress is a line at every tenth of the way where a terminal cannot draw a bar."""

import pytest

from myobridge_models.report.progress import tracked, training_progress


@pytest.fixture(autouse=True)
def simple_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")


def test_a_training_says_every_tenth_of_its_steps_with_the_error(capsys):
    with training_progress("mine", 40) as progress:
        for step in range(1, 41):
            progress(step, 100 / step)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "myobridge: mine: 10 % of 40 steps, error 25.0°"
    assert lines[-1] == "myobridge: mine: 100 % of 40 steps, error 2.5°"


def test_items_are_counted(capsys):
    assert list(tracked("abc", "rec.npz", 3, "changes")) == ["a", "b", "c"]
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "myobridge: rec.npz: 100 % of 3 changes"
    assert len(lines) == 3
