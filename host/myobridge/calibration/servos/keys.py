"""What a person can ask for, and the terminal's keys for it. A terminal tells presses and repeats, never releases."""

from __future__ import annotations

import os
import re
import termios
from contextlib import suppress
from enum import StrEnum
from typing import Final

from myobridge.calibration.screen import Keys


class Key(StrEnum):
    """A person's wish. The page sends the value as it stands here."""

    SHORTER = "shorter"
    LONGER = "longer"
    RELEASE = "release"
    OPEN = "open"
    CLOSED = "closed"
    DIGITAL = "digital"
    NEXT = "next"
    PREVIOUS = "previous"
    ARM = "arm"
    DISARM = "disarm"
    SAVE = "save"
    LEAVE = "leave"
    ESTOP = "estop"
    HERE = "here"
    """Only a page says this: a person still sees it."""


KEYS: Final = {
    b"\x1b[D": Key.SHORTER,
    b"\x1bOD": Key.SHORTER,
    b"-": Key.SHORTER,
    b"\x1b[C": Key.LONGER,
    b"\x1bOC": Key.LONGER,
    b"+": Key.LONGER,
    b"o": Key.OPEN,
    b"c": Key.CLOSED,
    b"d": Key.DIGITAL,
    b"n": Key.NEXT,
    b"p": Key.PREVIOUS,
    b"a": Key.ARM,
    b"x": Key.DISARM,
    b"s": Key.SAVE,
    b"q": Key.LEAVE,
    b" ": Key.ESTOP,
}
"""The arrows come in the terminal's normal form and in its application form."""
SEQUENCE: Final = re.compile(rb"\x1b(?:\[\[?[0-?]*[@-~]|O[0-9;]*[A-Za-z])")
"""What a terminal sends for a key without a character. Its letter is no key: Shift-Up ends in A, but must not arm."""
BEGUN: Final = re.compile(rb"\x1b(?:\[\[?[0-?]*|O[0-9;]*)?\Z")
READ_BYTES: Final = 4096
"""All that a terminal keeps: presses that waited must not count one after the other."""


def keys_in(data: bytes) -> tuple[list[Key], bytes]:
    """The keys in the terminal's bytes, each run of one key once, and the beginning of a sequence that is not whole.

    A run counts once because presses that waited in the terminal say no more about now than one of them.
    """
    keys: list[Key] = []
    while data:
        if BEGUN.match(data):
            return keys, data
        sequence = SEQUENCE.match(data)
        piece = sequence[0] if sequence else data[:1].lower()
        data = data[len(piece) :]
        key = KEYS.get(piece)
        if key is not None and keys[-1:] != [key]:
            keys.append(key)
    return keys, b""


class TerminalLost(Exception):
    """The terminal at standard input is gone."""


class TerminalKeys(Keys):
    """The keys of the terminal at standard input."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = b""

    def __exit__(self, *_: object) -> None:
        with suppress(termios.error):  # the terminal is gone
            super().__exit__()

    def wishes(self) -> list[Key]:
        """The keys pressed since the last call.

        Raises:
            TerminalLost: nobody is at the keys any more.
        """
        if not self.waiting():
            return []
        try:
            data = os.read(self._stdin, READ_BYTES)
        except OSError as error:
            raise TerminalLost from error
        if not data:
            raise TerminalLost
        keys, self._begun = keys_in(self._begun + data)
        return keys
