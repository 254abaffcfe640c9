"""XDF files of the lab streaming layer (LabRecorder): streams of samples, and streams of markers."""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping as Named
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.recording.extras import need
from myobridge.recording.importing.events import Said, said_by
from myobridge.recording.importing.found import (
    BLOCK_ROWS,
    Blocks,
    Column,
    Found,
    Mark,
    Marks,
    cut_short,
    damaged,
)
from myobridge.recording.importing.mapping import Mapping
from myobridge.recording.importing.names import unit_word

FORM: Final = "XDF"
MAGIC_BYTES: Final = 4
LENGTHS: Final = {1: "<B", 4: "<I", 8: "<Q"}
TYPE: Final = "EMG"
"""What the lab streaming layer calls a stream of EMG."""
GAP_S: Final = 1.0
"""pyxdf, too, begins a new segment after a longer gap; shorter ones are the network's."""


def look(path: Path) -> Found:
    """Reads all streams.

    Raises:
        UserError: pyxdf is not installed, or the file is damaged or cut short, or holds no stream of samples.
    """
    pyxdf = need("pyxdf", "Importing XDF", "import")
    _check_whole(path)
    logging.getLogger("pyxdf").setLevel(logging.ERROR)
    try:
        streams, _ = pyxdf.load_xdf(path, dejitter_timestamps=False, verbose=False)
        sampled = [
            one
            for one in streams
            if _rate(one) and len(one["time_series"]) and not isinstance(one["time_series"], list)
        ]
        markers = [one for one in streams if not _rate(one)]
        columns, places = _columns(sampled)
        texts = [_said(sample).text for one in markers for sample in one["time_series"]]
    except Exception as error:  # pyxdf raises many types
        raise damaged(path, FORM, error) from error
    if not columns:
        raise UserError(f"{path} holds no stream of samples with a rate; choose a file with an EMG stream.")

    def read(wanted: Sequence[int]) -> Blocks:
        names = {places[index][0]: sampled[places[index][0]]["time_series"] for index in wanted}
        rows = min(map(len, names.values()))
        for start in range(0, rows, BLOCK_ROWS):
            part = slice(start, min(rows, start + BLOCK_ROWS))
            yield np.stack([names[stream][part, at] for stream, at in (places[index] for index in wanted)], axis=1)

    def marks(column: Column) -> Marks:
        times = next(
            sampled[stream]["time_stamps"] for one, (stream, _) in zip(columns, places, strict=True) if one == column
        )
        return _marks(times, markers)

    emg = [name for name, one in zip(_names(sampled), sampled, strict=True) if one["info"].get("type") == [TYPE]]
    says = Mapping(channels=tuple(emg[:1]) or None)
    return Found(path, FORM, columns, read, says, marks, event_texts=list(dict.fromkeys(texts)))


def _columns(streams: Sequence[Named[str, Any]]) -> tuple[list[Column], list[tuple[int, int]]]:
    """All channels of all streams, and for each its stream and its place there."""
    columns, places = [], []
    for number, (name, stream) in enumerate(zip(_names(streams), streams, strict=True)):
        series = stream["time_series"]
        step = 1.0 if series.dtype.kind in "iu" else None
        described = _described(stream)
        for at in range(series.shape[1]):
            label, unit = described[at] if at < len(described) else ("", "")
            column = f"{name}/{label}" if label else f"{name}[{at + 1}]"
            columns.append(Column(column, name, len(series), _rate(stream), unit_word(unit), step))
            places.append((number, at))
    return columns, places


def _names(streams: Sequence[Named[str, Any]]) -> list[str]:
    """The names of the streams; equal names get a number."""
    names = [str(stream["info"]["name"][0]) for stream in streams]
    return [f"{name} {k}" if names.count(name) > 1 else name for k, name in enumerate(names, 1)]


def _described(stream: Named[str, Any]) -> list[tuple[str, str]]:
    """Label and unit of each channel, as far as the stream describes them."""
    try:
        channels = stream["info"]["desc"][0]["channels"][0]["channel"]
        return [((one.get("label") or [""])[0] or "", (one.get("unit") or [""])[0] or "") for one in channels]
    except (KeyError, TypeError, IndexError, AttributeError):
        return []


def _rate(stream: Named[str, Any]) -> float:
    """The nominal rate; 0 for markers."""
    return float(stream["info"]["nominal_srate"][0])


def _said(sample: Any) -> Said:
    """What a marker says."""
    value = sample[0] if len(sample) else ""
    return said_by(value if isinstance(value, str) else f"{value:g}")


def _marks(times: NDArray[np.float64], markers: Sequence[Named[str, Any]]) -> Marks:
    events = []
    for stream in markers:
        rows = np.searchsorted(times, stream["time_stamps"])
        for row, sample in zip(rows.tolist(), stream["time_series"], strict=True):
            events.append(Mark(row, None, *_said(sample)))
    steps = np.diff(times)
    return Marks(events, (np.flatnonzero((steps > GAP_S) | (steps < 0)) + 1).tolist())


def _check_whole(path: Path) -> None:
    """Follows the lengths of the chunks to the end of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at = MAGIC_BYTES
        while at < size:
            file.seek(at)
            count = file.read(1)[0]
            form = LENGTHS.get(count)
            if form is None:
                raise damaged(path, FORM, ValueError(f"no chunk begins at byte {at}"))
            number = file.read(count)
            if len(number) < count:
                break
            at += 1 + count + struct.unpack(form, number)[0]
        if at != size or size == MAGIC_BYTES:
            raise cut_short(path, f"its last chunk ends at byte {at} and the file at byte {size}")
