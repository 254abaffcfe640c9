"""Where a guided recording is shown and steered: a picture in a terminal, or a line for each step without one."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.live import Live

from myobridge.guide.look import Look, render

KEY_BYTES: Final = 64


class Screen(Protocol):
    """Shows moments; a context, so that the terminal is given back as it was."""

    interactive: bool
    """Somebody can press keys."""

    def __enter__(self) -> Self:
        """Takes the terminal."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives it back."""

    def show(self, look: Look) -> None:
        """Shows one moment."""

    def pressed(self) -> str:
        """Keys pressed since it was last asked."""


def open_screen(say: Callable[[str], None]) -> Screen:
    """The terminal if there is one to draw on and to press keys at, otherwise lines through `say`."""
    console = Console(stderr=True)  # standard output is for --json
    if console.is_terminal and sys.stdin.isatty():
        return PictureScreen(console)
    return LineScreen(say)


class PictureScreen:
    """Draws every moment anew; keys are read as they are pressed."""

    interactive = True

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, screen=True)
        self._stdin = sys.stdin.fileno()

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._stdin)
        tty.setcbreak(self._stdin)
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)
        termios.tcsetattr(self._stdin, termios.TCSADRAIN, self._before)

    def show(self, look: Look) -> None:
        """See Screen."""
        self._live.update(render(look), refresh=True)

    def pressed(self) -> str:
        """See Screen."""
        if not select.select([self._stdin], [], [], 0)[0]:
            return ""
        return os.read(self._stdin, KEY_BYTES).decode(errors="ignore")


class LineScreen:
    """Says each step, and each remark, once."""

    interactive = False

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def show(self, look: Look) -> None:
        """See Screen."""
        lines = (*look.notes, look.line)
        for line in lines:
            if line not in self._said:
                self._say(line)
        self._said = lines

    def pressed(self) -> str:
        """See Screen."""
        return ""
