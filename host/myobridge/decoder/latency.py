"""Measures how long a decision takes on this machine: times each call of a decoder, as the daemon makes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.inference import Decoder, decoder_of
from myobridge.decoder.window import Window
from myobridge.model.load import Model

TURNS: Final = 50
CALLS_A_TURN: Final = 20


def hop_times_ms(models: Sequence[Model], turns: int = TURNS, calls: int = CALLS_A_TURN) -> NDArray[np.float64]:
    """Milliseconds from a hop in the window to its angles, float64 (models, turns * calls), on noise, in one thread.

    The models take turns of `calls` calls, so that other load on the machine affects all of them. To compare both
    graphs of a file, pass the model twice: opened by default and opened with `windowed=True`.
    """
    times_s = [list[float]() for _ in models]
    running = [_Running(model) for model in models]
    for _ in range(turns):
        for one, own in zip(running, times_s, strict=True):
            own.extend(one.turn(calls))
    return 1000 * np.array(times_s)


class _Running:
    """A decoder in the middle of a stream."""

    def __init__(self, model: Model) -> None:
        spec = model.spec
        self._noise = np.random.default_rng(0).standard_normal((spec.hop_samples, len(spec.channels)))
        self._window = Window(len(spec.channels), spec.window_samples, spec.hop_samples)
        self._decoder: Decoder = decoder_of(model)
        while not self._window.full:
            self._hop_s()

    def turn(self, calls: int) -> Iterator[float]:
        """Seconds of each call; one untimed call first warms the caches again."""
        self._hop_s()
        for _ in range(calls):
            yield self._hop_s()

    def _hop_s(self) -> float:
        self._window.append(self._noise, 0)
        began_s = perf_counter()
        self._decoder(self._window)
        return perf_counter() - began_s
