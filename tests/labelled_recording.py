"""A recording whose movements differ in amplitude, for the tests of the training."""

import numpy as np

from myobridge.model.file import LabelledPose
from myobridge.recording import Recording

FS_HZ = 500
POSES = (LabelledPose(0, "rest", (40,) * 5), LabelledPose(1, "open", (0,) * 5), LabelledPose(2, "fist", (180,) * 5))


def labelled(labels=(1, 2), seconds_each=4.0, repetitions=2, channels=2, fs_hz=FS_HZ, poses=POSES) -> Recording:
    """Movement and rest in turn; each label has its own amplitude on each channel."""
    rng = np.random.default_rng(0)
    n = round(seconds_each * fs_hz)
    label = np.concatenate([np.repeat([movement, 0], n) for movement in labels for _ in range(repetitions)])
    repetition = np.concatenate([np.full(2 * n, r) for _ in labels for r in range(repetitions)])
    loudness = 20 + 100 * np.stack([label, label[::-1].max() - label], axis=1)[:, [i % 2 for i in range(channels)]]
    counts = (loudness * rng.standard_normal((len(label), channels))).astype(np.int16)
    run = np.repeat(np.arange(len(labels)), 2 * n * repetitions)
    as_bytes = (values.astype(np.uint8) for values in (label, repetition, run))
    return Recording(counts, fs_hz, 16, *as_bytes, poses=poses)
