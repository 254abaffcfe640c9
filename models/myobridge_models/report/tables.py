"""Prints rows of figures as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

WIDEST: Final = 1000
HEADINGS: Final = {
    "person": "per-\nson",
    "mae_deg": "MAE °",
    "balanced_accuracy": "bal.\nacc.",
    "false_activations_per_hour": "false\n/h",
    "early_movements_per_hour": "early\n/h",
    "late_releases_per_hour": "late\n/h",
    "away_s_per_hour": "away\ns/h",
    "onset_delay_s": "onset\ns",
    "onset_delay_p90_s": "p90\ns",
    "missed_onsets": "miss\nrate",
    "jitter_deg_per_s": "jit.\n°/s",
    "parameters": "para-\nmeters",
    "p50_ms": "p50\nms",
    "p99_ms": "p99\nms",
    "p50_ratio": "ratio",
    "streaming_p50_ms": "hop\np50",
    "decision_kmac": "whole\nkMAC",
    "streaming_kmac": "hop\nkMAC",
    "file_kb": "file\nkB",
    "train_s": "train\ns",
}
DIGITS: Final = {
    "train_s": 0,
    "_ratio": 2,
    "_kmac": 0,
    "_kb": 0,
    "_deg": 1,
    "_per_hour": 0,
    "_per_s": 0,
    "_onsets": 2,
    "_s": 2,
}
"""Decimal places, by the ending of the key."""


def print_rows(title: str, rows: Sequence[Mapping[str, object]], console: Console) -> None:
    """Prints one line per row; the columns are the first row's keys, and numbers have at most three decimal places."""
    # Narrow, so that the figures fit into 80 columns.
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for key in rows[0]:
        heading = HEADINGS.get(key, key.replace("_", " "))
        table.add_column(heading, justify="left" if isinstance(rows[0][key], str) else "right", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(key, value) for key, value in row.items()))
    print_table(table, console)


def print_table(table: Table, console: Console) -> None:
    """Prints the table, or a line per row on a narrow or simple terminal, so that no figure is cut off."""
    needs = console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
    if needs <= console.width and not console.is_dumb_terminal:
        console.print(table)
        return
    console.print(table.title, soft_wrap=True)
    headings = [str(column.header).replace("-\n", "").replace("\n", " ") for column in table.columns]
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        texts = (f"{heading} {cell}".strip() for heading, cell in zip(headings, cells, strict=True))
        console.print(", ".join(texts), soft_wrap=True)


def _cell(key: str, value: object) -> str:
    if key == "level":
        return f"{value:g}"
    if isinstance(value, float):
        digits = next((n for ending, n in DIGITS.items() if key.endswith(ending)), 3)
        return f"{value:.{digits}f}"
    return "–" if value is None else str(value)
