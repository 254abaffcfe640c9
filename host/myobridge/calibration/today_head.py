"""Two ways to a head for today, and the choice between them.

- moved: the head of the training, behind a translation of today's features (`class_statistics`).
- fresh: a head of today's windows (`fresh_head`), for a wearer or a day that the training does not know.

The head of the training stays where it recognises today's poses without a label of today, behind today's centre. All
windows can judge this, because it has learnt from none of them; windows of half a second that have not been learnt from
say too little to choose by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.class_statistics import HELD_S, Day, Translation, translation
from myobridge.calibration.fresh_head import fresh_head, has_room
from myobridge.calibration.judge import score
from myobridge.calibration.windows import Floats, Rows, Windows
from myobridge.model.file import LabelledPose, ModelSpec
from myobridge.model.head import Head, Layer
from myobridge.model.statistics import ClassStatistics

ENOUGH: Final = 0.6
"""The head of the training stays where it has this balanced accuracy behind today's centre.

Five strangers (persons 2, 3, 5, 9 and 13 of BioPatRec) have 0.40 to 0.49; days 2 to 42 of MultiDay have 0.49 to 0.92.
There, after one, two and five days of training, this choice leads to 0.829, 0.910 and 0.953; the moved head alone to
0.796, 0.912 and 0.954; the fresh head alone to 0.882, 0.900 and 0.898."""
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
        windows = self.windows
        today = Day(windows.features[learnt], windows.cue[learnt], self._known[learnt])
        return fresh_head(self.earlier, today, self.poses, self.spec.rest_pose_deg, self.head.layers)

    def best(self, part: Rows, *, fresh_too: bool) -> tuple[Layers, Floats]:
        """Layers that have learnt from all windows, and angles (N, 5) by which they are judged.

        The angles of each part are those of layers that have learnt from the other part in the same way.
        """
        room = has_room(self.poses, self.spec.rest_pose_deg, self.head.layers)
        way = self.fresh if fresh_too and room and self._recognised() < ENOUGH else self.moved
        return way(np.ones(len(self.windows.row), bool)), self._unseen(way, part)

    def _recognised(self) -> float:
        """Balanced accuracy of the head of the training behind today's centre."""
        angles_deg, known = decide(self.centred(), self.windows, self.spec)[self._known], self._known
        return score(angles_deg, self.windows.label[known], self.poses).balanced_accuracy or 0.0

    def _unseen(self, way: Callable[[Mask], Layers], part: Rows) -> Floats:
        angles_deg = np.zeros_like(self.windows.angles_deg)
        for half in (0, 1):
            angles_deg[part == half] = decide(way(part == 1 - half), self.windows, self.spec)[part == half]
        return angles_deg

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
