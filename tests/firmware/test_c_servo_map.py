"""Angles into pulses."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from portable import load

from myobridge.wire import messages as m

FFI, LIB = load()


def pulse_half_us(pulse_0_us: int, pulse_180_us: int, angles: list[int]) -> list[int]:
    slope = LIB.servo_slope(pulse_0_us, pulse_180_us)
    return [LIB.servo_pulse(pulse_0_us, slope, angle) for angle in angles]


@pytest.mark.parametrize(
    ("first", "last"), [(500, 2500), (2500, 500), (1000, 2000), (1500, 1501), (2000, 1999), (501, 2500)]
)
def test_a_pulse_is_the_straight_line_between_the_calibration_points(first: int, last: int) -> None:
    angles = list(range(0, m.ANGLE_MAX_CDEG + 1, 7))
    for angle, pulse in zip(angles, pulse_half_us(first, last, angles), strict=True):
        assert abs(pulse - 2 * (first + (last - first) * angle / m.ANGLE_MAX_CDEG)) < 0.7


def test_the_calibration_points_themselves_are_met_exactly() -> None:
    random = Random(5)
    for _ in range(500):
        first, last = (random.randint(m.PULSE_MIN_US, m.PULSE_MAX_US) for _ in range(2))
        assert pulse_half_us(first, last, [0, m.ANGLE_MAX_CDEG]) == [2 * first, 2 * last]


@pytest.mark.parametrize(("first", "last"), [(500, 2500), (2500, 500)])
def test_more_angle_is_never_less_travel(first: int, last: int) -> None:
    pulses = pulse_half_us(first, last, list(range(0, m.ANGLE_MAX_CDEG + 1)))
    assert all((b - a) * (last - first) >= 0 for a, b in pairwise(pulses))
