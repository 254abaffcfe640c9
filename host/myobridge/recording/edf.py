"""A recording as EDF+ (Kemp and Olivan, Clin. Neurophysiol. 114, 2003): the counts unchanged, cues as annotations.

Takes are laid end to end. Each joint has the annotation that MNE-Python uses for its own joints ("EDGE boundary").

edfio holds the whole file that it writes in memory. So it writes a skeleton here: all headers and annotations, and one
sample in each record. The records are then filled with the samples as they are read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError, printable
from myobridge.recording.extras import need
from myobridge.recording.open import RecordingFile
from myobridge.recording.stretches import Stretch, stretches
from myobridge.recording.timeline import Samples

BOUNDARY: Final = "EDGE boundary"
PADDING: Final = "BAD padding"
"""Annotates the end of the last record, which is padded because EDF stores whole records."""
LABEL_LETTERS: Final = 16
DURATION_DIGITS: Final = 6
ANNOTATION_LETTERS: Final = 60
"""Every record reserves room for the longest annotation, so a long name makes a large file."""
EDF_YEARS: Final = range(1986, 2084)
HEADER_BYTES: Final = 256
"""Length of the file's header, and of each signal's."""
RECORD_SAMPLES_AT: Final = 216
"""Bytes of a signal's header before the field `samples in a record`, which has 8 letters."""


class Records(NamedTuple):
    """How samples are cut into records: number of records, samples in each, and seconds, rounded to EDF's digits."""

    number: int
    samples: int
    seconds: float


def check_edf() -> None:
    """Raises UserError if edfio is not installed."""
    need("edfio", "Exporting EDF")


def write_edf(file: RecordingFile, path: Path) -> None:
    """Writes the file.

    Raises:
        UserError: edfio is not installed, or EDF cannot express the sampling rate.
    """
    recording = file.samples
    records = _records(recording.timeline.samples, recording.fs_hz)
    skeleton = _skeleton(file, records, _limits(recording))
    with path.open("wb") as target:
        _fill(target, skeleton, records, recording)


def _skeleton(file: RecordingFile, records: Records, limits: tuple[int, int]) -> bytes:
    """The file with one sample of each channel in each record."""
    edfio, started = need("edfio", "Exporting EDF"), _started(file)
    signals = [
        edfio.EdfSignal.from_digital(
            np.zeros(records.number, np.int16),
            1 / records.seconds,
            label=name,
            physical_range=limits,  # one count is one unit: volts per count are not known
            digital_range=limits,
        )
        for name in edf_labels(file.channel_names)
    ]
    begun = edfio.Recording(startdate=None if started is None else started.date(), equipment_code="myobridge")
    annotations = [edfio.EdfAnnotation(*row) for row in _annotations(file, records.number * records.samples)]
    content = io.BytesIO()
    try:
        edfio.Edf(
            signals,
            recording=begun,
            starttime=None if started is None else started.time(),
            data_record_duration=records.seconds,
            annotations=annotations,
        ).write(content)
    except ValueError as error:  # the rate needs more digits than EDF has for a recording of this length
        raise UserError(
            f"EDF cannot hold {file.path} at {file.samples.fs_hz:g} Hz ({error}); export it as csv or npz."
        ) from error
    return content.getvalue()


def _fill(target: BinaryIO, skeleton: bytes, records: Records, recording: Samples) -> None:
    """Writes the skeleton with all samples in its records."""
    channels = recording.channels
    signals = channels + 1  # and the annotations
    headers = bytearray(skeleton[: HEADER_BYTES * (1 + signals)])
    at = HEADER_BYTES + RECORD_SAMPLES_AT * signals
    headers[at : at + 8 * channels] = f"{records.samples:<8}".encode() * channels
    target.write(headers)
    body = np.frombuffer(skeleton, np.uint8, offset=len(headers)).reshape(records.number, -1)
    annotations = body[:, 2 * channels :]  # behind one sample of each channel
    for annotation, counts in zip(annotations, _in_records(recording, records.samples), strict=True):
        target.write(np.ascontiguousarray(counts.T, "<i2").data)
        target.write(annotation.tobytes())


def _in_records(recording: Samples, samples: int) -> Iterator[NDArray[np.int16]]:
    """Counts (samples, channels) of each record; the last record is padded with the last sample."""
    rest = np.zeros((0, recording.channels), np.int16)
    for block in recording.blocks():
        rest = np.concatenate([rest, block])
        whole = len(rest) - len(rest) % samples
        for at in range(0, whole, samples):
            yield rest[at : at + samples]
        rest = rest[whole:]
    if len(rest):
        yield np.pad(rest, ((0, samples - len(rest)), (0, 0)), mode="edge")


def _limits(recording: Samples) -> tuple[int, int]:
    """The ADC's range; the range of int16 if the counts exceed the ADC's range."""
    top = 1 << (recording.adc_bits - 1)
    fits = all(block.min() >= -top and block.max() < top for block in recording.blocks())
    return (-top, top - 1) if fits else (-(1 << 15), (1 << 15) - 1)


def _started(file: RecordingFile) -> datetime | None:
    """Start of the recording; None: unknown, or a year that EDF's two digits cannot express."""
    if file.log is None or file.log.header.started_utc.year not in EDF_YEARS:
        return None
    return file.log.header.started_utc.astimezone(UTC).replace(microsecond=0)


def annotation(stretch: Stretch) -> str:
    """Pose and repetition, joined by the slash that MNE-Python reads as a hierarchy."""
    return f"{printable(stretch.pose)[:ANNOTATION_LETTERS]}/{stretch.repetition}"


def edf_labels(names: tuple[str, ...]) -> list[str]:
    """Names in 16 ASCII letters, as EDF requires; numbered names if two would be equal or one empty."""
    labels = [name.encode("ascii", "replace").decode()[:LABEL_LETTERS].strip() for name in names]
    if len(set(labels)) < len(labels) or not all(label.isprintable() and label for label in labels):
        return [f"EMG {k + 1}" for k in range(len(names))]
    return labels


def _records(samples: int, fs_hz: float) -> Records:
    """Records of one second, rounded to whole samples."""
    record = max(1, round(fs_hz))
    return Records(-(-samples // record), record, round(record / fs_hz, DURATION_DIGITS))


def _annotations(file: RecordingFile, samples: int) -> list[tuple[float, float | None, str]]:
    recording = file.samples
    fs_hz, length = recording.fs_hz, recording.timeline.samples
    rows: list[tuple[float, float | None, str]] = [
        (s.start / fs_hz, (s.stop - s.start) / fs_hz, annotation(s)) for s in stretches(recording)
    ]
    rows += [(take.start / fs_hz, 0.0, BOUNDARY) for take in recording.timeline.takes() if take.start]
    if samples > length:
        rows.append((length / fs_hz, (samples - length) / fs_hz, PADDING))
    return rows
