"""Means of a detector's outputs from sums that a streaming decoder keeps: which samples a sum holds, and who reads it.

The MLP reads means of `averaged` outputs, `stride` samples apart, up to the newest sample. Kept one by one they would
be a long tape of which every hop reads all. So a hop is cut into units of samples, and of each unit one sum is kept for
each phase of a stride: as hops are no multiple of every stride, the samples that a mean reads have another phase in
each unit. A unit is as long as divides the hop and all means.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge_models.network.shape import Shape


class Sums(NamedTuple):
    """Two matrices of a network and a hop; rows of the tape stand unit by unit, older ones first.

    of_hop: (new rows, detectors · hop samples), 1 where a sum holds a sample.
    share: (detectors · means, rows of all units), what a mean takes of each sum.
    """

    of_hop: NDArray[np.float32]
    share: NDArray[np.float32]


def sums_of(shape: Shape, hop: int) -> Sums:
    """For hops of so many samples."""
    strides = np.array([d.stride for d in shape.detectors])
    maps, unit = len(strides), gcd(hop, *(shape.averaged * strides))
    detector = np.repeat(np.arange(maps), np.minimum(strides, unit))  # of each row of a unit
    phase = np.concatenate([np.arange(min(stride, unit)) for stride in strides])
    stride, new_units = strides[detector], hop // unit
    sample = np.arange(hop)
    in_unit = sample // unit == np.arange(new_units)[:, None, None]  # (units, 1, hop)
    in_phase = sample % unit % stride[:, None] == phase[:, None]  # (rows, hop)
    of_hop = np.zeros((new_units, len(detector), maps, hop), np.float32)
    of_hop[:, np.arange(len(detector)), detector] = in_unit & in_phase
    units = max(new_units + 1, shape.outputs * int(max(strides)) // unit)
    back = unit * np.arange(units - 1, -1, -1)[:, None]  # of a unit's newest sample from the newest of all, (units, 1)
    read = (back + unit - 1) % stride == phase  # (units, rows)
    mean = shape.means - 1 - np.arange(shape.means)[:, None, None] == back // (shape.averaged * stride)
    own = detector == np.arange(maps)[:, None, None, None]  # (detectors, 1, 1, rows)
    share = (own & mean & read) / np.float32(shape.averaged)
    return Sums(of_hop.reshape(-1, maps * hop), share.reshape(maps * shape.means, -1))
