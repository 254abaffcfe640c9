"""Simulates a bad serial line: flipped bits, lost bytes, bursts, stalls, unplugging."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError


@dataclass(frozen=True)
class LineFaults:
    """The faults to simulate; 0 means none. Times count from the start of the line."""

    flips_per_bit: float = 0.0
    """Probability."""
    lost_per_byte: float = 0.0
    """Probability."""
    burst_bytes: float = 0.0
    """Number of bytes in a row that are lost every burst_every_s."""
    burst_every_s: float = 0.0
    stall_ms: float = 0.0
    """Time for which nothing arrives, every stall_every_s; everything arrives afterwards."""
    stall_every_s: float = 0.0
    unplug_s: float = 0.0
    """Time for which the board is unplugged, once, at unplug_at_s."""
    unplug_at_s: float = 0.0

    def bursts_begun(self, now_s: float) -> int:
        """Number of bursts that have begun by now; the first begins at burst_every_s."""
        return int(now_s / self.burst_every_s) if self.burst_bytes else 0

    def stalls_begun(self, now_s: float) -> int:
        """Number of stalls that have begun by now; the first begins at stall_every_s."""
        return int(now_s / self.stall_every_s) if self.stall_ms else 0

    def stalled(self, now_s: float) -> bool:
        """Whether the line is stalled."""
        return self.stalls_begun(now_s) > 0 and now_s % self.stall_every_s < self.stall_ms / 1000

    def unplugged(self, now_s: float) -> bool:
        """Whether the board is unplugged."""
        return self.unplug_at_s <= now_s < self.unplug_at_s + self.unplug_s


@dataclass
class FaultCounts:
    """Faults that a FaultyLine has made so far."""

    bits_flipped: int = 0
    bytes_lost: int = 0
    """Includes the bytes lost in bursts."""
    bursts: int = 0
    stalls: int = 0


@dataclass
class FaultyLine:
    """One direction of a line. The same seed damages the same bytes, however calls cut them."""

    faults: LineFaults
    seed: int
    counts: FaultCounts = field(default_factory=FaultCounts)

    def __post_init__(self) -> None:
        self._loss_rng, self._flip_rng = (np.random.default_rng([self.seed, i]) for i in range(2))
        self._burst_left = 0
        self._held = b""

    def apply(self, data: bytes, now_s: float) -> bytes:
        """The bytes that leave the line when `data` enters it now.

        Call it without data, too: the bytes that a stall has held back leave with the first call after the stall. now_s
        must not go back.
        """
        self.counts.stalls = self.faults.stalls_begun(now_s)
        data = self._flip(self._lose(data, now_s))
        if self.faults.stalled(now_s):
            self._held += data
            return b""
        data, self._held = self._held + data, b""
        return data

    def _lose(self, data: bytes, now_s: float) -> bytes:
        begun = self.faults.bursts_begun(now_s)
        if begun > self.counts.bursts:
            self.counts.bursts = begun
            self._burst_left = int(self.faults.burst_bytes)
        kept = data[self._burst_left :]
        self._burst_left -= len(data) - len(kept)
        if self.faults.lost_per_byte:
            arrives = self._loss_rng.random(len(kept)) >= self.faults.lost_per_byte
            kept = _bytes(kept)[arrives].tobytes()
        self.counts.bytes_lost += len(data) - len(kept)
        return kept

    def _flip(self, data: bytes) -> bytes:
        if not self.faults.flips_per_bit:
            return data
        flips = self._flip_rng.random(8 * len(data)) < self.faults.flips_per_bit
        self.counts.bits_flipped += int(flips.sum())
        return (_bytes(data) ^ np.packbits(flips)).tobytes()


def _bytes(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, dtype=np.uint8)


_FIELDS: Final = {
    "flips": ("flips_per_bit",),
    "lost": ("lost_per_byte",),
    "burst": ("burst_bytes", "burst_every_s"),
    "stall": ("stall_ms", "stall_every_s"),
    "unplug": ("unplug_s", "unplug_at_s"),
}
_SYNTAX: Final = "flips=P,lost=P,burst=BYTES@EVERY_S,stall=MS@EVERY_S,unplug=S@AT_S, each at most once"


def parse_line_faults(text: str) -> LineFaults:
    """Faults from text such as `flips=1e-4,lost=1e-5,burst=300@5,stall=200@7,unplug=2@10`.

    Raises:
        UserError: the text is not such a list, or a fault is impossible.
    """
    values: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, amounts = part.strip().partition("=")
        fields = _FIELDS.get(name, ())
        numbers = [_number(amount) for amount in amounts.split("@")]
        if not fields or fields[0] in values or len(numbers) != len(fields) or None in numbers:
            raise UserError(f"The line fault '{part.strip()}' is not valid; write {_SYNTAX}.")
        values |= {name: number for name, number in zip(fields, numbers, strict=True) if number is not None}
    return _possible(LineFaults(**values))


def _number(text: str) -> float | None:
    """A finite number of at least 0, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _possible(faults: LineFaults) -> LineFaults:
    if max(faults.flips_per_bit, faults.lost_per_byte) > 1:
        raise UserError("The line faults flips and lost are probabilities; give numbers from 0 to 1.")
    if faults.burst_bytes and not faults.burst_every_s:
        raise UserError("The line fault burst has a period of 0 s and would lose everything; give it a period above 0.")
    if faults.stall_ms and faults.stall_ms >= 1000 * faults.stall_every_s:
        raise UserError("The line fault stall must be shorter than its period; give fewer ms or more seconds.")
    return faults
