"""Baselines: the classical decoders that a network has to beat, judged at the same instants.

The classifiers tell all movements apart, including movements of the same pose, which makes them better than classifiers
of poses; the pose table turns movements into angles.

Each decoder learns from the windows that suit it best: the forest and the linear discriminants from settled windows,
the support-vector classifiers from all. (On all windows the discriminant has a smaller error, because rest is frequent,
but a lower balanced accuracy; the support-vector classifier is better in both.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording import Recording
from myobridge_models.data.takes import Take, channel_scale, design_prefilter, only_repetitions, scaled, takes_of
from myobridge_models.evaluation.decisions import STEP_S, Angles, Decisions, Rows, instants
from myobridge_models.experiments.classical_features import (
    THREE_WINDOWS_S,
    Ends,
    Floats,
    band_power,
    hudgins,
    with_correlation,
    with_power,
)
from myobridge_models.experiments.folds import Context, Fold
from myobridge_models.experiments.population import group_of, people_outside

FULL_S: Final = 0.4
"""Training windows end from this time of a stretch on.

A longer window reads the part that exists, in training as in the first 0.8 s of a take."""
SHRINKAGE: Final = 0.02
"""Of the covariance of the band powers, which are many and alike; chosen on days 6 to 42 of MultiDay."""

Targets = NDArray[np.generic]


class Learner(Protocol):
    """The interface of scikit-learn's estimators."""

    def fit(self, x: Floats, y: Targets) -> Learner:
        """Learns targets y (windows, …) from features x (windows, features)."""

    def predict(self, x: Floats) -> Targets:
        """Returns the targets of features x."""


@dataclass(frozen=True)
class Baseline:
    """A classical decoder; the benchmark calls it as it calls every decoder.

    learner: makes an untrained estimator.
    features: what it reads of a window.
    classifies: it learns movements, which the pose table turns into angles; else it learns angles.
    settled: it learns only from samples at which the muscle does what the cue says.
    unseen: it learns from other people and never sees the fold's person, as `population_unseen`.
    repetitions: it learns from so many of the person's other repetitions; None: from all.
    """

    learner: Callable[[], Learner]
    features: Callable[[Take, Ends, float], Floats]
    classifies: bool
    settled: bool
    unseen: bool = False
    repetitions: int | None = None

    @property
    def of_sessions(self) -> bool:
        """Whether it learns from whole recordings, so that later days and changed electrodes can judge it, too."""
        return not self.unseen and self.repetitions is None

    def __call__(self, fold: Fold, context: Context) -> LearntBaseline:
        """Learns from the fold's other repetitions, or from other people.

        Raises:
            UserError: there are too few windows, or movements, to learn from.
        """
        stretches = (
            takes_of_others(fold, context)
            if self.unseen
            else only_repetitions(fold.takes, fold.others[: self.repetitions])
        )
        scale = channel_scale(stretches)
        x, y = self.windows(scaled(stretches, scale), fold.recording.fs_hz)
        check_targets(y, f"{fold.source} without repetition {fold.held_out}")
        return LearntBaseline(self, self.learner().fit(x, y), scale, fold.poses)

    def windows(self, takes: Sequence[Take], fs_hz: float) -> tuple[Floats, Targets]:
        """Returns the features (windows, F) and targets (windows, …) to learn from in scaled takes."""
        step, full = round(STEP_S * fs_hz), round(FULL_S * fs_hz)
        x, y = [], []
        for take in takes:
            ends = np.arange(full - 1, len(take), step)
            ends = ends[take.usable[ends]] if self.settled else ends
            x.append(self.features(take, ends, fs_hz))
            y.append(self.targets(take, ends))
        return np.concatenate(x), np.concatenate(y)

    def targets(self, take: Take, ends: Ends) -> Targets:
        """Returns the movements or the angles at `ends`."""
        return take.movement[ends] if self.classifies else take.target_deg[ends]

    def features_at(self, takes: Iterable[Take], rows: Rows, fs_hz: float) -> Floats:
        """Returns the features (rows, F) of windows that end at rows of a recording, given all its scaled takes."""
        found, start = [], 0
        for take in takes:
            inside = rows[(rows >= start) & (rows < start + len(take))]
            found.append(self.features(take, inside - start, fs_hz))
            start += len(take)
        return np.concatenate(found)

    def angles_deg(self, predicted: Targets, poses: Sequence[LabelledPose]) -> Angles:
        """Turns predictions into angles, float32 (windows, 5)."""
        if self.classifies:
            pose_of = {pose.label: pose.angles_deg for pose in poses}
            predicted = np.array([pose_of[int(movement)] for movement in predicted])
        return predicted.astype(np.float32)


@dataclass(frozen=True)
class LearntBaseline:
    """A classical decoder that has learnt; scale (channels,) is that of its training data."""

    baseline: Baseline
    estimator: Learner
    scale: Floats
    poses: Sequence[LabelledPose]

    def __call__(self, recording: Recording, source: Path) -> Decisions:
        """Decides at the instants of a whole recording.

        Raises:
            UserError: the recording has neither angles nor known labels.
        """
        takes = takes_of(recording, source, design_prefilter(recording.fs_hz), self.poses)
        rows = instants(recording)
        x = self.baseline.features_at(scaled(takes, self.scale), rows, recording.fs_hz)
        return Decisions(rows, self.baseline.angles_deg(self.estimator.predict(x), self.poses))


def check_targets(targets: Targets, place: str) -> None:
    """Checks that there is something to tell apart.

    Raises:
        UserError: there are fewer than two movements; the sentence names the place.
    """
    if len(np.unique(targets, axis=0)) < 2:
        raise UserError(
            f"{place} has {len(targets)} windows to learn from and fewer than two movements in them; record more."
        )


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


def _forest() -> Learner:
    forest: Learner = RandomForestRegressor(100, min_samples_leaf=2, random_state=0)
    return forest


def _svm() -> Learner:
    svm: Learner = make_pipeline(StandardScaler(), SVC(class_weight="balanced"))
    return svm


_shrunk = partial(LinearDiscriminantAnalysis, solver="lsqr", shrinkage=SHRINKAGE)
_three_windows = partial(hudgins, windows_s=THREE_WINDOWS_S)

_ALL: Final[Mapping[str, Baseline]] = {
    "mean": Baseline(DummyRegressor, hudgins, classifies=False, settled=True),
    "forest": Baseline(_forest, hudgins, classifies=False, settled=True),
    "lda": Baseline(LinearDiscriminantAnalysis, hudgins, classifies=True, settled=True),
    "lda_unseen": Baseline(LinearDiscriminantAnalysis, hudgins, classifies=True, settled=True, unseen=True),
    "svm": Baseline(_svm, _three_windows, classifies=True, settled=False),
    "svm_likeness": Baseline(_svm, with_correlation, classifies=True, settled=False),
    "svm_power": Baseline(_svm, with_power, classifies=True, settled=False),
    "lda_bands": Baseline(_shrunk, band_power, classifies=True, settled=True),
    "svm_bands": Baseline(_svm, band_power, classifies=True, settled=False),
}
_ONE: Final = ("lda", "svm", "svm_likeness", "svm_power", "lda_bands", "svm_bands")
BASELINES: Final[Mapping[str, Baseline]] = {
    **_ALL,
    **{f"{name}_one": replace(_ALL[name], repetitions=1) for name in _ONE},
}
"""By name: train mean, random-forest regression, linear discriminants, and support-vector classifiers with a radial
kernel and balanced movements. Those that read band powers are the strongest on later days, `svm_likeness` and
`svm_power` within a sitting. `…_one` learns from one repetition."""
