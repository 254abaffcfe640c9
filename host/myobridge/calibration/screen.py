"""Shows a guided session and reads its keys: as a picture in a terminal, or as a line for each step."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live

from myobridge.calibration.look import HEIGHT, KEYS, WIDTH
from myobridge.view.drawable import can_draw, holds

KEY_BYTES: Final = 64


class Moment(Protocol):
    """What a screen shows of one moment."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for the wearer."""

    @property
    def line(self) -> str:
        """The moment as a line of text."""

    def picture(self) -> RenderableType:
        """The moment, WIDTH by HEIGHT."""

    def small_picture(self) -> RenderableType:
        """The moment for a terminal that is too small."""


class Screen(Protocol):
    """Shows moments. It is a context, so that the terminal is restored afterwards."""

    interactive: bool
    """Whether somebody can press keys."""

    def __enter__(self) -> Self:
        """Takes the terminal."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restores the terminal."""

    def given_back(self) -> AbstractContextManager[None]:
        """Restores the terminal while the block runs, then takes it again."""

    def show(self, look: Moment) -> None:
        """Shows one moment."""

    def pressed(self) -> str:
        """Keys pressed since the last call."""


def open_screen(say: Callable[[str], None], keys_text: str = KEYS) -> Screen:
    """A picture if the terminal can draw and has keys; otherwise lines through `say`, with keys if there are any."""
    console = Console(stderr=True)  # standard output is for --json
    keys = Keys() if sys.stdin.isatty() else None
    if keys is not None and can_draw(console, WIDTH, HEIGHT):
        return PictureScreen(console, keys)
    return LineScreen(say, keys, keys_text)


def stop_this_process() -> None:
    """Stops this process as Ctrl-Z does; returns when it is continued, or at once if nobody could continue it."""
    ours = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, ours)


class Keys:
    """The keys of the terminal at standard input; inside the context, they are read at once and not echoed."""

    def __init__(self) -> None:
        self._stdin = sys.stdin.fileno()

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._stdin)
        tty.setcbreak(self._stdin)
        return self

    def __exit__(self, *_: object) -> None:
        termios.tcsetattr(self._stdin, termios.TCSADRAIN, self._before)

    def waiting(self) -> bool:
        """Keys wait to be read, or the terminal is gone."""
        return bool(select.select([self._stdin], [], [], 0)[0])

    def pressed(self) -> str:
        """Keys pressed since the last call; none if the terminal is gone."""
        if not self.waiting():
            return ""
        return os.read(self._stdin, KEY_BYTES).decode(errors="ignore")


class PictureScreen:
    """Draws each moment as a picture."""

    interactive = True

    def __init__(self, console: Console, keys: Keys) -> None:
        self._console, self._keys = console, keys
        self._live = Live(console=console, auto_refresh=False, screen=True)
        self._taken = ExitStack()

    def __enter__(self) -> Self:
        self._taken.enter_context(self._keys)
        self._taken.enter_context(self._live)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._taken.close()

    @contextmanager
    def given_back(self) -> Iterator[None]:  # noqa: D102 - its protocol says it
        self._taken.close()
        try:
            yield
        finally:
            self.__enter__()

    def show(self, look: Moment) -> None:  # noqa: D102 - its protocol says it
        fits = holds(self._console, WIDTH, HEIGHT)  # the user may have changed the window's size
        self._live.update(look.picture() if fits else look.small_picture(), refresh=True)

    def pressed(self) -> str:  # noqa: D102 - its protocol says it
        return self._keys.pressed()


class LineScreen:
    """Prints each step, and each remark, once."""

    def __init__(self, say: Callable[[str], None], keys: Keys | None = None, keys_text: str = KEYS) -> None:
        self._say, self._keys, self._keys_text = say, keys, keys_text
        self._said: tuple[str, ...] = ()
        self.interactive = keys is not None

    def __enter__(self) -> Self:
        self._said = ()
        if self._keys is not None:
            self._keys.__enter__()
            self._say(f"Keys: {self._keys_text}.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keys is not None:
            self._keys.__exit__()

    @contextmanager
    def given_back(self) -> Iterator[None]:  # noqa: D102 - its protocol says it
        self.__exit__(None, None, None)
        try:
            yield
        finally:
            self.__enter__()

    def show(self, look: Moment) -> None:  # noqa: D102 - its protocol says it
        lines = (*look.notes, look.line)
        for line in lines:
            if line not in self._said:
                self._say(line)
        self._said = lines

    def pressed(self) -> str:  # noqa: D102 - its protocol says it
        return "" if self._keys is None else self._keys.pressed()
