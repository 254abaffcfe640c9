"""Baselines: the classical decoders that a network has to beat, judged at the same instants.

Features of a window, per channel: logarithms of RMS, mean absolute value and waveform length, and zero crossings
(Hudgins, Parker and Scott, IEEE Trans. Biomed. Eng. 40, 1993); one decoder also reads the channel correlations. The
classifiers tell all movements apart, including movements of the same pose, which makes them better than classifiers of
poses; the pose table turns movements into angles.

Each decoder learns from the windows that suit it best: the forest and the linear discriminant from settled windows, the
support-vector classifiers from all. (On all windows the discriminant has a smaller error, because rest is frequent, but
a lower balanced accuracy; the support-vector classifier is better in both.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from myobridge.errors import UserError
from myobridge_models.data.takes import Take, channel_scale, design_prefilter, only_repetitions, scaled, takes_of
from myobridge_models.evaluation.decisions import STEP_S, Decisions, instants
from myobridge_models.experiments.folds import Context, Fold
from myobridge_models.experiments.population import group_of, people_outside
from myobridge_models.network.correlation import ChannelCorrelation
from myobridge_models.network.shape import Shape

WINDOW_S: Final = (0.4,)
TWO_WINDOWS_S: Final = (0.2, 0.4)
THREE_WINDOWS_S: Final = (0.2, 0.4, 0.8)
FULL_S: Final = 0.4
"""Training windows end from this time of a stretch on.

A longer window reads the part that exists, in training as in the first 0.8 s of a take."""
_SILENT: Final = 1e-9
"""Keeps the logarithm of a dead channel finite."""

Floats = NDArray[np.float32]


class Learner(Protocol):
    """The interface of scikit-learn's estimators."""

    def fit(self, x: Floats, y: NDArray[np.generic]) -> Learner:
        """Learns targets y (windows, …) from features x (windows, features)."""

    def predict(self, x: Floats) -> NDArray[np.generic]:
        """Returns the targets of features x."""


@dataclass(frozen=True)
class Baseline:
    """A classical decoder; the benchmark calls it as it calls every decoder.

    learner: makes an untrained estimator.
    windows_s: lengths of the windows whose features it reads.
    classifies: it learns movements, which the pose table turns into angles; else it learns angles.
    settled: it learns only from samples at which the muscle does what the cue says.
    unseen: it learns from other people and never sees the fold's person, as `population_unseen`.
    correlation: it also reads the channel correlations.
    """

    learner: Callable[[], Learner]
    windows_s: tuple[float, ...]
    classifies: bool
    settled: bool
    unseen: bool = False
    correlation: bool = False

    def __call__(self, fold: Fold, context: Context) -> Decisions:
        """Decides at the instants of the whole recording.

        Raises:
            UserError: there are too few windows, or movements, to learn from.
        """
        fs_hz, takes = fold.recording.fs_hz, fold.takes
        stretches = takes_of_others(fold, context) if self.unseen else only_repetitions(takes, fold.others)
        scale = channel_scale(stretches)
        lengths = [round(w * fs_hz) for w in self.windows_s]
        x, y = self._training_set(scaled(stretches, scale), fs_hz, lengths, fold)
        rows, found, start = instants(fold.recording), [], 0
        for take in scaled(takes, scale):
            inside = rows[(rows >= start) & (rows < start + len(take))]
            found.append(self._features(take, inside - start, fs_hz, lengths))
            start += len(take)
        predicted = self.learner().fit(x, y).predict(np.concatenate(found))
        if self.classifies:
            pose_of = {pose.label: pose.angles_deg for pose in fold.poses}
            predicted = np.array([pose_of[int(movement)] for movement in predicted])
        return Decisions(rows, predicted.astype(np.float32))

    def _training_set(
        self, stretches: list[Take], fs_hz: float, lengths: list[int], fold: Fold
    ) -> tuple[Floats, NDArray[np.generic]]:
        step, full = round(STEP_S * fs_hz), round(FULL_S * fs_hz)
        x, y = [], []
        for take in stretches:
            ends = np.arange(full - 1, len(take), step)
            ends = ends[take.usable[ends]] if self.settled else ends
            x.append(self._features(take, ends, fs_hz, lengths))
            y.append(take.movement[ends] if self.classifies else take.target_deg[ends])
        targets = np.concatenate(y)
        if len(np.unique(targets, axis=0)) < 2:
            raise UserError(
                f"{fold.source} without repetition {fold.held_out} has {len(targets)} windows to learn from and fewer "
                "than two movements in them; record more."
            )
        return np.concatenate(x), targets

    def _features(self, take: Take, ends: NDArray[np.int64], fs_hz: float, lengths: list[int]) -> Floats:
        found = features(take, ends, lengths)
        if not self.correlation:
            return found
        values = ChannelCorrelation(Shape(fs_hz, len(take.emg))).at(
            torch.from_numpy(take.emg)[None], torch.from_numpy(ends)
        )
        return np.concatenate((found, values[0].numpy()), axis=1)


def takes_of_others(fold: Fold, context: Context) -> list[Take]:
    """Returns the takes of the people that the network `population_unseen` has learnt from.

    Raises:
        UserError: there are no other people.
    """
    others = people_outside(group_of(fold.person), context.data)
    return [
        take
        for source, recording in others
        for take in takes_of(recording, source, design_prefilter(recording.fs_hz), fold.poses)
    ]


def features(take: Take, ends: NDArray[np.int64], lengths: list[int]) -> Floats:
    """Computes four features per channel and window length at `ends`: (windows, 4 · lengths · channels)."""
    before = np.concatenate([take.emg[:, :1], take.emg[:, :-1]], axis=1)
    per_sample = (
        np.square(take.emg, dtype=np.float64),
        np.abs(take.emg),
        np.abs(take.emg - before),
        np.signbit(take.emg) != np.signbit(before),
    )
    sums = [np.pad(np.cumsum(values, axis=1, dtype=np.float64), ((0, 0), (1, 0))) for values in per_sample]
    columns = []
    for length in lengths:
        starts = np.maximum(0, ends + 1 - length)
        power, mav, change, crossings = ((s[:, ends + 1] - s[:, starts]) / (ends + 1 - starts) for s in sums)
        columns += [*np.log(np.stack([np.sqrt(power.clip(0)), mav, change]) + _SILENT), crossings]
    return np.concatenate(columns).T.astype(np.float32)


BASELINES: Final = {
    "mean": Baseline(DummyRegressor, WINDOW_S, classifies=False, settled=True),
    "forest": Baseline(
        lambda: RandomForestRegressor(100, min_samples_leaf=2, random_state=0),
        WINDOW_S,
        classifies=False,
        settled=True,
    ),
    "lda": Baseline(LinearDiscriminantAnalysis, WINDOW_S, classifies=True, settled=True),
    "lda_unseen": Baseline(LinearDiscriminantAnalysis, WINDOW_S, classifies=True, settled=True, unseen=True),
    "svm": Baseline(
        lambda: make_pipeline(StandardScaler(), SVC(class_weight="balanced")),
        THREE_WINDOWS_S,
        classifies=True,
        settled=False,
    ),
    "svm_likeness": Baseline(
        lambda: make_pipeline(StandardScaler(), SVC(class_weight="balanced")),
        TWO_WINDOWS_S,
        classifies=True,
        settled=False,
        correlation=True,
    ),
}
"""By name: train mean, random-forest regression, linear discriminant, and two support-vector classifiers with a radial
kernel and balanced movements; the one with channel correlations is the strongest classical decoder we know."""
