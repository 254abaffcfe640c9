"""The annotations of EDF+ and BDF+: times of the records, and events. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.recording.edf import BOUNDARY, PADDING
from myobridge.recording.importing.events import said_by
from myobridge.recording.importing.found import Mark, Marks

IGNORED: Final = ("BAD", "EDGE")
"""MNE-Python marks bad stretches and joints with these first letters."""


class Annotation(NamedTuple):
    """Onset and duration in seconds, and text."""

    onset_s: float
    duration_s: float | None
    text: str


@dataclass(frozen=True)
class Times:
    """When each record begins, in seconds, and the annotations; records of a whole recording follow each other."""

    record_s: NDArray[np.float64]
    duration_s: float
    annotations: tuple[Annotation, ...]

    @property
    def texts(self) -> list[str]:
        """The texts of the events, without repetitions, in the order of their first appearance."""
        return list(dict.fromkeys(said_by(one.text).text for one in self._events()))

    def marks(self, samples: int) -> Marks:
        """Events and breaks in rows of a signal with this many samples in a record."""
        rate_hz = samples / self.duration_s
        gaps = np.abs(np.diff(self.record_s) - self.duration_s) > 0.5 / rate_hz
        breaks = [*((np.flatnonzero(gaps) + 1) * samples).tolist()]
        breaks += [self._row(one.onset_s, samples) for one in self.annotations if one.text == BOUNDARY]
        ends = [self._row(one.onset_s, samples) for one in self.annotations if one.text == PADDING]
        events = []
        for onset_s, duration_s, text in self._events():
            stop = self._row(onset_s + duration_s, samples) if duration_s else None
            events.append(Mark(self._row(onset_s, samples), stop, *said_by(text)))
        return Marks(events, breaks, ends[0] if ends else None)

    def _events(self) -> list[Annotation]:
        return [one for one in self.annotations if not one.text.startswith(IGNORED)]

    def _row(self, at_s: float, samples: int) -> int:
        record = max(0, int(np.searchsorted(self.record_s, at_s + 1e-9, "right")) - 1)
        inside = round((at_s - float(self.record_s[record])) * samples / self.duration_s)
        return record * samples + min(max(0, inside), samples)


def times_of(signals: Iterable[Iterable[bytes]], records: int, duration_s: float) -> Times:
    """Reads the annotation signals, each as its bytes in all records.

    Raises:
        ValueError: an onset or a duration is not a number.
    """
    record_s = np.arange(records, dtype=np.float64) * duration_s
    annotations: list[Annotation] = []
    for number, signal in enumerate(signals):
        for record, data in enumerate(signal):
            for place, entry in enumerate(data.rstrip(b"\0").split(b"\0")):
                when, *texts = entry.split(b"\x14")
                if not texts:
                    continue
                onset, _, duration = when.partition(b"\x15")
                if number == place == 0:
                    record_s[record] = float(onset)
                seconds = float(duration) if duration else None
                annotations += [
                    Annotation(float(onset), seconds, text.decode("utf-8", "replace")) for text in texts if text
                ]
    return Times(record_s, duration_s, tuple(sorted(annotations, key=lambda one: one.onset_s)))
