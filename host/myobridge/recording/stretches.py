"""A recording as people look at it: a file, its channels by name, and the stretches between one cue and the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from myobridge.recording.log import Log
from myobridge.recording.open import open_samples
from myobridge.recording.timeline import Samples


@dataclass(frozen=True)
class Source:
    """A recording with the file that it came from; `log` is None where that is no `.myo`."""

    path: Path
    recording: Samples
    log: Log | None

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The electrodes' names where they are known."""
        if self.log is not None and self.log.header.electrodes:
            return self.log.header.electrodes
        return tuple(f"EMG {k + 1}" for k in range(self.recording.channels))


class Stretch(NamedTuple):
    """Samples of one take, from row `start` to before `stop`, during which one cue was in force."""

    start: int
    stop: int
    pose: str
    label: int
    repetition: int


def open_source(path: Path) -> Source:
    """Opens either form; its samples are read when they are needed, block by block.

    Raises:
        UserError: no such file, not a recording, or without a sample.
    """
    return Source(path, *open_samples(path))


def stretches(recording: Samples) -> list[Stretch]:
    """All of them in order; none where the recording has no labels."""
    names = {pose.label: pose.name for pose in recording.poses}
    return [
        Stretch(start, stop, names.get(label, f"label {label}" if label else "rest"), label, repetition or 0)
        for start, stop, label, repetition, _ in recording.timeline.pieces()
        if label is not None
    ]
