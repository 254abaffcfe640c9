"""A recording in memory, as arrays, for code that needs all of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.files import draft
from myobridge.model.file import LabelledPose
from myobridge.recording.npz import DEFAULT_ADC_BITS, check_length, save_arrays
from myobridge.recording.open import open_recording
from myobridge.recording.timeline import COLUMNS, Timeline, changes_in

BLOCK_ROWS: Final = 1 << 14
CIRCLE: Final = 2 * np.pi
"""Largest angle in radians."""
Item = TypeVar("Item", bound=np.generic)


@dataclass(frozen=True)
class Recording:
    """All samples of a recording, in the order in which the board took them.

    counts: int16 (samples, channels), signed ADC counts.
    label, repetition, run: uint8 (samples,) or None.
    angles_deg: float32 (samples, 5) or None.
    shown: angles_deg are those of a hand that the wearer imitated; otherwise they are the wearer's own (`following`).
    poses: what the labels mean, if that is known; label 0 is rest.
    """

    counts: NDArray[np.int16]
    fs_hz: float
    adc_bits: int = DEFAULT_ADC_BITS
    label: NDArray[np.uint8] | None = None
    repetition: NDArray[np.uint8] | None = None
    run: NDArray[np.uint8] | None = None
    angles_deg: NDArray[np.float32] | None = None
    poses: tuple[LabelledPose, ...] = ()
    shown: bool = False

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.counts.shape[1])

    @property
    def timeline(self) -> Timeline:  # noqa: D102 - its protocol says it
        columns = {name: getattr(self, name) for name in COLUMNS}
        return Timeline.of(
            len(self.counts), {name: changes_in([values]) for name, values in columns.items() if values is not None}
        )

    def takes(self) -> Iterator[slice]:
        """Rows of each take: a stretch that was recorded without a break."""
        return self.timeline.takes()

    def blocks(self) -> Iterator[NDArray[np.int16]]:  # noqa: D102 - its protocol says it
        return _in_blocks(self.counts)

    def angle_blocks(self) -> Iterator[NDArray[np.float32]] | None:  # noqa: D102 - its protocol says it
        return None if self.angles_deg is None else _in_blocks(self.angles_deg)

    def save(self, path: Path) -> None:
        """Writes the `.npz` form.

        Raises:
            UserError: the file cannot be written, or the recording is too long to be read back.
        """
        check_length(self, path)
        with draft(path) as half:
            save_arrays(self, half)

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Reads a `.myo` log or an `.npz`, whatever its name is. Of a damaged log it reads everything that is whole.

        Raises:
            UserError: the file does not exist, is not a recording, holds no sample or too many, or its arrays do not
                fit together.
        """
        samples = open_recording(path).samples
        check_length(samples, path)
        timeline = samples.timeline
        whole = slice(0, timeline.samples)
        angles, blocks = None, samples.angle_blocks()
        if blocks is not None:
            angles = _filled(np.empty((timeline.samples, len(SERVOS)), np.float32), blocks)
        return cls(
            counts=_filled(np.empty((timeline.samples, samples.channels), np.int16), samples.blocks()),
            fs_hz=samples.fs_hz,
            adc_bits=samples.adc_bits,
            angles_deg=angles,
            poses=samples.poses,
            shown=samples.shown,
            **{name: timeline.column(name, whole) for name in timeline.columns},
        )


def check_degrees(angles_deg: NDArray[np.float32], source: Path) -> None:
    """Refuses angles that are probably radians.

    Raises:
        UserError: the angles change, and none is larger than a circle in radians.
    """
    largest = float(angles_deg.max(initial=0))
    if largest <= CIRCLE and np.ptp(angles_deg):
        raise UserError(
            f"{source}: the finger angles end at {largest:.2f}, so they look like radians; store degrees, 0 open and "
            "180 closed (`np.rad2deg`)."
        )


def _filled(array: NDArray[Item], blocks: Iterator[NDArray[Item]]) -> NDArray[Item]:
    row = 0
    for block in blocks:
        array[row : row + len(block)] = block
        row += len(block)
    return array


def _in_blocks(array: NDArray[Item]) -> Iterator[NDArray[Item]]:
    for row in range(0, len(array), BLOCK_ROWS):
        yield array[row : row + BLOCK_ROWS]
