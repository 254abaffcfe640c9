"""Rows of figures as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table


def print_rows(title: str, rows: Sequence[Mapping[str, object]], console: Console) -> None:
    """One line a row; columns are the first row's keys, numbers to three figures behind the point at most."""
    table = Table(title=title)
    for key in rows[0]:
        table.add_column(key.replace("_", " "), justify="left" if isinstance(rows[0][key], str) else "right")
    for row in rows:
        table.add_row(*(_cell(key, value) for key, value in row.items()))
    console.print(table)


def _cell(key: str, value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}" if key.endswith("_deg") else f"{value:.3f}"
    return "–" if value is None else str(value)
