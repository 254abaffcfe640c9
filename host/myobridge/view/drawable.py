"""Whether this terminal can draw a picture. Otherwise commands print lines."""

from __future__ import annotations

import os
from typing import Final

from rich.console import Console

CANNOT_DRAW: Final = ("", "dumb", "unknown")
"""Values of TERM for terminals that cannot move their cursor or are unknown."""


def can_draw(console: Console, columns: int, rows: int) -> bool:
    """The console is a terminal that can move its cursor, prints UTF-8, and is large enough for the picture."""
    return (
        console.is_terminal
        and os.environ.get("TERM", "").lower() not in CANNOT_DRAW
        and console.encoding.startswith("utf")
        and holds(console, columns, rows)
    )


def holds(console: Console, columns: int, rows: int) -> bool:
    """The console is large enough now."""
    return console.size.width >= columns and console.size.height >= rows
