"""A recording as one array of samples with its labels, from either form: the `.npz` of arrays or the `.myo` log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.model_file import LabelledPose
from myobridge.recording.log import Cue, Log, read_log
from myobridge.recording.log_frames import LABELS, SUFFIX
from myobridge.recording.npz import DEFAULT_ADC_BITS, load_arrays


@dataclass(frozen=True)
class Recording:
    """Samples in the order in which they were taken.

    counts: int16 (samples, channels), signed ADC counts.
    label, repetition, run: uint8 (samples,) or None.
    angles_deg: float32 (samples, 5) or None.
    poses: what the labels mean, where that is known; label 0 is rest.
    """

    counts: NDArray[np.int16]
    fs_hz: float
    adc_bits: int = DEFAULT_ADC_BITS
    label: NDArray[np.uint8] | None = None
    repetition: NDArray[np.uint8] | None = None
    run: NDArray[np.uint8] | None = None
    angles_deg: NDArray[np.float32] | None = None
    poses: tuple[LabelledPose, ...] = ()

    @property
    def channels(self) -> int:
        """Number of electrodes."""
        return int(self.counts.shape[1])

    def takes(self) -> Iterator[slice]:
        """Stretches that were recorded without a break."""
        if self.run is None:
            yield slice(0, len(self.counts))
            return
        edges = np.flatnonzero(np.diff(self.run)) + 1
        bounds = [0, *edges.tolist(), len(self.counts)]
        for start, end in pairwise(bounds):
            yield slice(start, end)

    def save(self, path: Path) -> None:
        """Writes the `.npz` form.

        Raises:
            UserError: the file cannot be written.
        """
        optional = {"label": self.label, "repetition": self.repetition, "run": self.run, "angles_deg": self.angles_deg}
        arrays: dict[str, Any] = {name: values for name, values in optional.items() if values is not None}
        if self.poses:
            arrays["poses"] = np.array(msgspec.json.encode(self.poses).decode())
        try:
            with path.open("wb") as file:  # given a name, numpy would add a suffix
                np.savez_compressed(file, emg=self.counts, fs=self.fs_hz, adc_bits=self.adc_bits, **arrays)
        except OSError as error:
            raise UserError(f"{path} cannot be written ({error.strerror}); choose another place.") from error

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Reads a `.myo` log, or arrays from a file of any other name; of a damaged log all that is whole.

        Raises:
            UserError: no such file, not a recording, without a sample, or its arrays do not fit together.
        """
        if path.suffix == SUFFIX:
            return cls.from_log(read_log(path), path)
        return cls(**load_arrays(path))

    @classmethod
    def from_log(cls, log: Log, path: Path) -> Recording:
        """The samples that count, each with the cue that was in force; `path` is what a sentence names.

        Raises:
            UserError: there is none.
        """
        label, repetition = _in_force(log.cues, len(log.counts))
        rows = np.flatnonzero(_counting(log.discards, label, repetition))
        if not len(rows):
            raise UserError(f"There is no sample in {path} that counts; record again.")
        run = np.searchsorted(log.take_rows, rows, side="right")
        new_take = (np.diff(rows) > 1) | (np.diff(run) > 0)
        return cls(
            counts=log.counts[rows],
            fs_hz=log.header.fs_hz,
            adc_bits=log.header.ident.adc_bits,
            label=label[rows] if log.cues else None,
            repetition=repetition[rows] if log.cues else None,
            run=np.concatenate([[0], np.cumsum(new_take)]).astype(np.uint8),
            poses=log.header.poses,
        )


def _in_force(cues: list[Cue], samples: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Label and repetition of each sample, (samples,) each: of the last cue before it, 0 before the first."""
    lengths = np.diff([0, *[cue.row for cue in cues], samples])
    label = np.repeat(np.array([0, *[cue.label for cue in cues]], np.uint8), lengths)
    return label, np.repeat(np.array([0, *[cue.repetition for cue in cues]], np.uint8), lengths)


def _counting(discards: list[Cue], label: NDArray[np.uint8], repetition: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which samples no later DISCARD names, bool (samples,)."""
    discarded_until = np.zeros((LABELS, LABELS), np.int64)
    for discard in discards:  # in the order of the file, so that the last one stays
        discarded_until[discard.label, discard.repetition] = discard.row
    counting: NDArray[np.bool_] = np.arange(len(label)) >= discarded_until[label, repetition]
    return counting
