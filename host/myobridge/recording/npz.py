"""Recordings as `.npz` files.

The arrays are `emg`, int16 (samples, channels) in ADC counts, and `fs` in Hz. Optional arrays are `adc_bits` (default
16); `label`, `repetition` and `run`, one value per sample (runs are separate takes laid end to end); `angles_deg`
(samples, 5), the true angles, or with `shown` true the angles of a hand that the wearer imitated; and `poses`, a JSON
text: a list of label, name and five angles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording.log_frames import check_poses
from myobridge.recording.npz_file import MAX_UNPACKED_MB, NpzFile, Stream, write_npz
from myobridge.recording.timeline import COLUMNS, Samples, Timeline, changes_in
from myobridge.wire.emg import MAX_CHANNELS

EMG: Final = "emg"
ANGLES: Final = "angles_deg"
SHOWN: Final = "shown"
NAMES: Final = (EMG, "fs", "adc_bits", *COLUMNS, ANGLES, SHOWN, "poses")
DEFAULT_ADC_BITS: Final = 16


@dataclass(frozen=True)
class ArraySamples:
    """Implements Samples on an `.npz` file: reads block by block from the file."""

    file: NpzFile
    fs_hz: float
    adc_bits: int
    channels: int
    poses: tuple[LabelledPose, ...]
    timeline: Timeline
    shown: bool

    def blocks(self) -> Iterator[NDArray[np.int16]]:  # noqa: D102 - its protocol says it
        for block in self.file.blocks(EMG):
            yield block.astype(np.int16, copy=False)  # the file may have the other byte order

    def angle_blocks(self) -> Iterator[NDArray[np.float32]] | None:  # noqa: D102 - its protocol says it
        return self._angles() if ANGLES in self.file.arrays else None

    def _angles(self) -> Iterator[NDArray[np.float32]]:
        what = f"{self.file.path}: '{ANGLES}'"
        for block in self.file.blocks(ANGLES):
            yield checked(block, 0, 180, what).astype(np.float32)


def open_arrays(path: Path) -> ArraySamples:
    """Opens the file and checks everything except counts and angles, which are checked as they are read.

    Raises:
        UserError: the file does not exist, is not a recording or is cut off, or its arrays do not fit together.
    """
    file = NpzFile.open(path, NAMES)
    for name in (EMG, "fs"):
        if name not in file.arrays:
            raise UserError(
                f"{path} has no array '{name}'; `myobridge import {path} --out R.npz` imports other arrays."
            )
    samples, channels = _check_counts(file)
    per_sample = {
        name: changes_in(
            checked(block, 0, 255, f"{path}: '{name}'", whole=True).astype(np.uint8) for block in file.blocks(name)
        )
        for name in COLUMNS
        if _has(file, name, (samples,))
    }
    _has(file, ANGLES, (samples, len(SERVOS)))
    adc_bits = _number(file, "adc_bits", 8, 16) if "adc_bits" in file.arrays else DEFAULT_ADC_BITS
    fs_hz, poses = _number(file, "fs", 1, 100_000), _poses(file)
    shown = {SHOWN, ANGLES} <= set(file.arrays) and bool(_number(file, SHOWN, 0, 1))
    return ArraySamples(file, fs_hz, int(adc_bits), channels, poses, Timeline.of(samples, per_sample), shown)


def save_arrays(samples: Samples, path: Path) -> None:
    """Writes the samples as `.npz` into a draft (see `files`).

    Raises:
        OSError: the file cannot be written.
    """
    timeline = samples.timeline
    length = timeline.samples
    arrays: dict[str, NDArray[Any] | Stream] = {
        EMG: Stream(np.dtype(np.int16), (length, samples.channels), samples.blocks()),
        "fs": np.array(samples.fs_hz),
        "adc_bits": np.array(samples.adc_bits),
        **{name: Stream(np.dtype(np.uint8), (length,), _column(timeline, name)) for name in timeline.columns},
    }
    angles = samples.angle_blocks()
    if angles is not None:
        arrays[ANGLES] = Stream(np.dtype(np.float32), (length, len(SERVOS)), angles)
        arrays.update({SHOWN: np.array(1)} if samples.shown else {})
    if samples.poses:
        arrays["poses"] = np.array(msgspec.json.encode(samples.poses).decode())
    write_npz(path, arrays)


def check_length(samples: Samples, path: Path) -> None:
    """Refuses samples that are too long to be held in memory as arrays.

    Raises:
        UserError: the arrays would be larger than an `.npz` recording may be.
    """
    angle_bytes = 0 if samples.angle_blocks() is None else 4 * len(SERVOS)
    row_bytes = 2 * samples.channels + len(samples.timeline.columns) + angle_bytes
    megabytes = row_bytes * samples.timeline.samples / 1e6
    if megabytes > MAX_UNPACKED_MB - 1:
        raise UserError(
            f"{path}: {samples.timeline.samples / samples.fs_hz / 3600:.1f} h of {samples.channels} channels are "
            f"{megabytes:.0f} MB of arrays, and the limit is {MAX_UNPACKED_MB} MB; use shorter recordings, or export "
            "the recording as edf, bids or csv."
        )


def _column(timeline: Timeline, name: str, rows: int = 1 << 16) -> Iterator[NDArray[np.uint8]]:
    for at in range(0, timeline.samples, rows):
        yield timeline.column(name, slice(at, min(at + rows, timeline.samples)))


def _check_counts(file: NpzFile) -> tuple[int, int]:
    """Checks the array of counts; its number of samples and of channels."""
    path, emg = file.path, file.arrays[EMG]
    if len(emg.shape) != 2 or not all(emg.shape):
        raise UserError(
            f"{path}: 'emg' must have the shape (samples, channels) and has {emg.shape}; store it in this shape."
        )
    samples, channels = emg.shape
    if channels > MAX_CHANNELS:
        advice = (
            "which looks the wrong way round; store emg.T" if samples < channels else "which is too many; store fewer"
        )
        raise UserError(
            f"{path}: 'emg' must be (samples, at most {MAX_CHANNELS} channels) and is {emg.shape}, {advice}."
        )
    if emg.dtype.kind == "f":
        for block in file.blocks(EMG):
            bad = np.flatnonzero(~np.isfinite(block).all(axis=0))
            if len(bad):
                raise UserError(
                    f"{path}: channel {bad[0]} holds NaN or infinity; store the recording without this channel."
                )
    if emg.dtype.kind != "i" or emg.dtype.itemsize != 2:
        how = "emg.astype(np.int16)" if emg.dtype.kind in "iu" else "the counts themselves"
        raise UserError(f"{path}: 'emg' must be int16 ADC counts and is {emg.dtype}; store {how}.")
    return samples, channels


def _has(file: NpzFile, name: str, shape: tuple[int, ...]) -> bool:
    """Whether the file has the array, which must then have this shape."""
    if name in file.arrays and file.arrays[name].shape != shape:
        raise UserError(
            f"{file.path}: '{name}' must have the shape {shape} and has {file.arrays[name].shape}; store it like that."
        )
    return name in file.arrays


def _number(file: NpzFile, name: str, low: float, high: float) -> float:
    _has(file, name, ())
    return float(checked(file.small(name), low, high, f"{file.path}: '{name}'"))


def _poses(file: NpzFile) -> tuple[LabelledPose, ...]:
    if "poses" not in file.arrays:
        return ()
    try:
        poses = msgspec.json.decode(str(file.small("poses")), type=tuple[LabelledPose, ...])
        check_poses(poses)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise UserError(f"{file.path}: 'poses' is not a table of poses ({error}); store the table again.") from error
    return poses


def checked(values: NDArray[Any], low: float, high: float, what: str, *, whole: bool = False) -> NDArray[Any]:
    """The values, if they are real, finite and within these limits, and with `whole` integers.

    Raises:
        UserError: they are not; the sentence begins with `what`.
    """
    if values.dtype.kind not in ("iu" if whole else "iuf"):
        kind = "whole numbers" if whole and values.dtype.kind == "f" else "numbers"
        how = "store it with .astype(np.uint8)" if whole and values.dtype.kind in "fb" else "correct it"
        raise UserError(f"{what} must hold {kind} from {low:g} to {high:g} and holds {values.dtype}; {how}.")
    if not ((values >= low) & (values <= high)).all():
        raise UserError(f"{what} must hold numbers from {low:g} to {high:g} only; correct it.")
    return values
