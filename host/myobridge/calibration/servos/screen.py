"""Shows a builder the servos: as a picture in the terminal, or as a line for each change."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console

from myobridge.calibration.servos.keys import TerminalKeys
from myobridge.calibration.servos.look import CAUTION, FIRST_SERVO, HEIGHT, KEYS, WIDTH, Look, picture
from myobridge.daemon.printer import Printer
from myobridge.errors import printable
from myobridge.view.drawable import can_draw

STDERR: Final = 2
ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[2J"
LEAVE: Final = "\x1b[?25h\x1b[?1049l"
HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
BOLD, PLAIN = "\x1b[1m", "\x1b[0m"


class Screen(Protocol):
    """Shows moments. It is a context, so that the terminal is restored afterwards."""

    def __enter__(self) -> Self:
        """Takes the terminal."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restores the terminal."""

    def show(self, look: Look) -> None:
        """Shows one moment; never waits for the terminal."""


class Picture:
    """Draws each moment. A thread writes, so that a terminal that takes nothing delays no DISARM."""

    def __enter__(self) -> Self:
        self._printer = Printer(STDERR)
        self._printer.say(ENTER)
        self._shown: tuple[object, ...] = ()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._printer.say(LEAVE)
        self._printer.close()

    def show(self, look: Look) -> None:  # noqa: D102 - its protocol says it
        console = Console(stderr=True)
        if (look, console.size) == self._shown:
            return
        self._shown = look, console.size
        lines = picture(look)
        bold = {0, FIRST_SERVO + look.servo}
        drawn = [f"{BOLD}{line}{PLAIN}" if i in bold else line for i, line in enumerate(lines)]
        self._printer.say(HOME + "".join(f"{line}{CLEAR_LINE}\r\n" for line in drawn) + CLEAR_BELOW)


class Lines:
    """Prints what changed: sentences, and a servo's pulse once the servo stands still."""

    def __init__(self, *, keys: bool) -> None:
        self._keys = keys
        self._said = ("", "", "")
        self._passing = ""

    def __enter__(self) -> Self:
        self._printer = Printer(STDERR)
        for line in (CAUTION, *(KEYS if self._keys else ())):
            self._say(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._printer.close()

    def _say(self, line: str) -> None:
        self._printer.say(f"myobridge: {printable(line)}")

    def show(self, look: Look) -> None:  # noqa: D102 - its protocol says it
        row = look.rows[look.servo]
        where = "" if row.now_us is None else f"The {row.name} gets {row.now_us} µs."
        resting, self._passing = where == self._passing, where
        new = (look.held, look.note, where if resting else self._said[2])
        for text, before in zip(new, self._said, strict=True):
            if text and text != before:
                self._say(text)
        self._said = new


def open_keys() -> TerminalKeys | None:
    """The keys of the terminal; None if standard input is no terminal."""
    return TerminalKeys() if sys.stdin.isatty() else None


def open_screen(*, keys: bool) -> Screen:
    """A picture if the terminal can draw, otherwise lines."""
    return Picture() if keys and can_draw(Console(stderr=True), WIDTH, HEIGHT) else Lines(keys=keys)
