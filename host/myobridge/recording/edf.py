"""A recording as EDF+ (Kemp and Olivan, Clin. Neurophysiol. 114, 2003): the very counts, and the cues as annotations.

Takes are laid end to end, and each joint is annotated as MNE-Python annotates its own ("EDGE boundary").
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.recording.extras import need
from myobridge.recording.stretches import Source, Stretch, stretches
from myobridge.text import printable

BOUNDARY: Final = "EDGE boundary"
PADDING: Final = "BAD padding"
"""Behind the last sample: EDF's records are whole."""
LABEL_LETTERS: Final = 16
DURATION_DIGITS: Final = 6
ANNOTATION_LETTERS: Final = 60
"""Each record has room for the longest annotations of all, so a long name makes a large file."""
EDF_YEARS: Final = range(1986, 2084)


def to_edf(source: Source) -> bytes:
    """The file's bytes.

    Raises:
        UserError: edfio is not installed, or EDF has no such sampling rate.
    """
    edfio = need("edfio", "Exporting EDF")
    recording, started = source.recording, _started(source)
    samples, record, record_s = _records(len(recording.counts), recording.fs_hz)
    padded = np.pad(recording.counts, ((0, samples - len(recording.counts)), (0, 0)), mode="edge")
    limits = _limits(padded, recording.adc_bits)
    signals = [
        edfio.EdfSignal.from_digital(
            np.ascontiguousarray(padded[:, k]),
            record / record_s,
            label=name,
            physical_range=limits,  # one count is one unit: what a count is in volts, the amplifier knows
            digital_range=limits,
        )
        for k, name in enumerate(edf_labels(source.channel_names))
    ]
    begun = edfio.Recording(startdate=None if started is None else started.date(), equipment_code="myobridge")
    annotations = [edfio.EdfAnnotation(*row) for row in _annotations(source, samples)]
    file = io.BytesIO()
    try:
        edfio.Edf(
            signals,
            recording=begun,
            starttime=None if started is None else started.time(),
            data_record_duration=record_s,
            annotations=annotations,
        ).write(file)
    except ValueError as error:  # a long recording at a rate that EDF's digits do not fit
        raise UserError(
            f"EDF cannot hold {source.path} at {recording.fs_hz:g} Hz ({error}); export it as csv or npz."
        ) from error
    return file.getvalue()


def _limits(counts: NDArray[np.int16], adc_bits: int) -> tuple[int, int]:
    """The ADC's range, or that of int16 where a recording goes beyond what it says of its ADC."""
    top = 1 << (adc_bits - 1)
    return (-top, top - 1) if counts.min() >= -top and counts.max() < top else (-(1 << 15), (1 << 15) - 1)


def _started(source: Source) -> datetime | None:
    """Where it is known, and a year that EDF's two digits can say."""
    if source.log is None or source.log.header.started_utc.year not in EDF_YEARS:
        return None
    return source.log.header.started_utc.astimezone(UTC).replace(microsecond=0)


def annotation(stretch: Stretch) -> str:
    """Pose and repetition, with the slash that MNE-Python reads as a hierarchy."""
    return f"{printable(stretch.pose)[:ANNOTATION_LETTERS]}/{stretch.repetition}"


def edf_labels(names: tuple[str, ...]) -> list[str]:
    """EDF's 16 letters of ASCII; numbers where that makes two of them equal."""
    labels = [name.encode("ascii", "replace").decode()[:LABEL_LETTERS].strip() for name in names]
    if len(set(labels)) < len(labels) or not all(label.isprintable() and label for label in labels):
        return [f"EMG {k + 1}" for k in range(len(names))]
    return labels


def _records(samples: int, fs_hz: float) -> tuple[int, int, float]:
    """Samples with padding, samples in a record, and a record's seconds in the digits that EDF has for them.

    A record is a second, or as near to it as whole samples come.
    """
    record = max(1, round(fs_hz))
    return samples + -samples % record, record, round(record / fs_hz, DURATION_DIGITS)


def _annotations(source: Source, samples: int) -> list[tuple[float, float | None, str]]:
    recording = source.recording
    fs_hz, length = recording.fs_hz, len(recording.counts)
    rows: list[tuple[float, float | None, str]] = [
        (s.start / fs_hz, (s.stop - s.start) / fs_hz, annotation(s)) for s in stretches(recording)
    ]
    rows += [(take.start / fs_hz, 0.0, BOUNDARY) for take in recording.takes() if take.start]
    if samples > length:
        rows.append((length / fs_hz, (samples - length) / fs_hz, PADDING))
    return rows
