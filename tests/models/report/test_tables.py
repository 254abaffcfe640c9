"""Tables of figures on terminals of any width."""

import io

import pytest
from rich.console import Console

from myobridge_models.network.shape import Shape
from myobridge_models.report.describe import print_facts
from myobridge_models.report.tables import print_rows

ROWS = [
    {"recording": "monday.npz", "mae_deg": 12.345, "balanced_accuracy": 0.912, "jitter_deg_per_s": 321.25},
    {"recording": "a-name-of-some-length.npz", "mae_deg": 7.25, "balanced_accuracy": None, "jitter_deg_per_s": 5.0},
]
FIGURES = ("monday.npz", "12.3", "0.912", "321", "a-name-of-some-length.npz", "7.2", "–")


def printed(show, columns, **settings):
    console = Console(width=columns, file=io.StringIO(), **settings)
    show(console)
    return console.file.getvalue()


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_tables_show_every_figure_whole_at_any_width(columns):
    text = printed(lambda console: print_rows("Figures", ROWS, console), columns)
    assert all(figure in text for figure in FIGURES)
    shape = printed(lambda console: print_facts(Shape(2000, 4), console), columns)
    assert all(figure in shape for figure in ("Type IIb", "15 × 4", "112.5", "401.0", "621"))
    assert "…" not in text + shape


def test_a_simple_terminal_gets_a_line_for_each_row(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    text = printed(lambda console: print_rows("Figures", ROWS, console), 100, force_terminal=True)
    assert "recording monday.npz, MAE ° 12.3, bal. acc. 0.912" in text
    assert len(text.splitlines()) == 3
