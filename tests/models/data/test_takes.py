"""Recordings become takes: filtered as in the daemon, with the cue's pose at every sample."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import sosfreqz

from labelled_recording import FS_HZ, labelled
from myobridge.decoder.prefilter import Prefilter
from myobridge.errors import UserError
from myobridge_models.data.biopatrec import POSES
from myobridge_models.data.takes import channel_scale, design_prefilter, filtered, only_repetitions, settled, takes_of


def takes_of_labelled(recording=None):
    return takes_of(recording or labelled(), Path("rec.npz"), design_prefilter(FS_HZ), POSES)


def test_the_filter_starts_in_the_steady_state_of_the_first_sample():
    still = np.full((300, 2), 1000, np.int16)
    assert np.abs(filtered(still, 16, design_prefilter(2000))).max() < 1e-6


def test_the_filter_is_causal_and_restarts_with_each_take():
    recording = labelled()
    takes = takes_of_labelled(recording)
    first_run = recording.counts[: len(takes[0])]
    assert np.allclose(takes[0].emg, filtered(first_run, 16, design_prefilter(FS_HZ)))
    half = filtered(first_run[:500], 16, design_prefilter(FS_HZ))
    assert np.allclose(takes[0].emg[:, :500], half)


def test_the_filter_is_the_daemons_filter():
    counts, sections = labelled().counts[:1000], design_prefilter(FS_HZ)
    runtime = Prefilter(sections, np.full(2, 2.0**-15), 10)
    runtime.reset(counts[0])
    online = np.concatenate([runtime(counts[at : at + 10]).copy() for at in range(0, 1000, 10)])
    assert np.allclose(filtered(counts, 16, sections).T, online, atol=1e-7)


def test_only_settled_samples_are_trained_on():
    label = np.repeat([0, 1, 0], 6 * FS_HZ).astype(np.uint8)
    seconds = np.flatnonzero(settled(label, FS_HZ)) / FS_HZ
    assert not ((seconds > 6.0) & (seconds < 6.7)).any()  # the muscle follows the cue late
    assert not ((seconds >= 11.8) & (seconds < 13.0)).any()  # and relaxes late, or a little early
    assert ((seconds >= 6.7) & (seconds < 11.8)).sum() == pytest.approx(5.1 * FS_HZ, abs=2)


def test_no_sample_of_a_held_out_repetition_is_kept():
    kept = only_repetitions(takes_of_labelled(), [1])
    assert {int(r) for take in kept for r in take.repetition} == {1}
    assert sum(len(take) for take in kept) == 2 * 2 * 4 * FS_HZ


def test_a_flat_channel_is_named():
    recording = labelled()
    recording.counts[:, 1] = 7
    with pytest.raises(UserError, match="EMG 2 is flat"):
        channel_scale(takes_of_labelled(recording))


def test_a_label_without_a_pose_is_refused():
    with pytest.raises(UserError, match=r"rec.npz has labels without a known pose \(\[42\]\)"):
        takes_of_labelled(labelled(labels=(1, 42)))


def gain_at(sections, hz, fs_hz):
    return abs(sosfreqz(sections, [hz], fs=fs_hz)[1][0])


@pytest.mark.parametrize("fs_hz", [200, 500, 1000, 2000, 4000])
def test_the_filter_removes_drift_and_the_hum_of_both_mains_and_keeps_emg_at_any_rate(fs_hz):
    sections = design_prefilter(fs_hz)
    assert gain_at(sections, 2, fs_hz) < 0.02
    assert max(gain_at(sections, hz, fs_hz) for hz in (50, 60)) < 1e-3
    assert gain_at(sections, 80, fs_hz) > 0.9
    assert max(gain_at(sections, hz, fs_hz) for hz in np.linspace(0, fs_hz / 2 - 1, 999)) < 1.05


def test_noise_above_the_band_of_emg_is_filtered_where_the_rate_reaches_it():
    assert gain_at(design_prefilter(2000), 450, 2000) == pytest.approx(2**-0.5, rel=0.05)
    assert gain_at(design_prefilter(2000), 900, 2000) < 0.05
    assert gain_at(design_prefilter(500), 240, 500) > 0.9
