"""Makes one recording of the columns of all files: counts, numbers for labels, takes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.model.file import REST_DEG, LabelledPose
from myobridge.recording.arrays import Recording
from myobridge.recording.importing.events import REST
from myobridge.recording.importing.gather import Gathered
from myobridge.recording.log_frames import LABELS

UV: Final = {"V": 1e6, "mV": 1e3, "uV": 1.0}
LARGEST: Final = (1 << 15) - 1
HEADROOM: Final = 2.0
"""The largest value becomes at most half of the largest count, because the next file may be louder."""


def finish(files: Sequence[Gathered]) -> tuple[Recording, float | None]:
    """The recording, and the µV of one count, if that is known. Empties the values of the files.

    Raises:
        UserError: the files do not fit together, values do not fit into counts, or labels have no pose.
    """
    _check_alike(files)
    choice = files[0].choice
    uv_per_count = _uv_per_count(files)
    poses = _with_rest(choice.poses)
    labels = [_labels(file, poses) for file in files]
    lengths = [file.rows for file in files]
    recording = Recording(
        counts=_counts(files, uv_per_count),
        fs_hz=files[0].rate_hz,
        adc_bits=choice.adc_bits,
        label=_joined(labels, lengths),
        repetition=_joined([_repetitions(file, label) for file, label in zip(files, labels, strict=True)], lengths),
        run=_runs(files, lengths),
        angles_deg=_angles(files),
        poses=poses if any(label is not None for label in labels) or choice.poses else (),
    )
    return recording, uv_per_count


def unnamed(
    labels: NDArray[np.uint8] | None, texts: Sequence[str], poses: Sequence[LabelledPose]
) -> list[tuple[int, str]]:
    """Labels of the file without a pose, each with a name for a template."""
    present = [] if labels is None else np.unique(labels).tolist()
    if not texts:
        known = {pose.label for pose in poses}
        return [(label, REST if label == 0 else f"label {label}") for label in present if label not in known]
    names = {pose.name.casefold() for pose in poses}
    free = iter(sorted(set(range(1, LABELS)) - {pose.label for pose in poses}))
    missing = [texts[index] for index in present if texts[index] and texts[index].casefold() not in names]
    return [(0 if text.casefold() == REST else next(free), text) for text in missing]


def _check_alike(files: Sequence[Gathered]) -> None:
    one = files[0]
    for other in files[1:]:
        for what, mine, theirs in (
            ("sampling rates", f"{one.rate_hz:g} Hz", f"{other.rate_hz:g} Hz"),
            ("numbers of channels", len(one.choice.channels), len(other.choice.channels)),
            ("units", one.choice.unit or "counts", other.choice.unit or "counts"),
            ("widths of a count", f"{one.choice.adc_bits} bits", f"{other.choice.adc_bits} bits"),
            ("poses", one.choice.poses, other.choice.poses),
            ("angles", one.angles_deg is not None, other.angles_deg is not None),
        ):
            if mine != theirs:
                said = "" if what in ("poses", "angles") else f" ({mine} and {theirs})"
                raise UserError(
                    f"{one.found.path} and {other.found.path} have different {what}{said}; import them separately."
                )


def _uv_per_count(files: Sequence[Gathered]) -> float | None:
    """µV of one count; None: the values are counts, and nobody says their µV."""
    choice = files[0].choice
    if choice.unit not in UV or choice.uv_per_count is not None:
        return choice.uv_per_count
    peak = max(file.peak for file in files)
    steps = {file.found.columns[index].step for file in files for index in file.choice.channels}
    step = steps.pop() if len(steps) == 1 else None
    if step is not None and peak / step < LARGEST:
        return step * UV[choice.unit]
    return _round_up(HEADROOM * peak * UV[choice.unit] / LARGEST)


def _round_up(value: float) -> float:
    """The next number of the series 1, 2, 5, 10 …"""
    power = 10.0 ** np.floor(np.log10(value)) if value > 0 else 1.0
    return float(next(digit * power for digit in (1, 2, 5, 10) if digit * power >= value * (1 - 1e-9)))


def _counts(files: Sequence[Gathered], uv_per_count: float | None) -> NDArray[np.int16]:
    """Counts of all files, int16 (samples, channels)."""
    unit = files[0].choice.unit
    factor = 1.0 if unit not in UV or uv_per_count is None else UV[unit] / uv_per_count
    for file in files:
        if file.peak * factor >= LARGEST + 1.5:
            advice = (
                "give the value at zero with --zero, or the unit with --unit"
                if unit not in UV
                else "give a larger --uv-per-count"
            )
            raise UserError(
                f"{file.found.path}: the value {file.peak:g} does not fit into a count of 16 bits; {advice}."
            )
    counts = np.empty((sum(file.rows for file in files), len(files[0].choice.channels)), np.int16)
    row = 0
    for file in files:
        file.values.reverse()
        while file.values:
            block = file.values.pop()
            scaled = np.rint(block * factor if factor != 1 else block)
            counts[row : row + len(block)] = np.clip(scaled, -LARGEST - 1, LARGEST)
            row += len(block)
    return counts


def _with_rest(poses: tuple[LabelledPose, ...]) -> tuple[LabelledPose, ...]:
    """The poses, and rest, if the label of rest is free."""
    return poses if any(pose.label == 0 for pose in poses) else (LabelledPose(0, REST, REST_DEG), *poses)


def _labels(file: Gathered, poses: Sequence[LabelledPose]) -> NDArray[np.uint8] | None:
    """The labels as numbers of the poses."""
    path, missing = file.found.path, unnamed(file.labels, file.texts, poses)
    if missing and file.angles_deg is None:
        names = ", ".join(f"'{name}'" if file.texts else str(label) for label, name in missing)
        raise UserError(
            f"{path} has labels without a pose ({names}); `myobridge import {path} --look --map poses.toml` writes a "
            "template with them: fill in their angles, and give the file with --map."
        )
    if file.labels is None or not file.texts:
        return file.labels
    numbers = {pose.name.casefold(): pose.label for pose in poses}
    table = np.array([numbers.get(text.casefold(), 0) for text in file.texts], np.uint8)
    return table[file.labels]


def _repetitions(file: Gathered, label: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    """The repetitions; a rest that has none gets that of the movement before it (Ninapro numbers movements only)."""
    number = file.repetitions
    if number is None or label is None or not label.any():
        return number
    moving = label != 0
    if number[~moving].any() or not number[moving].all():
        return number
    last = np.maximum.accumulate(np.where(moving, np.arange(len(label)), -1))
    first = int(np.argmax(moving))
    return np.asarray(np.where(last < 0, number[first], number[np.maximum(last, 0)]), np.uint8)


def _joined(parts: Sequence[NDArray[np.uint8] | None], lengths: Sequence[int]) -> NDArray[np.uint8] | None:
    if all(part is None for part in parts):
        return None
    filled = [np.zeros(n, np.uint8) if part is None else part for part, n in zip(parts, lengths, strict=True)]
    return np.concatenate(filled)


def _angles(files: Sequence[Gathered]) -> NDArray[np.float32] | None:
    angles = [file.angles_deg for file in files if file.angles_deg is not None]
    return np.concatenate(angles) if angles else None


def _runs(files: Sequence[Gathered], lengths: Sequence[int]) -> NDArray[np.uint8] | None:
    """Numbers of the takes: the file's own if nothing else divides it."""
    if len(files) == 1 and not files[0].breaks:
        return files[0].runs
    edges = np.zeros(sum(lengths), bool)
    row = 0
    for file, length in zip(files, lengths, strict=True):
        edges[[row + at for at in file.breaks]] = True
        if file.runs is not None:
            edges[row + 1 : row + length] |= np.diff(file.runs) != 0
        edges[row] = row > 0
        row += length
    return np.cumsum(edges).astype(np.uint8)
