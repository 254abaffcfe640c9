"""Turns rows of text into numbers, some ten million a second: NumPy works on one digit of all numbers at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

NEWLINE: Final = ord("\n")
MOST_DIGITS: Final = 15
"""Numbers with more digits, which a float cannot hold exactly, are left to Python."""
POWERS: Final = 10.0 ** np.arange(MOST_DIGITS + 1)


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
    """The numbers in these fields; the array has the shape of `begins`.

    Raises:
        NoNumber: a field is not a number.
    """
    letters = np.frombuffer(data, np.uint8)
    at, stop = begins.ravel().copy(), ends.ravel()
    negative = letters[at] == ord("-")
    at += negative
    length = stop - at
    whole = np.zeros(len(at), np.int64)
    decimals = np.zeros(len(at), np.int64)
    fraction = np.zeros(len(at), bool)
    odd = (length == 0) | (length > MOST_DIGITS)
    for _ in range(min(MOST_DIGITS, int(length.max(initial=0)))):
        inside = at < stop
        letter = letters[np.minimum(at, stop)]
        digit = letter - np.uint8(ord("0"))
        is_digit = inside & (digit < 10)
        whole = np.where(is_digit, whole * 10 + digit, whole)
        decimals += is_digit & fraction
        point = inside & (letter == ord("."))
        odd |= (inside & ~is_digit & ~point) | (point & fraction)
        fraction |= point
        at += 1
    values = whole / POWERS[decimals]
    values[negative] *= -1
    for index in np.flatnonzero(odd).tolist():  # exponents, NaN, many digits, and mistakes
        values[index] = _by_python(data[begins.flat[index] : ends.flat[index]], index, begins.shape)
    return values.reshape(begins.shape)


def _by_python(field: bytes, index: int, shape: Sequence[int]) -> float:
    try:
        return float(field.strip(b' "'))
    except ValueError:
        raise NoNumber(*divmod(index, shape[1]), field.decode(errors="replace")) from None
