"""What a reader finds in a file. Pure: the readers do the I/O behind `Found.read` and `Found.marks`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.recording.importing.mapping import Mapping

BLOCK_ROWS: Final = 1 << 14
Blocks = Iterator[NDArray[Any]]
"""Rows of the requested columns in order, (some rows, columns) each."""


@dataclass(frozen=True)
class Column:
    """One series of numbers.

    group: the array or stream that holds the column; empty if the file has no such groups.
    rows: None if only reading the file tells.
    rate_hz: None if the file does not say.
    unit: V, mV or uV; empty if the file does not say.
    step: the distance between neighbouring values, in `unit`; None if values are not multiples of a step.
    texts: the texts for which the column's numbers stand, if the file holds texts; complete after reading.
    """

    name: str
    group: str
    rows: int | None = None
    rate_hz: float | None = None
    unit: str = ""
    step: float | None = None
    texts: list[str] | None = None


@dataclass(frozen=True)
class Mark:
    """An event from row `start` to before `stop` (None: until the next event)."""

    start: int
    stop: int | None
    text: str
    label: int | None = None
    repetition: int | None = None


@dataclass(frozen=True)
class Marks:
    """The events of a file, the rows at which a new take begins, and the row behind the last sample."""

    events: Sequence[Mark] = ()
    breaks: Sequence[int] = ()
    end: int | None = None


def no_marks(_column: Column) -> Marks:
    """The marks of a format that has none."""
    return Marks()


@dataclass(frozen=True)
class Found:
    """A file: its format, its columns, and what the file itself says about them.

    read: gives the columns with these indices, which must have equally many rows.
    marks: the events, in rows of this column.
    says: what the file says or its names suggest.
    """

    path: Path
    form: str
    columns: Sequence[Column]
    read: Callable[[Sequence[int]], Blocks]
    says: Mapping = field(default_factory=Mapping)
    marks: Callable[[Column], Marks] = no_marks
    event_texts: Sequence[str] = ()


def cut_short(path: Path, why: str) -> UserError:
    """The error about a file that ends too early."""
    return UserError(f"{path} is cut short ({why}); copy the file again from its source.")


def damaged(path: Path, form: str, error: Exception) -> UserError:
    """The error about a file of this format that its library cannot read."""
    why = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    return UserError(
        f"{path} is not a whole {form} file ({why}); copy the file again, or save it anew with the program that "
        "wrote it."
    )


# --- files that hold arrays -----------------------------------------------------------------------------------


def is_series(shape: Sequence[int], dtype: np.dtype[Any]) -> bool:
    """Whether an array may hold samples: numbers, one or two axes, more than one row."""
    return dtype.kind in "iufb" and len(shape) in (1, 2) and min(shape) > 0 and max(shape) > 1


def rows_in(array: Any) -> Callable[[int, int], NDArray[Any]]:
    """Reads rows start to stop along the longer axis: people store (samples, channels) and (channels, samples)."""
    if len(array.shape) < 2 or array.shape[0] >= array.shape[1]:
        return lambda start, stop: array[start:stop]
    return lambda start, stop: array[:, start:stop].T


@dataclass(frozen=True)
class Stored:
    """One array of a file, and how to read its rows (see `rows_in`)."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    rows: Callable[[int, int], NDArray[Any]]

    @property
    def length(self) -> int:
        """Number of rows."""
        return max(self.shape)

    @property
    def width(self) -> int:
        """Number of columns."""
        return min(self.shape) if len(self.shape) == 2 else 1


def columns_of(stored: Iterable[Stored]) -> tuple[list[Column], list[tuple[Stored, int]]]:
    """The columns of arrays, and for each column its array and its place there; other shapes are left out."""
    columns, places = [], []
    for array in stored:
        step = 1.0 if array.dtype.kind in "iub" else None
        for at in range(array.width):
            name = array.name if array.width == 1 else f"{array.name}[{at + 1}]"
            columns.append(Column(name, array.name, array.length, step=step))
            places.append((array, at))
    return columns, places


def array_reader(places: Sequence[tuple[Stored, int]]) -> Callable[[Sequence[int]], Blocks]:
    """`Found.read` for columns of arrays."""

    def read(wanted: Sequence[int]) -> Blocks:
        arrays = {array.name: array for array, _ in (places[index] for index in wanted)}
        rows = min(array.length for array in arrays.values())
        for start in range(0, rows, BLOCK_ROWS):
            stop = min(rows, start + BLOCK_ROWS)
            parts = {name: array.rows(start, stop).reshape(stop - start, -1) for name, array in arrays.items()}
            yield np.stack([parts[array.name][:, at] for array, at in (places[index] for index in wanted)], axis=1)

    return read


def number_in(value: Any) -> float | None:
    """The number of an array that holds a single one."""
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "iuf" or not isfinite(float(array.reshape(-1)[0])):
        return None
    return float(array.reshape(-1)[0])
