"""The configuration: one TOML file; an unknown key is an error that names the key and the nearest right one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from myobridge.errors import UserError
from myobridge.model.file import Pose
from myobridge.toml_file import read_toml
from myobridge.wire.messages import (
    BAUD,
    HOLD_MAX_MS,
    HOLD_MIN_MS,
    PULSE_MAX_US,
    PULSE_MIN_US,
    RELAX_MAX_MS,
    SERVO_PERIOD_MAX_US,
    SERVO_PERIOD_MIN_US,
    SLEW_MAX_CDEG_PER_S,
    SLEW_MIN_CDEG_PER_S,
)

MIN_RATE_HZ: Final = 1_000_000 / SERVO_PERIOD_MAX_US
MAX_RATE_HZ: Final = 1_000_000 // SERVO_PERIOD_MIN_US + 0.0
Pulse = Annotated[int, msgspec.Meta(ge=PULSE_MIN_US, le=PULSE_MAX_US)]
Pulses = tuple[Pulse, Pulse, Pulse, Pulse, Pulse]
SAME_TABLE: Final = 0.25
PLAIN_WORDS: Final = {
    " | null": "",
    "`object`": "a table",
    "`array`": "a list",
    "`float`": "a number",
    "`int`": "a whole number",
    "`str`": "a text",
    "`bool`": "true or false",
}
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file: keys are checked against the fields, values against their types."""


class LinkSettings(_Table, frozen=True):
    """`[link]`: the serial line."""

    baud: Annotated[int, msgspec.Meta(ge=9600, le=4_000_000)] = BAUD


class AcquisitionSettings(_Table, frozen=True):
    """`[acquisition]`: what the device samples. The sampling rate is the model's unless it stands here."""

    fs_hz: Annotated[float, msgspec.Meta(gt=0, le=100_000)] | None = None
    inputs: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=63)], ...], msgspec.Meta(min_length=1)] | None = None
    """Analogue inputs in rising order, one for each of the model's channels; the first ones by default."""
    max_samples_per_frame: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    """A frame holds the largest number of samples up to this that divides the hop."""
    max_gap_share: Fraction = 0.1
    """Largest share of a window that may be filled in for lost samples before no setpoint is sent."""


class ServoSettings(_Table, frozen=True):
    """`[servo]`: limits of the five servos, thumb to little; the firmware enforces them."""

    min_deg: Pose = (0, 0, 0, 0, 0)
    max_deg: Pose = (180, 180, 180, 180, 180)
    safe_deg: Pose | None = None
    """Pose to which the hand relaxes; the model's rest pose by default."""
    pulse_0_us: Pulses = (500, 500, 500, 500, 500)
    pulse_180_us: Pulses = (2500, 2500, 2500, 2500, 2500)
    rate_hz: Annotated[float, msgspec.Meta(ge=MIN_RATE_HZ, le=MAX_RATE_HZ)] = MIN_RATE_HZ
    """Pulses a second. Only digital servos stand more than 50: an analogue one gets hot and burns."""
    slew_deg_per_s: Annotated[float, msgspec.Meta(ge=SLEW_MIN_CDEG_PER_S / 100, le=SLEW_MAX_CDEG_PER_S / 100)] = 400


class SafetySettings(_Table, frozen=True):
    """`[safety]`: times after which the firmware holds and then relaxes, and what the host refuses to act on."""

    hold_ms: Annotated[int, msgspec.Meta(ge=HOLD_MIN_MS, le=HOLD_MAX_MS)] = HOLD_MAX_MS
    relax_ms: Annotated[int, msgspec.Meta(gt=HOLD_MIN_MS, le=RELAX_MAX_MS)] = RELAX_MAX_MS
    max_age_ms: Annotated[int, msgspec.Meta(ge=20, le=1000)] = 100
    """A decision older than this, counted from its newest sample, is neither sent nor obeyed."""
    max_saturated_share: Fraction = 0.1
    """Share of a channel's samples at the ADC's ends above which the channel counts as saturated."""
    max_mains_share: Fraction = 0.9
    """Share of a channel's power at 50 or 60 Hz and multiples above which it counts as mains hum only."""
    min_range_counts: Annotated[int, msgspec.Meta(ge=0)] = 2
    """Peak-to-peak counts over the check's 200 ms below which a channel counts as flat."""


class RealtimeSettings(_Table, frozen=True):
    """`[realtime]`: scheduling of the one loop."""

    fifo_priority: Annotated[int, msgspec.Meta(ge=0, le=99)] = 20
    """SCHED_FIFO priority where the system permits it; 0 leaves the scheduler alone."""


class Settings(_Table, frozen=True):
    """The whole file; every table and key may be left out."""

    link: LinkSettings = LinkSettings()
    acquisition: AcquisitionSettings = AcquisitionSettings()
    servo: ServoSettings = ServoSettings()
    safety: SafetySettings = SafetySettings()
    realtime: RealtimeSettings = RealtimeSettings()

    def __post_init__(self) -> None:
        if self.safety.relax_ms <= self.safety.hold_ms:
            raise ValueError("safety.relax_ms must be more than safety.hold_ms")
        if any(low > high for low, high in zip(self.servo.min_deg, self.servo.max_deg, strict=True)):
            raise ValueError("servo.min_deg must not be above servo.max_deg")
        safe = self.servo.safe_deg or self.servo.min_deg
        if any(
            not low <= angle <= high
            for low, angle, high in zip(self.servo.min_deg, safe, self.servo.max_deg, strict=True)
        ):
            raise ValueError("servo.safe_deg must lie between servo.min_deg and servo.max_deg")
        if any(a == b for a, b in zip(self.servo.pulse_0_us, self.servo.pulse_180_us, strict=True)):
            raise ValueError("servo.pulse_0_us and servo.pulse_180_us must differ")
        inputs = self.acquisition.inputs
        if inputs is not None and list(inputs) != sorted(set(inputs)):
            raise ValueError("acquisition.inputs must be in rising order without repeats")


def load_settings(path: Path | None) -> Settings:
    """The file's configuration, or the defaults without a file.

    Raises:
        UserError: no such file, not TOML, an unknown key, or a value that makes no sense.
    """
    if path is None:
        return Settings()
    data = read_toml(path, "the config").tables
    names = _names(Settings)
    for name in _names_used(data):
        if name not in names:
            raise UserError(f"{path}: unknown key '{name}'; the nearest right one is '{_nearest(name, names)}'.")
    try:
        return msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: {plain_words(error)}; correct that value.") from error


def _names(table: type[msgspec.Struct], prefix: str = "") -> list[str]:
    """Dotted names of all tables and keys that there are."""
    names = []
    for field in msgspec.structs.fields(table):
        names.append(prefix + field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            names += _names(field.type, f"{prefix}{field.name}.")
    return names


def _names_used(data: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of the tables and keys of a file, each before those below it."""
    for key, value in data.items():
        yield prefix + key
        if isinstance(value, dict):
            yield from _names_used(value, f"{prefix}{key}.")


def _nearest(name: str, names: list[str]) -> str:
    """The name most like it; the same table counts for it, so that a key in the wrong table is still found."""
    table, _, key = name.rpartition(".")

    def likeness(other: str) -> float:
        other_table, _, other_key = other.rpartition(".")
        return difflib.SequenceMatcher(None, key, other_key).ratio() + SAME_TABLE * (table == other_table)

    return max(names, key=likeness)


def plain_words(error: msgspec.ValidationError) -> str:
    """A validation error for people.

    msgspec says `Expected ... - at `$.servo.slew`'; a reader wants the key first, and TOML's words.
    """
    message, _, where = str(error).partition(" - at `$.")
    message = message[0].lower() + message[1:]
    for theirs, ours in PLAIN_WORDS.items():
        message = message.replace(theirs, ours)
    return f"{where.rstrip('`')}: {message}" if where else message
