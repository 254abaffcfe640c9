"""Reads the chosen columns of a file and checks every value. The reader does the I/O; nothing here opens a file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.recording.arrays import check_degrees
from myobridge.recording.importing.choose import Choice
from myobridge.recording.importing.clock import Clock, clock_of
from myobridge.recording.importing.found import Column, Found, Marks
from myobridge.recording.log_frames import LABELS
from myobridge.recording.npz_file import MAX_UNPACKED_MB

SECONDS: Final = {"ms": 1e-3, "us": 1e-6, "µs": 1e-6}
LOWEST_RATE_HZ: Final = 100.0
"""Times that say a lower rate are probably not in seconds."""


@dataclass
class Gathered:
    """The columns of one file.

    values: the channels' values, float32 (some samples, channels) each; emptied while counts are made of them.
    labels, repetitions, runs: one value for each sample, uint8, or None. A label of a text is its index in `texts`.
    breaks: rows at which a new take begins.
    """

    found: Found
    choice: Choice
    rate_hz: float = 0.0
    values: list[NDArray[np.float32]] = field(default_factory=list)
    peak: float = 0.0
    labels: NDArray[np.uint8] | None = None
    texts: tuple[str, ...] = ()
    repetitions: NDArray[np.uint8] | None = None
    runs: NDArray[np.uint8] | None = None
    angles_deg: NDArray[np.float32] | None = None
    breaks: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """Number of samples."""
        return sum(map(len, self.values))


def gather(found: Found, choice: Choice) -> Gathered:
    """Reads the file once.

    Raises:
        UserError: a value is missing or impossible, the times do not say the rate, or the file is too long.
    """
    taken = Gathered(found, choice)
    parts = _read(taken)
    if not taken.rows:
        raise UserError(f"{found.path} holds no sample; choose a file with samples.")
    marks = found.marks(found.columns[choice.channels[0]])
    _cut(taken, parts, marks.end)
    if choice.angles:
        taken.angles_deg = np.concatenate(parts["angles"])
        check_degrees(taken.angles_deg, found.path)
    for name, key in (("label", "labels"), ("repetition", "repetitions"), ("run", "runs")):
        if parts[name]:
            setattr(taken, key, np.concatenate(parts[name]))
    if choice.label is not None:
        taken.texts = tuple(found.columns[choice.label].texts or ())
    if choice.events:
        _label_by_events(taken, marks)
    clock = _clock(taken, parts["time"])
    taken.rate_hz = choice.rate_hz or clock.rate_hz or 0.0
    taken.breaks = tuple(sorted({*clock.breaks, *(row for row in marks.breaks if 0 < row < taken.rows)}))
    return taken


def labels_in(found: Found, index: int) -> NDArray[np.uint8]:
    """The different labels of a column.

    Raises:
        UserError: a value is not a label.
    """
    row, labels = 0, np.zeros(LABELS, bool)
    for block in found.read([index]):
        labels[_whole(found, index, block[:, 0], "label", row)] = True
        row += len(block)
    return np.flatnonzero(labels).astype(np.uint8)


def _read(taken: Gathered) -> dict[str, list[NDArray[Any]]]:
    """Reads all blocks: values into `taken`, the other columns as they are named in `Choice`."""
    found, choice = taken.found, taken.choice
    names = ("label", "repetition", "run", "time")
    single = [name for name in names if getattr(choice, name) is not None]
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in (*names, "angles")}
    width, row = len(choice.channels), 0
    row_bytes = 2 * width + len(single) + 4 * len(choice.angles)
    _check_length(found, found.columns[choice.channels[0]].rows or 0, row_bytes)
    for block in found.read(choice.columns):
        taken.values.append(_values(taken, block[:, :width], row))
        if choice.angles:
            angles = block[:, width : width + len(SERVOS)]
            parts["angles"].append(_within(found, choice.angles[0], angles, 180, row).astype(np.float32))
        for name, column in zip(single, block.T[width + len(choice.angles) :], strict=True):
            if name == "time":
                parts[name].append(np.array(column, np.float64))
                continue
            parts[name].append(_whole(found, getattr(choice, name), column, name, row))
        row += len(block)
        _check_length(found, row, row_bytes)
    return parts


def _check_length(found: Found, rows: int, row_bytes: int) -> None:
    if rows * row_bytes / 1e6 > MAX_UNPACKED_MB - 1:
        raise UserError(
            f"{found.path} is too long: a recording may have {MAX_UNPACKED_MB} MB of arrays, and {rows} samples at "
            f"{row_bytes} bytes are more; split the file, or choose fewer channels."
        )


def _values(taken: Gathered, block: NDArray[Any], row: int) -> NDArray[np.float32]:
    """The channels' values of a block that begins at this row."""
    found, choice = taken.found, taken.choice
    with np.errstate(over="ignore"):
        values = np.asarray(block - choice.zero if choice.zero else block, np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        at, channel = np.argwhere(~finite)[0].tolist()
        raise UserError(
            f"{found.path}: the channel '{found.columns[choice.channels[channel]].name}' holds NaN or infinity at "
            f"sample {row + at}; leave the channel out with --channels, or repair the file."
        )
    if choice.unit in ("", "counts") and block.dtype.kind == "f" and (block != np.rint(block)).any():
        at, channel = np.argwhere(block != np.rint(block))[0].tolist()
        raise UserError(
            f"{found.path} does not say the unit of '{found.columns[choice.channels[channel]].name}', which holds "
            f"{block[at, channel]:g} and so is no count; give the unit with --unit V, --unit mV or --unit uV."
        )
    taken.peak = max(taken.peak, float(np.abs(values).max()))
    return values


def _whole(found: Found, index: int, values: NDArray[Any], key: str, row: int) -> NDArray[np.uint8]:
    """The values as bytes."""
    whole = _within(found, index, values, LABELS - 1, row)
    if (whole != np.rint(whole)).any():
        raise UserError(
            f"{found.path}: '{found.columns[index].name}' must hold whole numbers; choose another column with --{key}."
        )
    return whole.astype(np.uint8)


def _within(found: Found, index: int, values: NDArray[Any], high: int, row: int) -> NDArray[Any]:
    """The values, if all are from 0 to `high`."""
    bad = ~((values >= 0) & (values <= high))
    if bad.any():
        at = int(np.argwhere(bad)[0][0])
        raise UserError(
            f"{found.path}: '{found.columns[index].name}' must hold numbers from 0 to {high} and holds "
            f"{values[bad][0]:g} at sample {row + at}; choose another column."
        )
    return values


def _cut(taken: Gathered, parts: dict[str, list[NDArray[Any]]], end: int | None) -> None:
    """Drops the rows from `end` on, which only fill the file's last record."""
    while end is not None and taken.rows > end:
        spare = min(taken.rows - end, len(taken.values[-1]))
        for blocks in (taken.values, *(blocks for blocks in parts.values() if blocks)):
            blocks[-1] = blocks[-1][: len(blocks[-1]) - spare]
            if not len(blocks[-1]):
                del blocks[-1]


def _clock(taken: Gathered, times: list[NDArray[np.float64]]) -> Clock:
    if taken.choice.time is None:
        return Clock(None, [])
    column = taken.found.columns[taken.choice.time]
    clock = clock_of(np.concatenate(times) * _seconds(column))
    if taken.choice.rate_hz is None and (clock.rate_hz is None or clock.rate_hz < LOWEST_RATE_HZ):
        says = "are not regular" if clock.rate_hz is None else f"give {clock.rate_hz:g} Hz, which is too slow for EMG"
        raise UserError(
            f"{taken.found.path}: the times in '{column.name}' {says}; give the sampling rate with --rate, in Hz."
        )
    return clock


def _seconds(column: Column) -> float:
    """Seconds of one unit of a column of times, by the unit in its name."""
    found = re.search(r"[\[(_ ](ms|us|µs)\b", column.name)
    return SECONDS[found[1]] if found else 1.0


def _label_by_events(taken: Gathered, marks: Marks) -> None:
    """Labels, and repetitions where the events have them; an event without an end lasts until the next event."""
    rows = taken.rows
    events = sorted(marks.events, key=lambda mark: mark.start)
    numbered = all(mark.label is not None for mark in events)
    texts = ["", *dict.fromkeys(mark.text for mark in events)]
    if not numbered and len(texts) > LABELS:
        raise UserError(
            f"{taken.found.path} has {len(texts)} kinds of events, and a recording may have {LABELS} labels; take no "
            "labels with --label ''."
        )
    label, repetition = np.zeros(rows, np.uint8), np.zeros(rows, np.uint8)
    for k, mark in enumerate(events):
        following = events[k + 1].start if k + 1 < len(events) else rows
        part = slice(max(0, mark.start), following if mark.stop is None else mark.stop)
        number = mark.label if numbered else None
        label[part] = texts.index(mark.text) if number is None else number
        repetition[part] = mark.repetition or 0
    taken.labels = label
    taken.texts = () if numbered else tuple(texts)
    if any(mark.repetition is not None for mark in events):
        taken.repetitions = repetition
