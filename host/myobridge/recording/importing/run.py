"""Runs an import: files in, one recording out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from myobridge.errors import UserError
from myobridge.files import write_text
from myobridge.recording.arrays import Recording
from myobridge.recording.importing.choose import choose, label_column
from myobridge.recording.importing.events import said_by
from myobridge.recording.importing.finish import finish, unnamed
from myobridge.recording.importing.formats import look
from myobridge.recording.importing.found import Found
from myobridge.recording.importing.gather import gather, labels_in
from myobridge.recording.importing.look import look_text
from myobridge.recording.importing.mapping import EVENTS, Mapping, mapping_text
from myobridge.recording.log_frames import LABELS


def import_files(paths: Sequence[Path], said: Mapping, out: Path) -> tuple[Recording, float | None]:
    """Writes the recording of all files, which did not exist; the recording, and the µV of a count, if known.

    Raises:
        UserError: a file cannot be read or lacks something, or the recording exists or cannot be written.
    """
    if out.exists():
        raise UserError(f"{out} exists already and import does not overwrite it; choose another name with --out.")
    files = [gather(found, choose(found, said.over(found.says))) for found in map(look, paths)]
    recording, uv_per_count = finish(files)
    recording.save(out)
    return recording, uv_per_count


def look_at(paths: Sequence[Path], said: Mapping) -> str:
    """What is in the files and what the import takes, as text for people.

    Raises:
        UserError: a file cannot be read.
    """
    return "\n".join(look_text(found, said.over(found.says)) for found in map(look, paths))


def write_mapping(path: Path, said: Mapping, out: Path) -> None:
    """Writes a mapping file for a file, with a template for the labels that have no pose.

    Raises:
        UserError: the file cannot be read, or the mapping cannot be written.
    """
    found = look(path)
    mapping = said.over(found.says)
    write_text(out, mapping_text(mapping, path.name, _unnamed(found, mapping)))


def _unnamed(found: Found, mapping: Mapping) -> list[tuple[int, str]]:
    """The labels that still need a pose; reads the column of labels."""
    poses = mapping.pose or ()
    if mapping.label == EVENTS and found.event_texts:
        numbers = [said_by(text).label for text in found.event_texts]
        if None not in numbers:
            return unnamed(np.array(numbers, np.uint8), (), poses)
        return unnamed(np.arange(min(len(numbers), LABELS), dtype=np.uint8), found.event_texts[:LABELS], poses)
    index = label_column(found, mapping)
    if index is None:
        return []
    labels = labels_in(found, index)
    return unnamed(labels, found.columns[index].texts or (), poses)
