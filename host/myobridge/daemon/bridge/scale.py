"""From the values of a stream to the counts of the wire. Pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.daemon.bridge.stream import Stream
from myobridge.errors import UserError

BITS: Final = 16
"""Of the counts of streams that are not integers of fewer bits."""
VOLTS: Final = {
    "v": 1.0, "volt": 1.0, "volts": 1.0,
    "mv": 1e-3, "millivolt": 1e-3, "millivolts": 1e-3,
    "uv": 1e-6, "µv": 1e-6, "μv": 1e-6, "microvolt": 1e-6, "microvolts": 1e-6,
}  # fmt: skip
"""Names of units, in small letters; of the two µ one is Greek."""
COUNT_V: Final = 1e-6
"""What a count means where the stream is in volts and no range is given: 16 bits span ±32.8 mV."""


class Scale(NamedTuple):
    """One count is `per_count` of the stream's unit; counts span -2^(bits-1) .. 2^(bits-1)-1."""

    bits: int
    per_count: float

    def counts(self, values: NDArray[Any]) -> tuple[NDArray[np.int16], bool]:
        """Counts int16 (n, channels), clipped to their span, and whether a value is not a number.

        Clipped counts lie at the ends of the span, where the daemon finds a saturated channel. A value that is not a
        number says that nothing was measured: its count is 0, and its frame gets the flag `lead_off`.
        """
        half = 1 << (self.bits - 1)
        scaled = values / self.per_count
        missing = np.isnan(scaled)
        lead_off = bool(missing.any())
        if lead_off:
            scaled[missing] = 0.0
        return np.clip(np.rint(scaled), -half, half - 1).astype(np.int16), lead_off


def scale_of(stream: Stream, address: str, full_range: float | None) -> Scale:
    """The scale for a stream; full_range: the largest value that the amplifier gives, in the stream's unit.

    Raises:
        UserError: the stream names no unit that says how large a count is.
    """
    if full_range is not None:
        return Scale(BITS, full_range / ((1 << (BITS - 1)) - 1))
    if stream.bits is not None:
        return Scale(stream.bits, 1.0)
    volts = VOLTS.get(stream.unit.lower())
    if volts is None:
        unit = f"names the unit '{stream.unit}'" if stream.unit else "does not name a unit"
        raise UserError(
            f"{address} {unit}, so the size of a count is unknown; give the largest value of the amplifier with "
            "--range."
        )
    return Scale(BITS, COUNT_V / volts)
