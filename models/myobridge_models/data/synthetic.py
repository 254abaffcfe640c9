"""Recordings of the simulated wearer, whose finger angles are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from myobridge.model.file import REST_DEG
from myobridge.recording import Recording
from myobridge.recording.movement import Movement
from myobridge.simulator.imitation import Begun, ImitatingScript, ShownScript
from myobridge.simulator.synth import SynthOptions, SynthSource

REST_S: Final = 2.0
"""Rest before each movement and at the end, as in `myobridge record --follow`."""


def record(options: SynthOptions, seconds: float) -> Recording:
    """Records the first `seconds` of a session, with true angles."""
    counts, angles_deg = SynthSource(options).read(round(seconds * options.fs_hz))
    return Recording(counts, options.fs_hz, options.adc_bits, angles_deg=angles_deg)


def record_following(options: SynthOptions, movements: Sequence[Movement], repetitions: int = 1) -> Recording:
    """Records a session in which the wearer imitates each movement so many times, with true angles and with labels.

    The seed sets the order of the movements, too.
    """
    rng = np.random.default_rng([options.seed, 6])
    begun, rows, at_s = [], [(0, 0, 0)], REST_S
    for round_ in range(repetitions):
        for number in rng.permutation(len(movements)):
            movement = movements[number]
            begun.append(Begun(at_s, movement))
            rows.append((round(at_s * options.fs_hz), movement.label, round_))
            at_s += movement.seconds
            rows.append((round(at_s * options.fs_hz), 0, round_))
            at_s += REST_S
    found = record(replace(options, script=ImitatingScript(ShownScript(begun), options.seed)), at_s)
    lengths = np.diff([*(row for row, _, _ in rows), len(found.counts)])
    label, repetition = (np.repeat(np.array(column, np.uint8), lengths) for column in list(zip(*rows, strict=True))[1:])
    return replace(found, label=label, repetition=repetition)


def as_shown(recording: Recording, movements: Sequence[Movement]) -> Recording:
    """The recording as `myobridge record --follow` would have made it: with the shown angles instead of the true."""
    assert recording.label is not None
    shown_deg = np.tile(np.array(REST_DEG, np.float32), (len(recording.counts), 1))
    edges = [0, *(np.flatnonzero(np.diff(recording.label)) + 1).tolist(), len(recording.label)]
    known = {movement.label: movement for movement in movements}
    for start, stop in pairwise(edges):
        if movement := known.get(int(recording.label[start])):
            shown_deg[start:stop] = movement.shown_deg(np.arange(stop - start) / recording.fs_hz)
    return replace(recording, angles_deg=shown_deg, shown=True)
