"""A model and a wearer for tests of the whole morning; `morning_run.py` runs them with a daemon and a board.

The model is a small one, trained here in a second with numpy: logarithms of the channels' powers, and a head of
three layers.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from headed_model import headed
from myobridge.calibration.class_statistics import HELD_S, Day, statistics_of
from myobridge.calibration.poses import load_poses
from myobridge.calibration.windows import windows_of
from myobridge.model.file import REST, REST_DEG, ModelSpec
from myobridge.model.head import with_statistics
from myobridge.model.statistics import encode_statistics
from myobridge.recording import Recording
from myobridge.simulator.script import StepScript
from myobridge.simulator.synth import SynthOptions, SynthSource

FS_HZ: Final = 1000.0
CHANNELS: Final = 8
WINDOW: Final = 300
WEARER: Final = 0
POSES: Final = tuple(pose.labelled for pose in load_poses())
HIDDEN: Final = 24
TRAINING_SEEDS: Final = (101, 102, 103, 104)
SPEC: Final = ModelSpec(
    name="morning",
    family="morning",
    fs_hz=FS_HZ,
    channels=tuple(f"E{n}" for n in range(1, CHANNELS + 1)),
    window_samples=WINDOW,
    hop_samples=5,
    history_hops=10,
    prefilter_sos=((0.93, -1.86, 0.93, 1.0, -1.85, 0.8649),),
    scale_fs=(0.2,) * CHANNELS,
    rest_pose_deg=REST_DEG,
    poses=POSES,
)


def session(seed: int, *, seat: int = 0, hold_s: float = 2.0, rest_s: float = 1.6, repetitions: int = 1) -> Recording:
    """A guided recording of the simulated wearer."""
    steps, label = [(rest_s, POSES[REST].angles_deg)], [np.full(round(rest_s * FS_HZ), REST, np.uint8)]
    for _ in range(repetitions):
        for pose in POSES[1:]:
            for seconds, one in ((hold_s, pose), (rest_s, POSES[REST])):
                steps.append((seconds, one.angles_deg))
                label.append(np.full(round(seconds * FS_HZ), one.label, np.uint8))
    options = SynthOptions(fs_hz=FS_HZ, channels=CHANNELS, seed=seed, wearer=WEARER, seat=seat)
    source = SynthSource(replace(options, script=StepScript(steps, move_s=0.4)))
    labels = np.concatenate(label)
    counts, _ = source.read(len(labels))
    return Recording(counts, FS_HZ, 10, labels, np.zeros(len(labels), np.uint8), None, None, POSES)


def write_morning_model(path: Path) -> Path:
    """Trains the model on sessions in the usual seat, and writes it with their class statistics."""
    layers = [
        (np.zeros((HIDDEN, CHANNELS + 10)), np.zeros(HIDDEN)),
        (np.zeros((HIDDEN, HIDDEN)), np.zeros(HIDDEN)),
        (np.zeros((5, HIDDEN)), np.zeros(5)),
    ]
    path.write_bytes(headed(layers, SPEC))
    days = [_windows(path, seed) for seed in TRAINING_SEEDS]
    features = np.concatenate([day.features for day in days])
    labels = np.concatenate([day.labels for day in days])
    table = np.array([pose.angles_deg for pose in POSES])
    layers = _trained(features, table[labels] / 180)
    data = headed(layers, SPEC)
    path.write_bytes(with_statistics(data, encode_statistics(statistics_of(days))))
    return path


def _windows(path: Path, seed: int) -> Day:
    windows = windows_of(path.read_bytes(), SPEC, session(seed), path)
    inside = windows.hold >= 0
    return Day(windows.features[inside], windows.label[inside], windows.since_s[inside] <= HELD_S)


def _trained(x: np.ndarray, target: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Three layers that map features (n, CHANNELS) to shares (n, 5): Adam on the squared error, with some noise."""
    rng = np.random.default_rng(0)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    z = (x - mean) / spread
    sizes = (CHANNELS, HIDDEN, HIDDEN, 5)
    parts = [
        part
        for into, out in zip(sizes, sizes[1:], strict=False)
        for part in (rng.standard_normal((out, into)) * np.sqrt(2 / into), np.zeros(out))
    ]
    first = [np.zeros_like(part) for part in parts]
    second = [np.zeros_like(part) for part in parts]
    for step in range(1, 601):
        noisy = z + 0.15 * rng.standard_normal(z.shape)
        w1, b1, w2, b2, w3, b3 = parts
        h1 = np.maximum(noisy @ w1.T + b1, 0)
        h2 = np.maximum(h1 @ w2.T + b2, 0)
        y = 1 / (1 + np.exp(-(h2 @ w3.T + b3)))
        d3 = (y - target) * y * (1 - y) / len(z)
        d2 = (d3 @ w3) * (h2 > 0)
        d1 = (d2 @ w2) * (h1 > 0)
        gradients = [d1.T @ noisy, d1.sum(0), d2.T @ h1, d2.sum(0), d3.T @ h2, d3.sum(0)]
        for number, gradient in enumerate(gradients):
            first[number] += 0.1 * (gradient - first[number])
            second[number] += 0.001 * (gradient**2 - second[number])
            unbiased = np.sqrt(second[number] / (1 - 0.999**step)) + 1e-9
            parts[number] -= 0.02 * first[number] / (1 - 0.9**step) / unbiased
    w1, b1, w2, b2, w3, b3 = parts
    wide = np.zeros((HIDDEN, CHANNELS + 10))
    wide[:, :CHANNELS] = w1 / spread
    return [(wide, b1 - w1 @ (mean / spread)), (w2, b2), (w3, b3)]
