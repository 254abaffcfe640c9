"""The one exception that a user's mistake or a bad board raises, and the text that people may be shown."""

from typing import Final

HALF_LETTERS: Final = 500
"""What a sentence quotes may be of any length; its beginning and its end say what is wrong and what to do."""


def printable(text: str) -> str:
    """Without what would control a terminal or break a table's row."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


class UserError(Exception):
    """One sentence: what is wrong, where, and what to do. Printed without a traceback; the exit code is 1."""

    def __init__(self, sentence: str) -> None:
        if len(sentence) > 2 * HALF_LETTERS:
            sentence = f"{sentence[:HALF_LETTERS]}…{sentence[-HALF_LETTERS:]}"
        super().__init__(printable(sentence))
