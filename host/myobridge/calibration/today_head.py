"""Two ways to a head for today, and the one that is better on windows that it has not learnt from.

- moved: the head of the training, behind a translation of today's features (`class_statistics`).
- fresh: a head of today's windows alone (`fresh_head`), for a wearer whom the training has not met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.class_statistics import HELD_S, Translation, translation
from myobridge.calibration.fresh_head import fresh_head, has_room
from myobridge.calibration.judge import score
from myobridge.calibration.windows import Floats, Rows, Windows
from myobridge.model.file import LabelledPose, ModelSpec
from myobridge.model.head import Head, Layer
from myobridge.model.statistics import ClassStatistics

ENOUGH: Final = 0.8
"""Where the moved head has this balanced accuracy, it stays: it knows other days, and few windows judge."""
LEVEL: Final = 0.05
"""Elsewhere the fresh head is taken unless it is worse by more than this: half of the windows learn for the judgement,
and the fresh head needs them more. Chosen on persons 2, 3, 5, 9 and 13 of BioPatRec as strangers."""
FULL_DEG: Final = 180.0

Mask = NDArray[np.bool_]
Layers = Sequence[Layer]


class Learner(NamedTuple):
    """What both ways learn from; `windows` are those of a recording with the poses `poses`, by label."""

    earlier: ClassStatistics
    head: Head
    windows: Windows
    poses: Mapping[int, LabelledPose]
    spec: ModelSpec

    def centred(self) -> Layers:
        """The head of the training, behind today's centre, without a label."""
        known = self.windows.features[self._known]
        return _behind(self.head, translation(self.earlier, known))

    def moved(self, learnt: Mask) -> Layers:
        """The head of the training, behind a translation that has learnt from the first seconds of these windows."""
        own = learnt & self._known
        return _behind(self.head, translation(self.earlier, self.windows.features[own], self.windows.label[own]))

    def fresh(self, learnt: Mask) -> Layers:
        """A head that has learnt from these windows."""
        seen, labels = self.windows.features[learnt], self.windows.label[learnt]
        return fresh_head(self.earlier, seen, labels, self.poses, self.spec.rest_pose_deg, self.head.layers)

    def best(self, part: Rows, *, fresh_too: bool) -> tuple[Layers, Floats]:
        """Layers that have learnt from all windows of holds, and angles (N, 5) by which they are judged.

        The angles of each part are those of layers that have learnt from the other part in the same way.
        """
        way, unseen_deg = self.moved, self._unseen(self.moved, part)
        accuracy = self._accuracy(unseen_deg, part)
        if fresh_too and accuracy < ENOUGH and has_room(self.poses, self.spec.rest_pose_deg, self.head.layers):
            fresh_deg = self._unseen(self.fresh, part)
            if self._accuracy(fresh_deg, part) > accuracy - LEVEL:
                way, unseen_deg = self.fresh, fresh_deg
        return way(self.windows.hold >= 0), unseen_deg

    def _unseen(self, way: Callable[[Mask], Layers], part: Rows) -> Floats:
        angles_deg = np.zeros_like(self.windows.angles_deg)
        for half in (0, 1):
            angles_deg[part == half] = decide(way(part == 1 - half), self.windows, self.spec)[part == half]
        return angles_deg

    def _accuracy(self, angles_deg: Floats, part: Rows) -> float:
        judged = part >= 0
        return score(angles_deg[judged], self.windows.label[judged], self.poses).balanced_accuracy or 0.0

    @property
    def _known(self) -> Mask:
        """The windows in the first HELD_S of a hold."""
        return (self.windows.hold >= 0) & (self.windows.since_s <= HELD_S)


def decide(layers: Layers, windows: Windows, spec: ModelSpec) -> Floats:
    """The angles (N, 5) of a head in its closed loop, from rest at the start of each take."""
    (first, bias), *later = [(weight.T.astype(np.float64), bias.astype(np.float64)) for weight, bias in layers]
    count = windows.features.shape[1]
    read, of_history = windows.features @ first[:count] + bias, first[count:]
    rest = np.array(spec.rest_pose_deg * 2)[: len(of_history)]
    found, past = np.empty((len(read), len(spec.rest_pose_deg))), rest
    for number, starts in enumerate(windows.starts.tolist()):
        past = rest if starts else past
        x = read[number] + (past / (FULL_DEG / 2) - 1) @ of_history
        for weight, bias in later:
            x = np.maximum(x, 0) @ weight + bias
        found[number] = FULL_DEG / (1 + np.exp(-x))
        past = np.concatenate([found[number], past])[: len(of_history)]
    return found


def _behind(head: Head, moved: Translation) -> Layers:
    """The layers of the training, of which the first reads today's features."""
    first, *later = head.earlier
    weight, bias = moved.before(*(part.astype(np.float64) for part in first))
    return [(weight.astype(np.float32), bias.astype(np.float32)), *later]
