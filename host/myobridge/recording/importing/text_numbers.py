"""Turns rows of text into numbers, some ten million a second: NumPy works on one digit of all numbers at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

NEWLINE: Final = ord("\n")
MOST_LETTERS: Final = 18
"""Longer numbers, which may not fit into an int64 without their point, are left to Python."""
EXACT: Final = 1 << 53
"""Smaller integers are exact as floats, so their quotient by a power of ten is rounded once, as Python rounds it."""
POWERS: Final = 10.0 ** np.arange(MOST_LETTERS + 1)


class UnevenRow(Exception):
    """A row has another number of fields: its index, and its number of fields."""


class NoNumber(Exception):
    """A field is not a number: the index of its row, its index among the requested columns, and its text."""


def fields_of(data: bytes, delimiter: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Offsets at which the fields of whole rows begin and end, (rows, width) each.

    Raises:
        UnevenRow: a row has more or fewer fields.
    """
    letters = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero((letters == delimiter) | (letters == NEWLINE))
    last = letters[ends] == NEWLINE
    rows = int(last.sum())
    if rows * width != len(ends) or not last[width - 1 :: width].all():
        counts = np.diff(np.flatnonzero(last), prepend=-1)
        row = int(np.argmax(counts != width))
        raise UnevenRow(row, int(counts[row]))
    begins = np.concatenate([[0], ends[:-1] + 1])
    return begins.reshape(rows, width), ends.reshape(rows, width)


def numbers_of(data: bytes, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """The numbers in these fields, (rows, columns) each, in an array of this shape.

    Raises:
        NoNumber: a field is not a number.
    """
    letters = np.frombuffer(data, np.uint8)
    values = np.empty(begins.shape)
    for column in range(begins.shape[1]):
        begin, end = np.ascontiguousarray(begins[:, column]), np.ascontiguousarray(ends[:, column])
        values[:, column], odd = _plain_numbers(letters, begin, end)
        for row in np.flatnonzero(odd).tolist():
            values[row, column] = _by_python(data[begin[row] : end[row]], row, column)
    return values


def _plain_numbers(
    letters: NDArray[np.uint8], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers that are digits with a sign and a point, and which fields are something else."""
    negative = letters[begin] == ord("-")
    at = begin + negative
    length = end - at
    odd = (length == 0) | (length > MOST_LETTERS)
    whole, decimals = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
    fraction, seen = np.zeros(len(at), bool), np.zeros(len(at), bool)
    for _ in range(min(MOST_LETTERS, int(length.max(initial=0)))):
        inside = at < end
        letter = letters[np.minimum(at, end)]
        digit = letter - np.uint8(ord("0"))
        is_digit = inside & (digit < 10)
        whole = np.where(is_digit, whole * 10 + digit, whole)
        decimals += is_digit & fraction
        point = inside & (letter == ord("."))
        odd |= (inside & ~is_digit & ~point) | (point & fraction)
        fraction |= point
        seen |= is_digit
        at += 1
    values = whole / POWERS[decimals]
    return np.where(negative, -values, values), odd | ~seen | (whole >= EXACT)


def _by_python(field: bytes, row: int, column: int) -> float:
    """A number with an exponent or many digits, or NaN."""
    try:
        return float(field.strip(b' "'))
    except ValueError:
        raise NoNumber(row, column, field.decode(errors="replace")) from None
