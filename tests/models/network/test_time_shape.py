"""Lengths that are times: the window spans 0.35 to 0.45 s at any sampling rate."""

import numpy as np
import pytest
import torch

from myobridge_models.network.detectors import ApDetector
from myobridge_models.network.shape import Shape
from myobridge_models.network.time_shape import SILENCE_HZ, TimeShape

RATES_HZ = (200, 250, 300, 500, 860, 1000, 1259, 1500, 2000, 2048, 2148, 3000, 4000)


@pytest.mark.parametrize("fs_hz", RATES_HZ)
def test_the_window_spans_the_same_time_at_any_rate(fs_hz):
    shape = TimeShape(fs_hz, 4)
    assert 0.35 <= shape.window_samples / fs_hz <= 0.45
    assert all(span <= shape.window_samples for span in shape.correlation_spans)
    assert shape.correlation_spans[0] / fs_hz == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize("fs_hz", RATES_HZ)
def test_a_layer_of_a_detector_spans_about_one_period_at_any_rate(fs_hz):
    for detector in TimeShape(fs_hz, 4).detectors:
        if detector.ap_hz is not None and detector.ap_hz < fs_hz / 2:
            periods = detector.ap_hz * detector.kernel * detector.dilation(fs_hz) / fs_hz
            assert 0.7 <= periods <= 1.4


def test_at_2_khz_the_counts_are_those_of_the_notes():
    notes, shape = Shape(2000, 4), TimeShape(2000, 4)
    assert shape.window_samples == notes.window_samples == 802
    assert (shape.correlation_spans, shape.correlation_lags) == (notes.correlation_spans, notes.correlation_lags)
    for own, theirs in zip(shape.detectors[:3], notes.detectors[:3], strict=True):
        assert own == theirs
        assert (shape.stride(own), shape.dilations(own), shape.averaged_outputs(own)) == (own.stride, (10, 20), 50)


@pytest.mark.parametrize("fs_hz", RATES_HZ)
def test_the_silence_filter_listens_within_the_band_of_emg(fs_hz):
    shape = TimeShape(fs_hz, 1)
    detector = ApDetector(shape.detectors[3], fs_hz)
    taps = np.zeros(6 * detector.dilation + 1)
    taps[:: detector.dilation] = detector.taps[0, 0, 0].numpy()
    hz = np.linspace(20, min(450, fs_hz / 2), 500)
    gain = np.abs(np.exp(-2j * np.pi * np.outer(hz / fs_hz, np.arange(len(taps)))) @ taps)
    assert hz[gain.argmax()] == pytest.approx(min(SILENCE_HZ, fs_hz / 2), rel=0.2)
    assert not list(detector.parameters())
    assert torch.isfinite(detector.taps).all()
