"""The exception for mistakes of users and faults of boards, and text that is safe to print."""

from typing import Final

HALF_LETTERS: Final = 500
"""An error keeps this many characters at its start and at its end, because a quoted text may have any length."""


def printable(text: str) -> str:
    """The text without characters that control a terminal or break a row of a table."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


class UserError(Exception):
    """One sentence: what is wrong, where, and what to do. Printed without a traceback; the exit code is 1."""

    def __init__(self, sentence: str) -> None:
        if len(sentence) > 2 * HALF_LETTERS:
            sentence = f"{sentence[:HALF_LETTERS]}…{sentence[-HALF_LETTERS:]}"
        super().__init__(printable(sentence))
