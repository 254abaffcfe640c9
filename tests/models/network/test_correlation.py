"""Channel correlation agrees with numpy, does not depend on gains, and exists for any rate and channel count."""

import numpy as np
import pytest
import torch

from myobridge_models.network.correlation import ChannelCorrelation
from myobridge_models.network.shape import Shape

SHAPE = Shape(2000, 4)


def emg(channels=4, seed=0):
    """Channels that pick up their neighbours, (channels, samples)."""
    own = np.random.default_rng(seed).standard_normal((channels + 1, 850))
    return (own[1:] + 0.7 * own[:-1] + 0.5 * np.roll(own[1:], 3, axis=1)).astype(np.float32)


def correlation(signal, shape=SHAPE):
    return ChannelCorrelation(shape)(torch.from_numpy(signal)[None])[0].numpy()


def by_numpy(a, b):
    return np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b))


def test_values_are_correlations_of_neighbours_and_of_each_channel_with_its_past():
    signal, expected = emg(), []
    for span in (400, 760):
        newest = signal[:, -span:]
        expected += [by_numpy(newest[a], newest[b]) for a, b in SHAPE.neighbours]
        for lag in (1, 2, 3, 4, 6, 8, 12, 16):
            past = signal[:, -span - lag : -lag]
            expected += [np.sum(now * then) / np.sum(now * now) for now, then in zip(newest, past, strict=True)]
    assert SHAPE.correlation_spans == (400, 760)  # 200 and 380 ms
    assert np.allclose(correlation(signal), expected, atol=1e-5)


def test_electrode_gains_do_not_change_the_values():
    gains = np.array([[0.1], [1], [3], [20]], np.float32)
    assert np.allclose(correlation(emg()), correlation(gains * emg()), atol=1e-5)


def test_a_dead_channel_correlates_with_no_other():
    signal = emg()
    signal[2] = 0
    values = correlation(signal)
    with_it = [number for number, pair in enumerate(SHAPE.neighbours) if 2 in pair]
    assert np.isfinite(values).all()
    assert (values[with_it] == 0).all()


@pytest.mark.parametrize(
    ("channels", "neighbours"),
    [
        (1, []),
        (2, [(0, 1)]),
        (4, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]),
        (6, [(0, 1), (0, 2), (0, 4), (0, 5), (1, 2), (1, 3), (1, 5), (2, 3), (2, 4), (3, 4), (3, 5), (4, 5)]),
    ],
)
def test_neighbours_are_the_next_two_round_the_arm(channels, neighbours):
    assert Shape(2000, channels).neighbours == neighbours


def test_the_number_of_values_grows_linearly_with_the_channels():
    values = {channels: Shape(2000, channels).correlation_values for channels in (8, 16, 32)}
    assert values[32] == 2 * values[16] == 4 * values[8]


@pytest.mark.parametrize("fs_hz", [500, 1000, 2148, 4000])
def test_spans_are_whole_hops_and_lags_whole_samples_at_any_rate(fs_hz):
    shape = Shape(fs_hz, 3)
    assert 150 < 1000 * shape.correlation_spans[0] / fs_hz < 210
    assert shape.correlation_lags[0] > 0
    assert shape.correlation_lags[-1] == pytest.approx(0.008 * fs_hz, abs=0.5)
    assert len(correlation(np.resize(emg(3), (3, shape.window_samples)), shape)) == shape.correlation_values


def test_channel_correlation_does_not_lengthen_the_window():
    for fs_hz in (1000, 2000):
        assert Shape(fs_hz, 4).window_samples == Shape(fs_hz, 4, correlation_hops=()).window_samples
