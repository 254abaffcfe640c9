"""Power spectra of counts."""

import numpy as np
import pytest

from myobridge.spectrum import frequencies_hz, power_density

FS_HZ = 1000.0


def test_the_density_of_white_noise_integrates_to_its_variance():
    counts = 30 * np.random.default_rng(0).standard_normal((200, 500, 2))
    density = power_density(counts, FS_HZ).mean(axis=0)
    assert density.shape == (len(frequencies_hz(500, FS_HZ)), 2)
    assert density.sum(axis=0) * FS_HZ / 500 == pytest.approx([900, 900], rel=0.05)


def test_a_sine_has_its_power_at_its_own_frequency_and_the_mean_has_none():
    counts = 70 + 100 * np.sin(2 * np.pi * 50 * np.arange(500)[:, None] / FS_HZ)
    density = power_density(counts.astype(np.int16), FS_HZ)[:, 0]
    assert frequencies_hz(500, FS_HZ)[np.argmax(density)] == 50
    assert density.sum() * FS_HZ / 500 == pytest.approx(5000, rel=0.02)


def test_a_single_sample_has_a_spectrum():
    assert power_density(np.ones((1, 3), np.int16), FS_HZ).tolist() == [[0, 0, 0]]
