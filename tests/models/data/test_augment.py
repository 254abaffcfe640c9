"""Altered copies of takes have the stated noise, hum, shift and speed."""

from pathlib import Path

import numpy as np
import pytest

from labelled_recording import FS_HZ, labelled
from myobridge_models.data.augment import shifted, warped, with_mains, with_noise
from myobridge_models.data.biopatrec import POSES
from myobridge_models.data.takes import design_prefilter, takes_of

RNG = np.random.default_rng(0)
EMG = RNG.standard_normal((3, 4000)).astype(np.float32)


def test_a_turned_cuff_mixes_neighbours():
    turned = shifted(EMG, 0.25)
    assert np.allclose(turned[1], 0.75 * EMG[1] + 0.25 * EMG[0], atol=1e-6)
    assert np.allclose(shifted(EMG, -1.0)[0], EMG[1], atol=1e-6)


def test_noise_has_its_level():
    noise = with_noise(EMG, 20, RNG) - EMG
    assert noise.std() == pytest.approx(0.1, rel=0.05)


def test_hum_has_its_frequency_and_level():
    hum = with_mains(np.zeros((1, 4000), np.float32), 50, np.array([0.5]), 1000, RNG)[0]
    assert np.argmax(np.abs(np.fft.rfft(hum))) == 50 * 4
    assert hum.std() == pytest.approx(0.5, rel=0.1)


def test_warping_speeds_up_signal_and_labels_together():
    take = takes_of(labelled(), Path("rec.npz"), design_prefilter(FS_HZ), POSES)[0]
    fast = warped(take, 1.05)
    assert len(fast) == pytest.approx(len(take) / 1.05, abs=2)
    cues = [np.flatnonzero(np.diff(t.movement))[0] for t in (take, fast)]
    assert cues[1] == pytest.approx(cues[0] / 1.05, abs=2)
