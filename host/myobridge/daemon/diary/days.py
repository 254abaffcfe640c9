"""The diary told as days: adds the lines of each day up, and says the sums in sentences. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from typing import Final

import msgspec

from myobridge.daemon.diary.store import Line
from myobridge.model.generations import CLOCK_SET_S

WEEK: Final = 7
UNKNOWN: Final = "date unknown"
MOST_MODELS: Final = 20
REASONS: Final = {
    "setpoints_stopped": "no setpoints reached it",
    "setpoints_rejected": "setpoints were stale or out of range",
    "sampling_stalled": "the board stopped sampling",
    "supply_low": "the servo supply was low",
}


class Contact(msgspec.Struct, frozen=True):
    """The channel with the longest bad contact of a day."""

    channel: str
    verdict: str
    seconds: float


class Day(msgspec.Struct):
    """The sums of a day. date: such as 2026-11-30, or that it is unknown. models: with origin and score."""

    date: str
    sessions: int = 0
    connected_s: float = 0.0
    armed_s: float = 0.0
    holds: dict[str, int] = {}
    faults: dict[str, int] = {}
    opened: int = 0
    lost: int = 0
    stops: int = 0
    worst_contact: Contact | None = None
    models: list[str] = []
    notes: list[str] = []


def days_of(lines: Sequence[Line], zone: tzinfo | None = None) -> list[Day]:
    """The days in the order of the lines. zone: of the dates; by default this computer's.

    A Raspberry Pi without a clock of its own sets its clock minutes after the start. So the newest line of a run dates
    all lines of that run.
    """
    offset_s = {line.run: line.at_s - line.up_s for line in lines}
    by_date: dict[str, list[Line]] = {}
    for line in lines:
        by_date.setdefault(_date(line.up_s + offset_s[line.run], zone), []).append(line)
    return [_day(date, own) for date, own in by_date.items()]


def _date(at_s: float, zone: tzinfo | None) -> str:
    if at_s >= CLOCK_SET_S:
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(at_s, UTC).astimezone(zone).strftime("%Y-%m-%d")
    return UNKNOWN


def _day(date: str, lines: Sequence[Line]) -> Day:
    bad_s = Counter[tuple[str, str]]()
    for line in lines:
        for channel, verdicts in line.bad_s.items():
            for verdict, seconds in verdicts.items():
                bad_s[channel, verdict] += seconds  # type: ignore[assignment]  # a Counter also adds seconds
    models = dict.fromkeys(line.model + (f", {line.origin}" if line.origin else "") for line in lines if line.model)
    return Day(
        date=date,
        sessions=len({line.run for line in lines}),
        connected_s=round(sum(line.on_s for line in lines), 1),
        armed_s=round(sum(line.armed_s for line in lines), 1),
        holds=_added(line.holds for line in lines),
        faults=_added(line.faults for line in lines),
        opened=sum(line.opened for line in lines),
        lost=sum(line.lost for line in lines),
        stops=sum(line.stops for line in lines),
        worst_contact=next((Contact(*which, round(most, 1)) for which, most in bad_s.most_common(1)), None),
        models=list(models)[:MOST_MODELS],
        notes=list(dict.fromkeys(line.note for line in lines if line.note))[-MOST_MODELS:],
    )


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for each in counts:
        total.update(each)
    return dict(total.most_common())


def sentences(day: Day) -> list[str]:
    """A day in sentences, for people."""
    said = [f"{_many(day.sessions, 'session')}: {_time(day.connected_s)} connected, {_time(day.armed_s)} armed."]
    said += [f"Model {model}." for model in day.models]
    if day.holds:
        said.append(f"The hand held its pose {_times(sum(day.holds.values()))}: {_why(day.holds)}.")
    if day.opened:
        said.append(f"The hand opened by itself {_times(day.opened)}.")
    if day.faults:
        said.append(f"The hand had {_many(sum(day.faults.values()), 'fault')}: {_why(day.faults)}.")
    if day.stops:
        said.append(f"There {'was' if day.stops == 1 else 'were'} {_many(day.stops, 'emergency stop')}.")
    if day.lost:
        said.append(f"The connection was lost {_times(day.lost)}.")
    if day.worst_contact is not None:
        worst = day.worst_contact
        said.append(f"Worst contact: channel {worst.channel} was {worst.verdict} for {_time(worst.seconds)}.")
    return said + day.notes


def _why(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {REASONS.get(name, name.replace('_', ' '))}" for name, count in counts.items())


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
