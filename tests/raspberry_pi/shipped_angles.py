"""Prints the decisions of each shipped model on the same EMG, to compare machines.

python shipped_angles.py prints JSON: model → angles (decisions, servos) in degrees, of the pipeline in closed loop.
"""

import json

import numpy as np

from myobridge.decoder.pipeline import Pipeline
from myobridge.model.load import open_model
from myobridge.model.shipped import shipped_models
from myobridge.settings import Settings

SECONDS = 0.7
ADC_BITS = 10


def bursts(samples: int, channels: int, fs_hz: float) -> np.ndarray:
    """Counts (samples, channels) of a forearm that tenses under its second electrode five times per second."""
    near = np.full(channels, 0.1)
    near[1] = 1.0
    noise = np.random.default_rng(6).standard_normal((samples, channels))
    tension = 1 + np.sin(2 * np.pi * 5 * np.arange(samples) / fs_hz)
    return np.clip(60 * tension[:, None] * near * noise, -512, 511).astype(np.int16)


def angles(path) -> list[tuple[float, ...]]:
    pipeline = Pipeline(open_model(path), Settings(), ADC_BITS)
    spec = pipeline.spec
    counts = bursts(int(SECONDS * spec.fs_hz), len(spec.channels), spec.fs_hz)
    return [decision.raw_deg for decision in pipeline.push(0, counts) if decision.raw_deg]


if __name__ == "__main__":
    print(json.dumps({name: angles(path) for name, path in shipped_models().items()}))
