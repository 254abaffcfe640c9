"""Sessions of other days: the first seconds of each movement, which a decoder may know, and the windows to judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.quality import FOLLOWED_S
from myobridge.errors import UserError
from myobridge.model.file import REST, LabelledPose
from myobridge.recording import Recording
from myobridge_models.data.clipping import check_channels
from myobridge_models.data.takes import RELAXED_S, Take, design_prefilter, takes_of
from myobridge_models.data.training_set import Source, check_alike, check_distinct
from myobridge_models.evaluation.decisions import Angles, Rows, instants, stretches
from myobridge_models.evaluation.evaluate import rest_of

APART_S: Final = 0.4
"""Windows are judged from this time after the known seconds on, so that none of them overlaps these."""


@dataclass(frozen=True)
class Session:
    """A labelled recording of one day; labelled_s is the known time of each movement.

    name: the file's name without its ending, with as many of its folders as tell the sessions apart.
    """

    source: Path
    recording: Recording
    poses: tuple[LabelledPose, ...]
    labelled_s: float
    name: str

    @cached_property
    def takes(self) -> list[Take]:
        """All takes, filtered, in ADC half ranges."""
        sections = design_prefilter(self.recording.fs_hz)
        return takes_of(self.recording, self.source, sections, self.poses)

    @property
    def truth_deg(self) -> Angles:
        """float32 (samples, 5)."""
        return np.concatenate([take.target_deg for take in self.takes])

    @property
    def rest_deg(self) -> Angles:
        """The rest pose, float32 (5,)."""
        return rest_of(self.poses)

    @property
    def movements(self) -> set[int]:
        """The labels."""
        return set(np.unique(self.label).tolist())

    @property
    def label(self) -> NDArray[np.uint8]:
        """uint8 (samples,)."""
        assert self.recording.label is not None
        return self.recording.label

    @cached_property
    def known(self) -> list[slice]:
        """Rows of the known seconds, a slice for each movement in file order.

        A take of one movement is held from its first sample on. In a take with cues, the seconds begin when the muscle
        has followed the cue.

        Raises:
            UserError: all holds of a movement are shorter.
        """
        return [known for known, _ in self._first_holds()]

    def known_rows(self, step_s: float, full_s: float) -> Rows:
        """Returns the rows, `step_s` apart, at which windows of `full_s` end that lie inside the known seconds."""
        full, step = round(full_s * self.recording.fs_hz), round(step_s * self.recording.fs_hz)
        return np.concatenate([np.arange(known.start + full - 1, known.stop, step) for known in self.known])

    @cached_property
    def judged(self) -> Rows:
        """The instants to judge: all, except those before and during the known seconds of a movement's first hold."""
        rows = instants(self.recording)
        for known, start in self._first_holds():
            end = known.stop + round(APART_S * self.recording.fs_hz)
            rows = rows[(rows < start) | (rows >= end)]
        return rows

    def _first_holds(self) -> list[tuple[slice, int]]:
        """Returns, for each movement, its known rows and the row at which that hold starts."""
        fs_hz, found = self.recording.fs_hz, dict[int, tuple[slice, int]]()
        length, apart = round(self.labelled_s * fs_hz), round(APART_S * fs_hz)
        for start, end, cued in self._holds():
            movement = int(self.label[start])
            follows_s = 0.0 if not cued else RELAXED_S if movement == REST else FOLLOWED_S
            first = start + round(follows_s * fs_hz)
            if movement not in found and first + length + apart < end:
                found[movement] = slice(first, first + length), start
        missing = sorted(self.movements - set(found))
        if missing:
            raise UserError(
                f"{self.source} holds {self._name(missing[0])} for less than {self.labelled_s + APART_S:g} s, so "
                f"{self.labelled_s:g} s cannot be known; give a smaller --labelled-s, check its labels, or record "
                "longer."
            )
        return list(found.values())

    def _holds(self) -> Iterator[tuple[int, int, bool]]:
        """Yields start and end of each hold, and whether its take has cues."""
        for take in self.recording.takes():
            own = stretches(self.label[take])
            for start, end in own:
                yield take.start + start, take.start + end, len(own) > 1

    def _name(self, movement: int) -> str:
        return next((pose.name for pose in self.poses if pose.label == movement), str(movement))


def sessions_of(
    sources: Sequence[Source], train: int, poses: tuple[LabelledPose, ...], labelled_s: float
) -> tuple[list[Session], list[Session]]:
    """Returns the first `train` sources as sessions to learn from, and the others as sessions to judge.

    Raises:
        UserError: a session is on both sides or given twice, the recordings are of different boards, a session has no
            labels or unknown ones, a channel is flat or clipped, or a movement is too short.
    """
    check_alike(sources)
    learnt, judged = {path.resolve() for path, _ in sources[:train]}, set[Path]()
    for path, _ in sources[train:]:
        if path.resolve() in learnt:
            raise UserError(f"{path} is a session to learn from and a session to judge; take it out of one list.")
        if path.resolve() in judged:
            raise UserError(f"{path} is a session to judge twice; give each session once.")
        judged.add(path.resolve())
    for one in sources[train:]:
        check_distinct([*sources[:train], one])
    sessions = []
    for (path, recording), name in zip(sources, _names([path for path, _ in sources]), strict=True):
        if recording.label is None:
            raise UserError(f"{path} has no labels, so its movements are not known; record it with cues.")
        check_channels(recording, path)
        session = Session(path, recording, poses, labelled_s, name)
        if not len(session.takes) or not len(session.judged):
            raise UserError(f"{path} has nothing left to judge on; give a smaller --labelled-s, or record longer.")
        sessions.append(session)
    return sessions[:train], sessions[train:]


def _names(paths: Sequence[Path]) -> list[str]:
    """Returns the shortest names that tell the files apart, each made of the ends of a path."""
    whole = [path.resolve() for path in paths]
    for parts in range(1, max(len(path.parts) for path in whole)):
        names = ["/".join(path.with_suffix("").parts[-parts:]) for path in whole]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in whole]


def remarks(train: Sequence[Session], test: Sequence[Session]) -> list[str]:
    """Returns a sentence for each session to judge whose movements are not those of the training."""
    learnt = set[int]().union(*(session.movements for session in train))
    found = []
    for session in test:
        for lacks, sentence in (
            (learnt - session.movements, "lacks {}; what is known of the session is known without them."),
            (
                session.movements - learnt,
                "has {}, which no training session has; decoders that get no labels miss them.",
            ),
        ):
            if lacks:
                names = ", ".join(pose.name for pose in session.poses if pose.label in lacks)
                found.append(f"{session.source.name} {sentence.format(names)}")
    return found
