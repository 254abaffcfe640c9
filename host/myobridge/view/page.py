"""The messages between server and page: JSON, distinguished by `kind`."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from myobridge.feed import Snapshot
from myobridge.feed.messages import Command, Morning
from myobridge.view.filters import Filter
from myobridge.view.traces import Columns, Spectrum

_encode = msgspec.json.Encoder().encode

LOST: Final = 0xFFFF
"""Instead of a count of a lost column."""
FINEST: Final = 0.1
"""Counts behind a filter are shown to this step."""
STEP_DB: Final = 0.3
"""A page shows 50 dB below the highest line; 256 steps hold 76."""
FIRST_LINE: Final = 2
"""The lines below hold the offset."""

Fault = Literal["cable", "electrode", "hum", "cuff", "daemon", "power"]
"""What a person may break in the demo: a fault of the simulated hand, or the daemon, which is frozen."""


class Message(msgspec.Struct, kw_only=True, tag_field="kind", tag=str.lower):
    """A message from the server."""


class Hello(Message):
    """The first message.

    control: this view passes orders on.
    emg: EMG and spectra will follow.
    scope: the view listens to a board without a daemon, so there is no hand to show.
    """

    port: str
    control: bool
    emg: bool
    scope: bool = False


class Link(Message):
    """Whether the view hears a daemon, and a sentence about it."""

    up: bool
    text: str


class Look(Message):
    """The daemon's newest snapshot."""

    snapshot: Snapshot


class Emg(Message):
    """New columns, from number `first` on: each the lowest counts of all channels, then the highest.

    A count is `bottom` of its channel plus `step` times its number in `steps`: uint16, little-endian, in base64. LOST
    stands for each number of a lost column.
    """

    first: int
    columns_per_s: float
    bottom: list[float]
    step: float
    steps: str


class Lines(Message):
    """Spectra: the lines of each channel at multiples of `step_hz`; see traces.Spectrum.

    The power of a line is `top_db` minus `step_db` times its number in `steps`: uint8 in base64, all lines of the first
    channel first. The ends stand for everything beyond them.
    """

    channels: int
    step_hz: float
    top_db: float
    step_db: float
    steps: str
    mains_hz: int
    mains_db: list[float]


class Answer(Message):
    """The answer to an order."""

    do: Command | Morning | Literal["model", "control"]
    ok: bool
    text: str


class Challenge(Message):
    """The first message to a phone, which must prove that it is paired; see proof.py."""

    nonce: str


class Welcome(Message):
    """A phone has proved that it is paired. name: of the phone; proof: that this view knows its key."""

    name: str
    proof: str


class Holder(Message):
    """Which page has control. you: this page has it; asker: the page that asks for it; empty: nobody.

    lost_s: the hand is disarmed when the connection of the page that has control is gone for this long.
    """

    name: str
    you: bool
    asker: str
    lost_s: float


class ModelChoice(msgspec.Struct):
    """A model that can be used. text: its date and score, or what it is."""

    key: str
    name: str
    text: str
    in_place: bool


class Models(Message):
    """The models that can be used, the newest first."""

    choices: list[ModelChoice]


class Day(msgspec.Struct):
    """A day of the diary, in sentences."""

    day: str
    lines: list[str]


class Week(Message):
    """The last days of the diary, the newest first."""

    days: list[Day]


class PlainFinding(msgspec.Struct):
    """What the doctor has found. bad: the hand cannot be used."""

    what: str
    why: str
    do: str
    bad: bool


class Findings(Message):
    """A check of the hand, which runs or has ended. ok: the result as a sentence."""

    running: bool
    ok: str
    findings: list[PlainFinding]


class Dropped(Message):
    """How many messages this viewer missed because it was too slow."""

    messages: int


class Faults(Message):
    """The faults that the demo can make, and those that are on now. No other view sends this message."""

    can: list[Fault]
    on: list[Fault]


class Units(Message):
    """Microvolts at the skin for a count; None: the gain of the amplifiers is not known."""

    uv_per_count: float | None


def units(skin_range_uv: float | None, adc_bits: int) -> Units:
    """The units of an ADC between whose ends lies this voltage at the skin."""
    return Units(uv_per_count=None if skin_range_uv is None else skin_range_uv / 2**adc_bits)


class Filtered(Message):
    """The filter that all pages of the view look through."""

    filter: Filter


class Scope(Message):
    """What a view without a daemon sees of the board.

    contact: the verdict on each channel, as in a Snapshot.
    findings: a sentence for each group of channels that is wrong.
    """

    channels: list[str]
    contact: list[str]
    findings: list[str]
    fs_hz: float
    samples_received: int
    samples_lost: int
    crc_errors: int


class Wearer(Message):
    """What the demo knows and a daemon cannot know; angles in degrees, thumb to little.

    truth_deg: the wearer's own fingers.
    applied_deg, state, explained: servos and state of the board itself, also while no daemon hears the board.
    error_deg: mean difference of servos and fingers over the last seconds; None while the hand does not follow.
    causes: a sentence for each fault that is on.
    """

    truth_deg: list[float]
    applied_deg: list[float]
    state: str
    explained: str
    error_deg: float | None
    causes: str


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """An order for the hand. A page also sends Wish and Choice, and the page of the demo sends Press.

    seen_s: `at_s` of the newest snapshot that the page shows; 0 without one. It makes an ARM from a frozen page, or one
        that was delayed, as old as what the person saw.
    """

    do: Command | Morning
    seen_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """What a page wants of the control of the hand.

    page: a number that the page gives itself, and keeps when it reconnects.
    take: have it now, whoever has it; back: have it again after a lost connection; ask: have it once its page gives it;
    give: let another page have it.
    """

    control: Literal["take", "back", "ask", "give"]
    page: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """What a page wants to see beside the hand; only this page gets the answer."""

    want: Literal["models", "week", "check"]


class Use(msgspec.Struct, forbid_unknown_fields=True):
    """A model to use: the key of a ModelChoice."""

    use: Annotated[str, msgspec.Meta(max_length=64)]


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """A filter to look through."""

    filter: Filter


class Press(msgspec.Struct, forbid_unknown_fields=True):
    """A fault of the demo that begins or ends."""

    fault: Fault
    on: bool


def encode(message: msgspec.Struct) -> str:
    """Encodes a message for the page."""
    return _encode(message).decode()


def emg(new: Columns, columns_per_s: float) -> Emg:
    """Columns as a message. Raw counts arrive exactly, filtered ones to a tenth, unless they span more than uint16."""
    counts = np.stack((new.low, new.high), axis=1).astype(np.float64)  # (columns, 2, channels)
    here = counts[new.present]
    finest = 1.0 if np.issubdtype(new.low.dtype, np.integer) else FINEST
    bottom = np.floor(here.min(axis=(0, 1)) / finest) * finest if len(here) else np.zeros(counts.shape[2])
    step = max(finest, float((here - bottom).max(initial=0)) / (LOST - 1))
    steps = np.full(counts.shape, LOST, "<u2")
    steps[new.present] = np.round((here - bottom) / step)
    return Emg(
        first=new.first, columns_per_s=columns_per_s, bottom=bottom.round(1).tolist(), step=step, steps=_base64(steps)
    )


def lines(spectrum: Spectrum) -> Lines:
    """Spectra as a message."""
    channels = len(spectrum.power_db)
    top_db = round(float(spectrum.power_db[:, FIRST_LINE:].max(initial=0)), 1)
    steps = np.clip(np.round((top_db - spectrum.power_db) / STEP_DB), 0, 255).astype(np.uint8)
    return Lines(
        channels=channels,
        step_hz=spectrum.step_hz,
        top_db=top_db,
        step_db=STEP_DB,
        steps=_base64(steps),
        mains_hz=spectrum.mains_hz,
        mains_db=spectrum.mains_db.round(1).tolist(),
    )


def _base64(numbers: NDArray[Any]) -> str:
    return b64encode(numbers.tobytes()).decode("ascii")
