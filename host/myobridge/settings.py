"""The settings of the daemon: one TOML file. An unknown key is an error that names the nearest known key."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

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
    """A table of the file. Keys are checked against the fields, values against their types."""


class LinkSettings(_Table, frozen=True):
    """`[link]`: the serial line."""

    baud: Annotated[int, msgspec.Meta(ge=9600, le=4_000_000)] = BAUD


class AcquisitionSettings(_Table, frozen=True):
    """`[acquisition]`: what the board samples. The sampling rate comes from the model unless the file gives it."""

    fs_hz: Annotated[float, msgspec.Meta(gt=0, le=100_000)] | None = None
    inputs: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=63)], ...], msgspec.Meta(min_length=1)] | None = None
    """Analogue inputs in rising order, one for each channel of the model; by default the first inputs."""
    max_samples_per_frame: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    """A frame holds the largest number of samples up to this that divides the hop."""
    oversampling: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    """Conversions of each channel in one sample, at least; a model may ask for more. An Arduino makes 1, 2 or 4."""
    max_gap_share: Fraction = 0.1
    """The daemon sends no setpoint if a larger share of the window was filled in for lost samples."""


class AmplifierSettings(_Table, frozen=True):
    """`[amplifier]`: what a count means at the skin. Only views use it; the network works with counts."""

    gain: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] | None = None
    """From the skin to the input of the board; without it, views show counts."""
    adc_range_mv: Annotated[float, msgspec.Meta(gt=0, le=100_000)] = 5000
    """Voltage between the ends of the ADC, at the input of the board."""

    @property
    def skin_range_uv(self) -> float | None:
        """Voltage at the skin between the ends of the ADC; None: the gain is not given."""
        return None if self.gain is None else 1000 * self.adc_range_mv / self.gain


class ServoSettings(_Table, frozen=True):
    """`[servo]`: limits of the five servos, thumb to little; the firmware enforces them."""

    min_deg: Pose = (0, 0, 0, 0, 0)
    max_deg: Pose = (180, 180, 180, 180, 180)
    safe_deg: Pose | None = None
    """The pose in which the hand relaxes; by default the rest pose of the model."""
    pulse_0_us: Pulses = (500, 500, 500, 500, 500)
    pulse_180_us: Pulses = (2500, 2500, 2500, 2500, 2500)
    rate_hz: Annotated[float, msgspec.Meta(ge=MIN_RATE_HZ, le=MAX_RATE_HZ)] = MIN_RATE_HZ
    """Pulses per second. Only digital servos tolerate more than 50; an analogue servo overheats and burns."""
    slew_deg_per_s: Annotated[float, msgspec.Meta(ge=SLEW_MIN_CDEG_PER_S / 100, le=SLEW_MAX_CDEG_PER_S / 100)] = 400


class SafetySettings(_Table, frozen=True):
    """`[safety]`: when the firmware holds and then relaxes, and when the host sends no setpoints."""

    hold_ms: Annotated[int, msgspec.Meta(ge=HOLD_MIN_MS, le=HOLD_MAX_MS)] = HOLD_MAX_MS
    relax_ms: Annotated[int, msgspec.Meta(gt=HOLD_MIN_MS, le=RELAX_MAX_MS)] = RELAX_MAX_MS
    max_age_ms: Annotated[int, msgspec.Meta(ge=20, le=1000)] = 100
    """A decision whose newest sample is older than this is neither sent by the host nor obeyed by the firmware."""
    max_saturated_share: Fraction = 0.1
    """A channel counts as saturated if a larger share of its samples lies at the ends of the ADC's range."""
    max_mains_share: Fraction = 0.9
    """A channel counts as mains hum if a larger share of its power lies at the multiples of 50 or of 60 Hz."""
    min_range_counts: Annotated[int, msgspec.Meta(ge=0)] = 2
    """A channel counts as flat if its peak-to-peak counts over 200 ms are below this."""


class DiarySettings(_Table, frozen=True):
    """`[diary]`: what the daemon notes for the person who uses the hand."""

    keep: bool = True
    """The daemon notes on this computer when the hand was used, and what happened."""


PressAsks = Literal["arm", "calibrate", "undo", "nothing"]
"""What the release of a press may ask for. A press while the hand moves has disarmed it, and asks for nothing."""


class ButtonSettings(_Table, frozen=True):
    """`[button]`: what a press of the button on the hand asks for, by its length."""

    short: PressAsks = "arm"
    long: PressAsks = "calibrate"
    longest: PressAsks = "undo"


class SoundSettings(_Table, frozen=True):
    """`[sound]`: what the wearer hears."""

    on: bool = True
    """Tones for the poses and the button, and words where a speech program is installed."""


class RealtimeSettings(_Table, frozen=True):
    """`[realtime]`: scheduling of the daemon's loop."""

    fifo_priority: Annotated[int, msgspec.Meta(ge=0, le=99)] = 20
    """SCHED_FIFO priority, if the system permits it; 0 does not change the scheduling."""


class Settings(_Table, frozen=True):
    """The whole file; every table and key is optional."""

    link: LinkSettings = LinkSettings()
    acquisition: AcquisitionSettings = AcquisitionSettings()
    amplifier: AmplifierSettings = AmplifierSettings()
    servo: ServoSettings = ServoSettings()
    safety: SafetySettings = SafetySettings()
    button: ButtonSettings = ButtonSettings()
    sound: SoundSettings = SoundSettings()
    realtime: RealtimeSettings = RealtimeSettings()
    diary: DiarySettings = DiarySettings()

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
    """The settings in a file, or the defaults without a file.

    Raises:
        UserError: the file cannot be read, is not TOML, or has an unknown key or a wrong value.
    """
    if path is None:
        return Settings()
    data = read_toml(path, "the config").tables
    names = _names(Settings)
    for name in _names_used(data):
        if name not in names:
            raise UserError(f"{path}: unknown key '{name}'; the nearest key is '{_nearest(name, names)}'.")
    try:
        return msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: {plain_words(error)}; correct that value.") from error


def _names(table: type[msgspec.Struct], prefix: str = "") -> list[str]:
    """Dotted names of all known tables and keys."""
    names = []
    for field in msgspec.structs.fields(table):
        names.append(prefix + field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            names += _names(field.type, f"{prefix}{field.name}.")
    return names


def _names_used(data: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of the tables and keys in a file; each table comes before its keys."""
    for key, value in data.items():
        yield prefix + key
        if isinstance(value, dict):
            yield from _names_used(value, f"{prefix}{key}.")


def _nearest(name: str, names: list[str]) -> str:
    """The most similar name. The same table adds to the similarity, but a key in the wrong table is still found."""
    table, _, key = name.rpartition(".")

    def similarity(other: str) -> float:
        other_table, _, other_key = other.rpartition(".")
        return difflib.SequenceMatcher(None, key, other_key).ratio() + SAME_TABLE * (table == other_table)

    return max(names, key=similarity)


def plain_words(error: msgspec.ValidationError) -> str:
    """A validation error in words for people.

    msgspec says `Expected ... - at `$.servo.slew`'; a reader needs the key first, and the words of TOML.
    """
    message, _, where = str(error).partition(" - at `$.")
    message = message[0].lower() + message[1:]
    for theirs, ours in PLAIN_WORDS.items():
        message = message.replace(theirs, ours)
    return f"{where.rstrip('`')}: {message}" if where else message
