"""What to take from a foreign file: a small TOML file, or the options of the command."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from myobridge.errors import UserError, printable
from myobridge.model.file import REST_DEG, LabelledPose
from myobridge.recording.log_frames import check_poses
from myobridge.settings import plain_words
from myobridge.toml_file import read_toml

EVENTS: Final = "events"
"""In place of a column of labels: the file's own events, annotations or markers."""
Unit = Literal["V", "mV", "uV", "counts"]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Each key of the file, None if unknown. An empty text or list means: take nothing.

    rate_hz: samples in a second.
    unit: the unit of the channels' values.
    uv_per_count: µV that become one count of the recording.
    zero: the value, in `unit`, at which the EMG is zero.
    adc_bits: width of a count.
    channels, angles, label, repetition, run, time: names or numbers of columns.
    """

    rate_hz: Annotated[float, msgspec.Meta(ge=1, le=100_000)] | None = None
    unit: Unit | None = None
    uv_per_count: Positive | None = None
    zero: float | None = None
    adc_bits: Annotated[int, msgspec.Meta(ge=8, le=16)] | None = None
    channels: tuple[str, ...] | None = None
    label: str | None = None
    repetition: str | None = None
    run: str | None = None
    angles: tuple[str, ...] | None = None
    time: str | None = None
    pose: tuple[LabelledPose, ...] | None = None

    def over(self, below: Mapping) -> Mapping:
        """This mapping, with what it does not say from the one below."""
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        return msgspec.structs.replace(below, **{name: value for name, value in said.items() if value is not None})


def read_mapping(path: Path) -> Mapping:
    """Reads a mapping file.

    Raises:
        UserError: the file does not exist or is not TOML, or a key or a value is wrong; the sentence names the line.
    """
    tables, lines = read_toml(path, "the mapping")
    for key in tables:
        if key not in Mapping.__struct_fields__:
            nearest = difflib.get_close_matches(key, Mapping.__struct_fields__, 1, cutoff=0)[0]
            raise UserError(f"{_place(path, lines, key)}: unknown key '{key}'; the nearest key is '{nearest}'.")
    try:
        mapping = msgspec.convert(tables, Mapping)
        check_poses(mapping.pose or ())
    except msgspec.ValidationError as error:
        found = re.search(r"\$\.(\w+)(?:\[(\d+)\](?:\.(\w+))?)?", str(error))
        where = _place(path, lines, found[3] or found[1], int(found[2] or 0)) if found else str(path)
        raise UserError(f"{where}: {plain_words(error)}; correct that value.") from error
    except ValueError as error:
        raise UserError(f"{path}: {error}; give each pose a label of its own.") from error
    return mapping


def _place(path: Path, lines: Sequence[str], key: str, number: int = 0) -> str:
    """`FILE, line N` of the key, the `number`th of its name."""
    own = [n for n, line in enumerate(lines, 1) if re.match(rf"[\s\[\"']*{re.escape(key)}\b", line)]
    return f"{path}, line {own[min(number, len(own) - 1)]}" if own else str(path)


COMMENTS: Final = {
    "rate_hz": "samples in a second",
    "unit": "unit of the channels' values: V, mV, uV or counts",
    "uv_per_count": "microvolts that become one count; keep the number for all files of one amplifier",
    "zero": "the value, in `unit`, at which the EMG is zero",
    "adc_bits": "width of a count, 8 to 16",
    "channels": 'names or numbers of columns, or of an array; a range of numbers: "2-9"',
    "label": f'column of labels, 0 to 255; "{EVENTS}" takes the events of the file; "" takes none',
    "repetition": "column of repetitions, 0 to 255",
    "run": "column that changes where a new take begins",
    "angles": "five columns of finger angles in degrees, thumb first, 0 open, 180 closed",
    "time": "column of times in seconds; a jump begins a new take",
}


def mapping_text(mapping: Mapping, source: str, unnamed: Iterable[tuple[int, str]]) -> str:
    """The mapping file: what is known, what is missing as comments, and a template for labels without a pose."""
    lines = [f"# What `myobridge import` takes from {printable(source)}. Correct this file and give it with --map.", ""]
    for key, comment in COMMENTS.items():
        value = getattr(mapping, key)
        lines.append(f"# {comment}")
        lines.append(f"# {key} = " if value is None else f"{key} = {_toml(value)}")
    lines += pose_lines(mapping.pose or (), unnamed)
    return "\n".join(lines) + "\n"


def pose_lines(poses: Sequence[LabelledPose], unnamed: Iterable[tuple[int, str]]) -> list[str]:
    """`[[pose]]` tables; the angles of an unnamed label are left to the user."""
    lines = []
    for pose in poses:
        lines += _pose(pose.label, pose.name, _toml(pose.angles_deg))
    for label, name in unnamed:
        lines += _pose(label, name, _toml(REST_DEG) if label == 0 else "[]  # thumb, index, middle, ring, little")
    return lines


def _pose(label: int, name: str, angles: str) -> list[str]:
    return ["", "[[pose]]", f"label = {label}", f"name = {_toml(name)}", f"angles_deg = {angles}"]


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return (
        msgspec.json.encode(value).decode()
        if isinstance(value, str)
        else f"{value:g}"
        if value == round(value)
        else str(value)
    )
