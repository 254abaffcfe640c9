"""What a press of the button on the hand asks for, read from STATUS. Pure.

The board debounces the button, ends every motion at the press, and tells how long the press was (firmware/PROTOCOL.md).
Everything else is decided here, at the release, by one table of the settings.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple

from myobridge.settings import ButtonSettings, PressAsks
from myobridge.wire.messages import Button, Status

PRESSES: Final = 256
"""The count in STATUS wraps here."""
PRESSED, STUCK = int(Button.PRESSED), int(Button.STUCK)
LONG, LONGEST, SPENT = int(Button.LONG), int(Button.LONGEST), int(Button.SPENT)
"""Plain numbers, because IntFlag's arithmetic costs microseconds in every turn of the loop."""


class Mark(Enum):
    """What the ear and the page are told while the button is down."""

    DOWN = auto()
    LONG = auto()
    LONGEST = auto()
    STUCK = auto()


class Presses(NamedTuple):
    """What is new since the last look.

    began: a press has begun, so everything that was asked for earlier is over.
    mark: the press has reached this length.
    asks: the release of a press asks for this; empty: for nothing.
    """

    began: bool = False
    mark: Mark | None = None
    asks: PressAsks | None = None


NOTHING: Final = Presses()


class PressReader:
    """Follows the button of one connection."""

    def __init__(self, table: ButtonSettings) -> None:
        self._table = table
        self._bits = 0
        self._presses: int | None = None
        """As of the last look; None: before the first one, so that no earlier press counts."""
        self._counts = False
        """The press under way began while this reader looked, and no other press was missed."""

    def look(self, status: Status) -> Presses:
        """Takes a STATUS; a press whose beginning or end was missed asks for nothing."""
        bits, presses = int(status.button), status.button_presses
        if (bits, presses) == (self._bits, self._presses):
            return NOTHING
        missed = 0 if self._presses is None else (presses - self._presses) % PRESSES
        first, before = self._presses is None, self._bits
        self._bits, self._presses = bits, presses
        if first:
            return NOTHING
        if missed:
            self._counts = missed == 1
        if bits & PRESSED:
            return Presses(began=missed > 0, mark=_mark(bits, before if not missed else 0))
        asks = self._asks(bits) if self._counts else None
        self._counts = False
        return Presses(began=missed > 0, asks=asks)

    def _asks(self, bits: int) -> PressAsks | None:
        if bits & SPENT:
            return None
        table = self._table
        return table.longest if bits & LONGEST else table.long if bits & LONG else table.short


def _mark(bits: int, before: int) -> Mark | None:
    new = bits & ~before
    if bits & SPENT and not bits & STUCK:
        return None  # this press ended a motion
    for bit, mark in ((STUCK, Mark.STUCK), (LONGEST, Mark.LONGEST), (LONG, Mark.LONG), (PRESSED, Mark.DOWN)):
        if new & bit:
            return mark
    return None
