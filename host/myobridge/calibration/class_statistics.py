"""What earlier days knew of a network's features, and the translation of today's features into theirs, in numpy alone.

The head of the network stays as it was trained, with its closed loop. In front of it, today's features are moved to
where earlier days had them: first the centre, so that what has changed for all movements alike changes nothing; then,
where seconds of each movement are known with their labels, each window towards the mean that its movement had.

    x = features - today's centre
    translated = x + (x @ toward) @ shift + earlier centre

`toward` and `shift` are a ridge regression (Hoerl and Kennard, Technometrics 1970) of these shifts on the known
windows, as the covariance within the movements of earlier days measures them. So a feature that scatters much within
a movement counts little, and where no known window points, nothing is moved. The ridge says how much the features
keep of their place. If today's means are far from those of earlier days, the electrodes sit elsewhere and earlier
days say little: then the ridge is small, and the covariance is today's. A translation is linear; the first dense
layer takes it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.model.statistics import LEAST_SPREAD, ClassStatistics, Floats

FACTORS: Final = 16
"""8 to 32 factors, and the whole covariance, did alike on days 6 to 42 of MultiDay."""
OWN: Final = 0.05
"""Least share of a feature's variance that it shares with no other."""

HELD_S: Final = 1.3
"""A calibration knows so much of a hold after the muscle has followed. EMG changes while a pose is held, so a centre of
whole holds differs from a centre of their beginnings: on MultiDay this costs 0.02 to 0.08."""
KEEP: Final = 0.02
NEAR: Final = 4.0
"""The ridge is KEEP * (2 + distance ** -NEAR) for each feature: the nearer today's means are to those of earlier days,
the more the features keep of their place. On days 2 to 42 of MultiDay the distance is 0.3 to 0.8 (1: as far as the
means are from the centre). There, after one, two and five days of training, 3, 4 and 5 have 0.809, 0.913, 0.950;
0.796, 0.912, 0.954; and 0.778, 0.902, 0.954 (labelled, the moved head, without the gate). With 3, two poses that are
held alike are no longer found out."""
SUDDEN: Final = 5.0
"""1 / (1 + distance ** SUDDEN) is the trust in earlier days. After a shift of the cuff (persons 0 to 3 of
ElectrodeShift) and on another arm, today's means are farther than 1 away, and today's covariance does best."""
SHRINKAGE: Final = 0.3
LEAST_SHARE: Final = 1e-3
"""Of today's covariance, towards its diagonal; and of the mean variance, added to each."""
LEAST_DISTANCE: Final = 0.1
"""Keeps the ridge finite."""
MOST_WINDOWS: Final = 1000
"""The arithmetic grows with the cube of the windows; seven poses of two seconds have 200."""

Labels = NDArray[np.int64]


class Translation(NamedTuple):
    """Maps today's features to those of earlier days.

    centre: float64 (F,), of today. toward: float64 (F, n). shift: float64 (n, F). onto: float64 (F,), of earlier days.
    """

    centre: Floats
    toward: Floats
    shift: Floats
    onto: Floats

    def __call__(self, features: Floats) -> Floats:
        """Maps features (N, F) of today to (N, F)."""
        x = features - self.centre
        moved: Floats = x + (x @ self.toward) @ self.shift + self.onto
        return moved

    def before(self, weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """The dense layer that reads today's features as weight (out, F + ·), bias (out,) read those of earlier days.

        Columns behind the features stay as they are.
        """
        own, rest = np.split(weight, [len(self.centre)], axis=1)
        turned = own + (own @ self.shift.T) @ self.toward.T
        return np.hstack([turned, rest]), bias + own @ self.onto - turned @ self.centre


class Day(NamedTuple):
    """Windows of one day.

    features: float64 (N, F). labels: int64 (N,). first: bool (N,), in the first HELD_S of a hold.
    """

    features: Floats
    labels: Labels
    first: NDArray[np.bool_]

    @property
    def centre(self) -> Floats:
        """The centre of what a calibration would have known of the day, (F,)."""
        return centre_of(self.features[self.first], self.labels[self.first])


def statistics_of(days: Sequence[Day]) -> ClassStatistics:
    """Computes the statistics of earlier days, each of which has windows of every movement in its first HELD_S."""
    centres = [day.centre for day in days]
    apart = np.concatenate([day.features - centre for day, centre in zip(days, centres, strict=True)])
    labels = np.concatenate([day.labels for day in days])
    known, index = np.unique(labels, return_inverse=True)
    means = np.stack([apart[labels == label].mean(axis=0) for label in known])
    within = apart - means[index]
    spread = np.maximum(within.std(axis=0), LEAST_SPREAD)
    correlation = (within / spread).T @ (within / spread) / len(within)
    variances, axes = np.linalg.eigh(correlation)
    count = min(FACTORS, len(spread))
    factors = (axes[:, -count:] * np.sqrt(np.maximum((1 - OWN) * variances[-count:], 0))).T
    own = np.sqrt(np.maximum(1 - np.square(factors).sum(axis=0), OWN))
    centre: Floats = np.mean(centres, axis=0)
    least = np.maximum(own * spread, LEAST_SPREAD)
    return ClassStatistics(known.astype(np.int64), centre, means, least, factors * spread)


def centre_of(features: Floats, labels: Labels) -> Floats:
    """The mean (F,) of the means of all movements, so that each movement counts alike."""
    centre: Floats = np.mean([features[labels == label].mean(axis=0) for label in np.unique(labels)], axis=0)
    return centre


def translation(earlier: ClassStatistics, seen: Floats, labels: Labels | None = None) -> Translation:
    """Returns the translation for a day of which features `seen` (N, F) are known, with their labels (N,) if these are.

    Without labels, each window counts alike, and only the centre moves. A movement that is not among the labels counts
    in neither centre; a label that earlier days do not know is not learnt from. Of more than MOST_WINDOWS windows,
    evenly spaced ones are learnt from.
    """
    onto, count = earlier.centre, len(earlier.spread)
    if labels is None or not np.isin(labels, earlier.labels).any():
        return Translation(seen.mean(axis=0), np.zeros((count, 0)), np.zeros((0, count)), onto)
    both = np.flatnonzero(np.isin(labels, earlier.labels))
    both = both[:: -(-len(both) // MOST_WINDOWS)]
    seen, labels = seen[both], labels[both]
    known, index = np.unique(labels, return_inverse=True)
    then = earlier.means[np.searchsorted(earlier.labels, known)]
    missing = then.mean(axis=0) - earlier.means.mean(axis=0)
    then = then - missing
    centre = centre_of(seen, labels)
    x = seen - centre
    today = np.stack([x[index == number].mean(axis=0) for number in range(len(known))])
    share = np.sqrt(1 / np.bincount(index))[index][:, None]
    weighted = share * x
    away = distance(earlier, then, today)
    trust = trust_at(away)
    covariance = trust * earlier.covariance + (1 - trust) * _shrunk(x - today[index])
    toward = np.linalg.solve(covariance, weighted.T).astype(np.float64)
    keep = KEEP * count * (2 + away**-NEAR)
    shift: Floats = np.linalg.solve(weighted @ toward + keep * np.eye(len(x)), share * (then[index] - x))
    return Translation(centre, toward, shift, onto + missing)


def distance(earlier: ClassStatistics, then: Floats, today: Floats) -> float:
    """How far today's means (K, F) are from those of earlier days, as a share of their distance from the centre."""
    inverse = np.linalg.solve(earlier.covariance, np.vstack([today - then, then]).T).T
    moved = np.sum(inverse[: len(then)] * (today - then))
    apart = np.sum(inverse[len(then) :] * then)
    return float(max(moved / apart, LEAST_DISTANCE)) if apart > 0 else 1.0


def trust_at(away: float) -> float:
    """The trust in earlier days, from 0 to 1, where today's means are at this distance from theirs."""
    return float(1 / (1 + away**SUDDEN))


def _shrunk(within: Floats) -> Floats:
    """The covariance of features (N, F) from the means of their movements, safe to invert although N is small."""
    covariance: Floats = within.T @ within / len(within)
    own = covariance.diagonal()
    return (1 - SHRINKAGE) * covariance + np.diag(SHRINKAGE * own + LEAST_SHARE * own.mean() + LEAST_SPREAD**2)
