"""Progress is a line at every tenth of the way where a terminal cannot draw a bar."""

import io
import re

import pytest
from rich.console import Console

from myobridge_models.report import progress as report
from myobridge_models.report.progress import spread_progress, tracked, training_progress


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


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn on a terminal of 60 or 80 columns, line by line."""

    def on(columns):
        paper = io.StringIO()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(report, "can_draw", lambda *_: True)
        made = Console(file=paper, force_terminal=True, width=columns, color_system=None, force_interactive=False)
        monkeypatch.setattr(report, "Console", lambda **_: made)
        return lambda: re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", paper.getvalue()).replace("\r", "\n").strip().splitlines()

    return on


@pytest.mark.parametrize("columns", [60, 80])
def test_a_bar_names_its_figures_and_fits_into_its_line(drawn, columns):
    lines = drawn(columns)
    with training_progress("calibrating from population, last repetition left out", 3000) as progress:
        progress(1200, 12.34)
    last = lines()[-1]
    assert "1200 of 3000 steps error 12.3°" in last
    assert last.rstrip().endswith(" left")
    assert all(len(line) <= columns for line in lines())


def test_a_bar_of_pieces_counts_them_and_prints_a_line_for_each(drawn):
    lines = drawn(80)
    with spread_progress("benchmark", 12, "folds", 3000) as (training, done):
        training(600, 9.96)
        done("s01, repetition 0: 0.91")
        training(1200, 9.96)
    assert lines()[0] == "s01, repetition 0: 0.91"
    assert "1 of 12 folds step 1200, error 10.0°" in lines()[-1]
