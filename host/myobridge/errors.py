"""The one exception that a user's mistake or a bad device raises."""

from typing import Final

from myobridge.text import printable

HALF_LETTERS: Final = 500
"""What a sentence quotes may be of any length; its beginning and its end say what is wrong and what to do."""


class UserError(Exception):
    """One sentence: what is wrong, where, and what to do. Printed without a traceback; the exit code is 1."""

    def __init__(self, sentence: str) -> None:
        if len(sentence) > 2 * HALF_LETTERS:
            sentence = f"{sentence[:HALF_LETTERS]}…{sentence[-HALF_LETTERS:]}"
        super().__init__(printable(sentence))
