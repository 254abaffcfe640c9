"""A recording as people look at it: a file, its channels by name, and the stretches between one cue and the next."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from myobridge.recording.arrays import Recording
from myobridge.recording.log import Log, read_log
from myobridge.recording.log_frames import SUFFIX


@dataclass(frozen=True)
class Source:
    """A recording with the file that it came from; `log` is None where that is no `.myo`."""

    path: Path
    recording: Recording
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
    """Reads either form.

    Raises:
        UserError: no such file, not a recording, or without a sample.
    """
    if path.suffix == SUFFIX:
        log = read_log(path)
        return Source(path, Recording.from_log(log, path), log)
    return Source(path, Recording.load(path), None)


def stretches(recording: Recording) -> list[Stretch]:
    """All of them in order; none where the recording has no labels."""
    if recording.label is None:
        return []
    label = recording.label
    repetition = recording.repetition if recording.repetition is not None else np.zeros_like(label)
    names = {pose.label: pose.name for pose in recording.poses}
    found = []
    for take in recording.takes():
        change = (np.diff(label[take]) != 0) | (np.diff(repetition[take]) != 0)
        edges = [take.start, *(take.start + 1 + np.flatnonzero(change)).tolist(), take.stop]
        for start, stop in pairwise(edges):
            number = int(label[start])
            name = names.get(number, f"label {number}" if number else "rest")
            found.append(Stretch(start, stop, name, number, int(repetition[start])))
    return found
