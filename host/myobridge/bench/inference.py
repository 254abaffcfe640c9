"""Times the network alone: decisions that compute the whole window, and decisions that compute a hop's share."""

from __future__ import annotations

from pathlib import Path

from myobridge.decoder.latency import hop_times_ms
from myobridge.metrics import Distribution
from myobridge.model.load import open_model


def windowed_and_streaming(path: Path) -> tuple[Distribution, Distribution | None]:
    """Decision times of both graphs of a model file, in turn; None: the file has no streaming graph."""
    offered = open_model(path)
    models = [open_model(path, windowed=True), *([offered] if offered.streaming else [])]
    found = [Distribution() for _ in models]
    for distribution, times_ms in zip(found, hop_times_ms(models), strict=True):
        for time_ms in times_ms:
            distribution.add(float(time_ms) / 1000)
    return found[0], found[1] if offered.streaming else None
