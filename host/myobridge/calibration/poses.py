"""Reads the poses of a guided recording from a TOML file; errors name the line and the key."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import msgspec

from myobridge.calibration.tables import check_different, load_tables
from myobridge.errors import UserError
from myobridge.model.file import REST, LabelledPose, Pose

DEFAULT: Final = Path(str(files("myobridge.calibration"))) / "poses.toml"
PRINTABLE: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""No control characters, because a file must not control the terminal."""


class GuidedPose(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[[pose]]` of the file. angles_deg: thumb to little finger. how: an instruction for the wearer."""

    label: Annotated[int, msgspec.Meta(ge=0, le=255)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=PRINTABLE)]
    angles_deg: Pose
    how: Annotated[str, msgspec.Meta(max_length=100, pattern=PRINTABLE)] = ""

    @property
    def labelled(self) -> LabelledPose:
        """The part that a recording keeps."""
        return LabelledPose(self.label, self.name, self.angles_deg)


def guided(poses: Sequence[LabelledPose]) -> tuple[GuidedPose, ...]:
    """Poses of a model, for a wearer who knows them already."""
    return tuple(GuidedPose(label=pose.label, name=pose.name, angles_deg=pose.angles_deg) for pose in poses)


def load_poses(path: Path = DEFAULT) -> tuple[GuidedPose, ...]:
    """The poses of a file, rest included, in the order of the file.

    Raises:
        UserError: the file does not exist, is not TOML, has an unknown key or a wrong value, or its poses do not fit
            together.
    """
    poses, lines = load_tables(path, "the poses file", "pose", GuidedPose)
    check_different(poses, lines)
    labels = [pose.label for pose in poses]
    if REST not in labels:
        raise UserError(f"{lines.at(0)}: no pose has the label {REST}; give this label to rest.")
    if len(poses) < 2:
        raise UserError(f"{lines.at(0)}: there is nothing but rest; add a pose to hold.")
    return poses
