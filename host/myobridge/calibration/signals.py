"""What signals ask of a program that guides a person: to stop, or to take a break (Ctrl-Z)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from myobridge.calibration.screen import Screen, stop_this_process

HEARD: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGCONT)


class Signals:
    """Notes the signals that came: SIGTSTP asks for a break, SIGCONT ends one, the others ask for the end."""

    def __init__(self) -> None:
        self.stopping = False
        self._suspending = self._continued = False

    @property
    def breaking(self) -> bool:
        """A break is asked for, or the process was stopped and runs again."""
        return self._suspending or self._continued

    def take_a_break(self, screen: Screen) -> None:
        """Stops the process if Ctrl-Z asked for that; a shell has the terminal until the process runs again."""
        with screen.given_back():
            if self._suspending:
                stop_this_process()
        self._suspending = self._continued = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Notes signals while the block runs, except those that the process was started to ignore."""
        before = {number: signal.getsignal(number) for number in HEARD}
        listened = [number for number, was in before.items() if was != signal.SIG_IGN or number == signal.SIGINT]
        try:
            for number in listened:
                signal.signal(number, self._hear)
            yield
        finally:
            for number in listened:
                signal.signal(number, before[number])

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        match number:
            case signal.SIGTSTP:
                self._suspending = True
            case signal.SIGCONT:
                self._continued = True
            case _:
                self.stopping = True
