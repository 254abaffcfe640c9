"""Training sets: recordings that fit together, and the takes of the repetitions to train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from myobridge.errors import UserError
from myobridge.model.file import REST, LabelledPose
from myobridge.recording import Recording
from myobridge.recording.arrays import check_degrees
from myobridge.recording.following import followed, sentences
from myobridge_models.data.clipping import check_channels
from myobridge_models.data.takes import Sections, Take, only_repetitions, takes_of

Source = tuple[Path, Recording]
"""A recording, and the path that errors name."""


def load_source(path: Path, tell: Callable[[str], None] = lambda _sentence: None) -> Source:
    """Loads a recording; of one that showed a hand, the stretches that the wearer followed, without the wearer's delay.

    tell: is told how the wearer followed.

    Raises:
        UserError: the recording cannot be read, its angles look like radians, or the wearer followed no movement.
    """
    recording = Recording.load(path)
    if recording.angles_deg is not None:
        check_degrees(recording.angles_deg, path)
    if recording.shown:
        recording, following = followed(recording, path)
        for sentence in sentences(following):
            tell(f"{path.name}: {sentence}")
    return path, recording


def check_alike(sources: Sequence[Source]) -> None:
    """Refuses recordings that one board cannot have recorded.

    Raises:
        UserError: sampling rates, channel counts or ADC widths differ.
    """
    path, one = sources[0]
    device = (one.fs_hz, one.channels, one.adc_bits)
    for other_path, other in sources[1:]:
        if (other.fs_hz, other.channels, other.adc_bits) != device:
            raise UserError(
                f"{path} and {other_path} differ in (fs Hz, channels, ADC bits): {device} and "
                f"{(other.fs_hz, other.channels, other.adc_bits)}; train on recordings of one board."
            )


def check_distinct(sources: Sequence[Source]) -> None:
    """Refuses the same samples twice, under one name or two.

    Raises:
        UserError: two recordings hold the same samples.
    """
    seen: dict[str, int] = {}
    for number, (path, recording) in enumerate(sources):
        first = seen.setdefault(sha256(recording.counts.tobytes()).hexdigest(), number)
        if first != number:
            raise UserError(f"{sources[first][0]} and {path} hold the same samples; give each recording once.")


def training_takes(
    sources: Sequence[Source],
    poses: Sequence[LabelledPose],
    sections: Sections,
    repetitions: Sequence[int] | None = None,
) -> list[Take]:
    """Returns unscaled takes of all recordings, or of these repetitions of them, behind the pre-filter `sections`.

    Raises:
        UserError: the recordings do not fit together, or have no such repetition, or no targets that differ.
    """
    check_alike(sources)
    takes: list[Take] = []
    for path, recording in sources:
        found = takes_of(recording, path, sections, poses)
        check_channels(recording, path)
        if repetitions is not None:
            known = repetitions_in(recording)
            missing = set(repetitions) - set(known)
            if missing or not repetitions:
                raise UserError(f"{path} has the repetitions {known}; choose others to train on and to hold out.")
            found = only_repetitions(found, repetitions)
        takes += found
    targets = np.array([[take.target_deg.min(axis=0), take.target_deg.max(axis=0)] for take in takes])
    labels = {label for take in takes for label in np.unique(take.movement).tolist()}
    if len(labels) == 1 and not np.ptp(targets, axis=(0, 1)).any():
        raise UserError("All training data have the same finger angles; record at least two movements.")
    return takes


def repetitions_in(recording: Recording) -> list[int]:
    """Returns the numbers of the repetitions; none if the recording does not number them."""
    known: list[int] = [] if recording.repetition is None else np.unique(recording.repetition).tolist()
    return known


def all_but(sources: Sequence[Source], held_out: Sequence[int]) -> list[int] | None:
    """Returns all repetitions of the recordings except the held-out ones; None (train on everything) if none is held
    out.

    Raises:
        UserError: a recording has no such repetition, or nothing is left to train on.
    """
    if not held_out:
        return None
    for path, recording in sources:
        known = repetitions_in(recording)
        if not set(held_out) < set(known):
            raise UserError(
                f"{path} has the repetitions {known}, so {sorted(held_out)} cannot be held out; choose some of them, "
                "and leave some to train on."
            )
    return sorted({r for _, recording in sources for r in repetitions_in(recording)} - set(held_out))


def moving_repetitions(source: Source) -> list[int]:
    """Returns the repetitions that contain movements.

    Raises:
        UserError: the recording has no cues, or there are fewer than two, so none is left to judge on.
    """
    path, recording = source
    if recording.label is None or recording.repetition is None:
        raise UserError(f"{path} has no cues, so a model cannot learn from it; record it with `myobridge record`.")
    found: list[int] = np.unique(recording.repetition[recording.label != REST]).tolist()
    if len(found) < 2:
        raise UserError(
            f"{path} has movements in {len(found)} repetition(s); record at least two, one of them to judge on."
        )
    return found
