"""What the BioPatRec recordings mean: their movements as servo angles.

Dataset 10mov4chForearmUntargeted (Ortiz-Catalan, Brånemark and Håkansson, "BioPatRec", Source Code Biol. Med. 8:11,
2013), as `.npz` recordings sNN.npz. The recordings know a cue, no finger angle: the angles here are proposed poses,
not measurements, and so is every figure in degrees that is computed with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from myobridge.errors import UserError
from myobridge.model.file import REST_DEG, LabelledPose
from myobridge.recording import Recording
from myobridge_models.data.clipping import check_unclipped
from myobridge_models.experiments.folds import Fold, folds_of

SUFFIXES: Final = (".npz", ".myo")
POSES: Final = (
    LabelledPose(0, "rest", REST_DEG),
    LabelledPose(1, "open_hand", (0, 0, 0, 0, 0)),
    LabelledPose(2, "close_hand", (180, 180, 180, 180, 180)),
    # The wrist moves, no finger is meant to.
    LabelledPose(3, "flex_hand", REST_DEG),
    LabelledPose(4, "extend_hand", REST_DEG),
    LabelledPose(5, "pronation", REST_DEG),
    LabelledPose(6, "supination", REST_DEG),
    LabelledPose(7, "side_grip", (120, 150, 150, 150, 150)),
    LabelledPose(8, "fine_grip", (110, 110, 20, 20, 20)),
    LabelledPose(9, "agree", (0, 180, 180, 180, 180)),
    LabelledPose(10, "pointer", (180, 0, 180, 180, 180)),
)


def files_in(folder: Path) -> dict[int, Path]:
    """Recordings of the people in a folder, by the number in the file's name: s01.npz, s02.npz, or s03.myo.

    Raises:
        UserError: there is none.
    """
    found = {
        int(path.stem[1:]): path
        for path in sorted(folder.glob("s*"))
        if path.stem[1:].isdigit() and path.suffix.lower() in SUFFIXES
    }
    if not found:
        raise UserError(f"There are no recordings s01.npz, s02.npz … in {folder}; give the folder that holds them.")
    return dict(sorted(found.items()))


def load_person(folder: Path, person: int) -> tuple[Path, Recording]:
    """File and recording of one person.

    Raises:
        UserError: no such person, or a file without the labels and repetitions that the protocol needs, or a clipped
            channel.
    """
    path = files_in(folder).get(person)
    if path is None:
        raise UserError(f"There is no recording of person {person} in {folder} (no s{person:02d}.npz); choose another.")
    recording = Recording.load(path)
    if recording.label is None or recording.repetition is None:
        raise UserError(f"{path} has no 'label' or no 'repetition', so it cannot be split by repetition; record cues.")
    check_unclipped(recording, path)
    return path, recording


def folds_in(folder: Path, people: Sequence[int] | None, held_out: Sequence[int] | None) -> list[Fold]:
    """The benchmark's folds: of all people in the folder and all their repetitions, or of the given ones.

    Poses that a recording itself names go before BioPatRec's.

    Raises:
        UserError: a person or a repetition is missing, or a recording does not fit the protocol.
    """
    folds = []
    for person in dict.fromkeys(people or files_in(folder)):
        source, recording = load_person(folder, person)
        folds += folds_of(person, source, recording, recording.poses or POSES, held_out)
    return folds
