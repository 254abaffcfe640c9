"""Altered copies of takes, as other electrodes would have recorded them; a network may train on them too.

Each alteration holds for a whole take, as a bad contact or a shifted cuff does. Channel gains are not altered here: the
training draws new gains for every window.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge_models.data.takes import Take

SHIFT: Final = 0.15
"""Largest share of a neighbouring electrode's signal in a channel, for a turned cuff."""
NOISE_SNR_DB: Final = (15.0, 40.0)
MAINS_HZ: Final = (50, 60)
MAINS_RMS: Final = 0.2
"""Largest hum, relative to the RMS of the channel's EMG in training."""
DROPPED: Final = 0.1
"""Share of the takes in which one channel is dead."""
WARP: Final = 0.03
"""Largest relative change of speed: muscle fibres conduct slower when they are tired or cold."""

Floats = NDArray[np.float32]


def altered(take: Take, fs_hz: float, rng: np.random.Generator) -> Take:
    """Returns a scaled take as another day would have recorded it."""
    take = warped(take, 1 + rng.uniform(-WARP, WARP))
    emg = shifted(take.emg, rng.uniform(-SHIFT, SHIFT))
    emg = with_noise(emg, rng.uniform(*NOISE_SNR_DB), rng)
    emg = with_mains(emg, rng.choice(MAINS_HZ), rng.uniform(0, MAINS_RMS, len(emg)), fs_hz, rng)
    if len(emg) > 1 and rng.random() < DROPPED:
        emg[rng.integers(len(emg))] = 0
    return replace(take, emg=emg)


def warped(take: Take, speed: float) -> Take:
    """Returns the take, `speed` times as fast."""
    count = int((len(take) - 1) / speed) + 1
    at = np.arange(count) * speed
    nearest = np.round(at).astype(np.int64)
    samples = np.arange(len(take))
    emg = np.stack([np.interp(at, samples, channel) for channel in take.emg]).astype(np.float32)
    return Take(emg, take.target_deg[nearest], take.movement[nearest], take.repetition[nearest], take.usable[nearest])


def shifted(emg: Floats, share: float) -> Floats:
    """Mixes each channel of emg (C, T) with a neighbour: the cuff has turned `share` of the way to the next one."""
    neighbour = np.roll(emg, 1 if share > 0 else -1, axis=0)
    return np.asarray((1 - abs(share)) * emg + abs(share) * neighbour, np.float32)


def with_noise(emg: Floats, snr_db: float, rng: np.random.Generator) -> Floats:
    """Adds white noise to emg (C, T), whose channels have unit RMS."""
    noise = rng.standard_normal(emg.shape, np.float32) * np.float32(10 ** (-snr_db / 20))
    return emg + noise


def with_mains(emg: Floats, hz: float, rms: NDArray[np.float64], fs_hz: float, rng: np.random.Generator) -> Floats:
    """Adds hum of rms (C,) and its third harmonic, the strongest in practice, to emg (C, T)."""
    angle = 2 * np.pi * (hz * np.arange(emg.shape[1]) / fs_hz + rng.random())
    hum = np.sin(angle) + 0.3 * np.sin(3 * angle + rng.uniform(0, 2 * np.pi))
    return np.asarray(emg + np.sqrt(2) * rms[:, None] * hum, np.float32)
