"""Buffers of a stream: the newest filtered samples, how many of them were filled in, and a ring of results."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPARE_WINDOWS: Final = 4
"""The buffer holds this many windows, so that its contents move to the front only once in many hops."""


class Window:
    """Collects hops of filtered samples; `view` is the newest window."""

    def __init__(self, channels: int, window_samples: int, hop_samples: int) -> None:
        self._window = window_samples
        self._hop = hop_samples
        self._buffer = np.zeros((channels, SPARE_WINDOWS * window_samples + hop_samples), np.float32)
        hops = -(-window_samples // hop_samples)
        self._filled_by_hop: deque[int] = deque(maxlen=hops)
        self.reset()

    def reset(self) -> None:
        """Empties the window."""
        self._end = 0
        self._filled_by_hop.clear()
        self._filled = 0

    def append(self, samples: NDArray[np.floating], filled: int) -> None:
        """Adds one hop, (hop, channels), of which `filled` samples were never received."""
        if self._end + self._hop > self._buffer.shape[1]:
            kept = self._window
            self._buffer[:, :kept] = self._buffer[:, self._end - kept : self._end]
            self._end = kept
        self._buffer[:, self._end : self._end + self._hop] = samples.T
        self._end += self._hop
        if len(self._filled_by_hop) == self._filled_by_hop.maxlen:
            self._filled -= self._filled_by_hop[0]
        self._filled_by_hop.append(filled)
        self._filled += filled

    @property
    def full(self) -> bool:
        """Enough samples have arrived for a whole window."""
        return self._end >= self._window

    @property
    def filled_share(self) -> float:
        """Share of the window that was filled in for lost samples."""
        return self._filled / self._window

    @property
    def view(self) -> NDArray[np.float32]:
        """float32 (channels, window), newest sample last; changes with the next append."""
        return self._buffer[:, self._end - self._window : self._end]

    def newest(self, samples: int) -> NDArray[np.float32]:
        """The newest `samples` samples or fewer, float32 (channels, samples); changes with the next append."""
        return self._buffer[:, max(0, self._end - samples) : self._end]


class Ring:
    """The results of the last `hops` hops, always readable as one contiguous piece, because each hop is kept twice.

    Hop n has slot n % hops. Its second copy is the mirror of the slot.
    """

    def __init__(self, hops: int, shape: Sequence[int]) -> None:
        """`shape` is the shape of the result of one hop."""
        self._twice = np.zeros((2, hops, *shape), np.float32)

    def clear(self) -> None:
        """Fills the ring with zeros."""
        self._twice[:] = 0

    def slot(self, at: int) -> NDArray[np.float32]:
        """View of a slot. After the caller writes the slot, it has to copy the slot into the mirror."""
        slot: NDArray[np.float32] = self._twice[1, at]
        return slot

    def mirror(self, at: int) -> NDArray[np.float32]:
        """View of the second copy of a slot."""
        mirror: NDArray[np.float32] = self._twice[0, at]
        return mirror

    def pair(self, at: int) -> NDArray[np.float32]:
        """View of the mirror and the slot, to write both at once."""
        pair: NDArray[np.float32] = self._twice[:, at]
        return pair

    def newest(self, at: int, shape: Sequence[int]) -> NDArray[np.float32]:
        """View of the newest values before slot `at`, as many as `shape` takes."""
        _, hops, *own = self._twice.shape
        end = (hops + at) * prod(own)
        return self._twice.reshape(-1)[end - prod(shape) : end].reshape(shape)
