"""The stretches of a recording between one cue and the next."""

from __future__ import annotations

from typing import NamedTuple

from myobridge.recording.timeline import Samples


class Stretch(NamedTuple):
    """Samples of one take under one cue, from row `start` to before `stop`."""

    start: int
    stop: int
    pose: str
    label: int
    repetition: int


def stretches(recording: Samples) -> list[Stretch]:
    """All stretches in order; none if the recording has no labels."""
    names = {pose.label: pose.name for pose in recording.poses}
    return [
        Stretch(start, stop, names.get(label, f"label {label}" if label else "rest"), label, repetition or 0)
        for start, stop, label, repetition, _ in recording.timeline.pieces()
        if label is not None
    ]
