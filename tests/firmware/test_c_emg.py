"""Samples into EMG frames, and angles into pulses."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from c_hand import CONFIG
from portable import load

from myobridge.wire import messages as m

FFI, LIB = load()


def sample(values: list[int]) -> None:
    LIB.fake_sample(FFI.new("int16_t[]", values), len(values))


def frame(near: int = 0, flags: int = 0) -> tuple[m.Emg, bytes]:
    """The waiting frame's head and values; frees its place."""
    emg = FFI.addressof(LIB, "board_emg")
    assert emg.ready
    LIB.emg_head(emg, near, flags)
    head = m.Emg.STRUCT.size
    payload = bytes(emg.waiting[0 : head + 2 * CHANNELS * emg.samples_per_frame])
    emg.ready = False
    return m.Emg.unpack(payload[:head]), payload[head:]


CHANNELS = 3


@pytest.fixture(autouse=True)
def _fresh() -> None:
    LIB.fake_reset()
    LIB.emg_reset(FFI.addressof(LIB, "board_emg"), 4)


def test_samples_come_out_in_order_each_with_all_its_channels() -> None:
    rows = [[-512, 0, 511], [1, -1, 256], [-256, 255, -255], [7, 8, 9]]
    for row in rows:
        assert not LIB.board_emg.ready
        sample(row)
    head, values = frame(flags=5)
    assert (head.sample_index, head.n, head.flags) == (0, 4, 5)
    assert values == b"".join(value.to_bytes(2, "little", signed=True) for row in rows for value in row)


def test_one_frame_is_filled_while_the_other_waits() -> None:
    for k in range(8):
        sample([k, k, k])
        if k == 5:
            assert frame()[0].sample_index == 0
    head, values = frame()
    assert (head.sample_index, values[0]) == (4, 4)
    assert not LIB.board_emg.overrun


def test_a_frame_that_is_not_fetched_in_time_stays_whole_and_the_next_is_lost_and_said_so() -> None:
    for k in range(4 + 4 + 4):
        sample([k, k, k])
    assert LIB.board_emg.overrun
    head, values = frame()
    assert (head.sample_index, values[0]) == (0, 0)
    for k in range(12, 16):
        sample([k, k, k])
    head, values = frame()
    assert (head.sample_index, values[0]) == (12, 12)


def test_samples_are_counted_one_by_one() -> None:
    for k in range(11):
        assert LIB.board_samples() == k
        sample([0] * CHANNELS)
        if LIB.board_emg.ready:
            frame()


def test_the_longest_frame_fits() -> None:
    most = (m.MAX_FRAME_BYTES - 4 - m.Emg.STRUCT.size) // 2
    LIB.emg_reset(FFI.addressof(LIB, "board_emg"), most)
    payload = FFI.addressof(LIB, "board_emg").filling
    for k in range(most):
        sample([k])
    assert LIB.board_emg.ready
    assert payload[6 + 2 * most - 2] == most - 1


@pytest.mark.parametrize("near", [0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFFFF0000, 0xFFFFFFFF])
@pytest.mark.parametrize("ahead", [-32768, -1, 0, 1, 32767])
def test_the_full_index_is_the_nearest_with_these_low_bits(near: int, ahead: int) -> None:
    wanted = (near + ahead) & 0xFFFFFFFF
    assert LIB.emg_full_index(near, wanted & 0xFFFF) == wanted


# ---- servo map ----


def pulse_half_us(pulse_0_us: int, pulse_180_us: int, angles: list[int]) -> list[int]:
    servo_map = FFI.new("struct servo_map *")
    LIB.servo_map_set(servo_map, [pulse_0_us] * m.SERVOS, [pulse_180_us] * m.SERVOS)
    return [LIB.servo_map_pulse(servo_map, 2, angle) for angle in angles]


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


def test_each_servo_has_its_own_calibration() -> None:
    servo_map = FFI.new("struct servo_map *")
    LIB.servo_map_set(servo_map, CONFIG.pulse_0_us, CONFIG.pulse_180_us)
    assert [LIB.servo_map_pulse(servo_map, i, 0) for i in range(m.SERVOS)] == [2 * us for us in CONFIG.pulse_0_us]
