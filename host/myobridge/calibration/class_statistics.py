"""The last step of a decoder for this morning, in numpy alone: from what earlier days knew, and seconds of each pose.

A linear discriminant: the covariance of the features within a movement comes from earlier days, because seconds are too
few to measure it; the means of the movements are those of earlier days, moved some of the way to today's. All features
are counted from their day's centre, the mean over the seconds of all movements, so that what has changed for all
movements alike changes nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

SHRINKAGE: Final = 0.1
"""Of the covariance towards its diagonal; 0.02 to 0.3 did alike on days 6 to 42 of MultiDay."""
TODAY: Final = 0.3
"""Share of today's means; 0.3 did better than 0.5, 0.7 and 1 on these days."""
MOST: Final = 0.5
"""A movement looks like another if more than this share of its windows is taken for it."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


class ClassStatistics(NamedTuple):
    """What earlier days knew of the features, from their centres.

    labels: int64 (K,), rising.
    means: float64 (K, F), of each movement.
    covariance: float64 (F, F), within the movements.
    """

    labels: Labels
    means: Floats
    covariance: Floats


class LastStep(NamedTuple):
    """Labels from features: labels[argmax((features - centre) @ weights + bias)].

    labels: int64 (K,); weights: float64 (F, K); bias: float64 (K,); centre: float64 (F,).
    """

    labels: Labels
    weights: Floats
    bias: Floats
    centre: Floats

    def __call__(self, features: Floats) -> Labels:
        """Maps features (N, F) to labels (N,)."""
        found: Labels = self.labels[((features - self.centre) @ self.weights + self.bias).argmax(axis=1)]
        return found


def statistics_of(features: Floats, labels: Labels) -> ClassStatistics:
    """Computes the statistics of features (N, F), each minus its day's centre, with labels (N,)."""
    known, index = np.unique(labels, return_inverse=True)
    means = np.stack([features[labels == label].mean(axis=0) for label in known])
    within = features - means[index]
    covariance = within.T @ within / len(features)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance))
    floor = 1e-6 * np.trace(covariance) / len(covariance)  # a feature that never changes
    return ClassStatistics(known.astype(np.int64), means, shrunk + floor * np.eye(len(covariance)))


def last_step(earlier: ClassStatistics, seen: Floats, labels: Labels | None = None) -> LastStep:
    """Returns the last step for a day of which features `seen` (N, F) are known, with their labels (N,) if these are.

    A movement that is not among the labels keeps its mean; a label that earlier days do not know adds its own.
    """
    centre = seen.mean(axis=0)
    means = dict(zip(earlier.labels.tolist(), earlier.means, strict=True))
    if labels is not None:
        for label, today in _means_of(seen - centre, labels).items():
            means[label] = (1 - TODAY) * means[label] + TODAY * today if label in means else today
    table = np.stack([*means.values()])
    weights = np.linalg.solve(earlier.covariance, table.T)
    bias = -0.5 * np.einsum("kf,fk->k", table, weights)
    return LastStep(np.array([*means], np.int64), weights, bias, centre)


def alike(step: LastStep, seen: Floats, labels: Labels) -> list[tuple[int, int]]:
    """Returns the pairs of a label and of the label that the step takes its features for, most of the time.

    The step has learnt from the same features `seen` (N, F) and labels (N,); a label that it misses even so was
    performed like the other.
    """
    found = []
    for label in np.unique(labels).tolist():
        decoded = step(seen[labels == label])
        taken = int(np.bincount(decoded).argmax())
        if taken != label and np.mean(decoded == taken) > MOST:
            found.append((label, taken))
    return found


def _means_of(features: Floats, labels: Labels) -> dict[int, Floats]:
    return {int(label): features[labels == label].mean(axis=0) for label in np.unique(labels)}
