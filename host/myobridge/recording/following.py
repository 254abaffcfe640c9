"""How a wearer followed a shown hand: the delay, and the stretches in which the wearer did not follow. Pure.

`judge` correlates the envelope of all channels with the shown movement at every delay. The delay of a recording is the
one with the highest mean correlation over its movements. A movement was followed if its own envelope fits the movement
near that delay. In a movement that was followed, stretches with a quiet muscle under a bent shown hand were let go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.contact import MIN_TO_REST
from myobridge.errors import UserError
from myobridge.model.file import REST_DEG
from myobridge.recording.arrays import Recording

STEP_S: Final = 0.02
SMOOTH_STEPS: Final = 7
"""Length of the window that smooths the envelope."""
LATEST: Final = round(1.0 / STEP_S)
"""In steps. A wearer who is later than this does not follow."""
SEARCHED: Final = round(4.0 / STEP_S)
"""Delays up to this one are looked for, so that a late wearer learns how late."""
NEAR: Final = round(0.3 / STEP_S)
"""The delay of one movement may differ this much from the delay of the recording."""
FITS: Final = 0.6
"""Lowest correlation of a movement that was followed."""
QUIET: Final = 0.2
"""A muscle that has let go has less than this share of the envelope that the shown depth takes in this movement."""
BENT: Final = 0.15
"""Only where the shown hand is further from rest than this share can a wearer let go."""
LET_GO_S: Final = 0.5
"""Shorter pauses are not let go."""
MUSCLE_S: Final = 0.08
"""From EMG to movement, 50 to 100 ms (Cavanagh and Komi, Eur. J. Appl. Physiol. 42, 1979): the labels are those of the
moving finger, not of its EMG."""
SILENT: Final = 1e-3
"""Added to the power, in squared counts, so that a dead channel divides nothing by zero."""
TAIL: Final = round(1.0 / STEP_S)
"""A movement is judged from this time before its beginning to this time after its end, because the wearer is late."""

Floats = NDArray[np.float64]


class LeftOut(NamedTuple):
    """A stretch that was not followed, in seconds of the recording, with the label of its movement and the reason."""

    start_s: float
    stop_s: float
    label: int
    reason: str


class Following(NamedTuple):
    """How the wearer followed.

    delay_s: from the shown movement to the EMG.
    kept: bool (samples,), the samples to learn from.
    movements: how many movements were shown.
    """

    delay_s: float
    kept: NDArray[np.bool_]
    movements: int
    left_out: tuple[LeftOut, ...]


class _Span(NamedTuple):
    """One movement: its label, and its first and last step."""

    label: int
    start: int
    stop: int


def followed(recording: Recording, source: Path) -> tuple[Recording, Following]:
    """The stretches that the wearer followed, with the angles at which the fingers were; and how the wearer followed.

    Raises:
        UserError: the wearer followed none of the movements; the sentence names `source`.
    """
    following = judge(recording)
    kept, angles_deg = following.kept, recording.angles_deg
    if not kept.any():
        reasons = "; ".join(dict.fromkeys(one.reason for one in following.left_out)) or "it shows none"
        raise UserError(
            f"The wearer of {source} followed none of the {following.movements} movements ({reasons}); check the "
            "electrodes, and record again."
        )
    assert angles_deg is not None
    late, run = round((following.delay_s + MUSCLE_S) * recording.fs_hz), np.zeros(len(kept), np.int64)
    fingers_deg = np.empty_like(angles_deg)
    for number, take in enumerate(recording.takes()):
        fingers_deg[take] = angles_deg[np.maximum(np.arange(take.start, take.stop) - late, take.start)]
        run[take] = number
    run += np.cumsum(np.diff(kept, prepend=kept[:1]))
    part = replace(recording, counts=recording.counts[kept], angles_deg=fingers_deg[kept], shown=False)
    label, repetition = (None if column is None else column[kept] for column in (recording.label, recording.repetition))
    return replace(part, label=label, repetition=repetition, run=run[kept].astype(np.uint8)), following


def judge(recording: Recording) -> Following:
    """How the wearer followed; a recording without one followed movement has a delay of 0 and no kept sample.

    A recording without cues is one movement.
    """
    assert recording.angles_deg is not None
    samples = max(1, round(STEP_S * recording.fs_hz))
    steps = len(recording.counts) // samples
    if steps < SMOOTH_STEPS:
        return Following(0.0, np.zeros(len(recording.counts), bool), 0, ())
    label = np.ones(steps, np.uint8) if recording.label is None else recording.label[samples // 2 :: samples][:steps]
    effort = _effort(recording.angles_deg[samples // 2 :: samples][:steps])
    session = _Session(*_envelope(recording.counts, samples, label == 0), effort)
    fits = [_correlations(session, span) for span in _spans(label)]
    good = [fit[: LATEST + 1] for span, fit in zip(_spans(label), fits, strict=True) if _made(session, span)]
    good = [fit for fit in good if fit.max() >= FITS]
    delay = int(np.mean(good, axis=0).argmax()) if good else None
    step_s = samples / recording.fs_hz
    out = [
        LeftOut(step_s * start, step_s * stop, span.label, reason)
        for span, fit in zip(_spans(label), fits, strict=True)
        for start, stop, reason in _not_followed(session, span, fit, delay)
    ]
    kept = np.full(len(recording.counts), delay is not None)
    for one in out:
        kept[round(one.start_s * recording.fs_hz) : round(one.stop_s * recording.fs_hz)] = False
    return Following(step_s * (delay or 0), kept, len(fits), tuple(out))


def sentences(following: Following, names: Mapping[int, str] = MappingProxyType({})) -> list[str]:
    """What the wearer is told; names: of the movements, by their labels."""
    out = [
        f"{one.start_s:.0f} to {one.stop_s:.0f} s ({names.get(one.label, f'movement {one.label}')}): {one.reason}, so "
        "this stretch is left out."
        for one in following.left_out
    ]
    if not following.kept.any():
        return [*out, "Nothing is left to learn from; check the electrodes, and record again."]
    return [
        *out,
        f"The EMG lags the shown hand by {following.delay_s:.2f} s, and training takes this delay out.",
    ]


class _Session(NamedTuple):
    """What was heard and shown in steps, (steps,) each.

    envelope: mean over the channels of the RMS relative to the channel's strongest.
    louder: the largest ratio of a channel's RMS to its RMS at rest.
    effort: how far the shown hand was from rest.
    """

    envelope: Floats
    louder: Floats
    effort: Floats


def _envelope(counts: NDArray[np.int16], samples: int, rest: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Envelope and loudness of a session; rest (steps,): nothing was shown.

    The difference of neighbouring samples has no drift and little hum.
    """
    change = np.diff(counts.astype(np.float32), axis=0, prepend=counts[:1].astype(np.float32))
    power = np.square(change[: len(rest) * samples]).reshape(len(rest), samples, -1).mean(axis=1)
    window = np.ones(SMOOTH_STEPS) / SMOOTH_STEPS
    rms = np.sqrt(np.array([np.convolve(channel, window, "same") for channel in power.T]) + SILENT)
    quiet = np.median(rms[:, rest], axis=1) if rest.any() else np.quantile(rms, 0.1, axis=1)
    strongest = np.quantile(rms, 0.98, axis=1)
    return (rms / strongest[:, None]).mean(axis=0), (rms / quiet[:, None]).max(axis=0)


def _effort(angles_deg: NDArray[np.float32]) -> Floats:
    """How far the shown hand is from rest, as the share of the farthest finger's way, (steps,)."""
    rest_deg = np.array(REST_DEG)
    away = np.where(
        angles_deg > rest_deg, (angles_deg - rest_deg) / (180 - rest_deg), (rest_deg - angles_deg) / rest_deg
    )
    return np.asarray(away.max(axis=1), np.float64)


def _spans(label: NDArray[np.uint8]) -> list[_Span]:
    edges = [0, *(np.flatnonzero(np.diff(label)) + 1).tolist(), len(label)]
    return [_Span(int(label[a]), a, b) for a, b in pairwise(edges) if label[a]]


def _correlations(session: _Session, span: _Span) -> Floats:
    """The correlation of envelope and effort around a movement at each delay from 0 to SEARCHED."""
    start, stop = max(0, span.start - TAIL), min(span.stop + TAIL, len(session.effort))
    shown = session.effort[start:stop]
    late = (session.envelope[start + delay : stop + delay] for delay in range(SEARCHED + 1))
    return np.array([_correlation(shown[: len(one)], one) for one in late])


def _correlation(shown: Floats, heard: Floats) -> float:
    varies = len(heard) > 2 and shown.std() > 0 and heard.std() > 0
    return float(np.corrcoef(shown, heard)[0, 1]) if varies else 0.0


def _made(session: _Session, span: _Span) -> bool:
    """Whether a muscle worked in the movement or a little later."""
    return bool(np.quantile(session.louder[span.start : span.stop + TAIL], 0.9) >= MIN_TO_REST)


def _not_followed(session: _Session, span: _Span, fit: Floats, delay: int | None) -> list[tuple[int, int, str]]:
    """The stretches (first step, last step, reason) of a movement that were not followed.

    fit: the correlation at each delay. delay: of the recording, in steps; None: no movement was followed.
    """
    best, usual = int(fit.argmax()), delay or 0
    stop = min(span.stop + usual, len(session.effort))
    if not _made(session, span):
        return [(span.start, stop, "no muscle worked")]
    gone = _let_go(session, span, usual)
    near = fit[max(0, usual - NEAR) : usual + NEAR].max()
    if delay is not None and (near >= FITS or _fits_without(session, span, delay, gone)):
        return [(start, stop, "you let go") for start, stop in gone]
    if fit[best] >= FITS and best > LATEST:
        return [(span.start, min(span.stop + best, len(session.effort)), f"you were late by {best * STEP_S:.1f} s")]
    return [(span.start, stop, "you moved in another way")]


def _let_go(session: _Session, span: _Span, delay: int) -> list[tuple[int, int]]:
    """The stretches (first step, last step) of a movement in which the muscle was quiet and should not be."""
    rows = np.arange(span.start + delay, min(span.stop + delay, len(session.effort)))
    shown, heard = session.effort[rows - delay], session.envelope[rows]
    quiet = float(np.quantile(session.envelope[max(0, span.start - TAIL) : span.stop + TAIL], 0.05))
    above, bent = np.maximum(heard - quiet, 0), shown > BENT
    usual = float(np.median(above[bent] / shown[bent])) if bent.any() else 0.0
    gone = np.concatenate([[False], bent & (above < QUIET * usual * shown), [False]]).astype(np.int8)
    starts, stops = np.flatnonzero(np.diff(gone) > 0), np.flatnonzero(np.diff(gone) < 0)
    first = span.start + delay
    return [
        (max(0, int(first + a) - NEAR), int(first + b) + NEAR)
        for a, b in zip(starts, stops, strict=True)
        if (b - a) * STEP_S >= LET_GO_S
    ]


def _fits_without(session: _Session, span: _Span, delay: int, gone: Sequence[tuple[int, int]]) -> bool:
    """Whether a movement was followed apart from the stretches in which the wearer let go, its smaller part."""
    rows = np.arange(span.start + delay, min(span.stop + delay, len(session.effort)))
    kept = np.ones(len(rows), bool)
    for start, stop in gone:
        kept &= (rows < start) | (rows >= stop)
    fit = _correlation(session.effort[rows - delay][kept], session.envelope[rows][kept])
    return fit >= FITS and 2 * int(kept.sum()) > len(rows)
