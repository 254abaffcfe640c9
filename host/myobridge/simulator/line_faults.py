"""What a bad cable does to the bytes of a serial line: flipped bits, lost bytes, bursts, stalls, unplugging."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError


@dataclass(frozen=True)
class LineFaults:
    """Which faults to make; 0 is none. Times count from the start of the line."""

    flips_per_bit: float = 0.0
    """Probability."""
    lost_per_byte: float = 0.0
    """Probability."""
    burst_bytes: float = 0.0
    """So many bytes in a row are lost, every burst_every_s."""
    burst_every_s: float = 0.0
    stall_ms: float = 0.0
    """For so long nothing arrives, then all of it, every stall_every_s."""
    stall_every_s: float = 0.0
    unplug_s: float = 0.0
    """For so long the device is gone, once, at unplug_at_s."""
    unplug_at_s: float = 0.0

    def bursts_begun(self, now_s: float) -> int:
        """How many bursts have begun by now; the first begins at burst_every_s."""
        return int(now_s / self.burst_every_s) if self.burst_bytes else 0

    def stalls_begun(self, now_s: float) -> int:
        """How many stalls have begun by now; the first begins at stall_every_s."""
        return int(now_s / self.stall_every_s) if self.stall_ms else 0

    def stalled(self, now_s: float) -> bool:
        """Whether the line stands still."""
        return self.stalls_begun(now_s) > 0 and now_s % self.stall_every_s < self.stall_ms / 1000

    def unplugged(self, now_s: float) -> bool:
        """Whether the device is gone."""
        return self.unplug_at_s <= now_s < self.unplug_at_s + self.unplug_s


@dataclass
class FaultCounts:
    """What a FaultyLine has done so far."""

    bits_flipped: int = 0
    bytes_lost: int = 0
    """Those lost in bursts included."""
    bursts: int = 0
    stalls: int = 0


@dataclass
class FaultyLine:
    """One direction of a line. The same seed damages the same bytes, however they are cut into calls."""

    faults: LineFaults
    seed: int
    counts: FaultCounts = field(default_factory=FaultCounts)

    def __post_init__(self) -> None:
        self._loss_rng, self._flip_rng = (np.random.default_rng([self.seed, i]) for i in range(2))
        self._burst_left = 0
        self._held = b""

    def apply(self, data: bytes, now_s: float) -> bytes:
        """What comes out of the line when data goes in now.

        Call it with no data too, while the line is quiet: what a stall has held back comes out of the first call
        after it. now_s never goes back.
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
        UserError: the text is no such list, or asks for something impossible.
    """
    values: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, amounts = part.strip().partition("=")
        fields = _FIELDS.get(name, ())
        numbers = [_number(amount) for amount in amounts.split("@")]
        if not fields or fields[0] in values or len(numbers) != len(fields) or None in numbers:
            raise UserError(f"Line faults: '{part.strip()}' is not understood; write {_SYNTAX}.")
        values |= {name: number for name, number in zip(fields, numbers, strict=True) if number is not None}
    return _possible(LineFaults(**values))


def _number(text: str) -> float | None:
    """A finite number not below 0, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _possible(faults: LineFaults) -> LineFaults:
    if max(faults.flips_per_bit, faults.lost_per_byte) > 1:
        raise UserError("Line faults: flips and lost are probabilities; give them from 0 to 1.")
    if faults.burst_bytes and not faults.burst_every_s:
        raise UserError("Line faults: a burst every 0 s loses everything; give it a period above 0.")
    if faults.stall_ms and faults.stall_ms >= 1000 * faults.stall_every_s:
        raise UserError("Line faults: a stall must be shorter than its period; give fewer ms or more seconds.")
    return faults
