"""The model's causal pre-filter: second-order sections that filter one hop in a single matrix product.

A cascade of sections is a linear system with state z: y = C z + D x, z' = A z + B x. Over a block of N samples the
outputs and the next state are linear in the N inputs and the state, so one constant matrix maps [x; z] to [y; z'].
The result equals that of filtering sample by sample, up to rounding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sections = tuple[tuple[float, float, float, float, float, float], ...]
Matrix = NDArray[np.float64]


def _step(sections: Sections, x: Matrix, z: Matrix) -> Matrix:
    """Filters one sample of many signals (signals,) in all sections, transposed direct form II.

    Updates the state z (sections, 2, signals) in place.
    """
    for (b0, b1, b2, a0, a1, a2), state in zip(sections, z, strict=True):
        y = (b0 * x + state[0]) / a0
        state[0], state[1] = b1 * x - a1 * y + state[1], b2 * x - a2 * y
        x = y
    return x


def block_matrix(sections: Sections, block: int) -> Matrix:
    """The matrix that maps [x (block); z (2 * sections)] to [y (block); next z], float64."""
    order = 2 * len(sections)
    unit = np.eye(block + order)
    z = unit[block:].reshape(len(sections), 2, block + order)
    outputs = [_step(sections, sample, z) for sample in unit[:block]]
    return np.vstack([*outputs, z.reshape(order, block + order)])


def steady_state(sections: Sections) -> Matrix:
    """The state (2 * sections,) after an endless input of 1, so that a DC offset causes no transient at the start."""
    order = 2 * len(sections)
    step = block_matrix(sections, 1)
    b, a = step[1:, 0], step[1:, 1:]
    return np.linalg.solve(np.eye(order) - a, b).astype(np.float64)


class Prefilter:
    """The filter for all channels; each channel has its own state."""

    def __init__(self, sections: Sections, gain: Matrix, block: int) -> None:
        """`gain` (channels,) multiplies the counts before the filter; `block` is the number of samples in each call."""
        self._block = block
        self._gain = gain
        self._matrix = block_matrix(sections, block)
        self._steady = steady_state(sections)
        self._before, self._after = [(x, x[:block]) for x in np.zeros((2, len(self._matrix), len(gain)))]
        """Two buffers, each with a view of its samples: samples above, state below. They swap roles at each block."""

    def reset(self, counts: NDArray[np.int16]) -> None:
        """Starts in the steady state for `counts` (channels,), the first sample of the stream."""
        self._before[0][self._block :] = np.outer(self._steady, counts * self._gain)

    def __call__(self, counts: NDArray[np.int16]) -> Matrix:
        """Filters int16 (block, channels) to float64 (block, channels), a view that the next call overwrites."""
        (before, samples), (after, filtered) = self._before, self._after
        samples[:] = counts  # converting and multiplying in one step would take twice as long
        np.multiply(samples, self._gain, samples)
        np.dot(self._matrix, before, after)
        self._before, self._after = self._after, self._before
        return filtered
