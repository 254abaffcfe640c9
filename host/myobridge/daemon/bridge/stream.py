"""What a stream of EMG is to the bridge, whichever library brings it, and the addresses of streams."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError


class Stream(NamedTuple):
    """What a stream says about itself.

    unit: of its values; empty if the stream names none. bits: of its values, if they are integers of 8 or 16 bits.
    """

    channels: int
    fs_hz: float
    unit: str
    bits: int | None


class Block(NamedTuple):
    """Consecutive samples.

    values: (n, channels), of any numeric type.
    taken_s: float64 (n,), when each sample was taken, by the stream's own time stamps, in `time.monotonic()`.
    lost: int64 (n,), how many samples were lost before each sample.
    read_s: when the samples arrived here.
    """

    values: NDArray[Any]
    taken_s: NDArray[np.float64]
    lost: NDArray[np.int64]
    read_s: float


class StreamLost(Exception):
    """The stream has ended; it may come back."""


class Source(Protocol):
    """An open stream."""

    stream: Stream

    def read(self, most: int, timeout_s: float) -> Block | None:
        """Waits for `most` samples, at most `timeout_s`; fewer if the time is over, None if there are none.

        Raises:
            StreamLost: the stream has ended.
        """

    def close(self) -> None:
        """Leaves the stream."""


def open_source(address: str) -> Source:
    """Opens the stream of an address: `lsl:NAME` or `brainflow:BOARD?option=value&…`.

    Raises:
        UserError: the address, its library or its stream does not exist, or the stream is of no use here.
    """
    kind, _, name = address.partition(":")
    if kind == "lsl" and name:
        from myobridge.recording.extras import need_lsl  # noqa: PLC0415 - extras: only their users have them

        need_lsl()
        from myobridge.daemon.bridge.lsl import LslSource  # noqa: PLC0415

        return LslSource(name)
    if kind == "brainflow" and name:
        from myobridge.daemon.bridge.brainflow import BrainFlowSource  # noqa: PLC0415

        return BrainFlowSource(name)
    raise UserError(
        f"--emg {address} does not name a stream; write lsl:NAME, or brainflow:BOARD as in brainflow:synthetic."
    )
