"""What the names of columns suggest: which are channels, which the labels. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Named
from typing import Any, Final

from myobridge import SERVOS
from myobridge.recording.importing.found import Column, number_in
from myobridge.recording.importing.mapping import EVENTS, Mapping
from myobridge.recording.timeline import TIME

TIME_NAMES: Final = (TIME, "time", "t", "timestamp", "timestamps", "seconds")
LABEL_NAMES: Final = (
    "restimulus", "stimulus", "label", "labels", "gesture", "movement", "class", "pose", "cue"
)  # fmt: skip
"""In Ninapro's files, `restimulus` is `stimulus` moved to the instants at which the muscle acts."""
REPETITION_NAMES: Final = ("rerepetition", "repetition", "repetitions", "trial")
RUN_NAMES: Final = ("run", "take")
ANGLE_NAMES: Final = ("angles_deg",)
RATE_NAMES: Final = (
    "fs", "fs_hz", "frequency", "rate", "rate_hz", "sampling_rate", "sampling_frequency", "samplingrate",
    "samplerate", "sample_rate", "srate", "sr",
)  # fmt: skip
EMG_NAME: Final = re.compile(r"s?emg|exg", re.IGNORECASE)
NUMBERED: Final = re.compile(r"(?:ch|chan|channel|sensor|electrode|e|a|mav)?[ _.]*\d+(?: *[\[(].*)?", re.IGNORECASE)
UNIT: Final = re.compile(r"[\[(_ /](µV|μV|uV|microvolts?|mV|millivolts?|V|volts?)\b[\])]?\s*$")
UNIT_WORDS: Final = {"micro": "uV", "µ": "uV", "μ": "uV", "u": "uV", "mi": "mV", "m": "mV", "v": "V"}


def unit_in(name: str) -> str:
    """The unit that a name such as `EMG 1 (mV)` carries; empty if none."""
    found = UNIT.search(name)
    return unit_word(found[1]) if found else ""


def unit_word(unit: str) -> str:
    """V, mV or uV for a unit as a file may write it; empty for anything else."""
    word = unit.strip().lower()
    if word not in ("v", "mv", "uv", "µv", "μv") and "volt" not in word:
        return ""
    return next(ours for begin, ours in UNIT_WORDS.items() if word.startswith(begin))


def rate_in(values: Named[str, Any]) -> float | None:
    """The sampling rate among single numbers with names."""
    named = {name.lower().rpartition("/")[2]: number_in(value) for name, value in values.items()}
    found = (named[name] for name in RATE_NAMES if name in named)
    return next((rate for rate in found if rate is not None and 1 <= rate <= 100_000), None)


def suggested(columns: Sequence[Column], *, events: bool) -> Mapping:
    """What the names suggest; None where they suggest nothing. In our own tables, all other columns are channels."""
    label = _called(columns, LABEL_NAMES)
    time = _called(columns, TIME_NAMES)
    repetition, run = _called(columns, REPETITION_NAMES), _called(columns, RUN_NAMES)
    angles = _group(columns, ANGLE_NAMES)
    taken = {label, time, repetition, run}
    free = [column for column in columns if column.name not in taken and column.group not in ANGLE_NAMES]
    numeric = [column for column in free if column.texts is None]
    ours = columns[0].name == TIME
    return Mapping(
        channels=(tuple(column.name for column in numeric) if ours else _channels(numeric)) or None,
        label=label if label is not None else EVENTS if events else None,
        repetition=repetition,
        run=run,
        time=time,
        angles=angles,
    )


def _channels(columns: Sequence[Column]) -> tuple[str, ...]:
    """Names of the columns or of the array that look like EMG; or all signals, or the only matrix, if alike."""
    emg = [column for column in columns if EMG_NAME.search(column.group) or EMG_NAME.search(column.name)]
    exact = [column for column in emg if column.group.lower() == "emg"]
    numbered = [column for column in columns if NUMBERED.fullmatch(column.name) and not column.group]
    signals = [column for column in columns if column.rate_hz and not column.group]
    alike = signals if len({(column.rate_hz, column.unit) for column in signals}) == 1 else []
    groups = [column.group for column in columns]
    matrices = [column for column in columns if column.group and groups.count(column.group) > 1]
    only = matrices if len({column.group for column in matrices}) == 1 else []
    found = exact or emg or numbered or alike or only
    if found and all(column.group for column in found):
        return (found[0].group,)
    return tuple(column.name for column in found)


def _called(columns: Iterable[Column], names: Sequence[str]) -> str | None:
    known = {re.sub(r"\s*[\[(].*", "", column.name).strip().lower(): column.name for column in columns}
    return next((known[name] for name in names if name in known), None)


def _group(columns: Sequence[Column], names: Sequence[str]) -> tuple[str, ...] | None:
    for name in names:
        if sum(column.group == name for column in columns) == len(SERVOS):
            return (name,)
    return None
