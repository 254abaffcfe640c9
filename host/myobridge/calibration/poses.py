"""Reads the poses of a guided recording from a TOML file; errors name the line and the key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from myobridge.errors import UserError
from myobridge.model.file import LabelledPose, Pose
from myobridge.settings import plain_words
from myobridge.toml_file import read_toml

DEFAULT: Final = Path(str(files("myobridge.calibration"))) / "poses.toml"
REST: Final = 0
"""The label of rest."""
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


class _File(msgspec.Struct, frozen=True):
    pose: list[GuidedPose] = []


def load_poses(path: Path = DEFAULT) -> tuple[GuidedPose, ...]:
    """The poses of a file, rest included, in the order of the file.

    Raises:
        UserError: the file does not exist, is not TOML, has an unknown key or a wrong value, or its poses do not fit
            together.
    """
    data, text_lines = read_toml(path, "the poses file")
    lines = _Lines(path, text_lines)
    _check_keys(data, lines)
    try:
        poses = msgspec.convert(data, _File).pose
    except msgspec.ValidationError as error:
        raise UserError(f"{lines.of(str(error))}: {plain_words(error)}; correct that value.") from error
    _check_together(poses, lines)
    return tuple(poses)


class _Lines:
    """Finds the lines of poses and of their keys in the file."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self._path, self._lines = path, lines
        self._heads = [n for n, line in enumerate(self._lines) if re.match(r"\s*\[\[\s*pose\s*\]\]", line)]

    def at(self, pose: int, key: str = "") -> str:
        """`FILE, line N` of a key of a pose, or of the pose itself if the key has no line of its own."""
        if pose >= len(self._heads):
            return str(self._path)
        head, end = self._heads[pose], [*self._heads, len(self._lines)][pose + 1]
        own = (n for n in range(head + 1, end) if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", self._lines[n]))
        return f"{self._path}, line {(next(own, head) if key else head) + 1}"

    def top(self, key: str) -> str:
        """`FILE, line N` of a key or table outside the poses."""
        own = (n for n, line in enumerate(self._lines) if re.match(rf"[\s\[\"']*{re.escape(key)}\b", line))
        line = next(own, None)
        return str(self._path) if line is None else f"{self._path}, line {line + 1}"

    def of(self, error: str) -> str:
        """`FILE, line N` of the place that a validation error names as `$.pose[2].label`."""
        place = re.search(r"\$\.pose\[(\d+)\](?:\.(\w+))?", error)
        return self.at(int(place[1]), place[2] or "") if place else str(self._path)


def _check_keys(data: dict[str, Any], lines: _Lines) -> None:
    """Refuses an unknown key, and offers the nearest valid key."""
    for key in data:
        if key != "pose":
            raise UserError(f"{lines.top(key)}: unknown key '{key}'; a poses file has only [[pose]] tables.")
    tables = data.get("pose", [])
    if not isinstance(tables, list):
        raise UserError(f"{lines.top('pose')}: each pose needs a table of its own; write [[pose]] with two brackets.")
    names = list(GuidedPose.__struct_fields__)
    for number, table in enumerate(tables):
        for key in table if isinstance(table, dict) else ():
            if key not in names:
                nearest = difflib.get_close_matches(key, names, 1, cutoff=0)[0]
                raise UserError(f"{lines.at(number, key)}: unknown key '{key}'; the nearest key is '{nearest}'.")


def _check_together(poses: list[GuidedPose], lines: _Lines) -> None:
    """Refuses poses that share a label or a name, a table without rest, and a table of nothing but rest."""
    seen: dict[int | str, int] = {}
    for number, pose in enumerate(poses):
        for key, value in (("label", pose.label), ("name", pose.name)):
            if value in seen:
                raise UserError(
                    f"{lines.at(number, key)}: pose {seen[value] + 1} has the {key} '{value}' already; choose another."
                )
            seen[value] = number
    if REST not in seen:
        raise UserError(f"{lines.at(0)}: no pose has the label {REST}; give this label to rest.")
    if len(poses) < 2:
        raise UserError(f"{lines.at(0)}: there is nothing but rest; add a pose to hold.")
