"""What the labels of recordings mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording import Recording

Poses = tuple[LabelledPose, ...]


def poses_of(sources: Sequence[tuple[Path, Recording]], otherwise: Poses = ()) -> Poses:
    """What the recordings say themselves, or else `otherwise`; none where all know the angles.

    Raises:
        UserError: they say different things, or nothing.
    """
    if all(recording.angles_deg is not None for _, recording in sources):
        return ()
    own = {recording.poses for _, recording in sources}
    if len(own) > 1:
        raise UserError("The recordings' labels mean different poses; train on recordings made with one list of poses.")
    poses = own.pop() or otherwise
    unnamed = [source for source in sources if source[1].label is not None]
    if not poses and unnamed:
        raise _unnamed(*unnamed[0])
    return poses


def _unnamed(path: Path, recording: Recording) -> UserError:
    """How to name them."""
    labels = np.unique(recording.label if recording.label is not None else []).tolist()
    first = next((label for label in labels if label), 0)
    return UserError(
        f"{path} has the labels {', '.join(map(str, labels))} and does not say which poses they are; name them with "
        f'--poses FILE.toml, which has for each label the lines `[[pose]]`, `label = {first}`, `name = "fist"` and '
        "`angles_deg = [180, 180, 180, 180, 180]` (thumb to little finger; 0 is open, 180 closed), or with "
        "--poses biopatrec if the recording is BioPatRec's."
    )
