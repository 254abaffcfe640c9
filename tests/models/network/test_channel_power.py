"""Channel power agrees with numpy, and follows an electrode's gain by a simple law."""

import numpy as np
import pytest
import torch

from myobridge_models.network.channel_power import ChannelPower
from myobridge_models.network.time_shape import TimeShape

SHAPE = TimeShape(2000, 4)


def emg(channels=4, seed=0):
    """Channels that pick up their neighbours, (channels, samples)."""
    own = np.random.default_rng(seed).standard_normal((channels + 1, 850))
    return (own[1:] + 0.7 * own[:-1] + 0.5 * np.roll(own[1:], 3, axis=1)).astype(np.float32)


def power(signal, shape=SHAPE):
    return ChannelPower(shape)(torch.from_numpy(signal)[None])[0].numpy()


def test_values_are_powers_of_channels_sums_and_differences():
    signal, expected = emg(), []
    for span in (400, 760):
        newest = signal[:, -span:].astype(np.float64)
        expected += list(np.square(newest).mean(axis=1))
        for sign in (1, -1):
            expected += [np.square(newest[a] + sign * newest[b]).mean() for a, b in SHAPE.neighbours]
            for lag in SHAPE.correlation_lags:
                expected += list(np.square(newest + sign * signal[:, -span - lag : -lag]).mean(axis=1))
    assert np.allclose(power(signal), expected, rtol=1e-5)
    assert len(expected) == SHAPE.correlation_values


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_powers_of_scaled_channels_follow_from_the_powers(channels):
    shape = TimeShape(1000, channels)
    signal, gains = emg(channels), np.linspace(0.3, 3, channels, dtype=np.float32)
    found = ChannelPower(shape).with_gain(torch.from_numpy(power(signal, shape))[None], torch.from_numpy(gains)[None])
    assert np.allclose(found[0], power(gains[:, None] * signal, shape), rtol=1e-3, atol=1e-4)


def test_one_gain_of_all_channels_scales_all_powers():
    assert np.allclose(power(3 * emg()), 9 * power(emg()), rtol=1e-5)


def test_a_dead_channel_leaves_the_others_as_they_are():
    signal = emg()
    signal[2] = 0
    values, alone = power(signal), power(emg())
    assert values[2] == 0
    assert np.array_equal(values[[0, 1, 3]], alone[[0, 1, 3]])
