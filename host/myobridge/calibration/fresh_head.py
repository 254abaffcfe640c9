"""A head that is computed from a recording alone: a linear discriminant, written as the three dense layers of a head.

The head of a training has learnt the arms of its wearers. On another arm, moving the features does not suffice, but
the features themselves still tell the movements apart. A linear discriminant of them (`discriminant`) takes less than
a second.

    s = discriminant of each movement, linear in the features
    first layer, ReLU:   by how much movement j is ahead of movement i, s_j - s_i + 1/2, for each ordered pair
    second layer, ReLU:  1 - the sum over j: 1 where i wins clearly, 1/2 where two are level, 0 where i loses
    third layer:         from the rest pose, the way to the pose of movement i

So an unclear window decides on something between rest and the poses in question. The history is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.class_statistics import Day
from myobridge.calibration.discriminant import discriminant
from myobridge.model.file import LabelledPose
from myobridge.model.head import Layer
from myobridge.model.statistics import ClassStatistics, Floats

SHARP: Final = 10.0
"""Factor of the discriminant. With 1, many windows would be unclear, and the hand would answer on the way from rest."""
LEAST_SHARE: Final = 0.005
"""A sigmoid never reaches 0 or 180°; this share of the way is left, 0.9°."""
FULL_DEG: Final = 180.0


Poses = Mapping[int, LabelledPose]


def has_room(poses: Poses, rest_deg: Sequence[float], like: Sequence[Layer]) -> bool:
    """Whether layers of the sizes of `like` have room for the movements of `poses`."""
    ways = _ways(poses, rest_deg)
    return len(ways) * (len(poses) - 1) <= len(like[0][1]) and len(ways) <= len(like[1][1])


def fresh_head(
    earlier: ClassStatistics, today: Day, poses: Poses, rest_deg: Sequence[float], like: Sequence[Layer]
) -> list[Layer]:
    """Returns layers of the sizes of `like`, which have room, from windows of today.

    The labels of `today` are the movements of `poses`.
    """
    ways, known = _ways(poses, rest_deg), sorted(poses)
    (first, bias), (second, bias_2), (third, bias_3) = [(np.zeros(w.shape), np.zeros(b.shape)) for w, b in like]
    weight, offset = (SHARP * part for part in discriminant(earlier, today))
    bias_3[:] = _logit(rest_deg)
    pairs = ((unit, i, j) for unit, i in enumerate(ways) for j in known if j != i)
    for n, (unit, *pair) in enumerate(pairs):
        i, j = np.searchsorted(known, pair)
        first[n, : weight.shape[1]], bias[n] = weight[j] - weight[i], offset[j] - offset[i] + 0.5
        second[unit, n] = -1
    for unit, way in enumerate(ways.values()):
        bias_2[unit], third[:, unit] = 1, way
    layers = (first, bias), (second, bias_2), (third, bias_3)
    return [(w.astype(np.float32), b.astype(np.float32)) for w, b in layers]


def _ways(poses: Poses, rest_deg: Sequence[float]) -> dict[int, Floats]:
    """The way (5,) from the rest pose to the pose of each movement that has another pose."""
    ways = {label: _logit(poses[label].angles_deg) - _logit(rest_deg) for label in sorted(poses)}
    return {label: way for label, way in ways.items() if way.any()}


def _logit(angles_deg: Sequence[float]) -> NDArray[np.float64]:
    share = np.clip(np.array(angles_deg) / FULL_DEG, LEAST_SHARE, 1 - LEAST_SHARE)
    logit: Floats = np.log(share / (1 - share))
    return logit
