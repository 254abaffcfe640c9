"""A linear discriminant of today's windows, which leans on earlier days as far as these look like today.

Means: those of today, moved towards those of earlier days. Covariance: of earlier days, with a share of today's. A
discriminant of these needs a second of each movement, and no window in which a movement begins or ends.

Where earlier days say little, today's windows alone decide, and a few hundred windows tell more about the borders
between the movements than their means do. So the weights are those of a multinomial logistic regression on all
windows, those between two holds included. A ridge keeps them near the discriminant, as far as earlier days are
trusted, and near zero elsewhere. The covariance measures the ridge.

Bohning's bound of the curvature (Annals of the Institute of Statistical Mathematics 44, 1992) stays the same in each
step. So one inverse serves for all of them, and the steps have momentum (Nesterov 1983).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from myobridge.calibration.class_statistics import Day, Labels, distance, trust_at
from myobridge.model.statistics import ClassStatistics, Floats

TODAY: Final = 0.5
"""Share of today's covariance; 0.25 to 0.75 did alike on days 2 to 42 of MultiDay, 0 worse. On persons 2, 3, 5, 9 and
13 of BioPatRec as strangers, 0.5 takes rest for a movement in 2.1 % of the windows, 0.25 in 2.7 %."""
EARLIER: Final = 0.5
"""Share of the earlier days' means, times the trust in these days; 0.3 to 0.5 did alike on days 2 to 42 of MultiDay
after one day, and 0.5 to 0.7 after two."""
RIDGE: Final = 300.0
"""Of each weight, in units of a window; 100 to 1000 did alike on the persons above."""
STEPS: Final = 40


def discriminant(earlier: ClassStatistics, today: Day) -> tuple[Floats, Floats]:
    """Returns weight (K, F) and bias (K,) of each movement among the labels, in rising order.

    The earlier days know all of these movements. `today.first` has windows of each; `today` also has windows in which
    the movement of their label has only begun.
    """
    known = np.unique(today.labels)
    centre = today.centre
    settled, index = today.features[today.first] - centre, np.searchsorted(known, today.labels[today.first])
    own = np.stack([settled[index == n].mean(axis=0) for n in range(len(known))])
    then = earlier.means[np.searchsorted(earlier.labels, known)]
    then = then - then.mean(axis=0)
    trust = trust_at(distance(earlier, then, own))
    within: Floats = settled - own[index]
    covariance: Floats = (1 - TODAY) * earlier.covariance + TODAY * within.T @ within / len(within)
    root = np.linalg.cholesky(covariance)
    means = np.linalg.solve(root, (own + EARLIER * trust * (then - own)).T).T
    start: Floats = trust * np.vstack([means.T, -np.square(means).sum(axis=1) / 2])
    x: Floats = np.linalg.solve(root, (today.features - centre).T).T
    found = _regression(x, np.searchsorted(known, today.labels), start)
    weight: Floats = np.linalg.solve(root.T, found[:-1]).T
    bias: Floats = found[-1] - weight @ centre
    return weight, bias


def _regression(x: Floats, index: Labels, start: Floats) -> Floats:
    """Weights (F + 1, K) of x (N, F) and of a bias, for movements index (N,) that count alike; a ridge towards `start`.

    The bias has no ridge.
    """
    x = np.hstack([x, np.ones((len(x), 1))])
    target = np.eye(start.shape[1])[index]
    count = target.sum(axis=0)
    share = (len(x) / len(count) / count)[index][:, None]
    ridge = np.full((x.shape[1], 1), RIDGE)
    ridge[-1] = 1e-6
    inverse = np.linalg.inv((x * share).T @ x / 2 + np.diag(ridge[:, 0]))
    weights = ahead = start
    speed = 1.0
    for _ in range(STEPS):
        scores = x @ ahead
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        slope = (x * share).T @ (chances - target) + ridge * (ahead - start)
        before, weights = weights, ahead - inverse @ slope
        faster = (1 + np.sqrt(1 + 4 * speed**2)) / 2
        ahead = weights + (speed - 1) / faster * (weights - before)
        speed = faster
    return weights
