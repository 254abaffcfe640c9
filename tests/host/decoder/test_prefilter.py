"""The block filter equals a sample-by-sample filter."""

import numpy as np
import pytest
from scipy.signal import butter, iirnotch, sosfilt, sosfilt_zi, tf2sos

from myobridge.decoder.prefilter import Prefilter


def sections(fs_hz):
    sos = np.vstack(
        [butter(4, [20, 0.45 * fs_hz], "bandpass", fs=fs_hz, output="sos"), tf2sos(*iirnotch(50, 30, fs_hz))]
    )
    return sos, tuple(tuple(map(float, row)) for row in sos)


@pytest.mark.parametrize("fs_hz", [500, 2000])
@pytest.mark.parametrize("block", [1, 10, 37])
def test_the_prefilter_equals_scipy_from_the_steady_state_of_the_first_sample(fs_hz, block):
    sos, ours = sections(fs_hz)
    counts = np.random.default_rng(0).integers(-500, 500, (block * 40, 3)).astype(np.int16) + np.int16(200)
    gain = np.array([0.5, 1.0, 2.0])
    prefilter = Prefilter(ours, gain, block)
    prefilter.reset(counts[0])
    got = np.vstack([prefilter(counts[i : i + block]).copy() for i in range(0, len(counts), block)])
    x = counts * gain
    wanted, _ = sosfilt(sos, x, axis=0, zi=sosfilt_zi(sos)[:, :, None] * x[0])
    assert np.abs(got - wanted).max() < 1e-8 * np.abs(x).max()


def test_a_dc_offset_causes_no_transient_in_a_high_pass():
    _, ours = sections(2000)
    prefilter = Prefilter(ours, np.ones(2), 10)
    counts = np.full((10, 2), 400, np.int16)
    prefilter.reset(counts[0])
    assert np.abs(prefilter(counts)).max() < 1e-6


def test_a_prefilter_without_sections_only_applies_the_gain():
    prefilter = Prefilter((), np.array([2.0]), 4)
    counts = np.arange(4, dtype=np.int16)[:, None]
    prefilter.reset(counts[0])
    assert prefilter(counts).ravel().tolist() == [0, 2, 4, 6]
