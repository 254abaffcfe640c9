"""Window sums: a streaming decoder keeps sums of a detector's outputs, from which it computes the means of a window.

The MLP reads means of `averaged` outputs, `stride` samples apart, up to the newest sample. A tape of single outputs
would be long, and every hop would read all of it. So a hop is cut into units, and the tape keeps one sum for each unit
and each phase of the stride: a hop is not a multiple of every stride, so the samples of a mean have another phase in
each unit. The unit is the greatest common divisor of the hop and the lengths of all means.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge_models.network.shape import Shape


class WindowSums(NamedTuple):
    """Two matrices for a network and a hop; the tape's rows are ordered by unit, older units first.

    of_hop: (new rows, detectors · hop samples), 1 where a sum includes a sample.
    share: (detectors · means, rows of all units), the weight of each sum in each mean.
    """

    of_hop: NDArray[np.float32]
    share: NDArray[np.float32]


def window_sums(shape: Shape, hop: int) -> WindowSums:
    """Returns the window sums of a network for hops of `hop` samples."""
    strides = np.array([shape.stride(d) for d in shape.detectors])
    averaged = np.array([shape.averaged_outputs(d) for d in shape.detectors])
    maps, unit = len(strides), gcd(hop, *(averaged * strides).tolist())
    detector = np.repeat(np.arange(maps), np.minimum(strides, unit))  # of each row of a unit
    phase = np.concatenate([np.arange(min(stride, unit)) for stride in strides])
    stride, new_units = strides[detector], hop // unit
    sample = np.arange(hop)
    in_unit = sample // unit == np.arange(new_units)[:, None, None]  # (units, 1, hop)
    in_phase = sample % unit % stride[:, None] == phase[:, None]  # (rows, hop)
    of_hop = np.zeros((new_units, len(detector), maps, hop), np.float32)
    of_hop[:, np.arange(len(detector)), detector] = in_unit & in_phase
    units = max(new_units + 1, shape.means * int(max(averaged * strides)) // unit)
    back = unit * np.arange(units - 1, -1, -1)[:, None]  # of a unit's newest sample from the newest of all, (units, 1)
    read = (back + unit - 1) % stride == phase  # (units, rows)
    mean = shape.means - 1 - np.arange(shape.means)[:, None, None] == back // (averaged[detector] * stride)
    own = detector == np.arange(maps)[:, None, None, None]  # (detectors, 1, 1, rows)
    share = (own & mean & read) / averaged[detector].astype(np.float32)
    return WindowSums(of_hop.reshape(-1, maps * hop), share.reshape(maps * shape.means, -1))
