"""Exports a recording in formats that other programs read."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from myobridge.errors import UserError, printable
from myobridge.files import draft
from myobridge.recording.bids import write_bids
from myobridge.recording.edf import check_edf, write_edf
from myobridge.recording.npz import check_length, save_arrays
from myobridge.recording.open import RecordingFile
from myobridge.recording.timeline import COLUMNS, TIME, cut_at


def export(file: RecordingFile, form: str, out: Path | None, subject: str) -> Path:
    """Writes the recording as bids, edf, npz or csv, beside the recording unless `out` is given; the path written.

    Raises:
        UserError: the file exists already, cannot be written, or a library is missing.
    """
    if form == "bids":
        return write_bids(file, out or file.path.with_name(f"{file.path.stem}-bids"), subject)
    out = out or file.path.with_suffix(f".{form}")
    if out.exists():
        raise UserError(f"{out} exists already and export does not overwrite it; choose another name with --out.")
    if form == "edf":
        check_edf()
    if form == "npz":
        check_length(file.samples, out)
    write: dict[str, Callable[[RecordingFile, Path], None]] = {"edf": write_edf, "npz": _write_npz, "csv": _write_csv}
    with draft(out, new=True) as half:
        write[form](file, half)
    return out


def _write_npz(file: RecordingFile, path: Path) -> None:
    save_arrays(file.samples, path)


def _write_csv(file: RecordingFile, path: Path) -> None:
    """Writes one row per sample: seconds from the start (takes end to end), counts, known columns, name of the pose."""
    recording = file.samples
    timeline = recording.timeline
    names = {pose.label: printable(pose.name) for pose in recording.poses}
    pose = ["pose"] if names and "label" in timeline.columns else []
    known = [name for name in COLUMNS if name in timeline.columns]
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow([TIME, *map(printable, file.channel_names), *known, *pose])
        pieces = timeline.pieces()
        piece = next(pieces)
        for row, counts in cut_at(timeline.stops(), recording.blocks()):
            if row == piece.stop:
                piece = next(pieces)
            same = [getattr(piece, name) for name in known]
            if pose:
                same.append(names.get(piece.label or 0, ""))
            writer.writerows(
                [f"{k / recording.fs_hz:.6f}", *sample, *same] for k, sample in enumerate(counts.tolist(), row)
            )
