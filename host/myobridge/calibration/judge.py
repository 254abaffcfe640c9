"""Judges angles against the poses that were held, and says the scores in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.calibrate import Score
from myobridge.errors import UserError
from myobridge.model.file import REST, LabelledPose

MOST: Final = 0.5
"""A pose looks like another if more than this share of its windows is taken for it."""
ALIKE: Final = 0.8
"""Two poses are held alike if the answers to their windows are the same in this share."""
CLEARLY: Final = 0.8
"""Share of a pose's windows from which on earlier days are sure that another pose was held."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Poses = Mapping[int, LabelledPose]


FIRM: Final = 7
"""Of 10; a pose that is recognised less often gets advice."""
ADVICE: Final = "hold it firmer, or leave it out"


class TooLittle(UserError):
    """Seconds do not suffice for this model or these poses, but the longer training may.

    The sentence is for the wearer, who has no shell; the command adds what a shell offers.
    """


class PoseScore(msgspec.Struct, frozen=True):
    """In how many of ten windows of a pose the pose is recognised."""

    name: str
    of_ten: int

    @property
    def advice(self) -> str:
        """What the wearer may do; empty where the pose is firm."""
        return "" if self.of_ten >= FIRM else ADVICE


def words(scores: Sequence[PoseScore]) -> str:
    """The scores of the poses as a sentence."""
    return f"Recognised now: {recognised(scores)}."


def recognised(scores: Sequence[PoseScore]) -> str:
    """The scores of the poses, as a list in words."""
    return ", ".join(
        f"{pose.name} {pose.of_ten} of 10" + (f" ({pose.advice})" if pose.advice else "") for pose in scores
    )


def score(angles_deg: Floats, labels: Labels, poses: Poses) -> Score:
    """The score of angles (N, 5) while the poses of labels (N,) are held."""
    decoded, number_of = _decoded(angles_deg, poses)
    true = np.array([number_of[label] for label in labels.tolist()])
    accuracy = float(np.mean([np.mean(decoded[true == number] == number) for number in np.unique(true)]))
    target_deg = np.array([poses[label].angles_deg for label in labels.tolist()])
    return Score(round(float(np.abs(angles_deg - target_deg).mean()), 2), round(accuracy, 3))


def pose_scores(angles_deg: Floats, labels: Labels, poses: Poses) -> list[PoseScore]:
    """The score of each pose."""
    decoded, number_of = _decoded(angles_deg, poses)
    return [
        PoseScore(pose.name, round(10 * float(np.mean(decoded[labels == label] == number_of[label]))))
        for label, pose in poses.items()
    ]


def taken_for_another(angles_deg: Floats, labels: Labels, poses: Poses) -> list[str]:
    """Names each pose that is mostly decoded as another pose, and that other pose, as parts of a sentence."""
    return _looks_like(_taken_for(angles_deg, labels, poses, MOST), poses)


def held_alike(angles_deg: Floats, labels: Labels, poses: Poses) -> list[str]:
    """Names poses that the new model answers alike although it has learnt from them, as parts of a sentence.

    The answers to two such poses are the same in nearly all windows.
    """
    decoded, number_of = _decoded(angles_deg, poses)
    count = max(number_of.values()) + 1
    answers = {label: np.bincount(decoded[labels == label], minlength=count) for label in poses}
    shares = {label: answer / answer.sum() for label, answer in answers.items()}
    alike = [
        (one, other)
        for one, other in combinations(poses, 2)
        if number_of[one] != number_of[other] and np.minimum(shares[one], shares[other]).sum() >= ALIKE
    ]
    return _looks_like(dict(alike), poses)


def _looks_like(pairs: Mapping[int, int], poses: Poses) -> list[str]:
    """A part of a sentence for each label and the label that it looks like."""
    said = []
    for label, taken in pairs.items():
        one, other = (taken, label) if label == REST else (label, taken)
        said.append(f"{poses[one].name} looks like {'rest' if other == REST else poses[other].name}")
    return list(dict.fromkeys(said))


def check_order(angles_deg: Floats, labels: Labels, poses: Poses) -> list[str]:
    """Refuses labels that lie: earlier days recognise most poses, and a few clearly in another order than was asked.

    Where most poses are not recognised, the electrodes may sit elsewhere, and the labels are all that is known: then a
    sentence says what is doubtful.

    Raises:
        TooLittle: poses are exchanged.
    """
    taken = _taken_for(angles_deg, labels, poses, CLEARLY)
    right = set(poses) - set(_taken_for(angles_deg, labels, poses, 0))
    if not taken or set(taken) != set(taken.values()):
        return []
    names = ", ".join(poses[label].name for label in taken)
    if len(right) >= len(poses) / 2:
        raise TooLittle(
            f"The poses {names} look exchanged, so the old model is kept; hold each pose when it is asked for."
        )
    return [
        f"The old model takes {names} for each other: either the electrodes sit elsewhere, or you held these poses in "
        "another order than was asked; in that case, calibrate again."
    ]


def _decoded(angles_deg: Floats, poses: Poses) -> tuple[Labels, Mapping[int, int]]:
    """The number of the nearest pose for each row of angles, and the number of each label's pose."""
    distinct = list(dict.fromkeys(pose.angles_deg for pose in poses.values()))
    apart = np.square(angles_deg[:, None] - np.array(distinct)).sum(axis=2)
    return apart.argmin(axis=1), {label: distinct.index(pose.angles_deg) for label, pose in poses.items()}


def _taken_for(angles_deg: Floats, labels: Labels, poses: Poses, share: float) -> dict[int, int]:
    """For each label of which more than this share is decoded as another pose, a label of that pose."""
    decoded, number_of = _decoded(angles_deg, poses)
    label_of = {number: label for label, number in reversed([*number_of.items()])}
    found = {}
    for label, own in number_of.items():
        of_label = decoded[labels == label]
        taken = int(np.bincount(of_label).argmax())
        if taken != own and np.mean(of_label == taken) > share:
            found[label] = label_of[taken]
    return found
