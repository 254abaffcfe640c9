"""Decides which columns of a file become what, and asks by name for what is missing. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording.importing.found import Column, Found
from myobridge.recording.importing.mapping import EVENTS, Mapping
from myobridge.recording.npz import DEFAULT_ADC_BITS
from myobridge.wire.emg import MAX_CHANNELS

RANGE: Final = re.compile(r"(\d+)-(\d+)")
LOOK: Final = "`myobridge import {} --look` lists the columns"


@dataclass(frozen=True)
class Choice:
    """Columns by index: channels, and the others if there are any.

    rate_hz: None: the times of `time` say it.
    unit: V, mV, uV or counts; empty: nobody says, so only whole numbers are taken, as counts.
    zero: taken from the channels' values.
    uv_per_count: None: nobody says.
    """

    channels: tuple[int, ...]
    label: int | None
    repetition: int | None
    run: int | None
    angles: tuple[int, ...]
    time: int | None
    events: bool
    rate_hz: float | None
    unit: str
    zero: float
    uv_per_count: float | None
    adc_bits: int
    poses: tuple[LabelledPose, ...]

    @property
    def columns(self) -> list[int]:
        """All chosen columns: channels, angles, then the single ones that there are."""
        single = (self.label, self.repetition, self.run, self.time)
        return [*self.channels, *self.angles, *(index for index in single if index is not None)]


def choose(found: Found, mapping: Mapping) -> Choice:
    """What the mapping takes from the file.

    Raises:
        UserError: a column does not exist, does not fit, or something is missing that only the user knows.
    """
    picked = _Picker(found)
    if not mapping.channels:
        raise UserError(
            f"{found.path}: the names do not say which columns are EMG; name them with --channels "
            f"({LOOK.format(found.path)})."
        )
    channels = picked.many(mapping.channels, "channels")
    if len(channels) > MAX_CHANNELS:
        raise UserError(
            f"{found.path}: {len(channels)} channels are chosen and a recording may have {MAX_CHANNELS}; choose fewer "
            "with --channels."
        )
    angles = picked.many(mapping.angles or (), "angles")
    if len(angles) not in (0, len(SERVOS)):
        raise UserError(
            f"{found.path}: --angles names {len(angles)} columns; name {len(SERVOS)}, from the thumb to the little "
            "finger."
        )
    chosen = [found.columns[index] for index in channels]
    events = mapping.label == EVENTS and not picked.has(EVENTS)
    choice = Choice(
        channels=channels,
        label=label_column(found, mapping),
        repetition=picked.one(mapping.repetition, "repetition"),
        run=picked.one(mapping.run, "run"),
        angles=angles,
        time=picked.one(mapping.time, "time"),
        events=events,
        rate_hz=mapping.rate_hz or _one_rate(found.path, chosen),
        unit=mapping.unit or _one_unit(found.path, chosen),
        zero=mapping.zero or 0.0,
        uv_per_count=mapping.uv_per_count,
        adc_bits=mapping.adc_bits or DEFAULT_ADC_BITS,
        poses=mapping.pose or (),
    )
    _check_rows(found, choice)
    if choice.rate_hz is None and choice.time is None:
        raise UserError(f"{found.path} does not say its sampling rate; give it with --rate, in Hz.")
    return choice


def label_column(found: Found, mapping: Mapping) -> int | None:
    """The column of labels; None: there is none.

    Raises:
        UserError: the mapping names a column that does not exist.
    """
    picked = _Picker(found)
    return None if mapping.label == EVENTS and not picked.has(EVENTS) else picked.one(mapping.label, "label")


class _Picker:
    """Finds columns by their names, the names of their arrays, or their numbers from 1 on."""

    def __init__(self, found: Found) -> None:
        self._path, self._columns = found.path, found.columns

    def has(self, name: str) -> bool:
        """Whether a column or an array has this name."""
        return any(name in (column.name, column.group) for column in self._columns)

    def one(self, name: str | None, key: str) -> int | None:
        if not name:
            return None
        found = self._indices(name)
        if len(found) != 1:
            what = f"names {len(found)} columns" if found else "names no column"
            raise UserError(f"{self._path}: --{key} {name} {what}; name one ({LOOK.format(self._path)}).")
        return found[0]

    def many(self, names: Sequence[str], key: str) -> tuple[int, ...]:
        indices: list[int] = []
        for name in names:
            found = self._indices(name)
            if not found:
                raise UserError(f"{self._path} has no column '{name}', which --{key} names; {LOOK.format(self._path)}.")
            indices += found
        for index in indices:
            if indices.count(index) > 1:
                raise UserError(
                    f"{self._path}: --{key} names '{self._columns[index].name}' twice; name each column once."
                )
            if self._columns[index].texts is not None:
                raise UserError(
                    f"{self._path}: the column '{self._columns[index].name}' holds text; leave it out of --{key}."
                )
        return tuple(indices)

    def _indices(self, name: str) -> list[int]:
        for attribute in ("name", "group"):
            found = [k for k, column in enumerate(self._columns) if getattr(column, attribute) == name]
            if found:
                return found
        number = RANGE.fullmatch(name) or re.fullmatch(r"(\d+)", name)
        if number is None:
            return []
        first, last = int(number[1]), int(number[number.lastindex or 1])
        return list(range(first - 1, last)) if 1 <= first <= last <= len(self._columns) else []


def _one_rate(path: Path, columns: Sequence[Column]) -> float | None:
    rates = {column.rate_hz: column.name for column in columns}
    if len(rates) > 1:
        each = " and ".join(f"'{name}' {rate:g} Hz" for rate, name in list(rates.items())[:2] if rate is not None)
        raise UserError(f"{path}: the channels have different rates ({each}); choose channels of one rate.")
    return next(iter(rates))


def _one_unit(path: Path, columns: Sequence[Column]) -> str:
    """The unit of the channels; whole numbers without a unit are counts."""
    units = {column.unit: column.name for column in columns}
    if len(units) > 1:
        each = " and ".join(f"'{name}' in '{unit}'" for unit, name in list(units.items())[:2])
        raise UserError(f"{path}: the channels have different units ({each}); choose channels of one unit.")
    unit = next(iter(units))
    return unit or ("counts" if all(column.step is not None for column in columns) else "")


def _check_rows(found: Found, choice: Choice) -> None:
    """Refuses columns of different lengths or rates."""
    first = found.columns[choice.channels[0]]
    for index in choice.columns:
        column = found.columns[index]
        if (column.rows, column.rate_hz) != (first.rows, first.rate_hz):
            raise UserError(
                f"{found.path}: '{column.name}' has {_series(column)} and '{first.name}' has {_series(first)}; choose "
                "columns of one length and rate."
            )


def _series(column: Column) -> str:
    rate = f" at {column.rate_hz:g} Hz" if column.rate_hz else ""
    return f"{column.rows} values{rate}"
