"""A folder with one recording for each person: s01.npz, s02.npz, or s03.myo."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from myobridge.errors import UserError
from myobridge.recording import Recording
from myobridge_models.data.clipping import check_channels
from myobridge_models.data.training_set import Source

SUFFIXES: Final = (".npz", ".myo")


def files_in(folder: Path) -> dict[int, Path]:
    """Returns the recordings in a folder by the number of the person: s01.npz, s02.npz, or s03.myo.

    Raises:
        UserError: the folder holds no such recording.
    """
    found = {
        int(path.stem[1:]): path
        for path in sorted(folder.glob("s*"))
        if path.stem[1:].isdigit() and path.suffix.lower() in SUFFIXES
    }
    if not found:
        raise UserError(f"There are no recordings s01.npz, s02.npz … in {folder}; give the folder that holds them.")
    return dict(sorted(found.items()))


def load_person(folder: Path, person: int) -> Source:
    """Returns the file and the recording of one person.

    Raises:
        UserError: the person is missing, the recording has no labels or no repetitions, or a channel is clipped.
    """
    path = files_in(folder).get(person)
    if path is None:
        raise UserError(f"There is no recording of person {person} in {folder} (no s{person:02d}.npz); choose another.")
    recording = Recording.load(path)
    if recording.label is None or recording.repetition is None:
        raise UserError(f"{path} has no 'label' or no 'repetition', so it cannot be split by repetition; record cues.")
    check_channels(recording, path)
    return path, recording
