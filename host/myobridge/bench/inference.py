"""The network alone: how long a decision takes, window by window."""

from __future__ import annotations

from time import perf_counter
from typing import Final

import numpy as np

from myobridge.decode import Decoder, Model
from myobridge.metrics import Distribution

WARM_UP: Final = 20
DECISIONS: Final = 1000


def windowed(model: Model) -> Distribution:
    """Times of decisions that compute their whole window anew."""
    spec = model.spec
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((4, len(spec.channels), spec.window_samples), np.float32)
    decode, times = Decoder(model), Distribution()
    for k in range(WARM_UP + DECISIONS):
        began_s = perf_counter()
        decode(windows[k % len(windows)])
        if k >= WARM_UP:
            times.add(perf_counter() - began_s)
    return times
