"""Robustness: figures of a model file, and of classical decoders, on recordings with simulated electrode faults.

A recording's counts are changed as the electrode would have changed them, before the filter, and clipped to the ADC's
range. The changed recording then runs through the daemon's pipeline, or through a classical decoder, like any other.
Decoders learn from unchanged repetitions. Levels are relative to each channel's own standard deviation over the
recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.pipeline import Withheld
from myobridge.model.load import open_model
from myobridge.recording import Recording
from myobridge_models.data.augment import MAINS_HZ
from myobridge_models.data.labels import poses_of
from myobridge_models.evaluation.decisions import Decisions
from myobridge_models.evaluation.evaluate import figures, replay_model, truth_of
from myobridge_models.experiments.baselines import BASELINES
from myobridge_models.experiments.folds import Context, Learnt, folds_of
from myobridge_models.training.recipe import Recipe

GAINS: Final = (0.5, 0.75, 1.25, 1.5)
ONE_GAIN: Final = (0.5, 1.5)
SNR_DB: Final = (30.0, 20.0, 15.0, 10.0)
HUM_DB: Final = (-20.0, -10.0, 0.0)
PLACES: Final = (-1.0, -0.5, 0.5, 1.0)
SEED: Final = 0

Floats = NDArray[np.float64]
Change = Callable[[Floats, float, np.random.Generator], Floats]
"""counts (samples, channels), fs in Hz and a random generator → changed counts."""


@dataclass(frozen=True)
class Perturbation:
    """One point of a curve: `name` is the curve with the unit of `level`; `channel` is None if all channels change."""

    name: str
    level: float
    change: Change
    channel: int | None = None


class Point(NamedTuple):
    """Figures of a decoder on one perturbed recording.

    withheld: share of decisions that do not move the hand; a classical decoder is judged without the daemon's checks.
    """

    recording: str
    decoder: str
    perturbation: str
    level: float
    channel: int | None
    mae_deg: float
    balanced_accuracy: float | None
    withheld: float


def gain(factor: float, channel: int | None = None) -> Change:
    """Scales one channel, or all of them, about its mean; at 0 the channel stands still."""

    def change(counts: Floats, _fs_hz: float, _rng: np.random.Generator) -> Floats:
        own = slice(None) if channel is None else slice(channel, channel + 1)
        changed, mean = counts.copy(), counts[:, own].mean(axis=0)
        changed[:, own] = mean + factor * (counts[:, own] - mean)
        return changed

    return change


def noise(snr_db: float) -> Change:
    """Adds white noise to every channel."""

    def change(counts: Floats, _fs_hz: float, rng: np.random.Generator) -> Floats:
        rms: Floats = counts.std(axis=0) * 10 ** (-snr_db / 20)
        return counts + rms * rng.standard_normal(counts.shape)

    return change


def hum(mains_hz: float, level_db: float) -> Change:
    """Adds a sine to every channel, each with its own phase."""

    def change(counts: Floats, fs_hz: float, rng: np.random.Generator) -> Floats:
        rms: Floats = counts.std(axis=0) * 10 ** (level_db / 20)
        turns = mains_hz * np.arange(len(counts))[:, None] / fs_hz + rng.random(counts.shape[1])
        sine: Floats = np.sqrt(2) * np.sin(2 * np.pi * turns)
        return counts + rms * sine

    return change


def rotation(places: float) -> Change:
    """Turns the ring of electrodes by `places` of them; half-way, each electrode sees its two neighbours equally."""

    def change(counts: Floats, _fs_hz: float, _rng: np.random.Generator) -> Floats:
        whole = int(np.floor(places))
        share = places - whole
        return (1 - share) * np.roll(counts, whole, axis=1) + share * np.roll(counts, whole + 1, axis=1)

    return change


def perturbations(channels: int) -> list[Perturbation]:
    """Returns all points of all curves, the unchanged recording first."""
    each = range(channels)
    return [
        Perturbation("none", 0, gain(1)),
        *(Perturbation("gain, all channels", factor, gain(factor)) for factor in GAINS),
        *(Perturbation("gain, one channel", factor, gain(factor, c), c) for factor in ONE_GAIN for c in each),
        *(Perturbation("noise, dB SNR", db, noise(db)) for db in SNR_DB),
        *(Perturbation(f"hum {hz} Hz, dB", db, hum(hz, db)) for hz in MAINS_HZ for db in HUM_DB),
        *(Perturbation("dead channel", c + 1, gain(0, c), c) for c in each),
        *(Perturbation("rotation, electrodes", places, rotation(places)) for places in PLACES),
    ]


def perturbed(recording: Recording, perturbation: Perturbation) -> Recording:
    """Returns the recording as the changed electrodes would have recorded it; the result is reproducible."""
    rng = np.random.default_rng(SEED)
    changed = perturbation.change(recording.counts.astype(np.float64), recording.fs_hz, rng)
    top = (1 << (recording.adc_bits - 1)) - 1
    return replace(recording, counts=np.clip(np.rint(changed), -top - 1, top).astype(np.int16))


def learn_beside(
    names: Sequence[str], model: Path, recording: Recording, source: Path, repetition: int
) -> dict[str, Learnt]:
    """Returns classical decoders that have learnt from all other repetitions of the recording, unchanged.

    The recording's own poses take precedence over the model's, as for the model itself.

    Raises:
        UserError: the recording cannot be split by repetition, or the other repetitions do not suffice.
    """
    poses = poses_of([(source, recording)], open_model(model).spec.poses)
    [fold] = folds_of(0, source, recording, poses, [repetition])
    context = Context(source.parent, Recipe())
    return {name: BASELINES[name](fold, context) for name in names}


def points_of(
    model: Path,
    recording: Recording,
    source: Path,
    repetition: int | None = None,
    beside: Mapping[str, Learnt] = MappingProxyType({}),
) -> Iterator[Point]:
    """Yields figures of each decoder for each perturbation of a recording, judged on one repetition of it or on all.

    Raises:
        UserError: model and recording do not fit, or the truth is not known.
    """
    for one in perturbations(recording.channels):
        changed = perturbed(recording, one)
        spec, run = replay_model(model, changed, source)
        truth_deg, poses = truth_of(spec, recording, source)
        decided = {spec.name: Decisions(run.sample, run.angles_deg)}
        decided |= {name: learnt(changed, source) for name, learnt in beside.items()}
        for name, decisions in decided.items():
            found = figures(decisions, recording, truth_deg, poses, repetition)
            withheld = float(np.mean(run.withheld != Withheld.NO)) if name == spec.name else 0.0
            accuracy = found.balanced_accuracy
            yield Point(source.name, name, one.name, one.level, one.channel, found.mae_deg, accuracy, withheld)


def curves(points: Sequence[Point]) -> list[dict[str, object]]:
    """Returns means over recordings and channels, a row for each point of each decoder's curves."""
    rows: list[dict[str, object]] = []
    for decoder, name, level in dict.fromkeys((point.decoder, point.perturbation, point.level) for point in points):
        own = [point for point in points if (point.decoder, point.perturbation, point.level) == (decoder, name, level)]
        accuracies = [point.balanced_accuracy for point in own if point.balanced_accuracy is not None]
        rows.append(
            {
                "decoder": decoder,
                "perturbation": name,
                "level": level,
                "mae_deg": float(np.mean([point.mae_deg for point in own])),
                "balanced_accuracy": float(np.mean(accuracies)) if accuracies else None,
                "withheld": float(np.mean([point.withheld for point in own])),
            }
        )
    return sorted(rows, key=lambda row: [one.decoder for one in points].index(str(row["decoder"])))
