"""Figures of a decoder that follows fingers: errors, fit, delay, steadiness of a held depth, cross-talk.

All figures are computed at the instants of `decisions`, every 50 ms, on the angles that the hand would hold then. A
recording falls into pieces: its cues, or 5 s each where there are none. A finger is *moved* in a piece if its true
angle varies by more than 10° there, and *still* if it does not and another finger moves.

- *Error*: mean absolute difference from the true angle, of all fingers, and of moved fingers alone.
- *Fit*: R² and correlation of each finger over the pieces that move it.
- *Delay*: the shift at which the angles of a moved finger correlate best with the true angles. The true finger already
  moves some 80 ms after its EMG, the muscle's own delay, so the hand is that much later behind the EMG.
- *Jitter*: root mean square of the speeds of all servos between neighbouring decisions while the true fingers stand
  still away from rest, as in `steadiness`.
- *Cross-talk*: mean absolute error of the still fingers while others move.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.model.file import REST_DEG
from myobridge.recording import Recording
from myobridge_models.evaluation.decisions import FIRST_S, STEP_S, Angles, Decisions, Rows, held_at, instants

MOVED_DEG: Final = 10.0
PIECE_S: Final = 5.0
EARLIEST_S: Final = -0.3
LATEST_S: Final = 0.6
"""Delays are looked for within these bounds."""
HELD_DEG: Final = 10.0
"""A held depth is further from rest than this with some finger."""
SETTLED_S: Final = 0.5
STILL_DEG: Final = 0.5
"""Fingers hold a depth where they have kept their angles this closely for SETTLED_S."""

Floats = NDArray[np.float64]


class Finger(NamedTuple):
    """Figures of one finger; None if the recording does not move it, or only it moves.

    error_deg: mean absolute error while it is moved; still_error_deg: while others are moved.
    """

    finger: str
    error_deg: float | None
    r2: float | None
    correlation: float | None
    delay_s: float | None
    still_error_deg: float | None


class MovementFigures(NamedTuple):
    """Figures of one decoder on one recording; means over the fingers that have the figure, None if no finger has.

    r2_worst: the lowest R² of a moved finger.
    """

    mae_deg: float
    moved_mae_deg: float | None
    r2: float | None
    r2_worst: float | None
    correlation: float | None
    delay_s: float | None
    held_jitter_deg_per_s: float | None
    crosstalk_deg: float | None
    fingers: tuple[Finger, ...]


class _Piece(NamedTuple):
    """The instants of a piece: decoded and true angles, float64 (instants, 5)."""

    decoded: Floats
    true: Floats

    @property
    def moved(self) -> NDArray[np.bool_]:
        """The fingers that the piece moves, (5,)."""
        moved: NDArray[np.bool_] = np.ptp(self.true, axis=0) > MOVED_DEG
        return moved


def movement_figures(decisions: Decisions, recording: Recording, rest_deg: Angles) -> MovementFigures:
    """Computes all figures of decisions on a recording with angles.

    Raises:
        UserError: the recording is too short.
    """
    assert recording.angles_deg is not None
    rows = instants(recording)
    if not len(rows):
        raise UserError(f"The part to judge on is shorter than {FIRST_S:g} s; record longer.")
    decoded = held_at(rows, decisions, recording, rest_deg).astype(np.float64)
    true = recording.angles_deg[rows].astype(np.float64)
    pieces = [_Piece(decoded[part], true[part]) for part in _pieces(rows, recording)]
    fingers = tuple(_finger(finger, [p for p in pieces if p.moved.any()]) for finger in range(len(SERVOS)))

    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None

    return MovementFigures(
        float(np.abs(decoded - true).mean()),
        mean([one.error_deg for one in fingers]),
        mean([one.r2 for one in fingers]),
        min((one.r2 for one in fingers if one.r2 is not None), default=None),
        mean([one.correlation for one in fingers]),
        mean([one.delay_s for one in fingers]),
        _held_jitter(decisions, recording),
        mean([one.still_error_deg for one in fingers]),
        fingers,
    )


def _pieces(rows: Rows, recording: Recording) -> list[slice]:
    """The instants of each piece: of a cue in a take, or of PIECE_S of a take."""
    ends = [take.stop for take in recording.takes()]
    if recording.label is None:
        part = (rows - np.concatenate([[0], ends])[np.searchsorted(ends, rows, side="right")]) / recording.fs_hz
        number = np.floor(part / PIECE_S).astype(np.int64)
    else:
        edges = np.flatnonzero(np.diff(recording.label)) + 1
        number = np.searchsorted(edges, rows, side="right")
    change = np.flatnonzero(np.diff(number) | np.diff(np.searchsorted(ends, rows, side="right"))) + 1
    return [slice(a, b) for a, b in pairwise([0, *change.tolist(), len(rows)])]


def _finger(finger: int, pieces: list[_Piece]) -> Finger:
    moved = [(p.decoded[:, finger], p.true[:, finger]) for p in pieces if p.moved[finger]]
    still = [np.abs(p.decoded[:, finger] - p.true[:, finger]) for p in pieces if not p.moved[finger]]
    still_error = float(np.concatenate(still).mean()) if still else None
    if not moved:
        return Finger(SERVOS[finger], None, None, None, None, still_error)
    decoded, true = (np.concatenate(part) for part in zip(*moved, strict=True))
    left = float(np.square(decoded - true).mean() / true.var())
    correlation = float(np.corrcoef(decoded, true)[0, 1]) if decoded.std() > 0 else 0.0
    error = float(np.abs(decoded - true).mean())
    return Finger(SERVOS[finger], error, 1 - left, correlation, _delay_s(moved), still_error)


def _delay_s(moved: list[tuple[Floats, Floats]]) -> float | None:
    """The delay of decoded behind true angles at which they correlate best, between two steps by a parabola."""
    shifts = np.arange(round(EARLIEST_S / STEP_S), round(LATEST_S / STEP_S) + 1)
    products = np.zeros(len(shifts))
    for decoded, true in moved:
        own, target = decoded - decoded.mean(), true - true.mean()
        for number, shift in enumerate(shifts.tolist()):
            late, early = (own[shift:], target[: len(target) - shift]) if shift >= 0 else (own[:shift], target[-shift:])
            size = np.sqrt(np.square(late).sum() * np.square(early).sum())
            products[number] += float(late @ early) / size * len(own) if size > 0 else 0.0
    best = int(products.argmax())
    if products[best] <= 0:
        return None
    if not 0 < best < len(shifts) - 1:
        return float(STEP_S * shifts[best])
    before, at, after = products[best - 1 : best + 2]
    bend = before - 2 * at + after
    return float(STEP_S * (shifts[best] + (0.5 * (before - after) / bend if bend < 0 else 0.0)))


def _held_jitter(decisions: Decisions, recording: Recording) -> float | None:
    """Jitter over the decisions while the fingers stand still away from rest."""
    assert recording.angles_deg is not None
    true, half = recording.angles_deg, round(SETTLED_S / 2 * recording.fs_hz)
    steady = np.abs(true - np.array(REST_DEG)).max(axis=1) > HELD_DEG
    for take in recording.takes():
        steady[take.start : take.start + 2 * half] = False
        for back in (half, 2 * half):
            before = slice(take.start, max(take.start, take.stop - back))
            apart = np.abs(true[take.start + back : take.stop] - true[before]).max(axis=1)
            steady[take.start + back : take.stop] &= apart < STILL_DEG
    at, angles_deg = decisions.sample, decisions.angles_deg.astype(np.float64)
    both = steady[at[1:]] & steady[at[:-1]] & (np.diff(at) <= half)
    if not both.any():
        return None
    speed = np.diff(angles_deg, axis=0)[both] / (np.diff(at)[both, None] / recording.fs_hz)
    return float(np.sqrt(np.square(speed).mean()))
