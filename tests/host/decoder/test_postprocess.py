"""Rest gate, smoothing and limits."""

import numpy as np
import pytest

from myobridge.decoder.postprocess import Postprocessor
from myobridge.model.file import REST_DEG, ModelSpec, RestGate, Smoothing

OPEN, CLOSED = (0.0,) * 5, (180.0,) * 5


def postprocess_of(smoothing=None, hop_ms=5, gate=None, low=OPEN, high=CLOSED):
    spec = ModelSpec(
        name="test", family="none", fs_hz=1000, channels=("EMG 1",), window_samples=100, hop_samples=hop_ms,
        history_hops=0, prefilter_sos=(), scale_fs=(1.0,), rest_pose_deg=REST_DEG, rest_gate=gate, smoothing=smoothing,
    )  # fmt: skip
    return Postprocessor(spec, low, high)


def run(postprocess, angles):
    return np.array([postprocess((a,) * 5)[0] for a in angles])


def test_without_smoothing_angles_pass_and_are_limited():
    postprocess = postprocess_of(low=(10.0, *OPEN[1:]), high=(90.0, *CLOSED[1:]))
    assert postprocess((0.0, 50.0, 180.0, 20.0, 30.0)) == (10.0, 50.0, 180.0, 20.0, 30.0)
    assert postprocess((170.0, 1.0, 1.0, 1.0, 1.0))[0] == 90.0


def test_smoothing_steadies_a_resting_hand_and_does_not_delay_a_quick_one():
    smoothing = Smoothing(min_cutoff_hz=1.0, beta_hz_per_deg_s=0.05)
    noise = 90 + np.random.default_rng(0).normal(0, 3, 2000)
    steady = run(postprocess_of(smoothing), noise)
    assert steady[400:].std() < 0.35 * noise.std()
    step = run(postprocess_of(smoothing), [0.0] * 20 + [180.0] * 40)
    assert step[20 + 20] > 0.9 * 180  # 100 ms after the step
    slow = run(postprocess_of(Smoothing(min_cutoff_hz=1.0, beta_hz_per_deg_s=0.0)), [0.0] * 20 + [180.0] * 40)
    assert slow[20 + 20] < 0.6 * 180


def test_without_beta_the_smoothing_is_the_first_order_low_pass_of_the_paper():
    cutoff_hz, period_s = 3.0, 0.01
    got = run(
        postprocess_of(Smoothing(min_cutoff_hz=cutoff_hz, beta_hz_per_deg_s=0.0), hop_ms=10),
        [0.0] + [100.0] * 50,
    )
    weight = 1 / (1 + 1 / (2 * np.pi * cutoff_hz * period_s))
    assert got[1:] == pytest.approx(100 * (1 - (1 - weight) ** np.arange(1, 51)))


def test_a_held_depth_that_wavers_is_smoothed_as_without_beta_and_a_movement_is_quick():
    wavers = 90 + 3 * np.sin(2 * np.pi * np.arange(600) / 200)  # 1 Hz; 3° in a hop of 5 ms are 600°/s
    moved = [*wavers, *[180.0] * 60]
    slow, quick, calm = (
        run(postprocess_of(Smoothing(1.0, beta, still)), moved)
        for beta, still in ((0.0, 0.0), (0.01, 0.0), (0.01, 600.0))
    )
    assert calm[:600].tolist() == slow[:600].tolist()
    assert np.ptp(calm[200:600]) < 0.8 * np.ptp(quick[200:600])
    assert quick[-1] - calm[-1] < 3 < calm[-1] - slow[-1]


def test_reset_takes_the_next_angles_without_smoothing():
    postprocess = postprocess_of(Smoothing(min_cutoff_hz=0.1, beta_hz_per_deg_s=0.0))
    postprocess(OPEN)
    postprocess.reset()
    assert postprocess(CLOSED) == CLOSED


def test_the_hand_stays_at_rest_until_the_network_has_left_rest_for_long_enough():
    postprocess = postprocess_of(gate=RestGate(leave_deg=20, after_ms=15))  # three decisions
    said = [40, 90, 90, 40, 90, 90, 90, 90, 55, 90]
    assert run(postprocess, said).tolist() == [40, 40, 40, 40, 40, 40, 90, 90, 40, 40]


def test_after_a_movement_the_gate_waits_longer_until_the_muscle_has_relaxed():
    gate = RestGate(leave_deg=20, after_ms=10, settling_ms=50, again_after_ms=20)  # 2, 10 and 4 decisions
    moved, twitch, rest = [90] * 4, [90] * 3, [40]
    assert run(postprocess_of(gate=gate), moved).tolist() == [40, 90, 90, 90], "a stream starts at rest"
    for rested, lasts, passed in ((1, 3, 2), (2, 3, 0), (9, 3, 0), (9, 5, 2), (10, 3, 2)):
        angles = run(postprocess_of(gate=gate), [*moved, *rest * rested, *[90] * lasts])[4:]
        assert angles.tolist() == [40] * (rested + lasts - passed) + [90] * passed, (rested, lasts)
    twice = run(postprocess_of(gate=gate), [*moved, *rest * 5, *twitch, *rest * 2, *twitch])[4:]
    assert twice.tolist() == [40] * 11 + [90] * 2, "a twitch that did not pass is part of the rest"


def test_a_new_stream_starts_at_rest_behind_the_gate():
    postprocess = postprocess_of(gate=RestGate(leave_deg=20, after_ms=10))
    assert run(postprocess, [90, 90]).tolist() == [40, 90]
    postprocess.reset()
    assert run(postprocess, [90, 90]).tolist() == [40, 90]
