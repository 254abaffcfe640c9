"""The poses that the labels of recordings stand for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from myobridge.errors import UserError
from myobridge.model.file import REST, REST_DEG, LabelledPose, Pose
from myobridge.recording import Recording
from myobridge_models.data.training_set import Source

Poses = tuple[LabelledPose, ...]


def poses_of(sources: Sequence[Source], otherwise: Poses = ()) -> Poses:
    """Returns the poses of the recordings without angles, which are `otherwise` for those that name none; none if all
    have angles.

    Raises:
        UserError: the recordings name different poses, or labels have no poses.
    """
    cued = [source for source in sources if source[1].angles_deg is None]
    if not cued:
        return ()
    for path, recording in cued:
        if recording.label is not None and not (recording.poses or otherwise):
            raise _unnamed(path, recording)
    (first, one), *others = cued
    poses = one.poses or otherwise
    for path, recording in others:
        if (recording.poses or otherwise) != poses:
            raise UserError(f"{first} and {path} name different poses; give recordings made with one list of poses.")
    return poses


def rest_pose(poses: Sequence[LabelledPose]) -> Pose:
    """Returns the pose of the label of rest, or the pose in which every hand rests."""
    return next((pose.angles_deg for pose in poses if pose.label == REST), REST_DEG)


def _unnamed(path: Path, recording: Recording) -> UserError:
    """Explains how to name the poses."""
    labels = np.unique(recording.label if recording.label is not None else []).tolist()
    first = next((label for label in labels if label), 0)
    return UserError(
        f"{path} has the labels {', '.join(map(str, labels))} but does not name their poses; name them with "
        f'--poses FILE.toml, which holds for each label the lines `[[pose]]`, `label = {first}`, `name = "fist"` and '
        "`angles_deg = [180, 180, 180, 180, 180]` (thumb to little finger; 0 is open, 180 closed), or with "
        "--poses biopatrec for a recording of BioPatRec."
    )
