"""The targets of an online trial in a log, by the samples at which they were shown."""

from __future__ import annotations

from typing import NamedTuple

from myobridge.recording.log import Log
from myobridge.recording.trial_records import Answer, Target


class TrialEvent(NamedTuple):
    """A target was shown from row `start` to before `stop`; the name says what it was and how it ended."""

    start: int
    stop: int
    number: int
    name: str
    meaning: str


def trial_events(log: Log | None) -> list[TrialEvent]:
    """The targets that have an answer, in their order; none if the recording is no log of a trial."""
    events, shown = [], None
    for row, record in log.trial if log else ():
        match record:
            case Target():
                shown = row, record
            case Answer() if shown is not None and shown[1].number == record.number:
                start, target = shown
                name = f"target {target.name} {target.depth:.0%} {record.outcome}"
                meaning = (
                    f"target of a trial, servo angles {target.angles_deg} degrees, tolerance {target.tolerance_deg:g} "
                    f"degrees ({target.judged}), dwell {target.dwell_s:g} s, timeout {target.timeout_s:g} s"
                )
                events.append(TrialEvent(start, row, record.number, name, meaning))
                shown = None
    return events
