"""A recording in the forms that others read."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from myobridge.errors import UserError
from myobridge.recording.bids import write_bids
from myobridge.recording.edf import to_edf
from myobridge.recording.stretches import Source
from myobridge.text import printable


def export(source: Source, form: str, out: Path | None, subject: str) -> Path:
    """Writes the recording as bids, edf, npz or csv and tells where; without `out` beside the recording.

    Raises:
        UserError: there is such a file already, it cannot be written, or a library is missing.
    """
    if out is None:
        out = (
            source.path.with_name(f"{source.path.stem}-bids") if form == "bids" else source.path.with_suffix(f".{form}")
        )
    try:
        if form == "bids":
            return write_bids(source, out, subject)
        write = {"edf": _write_edf, "npz": _write_npz, "csv": _write_csv}[form]
        _as_new_file(out, source, write)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}); choose another place with --out.") from error
    return out


def _as_new_file(out: Path, source: Source, write: Callable[[Source, Path], None]) -> None:
    """Writes beside and renames, so that what has the name is whole; an older file is left alone."""
    if out.exists():
        raise UserError(f"{out} exists already and is not overwritten; choose another name with --out.")
    draft = out.with_name(f".{out.name}.part{out.suffix}")
    try:
        write(source, draft)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def _write_edf(source: Source, path: Path) -> None:
    path.write_bytes(to_edf(source))


def _write_npz(source: Source, path: Path) -> None:
    source.recording.save(path)


def _write_csv(source: Source, path: Path) -> None:
    """One row a sample: seconds from the start, takes laid end to end, then the counts and what is known of them."""
    recording = source.recording
    names = {pose.label: printable(pose.name) for pose in recording.poses}
    known = {"label": recording.label, "repetition": recording.repetition, "run": recording.run}
    columns = {name: values.tolist() for name, values in known.items() if values is not None}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        pose = ["pose"] if names and recording.label is not None else []
        writer.writerow(["time_s", *map(printable, source.channel_names), *columns, *pose])
        for k, counts in enumerate(recording.counts.tolist()):
            row = [f"{k / recording.fs_hz:.6f}", *counts, *(values[k] for values in columns.values())]
            writer.writerow([*row, names.get(columns["label"][k], "")] if pose else row)
