"""The decisions of a decoder on a recording: the instants at which they are judged, and their cues."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.recording import Recording
from myobridge_models.evaluation.steadiness import Hold

STEP_S: Final = 0.05
"""Time from one instant to the next."""
FIRST_S: Final = 0.45
"""Time from a take's start to the first instant; the default network's window is full by then at any rate."""

Angles = NDArray[np.float32]
Rows = NDArray[np.int64]


class Decisions(NamedTuple):
    """The decisions of a decoder on a recording, in order.

    sample: int64 (decisions,), row in the recording of the newest sample seen.
    angles_deg: float32 (decisions, 5), commands to the hand.
    """

    sample: Rows
    angles_deg: Angles


def instants(recording: Recording, repetition: int | None = None) -> Rows:
    """Returns the rows at which every decoder is judged: every 50 ms of each take, or of one repetition of it.

    Raises:
        UserError: there is no such repetition.
    """
    step, first = round(STEP_S * recording.fs_hz), round(FIRST_S * recording.fs_hz)
    rows = np.concatenate([np.arange(take.start + first - 1, take.stop, step) for take in recording.takes()])
    if repetition is None:
        return rows
    if recording.repetition is None or repetition not in recording.repetition:
        raise UserError(f"The recording has no repetition {repetition}; leave the repetition out, or choose another.")
    kept: Rows = rows[recording.repetition[rows] == repetition]
    return kept


def held_at(rows: Rows, decisions: Decisions, recording: Recording, rest_deg: Angles) -> Angles:
    """Returns the angles (rows, 5) that the hand holds at these rows: the newest decision of the same take, or rest."""
    starts = np.array([take.start for take in recording.takes()])
    began = starts[np.searchsorted(starts, rows, side="right") - 1]
    sample = np.concatenate([[-1], decisions.sample])
    angles_deg = np.concatenate([rest_deg[None], decisions.angles_deg])
    newest = np.searchsorted(sample, rows, side="right") - 1
    newest[sample[newest] < began] = 0
    held: Angles = angles_deg[newest]
    return held


def holds_of(decisions: Decisions, recording: Recording, repetition: int | None = None) -> list[Hold]:
    """Groups the decisions by cue, for one repetition or all; a recording without labels has no holds."""
    if recording.label is None:
        return []
    label, fs_hz = recording.label, recording.fs_hz
    inside = np.ones(len(label), bool)
    if repetition is not None and recording.repetition is not None:
        inside = recording.repetition == repetition
    holds = []
    for take in recording.takes():
        for start, end in stretches(label[take]):
            cue = take.start + start
            for first, last in stretches(inside[cue : take.start + end]):
                if not inside[cue + first]:
                    continue
                own = slice(*np.searchsorted(decisions.sample, [cue + first, cue + last]))
                at_s = (decisions.sample[own] + 1 - cue) / fs_hz
                holds.append(Hold(int(label[cue]), first / fs_hz, last / fs_hz, at_s, decisions.angles_deg[own]))
    return holds


def stretches(values: NDArray[np.generic]) -> list[tuple[int, int]]:
    """Returns start and end of each stretch of equal values."""
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    return list(pairwise([0, *edges.tolist(), len(values)]))
