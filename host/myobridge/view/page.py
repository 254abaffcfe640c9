"""What the server says to the page and the page to the server: JSON, told apart by `kind`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np

from myobridge.feed import Snapshot
from myobridge.view.traces import Columns, Spectrum

Do = Literal["arm", "disarm", "estop", "lift"]


class Message(msgspec.Struct, kw_only=True, tag_field="kind", tag=str.lower):
    """Anything the server says."""


class Hello(Message):
    """The first message. `control`: whether this view passes orders on; `emg`: whether EMG and spectra will come."""

    port: str
    control: bool
    emg: bool


class Link(Message):
    """Whether a daemon is heard, and a sentence about it."""

    up: bool
    text: str


class Look(Message):
    """The daemon's newest snapshot."""

    snapshot: Snapshot


class Emg(Message):
    """New columns: of each the lowest counts of all channels, then the highest; null where the column was lost."""

    first: int
    columns_per_s: float
    columns: list[list[int] | None]


class Lines(Message):
    """Spectra: power in dB, [channel][line] at multiples of `step_hz`; see traces.Spectrum."""

    step_hz: float
    power_db: list[list[float]]
    mains_hz: int
    mains_db: list[float]


class Answer(Message):
    """What became of an order."""

    do: Do
    ok: bool
    text: str


class Dropped(Message):
    """How many messages this viewer was too slow for."""

    messages: int


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The one thing a page may say.

    seen_s: `at_s` of the newest look that the page shows. An ARM from a page that stands still, or that was long on its
        way, is as old as what the person saw; 0: there was no look.
    """

    do: Do
    seen_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0


def emg(new: Columns, columns_per_s: float) -> Emg:
    """Columns as the page takes them."""
    counts = np.hstack((new.low, new.high)).tolist()
    columns = [column if present else None for column, present in zip(counts, new.present, strict=True)]
    return Emg(first=new.first, columns_per_s=columns_per_s, columns=columns)


def lines(spectrum: Spectrum) -> Lines:
    """Spectra as the page takes them."""
    return Lines(
        step_hz=spectrum.step_hz,
        power_db=spectrum.power_db.round(1).tolist(),
        mains_hz=spectrum.mains_hz,
        mains_db=spectrum.mains_db.round(1).tolist(),
    )
