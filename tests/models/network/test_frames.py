"""Frames of log energy have the stated length at any rate, and zero mean and unit variance after a fit."""

import numpy as np
import pytest
import torch

from myobridge_models.network.families.frames import FrameShape, LogFrames

SHAPE = FrameShape(1000, 1, frames=4, length_ms=20, step_ms=10)


def test_energies_of_a_tone_describe_its_power_and_frequency():
    tone = torch.sin(2 * torch.pi * 100 * torch.arange(SHAPE.window_samples) / 1000)
    signal, slope, curvature = LogFrames(SHAPE).log_energies(tone[None, None])[0].exp()
    factor = (2 * np.sin(np.pi * 100 / 1000)) ** 2  # of a difference, in power
    assert np.allclose(signal, 0.5, rtol=0.01)
    assert np.allclose(slope, 0.5 * factor, rtol=0.01)
    assert np.allclose(curvature, 0.5 * factor**2, rtol=0.01)


def test_the_last_frame_ends_at_the_newest_sample():
    emg = torch.zeros(1, 1, SHAPE.window_samples + 3)
    emg[..., -1] = 1
    loud = LogFrames(SHAPE).log_energies(emg[..., 3:])[0] > np.log(1e-3)
    assert loud.tolist() == [[False, False, False, True]] * 3


def test_frames_last_the_same_time_at_any_rate():
    for fs_hz in (500, 1000, 2000, 4000):
        shape = FrameShape(fs_hz, 4, frames=16, length_ms=25, step_ms=25)
        assert shape.window_samples / fs_hz == pytest.approx(0.4, abs=0.02)


def test_fit_gives_zero_mean_and_unit_variance():
    frames, emg = LogFrames(SHAPE), 7 * torch.randn(64, 1, 52)
    frames.fit(emg)
    seen = frames(emg)
    assert torch.allclose(seen.mean(dim=(0, 2)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(seen.std(dim=(0, 2)), torch.ones(3), atol=1e-2)
