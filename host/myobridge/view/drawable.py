"""Whether a picture can be drawn in this terminal. Where it cannot, commands print lines."""

from __future__ import annotations

import os
from typing import Final

from rich.console import Console

CANNOT_DRAW: Final = ("", "dumb", "unknown")
"""Names of terminals, in TERM, that cannot move their cursor, or that nobody knows.."""


def can_draw(console: Console, columns: int, rows: int) -> bool:
    """The console is a terminal that can move its cursor, has our letters, and holds a picture of this size."""
    return (
        console.is_terminal
        and os.environ.get("TERM", "").lower() not in CANNOT_DRAW
        and console.encoding.startswith("utf")
        and holds(console, columns, rows)
    )


def holds(console: Console, columns: int, rows: int) -> bool:
    """The console is large enough now."""
    return console.size.width >= columns and console.size.height >= rows
