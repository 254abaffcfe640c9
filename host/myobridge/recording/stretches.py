"""A recording as users see it: a file, named channels, and the stretches between one cue and the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from myobridge.recording.log import Log
from myobridge.recording.open import open_samples
from myobridge.recording.timeline import Samples


@dataclass(frozen=True)
class Source:
    """A recording and its file; `log` is None if the file is not a `.myo` log."""

    path: Path
    recording: Samples
    log: Log | None

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels: the electrodes' names if they are known, otherwise EMG 1, EMG 2, …"""
        if self.log is not None and self.log.header.electrodes:
            return self.log.header.electrodes
        return tuple(f"EMG {k + 1}" for k in range(self.recording.channels))


class Stretch(NamedTuple):
    """Samples of one take under one cue, from row `start` to before `stop`."""

    start: int
    stop: int
    pose: str
    label: int
    repetition: int


def open_source(path: Path) -> Source:
    """Opens a recording; its samples are read when they are needed, block by block.

    Raises:
        UserError: the file does not exist, is not a recording, or holds no sample.
    """
    return Source(path, *open_samples(path))


def stretches(recording: Samples) -> list[Stretch]:
    """All stretches in order; none if the recording has no labels."""
    names = {pose.label: pose.name for pose in recording.poses}
    return [
        Stretch(start, stop, names.get(label, f"label {label}" if label else "rest"), label, repetition or 0)
        for start, stop, label, repetition, _ in recording.timeline.pieces()
        if label is not None
    ]
