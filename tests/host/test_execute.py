"""Smoothing and limits."""

import numpy as np
import pytest

from myobridge.execute import Executor
from myobridge.model_file import Smoothing

OPEN, CLOSED = (0.0,) * 5, (180.0,) * 5


def run(executor, angles):
    return np.array([executor((a,) * 5)[0] for a in angles])


def test_without_smoothing_angles_pass_and_are_limited():
    executor = Executor(None, 0.005, (10.0, *OPEN[1:]), (90.0, *CLOSED[1:]))
    assert executor((0.0, 50.0, 180.0, 20.0, 30.0)) == (10.0, 50.0, 180.0, 20.0, 30.0)
    assert executor((170.0, 1.0, 1.0, 1.0, 1.0))[0] == 90.0


def test_a_resting_hand_is_steadied_and_a_quick_one_is_not_delayed():
    smoothing = Smoothing(min_cutoff_hz=1.0, beta_hz_per_deg_s=0.05)
    noise = 90 + np.random.default_rng(0).normal(0, 3, 2000)
    steady = run(Executor(smoothing, 0.005, OPEN, CLOSED), noise)
    assert steady[400:].std() < 0.35 * noise.std()
    step = run(Executor(smoothing, 0.005, OPEN, CLOSED), [0.0] * 20 + [180.0] * 40)
    assert step[20 + 20] > 0.9 * 180  # 100 ms after the step
    slow = run(
        Executor(Smoothing(min_cutoff_hz=1.0, beta_hz_per_deg_s=0.0), 0.005, OPEN, CLOSED), [0.0] * 20 + [180.0] * 40
    )
    assert slow[20 + 20] < 0.6 * 180


def test_without_beta_it_is_the_first_order_low_pass_of_the_paper():
    cutoff_hz, period_s = 3.0, 0.01
    got = run(
        Executor(Smoothing(min_cutoff_hz=cutoff_hz, beta_hz_per_deg_s=0.0), period_s, OPEN, CLOSED),
        [0.0] + [100.0] * 50,
    )
    weight = 1 / (1 + 1 / (2 * np.pi * cutoff_hz * period_s))
    assert got[1:] == pytest.approx(100 * (1 - (1 - weight) ** np.arange(1, 51)))


def test_reset_takes_the_next_angles_as_they_are():
    executor = Executor(Smoothing(min_cutoff_hz=0.1, beta_hz_per_deg_s=0.0), 0.005, OPEN, CLOSED)
    executor(OPEN)
    executor.reset()
    assert executor(CLOSED) == CLOSED
