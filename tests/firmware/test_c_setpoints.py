"""Which setpoints move the hand: range, age, order and permission, each swept across its limit."""

from __future__ import annotations

import pytest
from c_hand import CONFIG, IN_STATE, SAFE, Hand, armed, at_full_slew, held

from myobridge.wire import messages as m
from myobridge.wire.messages import Reason, State

CLOSED = (9000,) * m.SERVOS
TAKES_SETPOINTS = (State.ARMED, State.HOLD)


def with_servo(servo: int, angle: int) -> list[int]:
    angles = list(SAFE)
    angles[servo] = angle
    return angles


def moves(hand: Hand) -> bool:
    before = hand.applied
    return hand.period() != before


# ---- permission ----


@pytest.mark.parametrize("state", State)
def test_only_an_armed_hand_follows_a_setpoint(state: State) -> None:
    hand = IN_STATE[state]()
    if state is State.RELAX:
        hand.periods(100)  # there, and its pulses off
    hand.setpoint(CLOSED)
    assert moves(hand) is (state is State.ARMED)
    assert hand.rejects == (0, 0)


@pytest.mark.parametrize("state", [s for s in State if s not in TAKES_SETPOINTS])
def test_elsewhere_a_bad_setpoint_is_ignored_not_counted(state: State) -> None:
    hand = IN_STATE[state]()
    for _ in range(m.MAX_REJECTS_IN_ROW):
        hand.setpoint((65535,) * m.SERVOS)
    assert (hand.state, hand.rejects) == (state, (0, 0))


def test_the_seq_of_the_last_accepted_setpoint_is_told() -> None:
    hand = armed()
    hand.setpoint(SAFE)
    hand.setpoint(SAFE)
    accepted = hand.seq
    hand.setpoint((65535,) * m.SERVOS)
    assert hand.struct.setpoint_seq == accepted == 2


# ---- range ----


@pytest.mark.parametrize("servo", range(m.SERVOS))
@pytest.mark.parametrize("state", TAKES_SETPOINTS)
def test_an_angle_outside_its_servos_range_is_rejected_never_clipped(state: State, servo: int) -> None:
    low, high = CONFIG.servo_min_cdeg[servo], CONFIG.servo_max_cdeg[servo]
    for angle, fits in [(low - 1, False), (low, True), (high, True), (high + 1, False), (65535, False)]:
        if angle < 0:
            continue
        hand = IN_STATE[state]()
        hand.setpoint(with_servo(servo, angle))
        assert hand.rejects == ((0, 0) if fits else (1, 0)), angle
        if not fits:
            assert not moves(hand), angle


def test_an_angle_out_of_range_counts_as_that_even_if_it_is_stale_too() -> None:
    hand = armed()
    hand.setpoint((65535,) * m.SERVOS, age=1000)
    assert hand.rejects == (1, 0)


def test_a_rejected_setpoint_leaves_the_last_target() -> None:
    hand = at_full_slew()
    hand.setpoint(CLOSED)
    hand.setpoint((65535,) * m.SERVOS)
    hand.periods(100)
    assert hand.applied == CLOSED


def test_the_reject_counters_wrap() -> None:
    hand = armed()
    hand.struct.range_rejects = hand.struct.stale_rejects = 65535
    hand.setpoint((65535,) * m.SERVOS)
    hand.setpoint(SAFE, age=1000)
    assert hand.rejects == (0, 0)


# ---- age ----


@pytest.mark.parametrize("state", TAKES_SETPOINTS)
@pytest.mark.parametrize("valid_4ms", [0, 1, 10, 255])
def test_a_decision_older_than_it_says_it_may_be_is_stale(state: State, valid_4ms: int) -> None:
    oldest = 4 * valid_4ms  # samples of 1 ms
    for age, fits in [(0, True), (oldest, True), (oldest + 1, False)]:
        hand = IN_STATE[state]()
        hand.wait(2)
        hand.setpoint(SAFE, age=age, valid_4ms=valid_4ms)
        assert hand.rejects == ((0, 0) if fits else (0, 1)), age


def test_the_age_is_time_whatever_the_sampling_rate() -> None:
    for period_ticks in (999, 1000, 1001, 4000, 32767):
        oldest = 10 * 8000 // period_ticks
        for age, fits in [(oldest, True), (oldest + 1, False)]:
            hand = armed(sample_period_ticks=period_ticks)
            hand.setpoint(SAFE, age=age, valid_4ms=10)
            assert hand.rejects == ((0, 0) if fits else (0, 1)), (period_ticks, age)


def test_the_longest_time_and_the_slowest_rate_do_not_overflow() -> None:
    for age in (0xFFFF, 0x10000, 0x10001, 0x20000, 0x7FFFFFFF):
        hand = armed(sample_period_ticks=32767)
        hand.setpoint(SAFE, age=age, valid_4ms=255)
        assert hand.rejects == (0, 1), age


@pytest.mark.parametrize("ahead", [1, 2, 1000, 0x7FFFFFFF, 0x80000000])
def test_a_decision_about_a_sample_to_come_is_stale(ahead: int) -> None:
    hand = armed()
    hand.setpoint(SAFE, age=-ahead, valid_4ms=255)
    assert hand.rejects == (0, 1)


def test_a_decision_older_than_the_last_accepted_one_is_stale() -> None:
    hand = armed()
    hand.wait(20)
    newest = hand.sample_index - 1
    hand.setpoint(SAFE, based_on=newest - 3)
    hand.setpoint(SAFE, based_on=newest - 4)
    assert hand.rejects == (0, 1)
    hand.setpoint(SAFE, based_on=newest - 3)
    hand.setpoint(SAFE, based_on=newest)
    assert hand.rejects == (0, 1)


def test_a_rejected_setpoint_does_not_make_later_ones_stale() -> None:
    hand = armed()
    hand.wait(20)
    newest = hand.sample_index - 1
    hand.setpoint((65535,) * m.SERVOS, based_on=newest)
    hand.setpoint(SAFE, based_on=newest - 5)
    assert hand.rejects == (1, 0)


def test_arming_anew_forgets_the_last_decision() -> None:
    hand = armed()
    hand.wait(20)
    hand.setpoint(SAFE)
    hand.disarm()
    hand.arm()
    hand.setpoint(SAFE, age=10)
    assert hand.rejects == (0, 0)


def test_sample_indices_wrap_without_a_glitch() -> None:
    hand = armed()
    hand.sample_index = 0xFFFFFFF0
    hand.tick()
    for _ in range(40):
        hand.wait(1)
        hand.setpoint(CLOSED, age=8)
        hand.setpoint(CLOSED, age=8)
    assert hand.rejects == (0, 0)
    assert hand.sample_index == 24
    hand.setpoint(CLOSED, based_on=0xFFFFFFFF)
    assert hand.rejects == (0, 1)


def test_the_clock_wraps_without_a_glitch() -> None:
    hand = armed()
    hand.now_ms = 0xFFFFFFFF - 30
    hand.struct.accepted_ms = hand.struct.moving_ms = hand.struct.sample_ms = hand.now_ms
    hand.wait(CONFIG.hold_ms - 1)
    assert hand.state is State.ARMED
    hand.wait(1)
    assert hand.state is State.HOLD
    hand.wait(CONFIG.relax_ms - CONFIG.hold_ms - 1)
    assert hand.state is State.HOLD
    hand.wait(1)
    assert hand.state is State.RELAX


# ---- rejects in a row ----


def test_five_rejects_in_a_row_hold_the_hand_and_four_do_not() -> None:
    hand = armed()
    for _ in range(m.MAX_REJECTS_IN_ROW - 1):
        hand.setpoint((65535,) * m.SERVOS)
    assert hand.state is State.ARMED
    hand.setpoint(SAFE, age=1000)
    assert (hand.state, hand.reason) == (State.HOLD, Reason.SETPOINTS_REJECTED)
    assert hand.rejects == (m.MAX_REJECTS_IN_ROW - 1, 1)


def test_an_accepted_setpoint_starts_the_row_anew() -> None:
    hand = armed()
    for _ in range(3):
        for _ in range(m.MAX_REJECTS_IN_ROW - 1):
            hand.setpoint((65535,) * m.SERVOS)
        hand.setpoint(SAFE)
    assert hand.state is State.ARMED


def test_arming_starts_the_row_anew() -> None:
    hand = armed()
    for _ in range(m.MAX_REJECTS_IN_ROW - 1):
        hand.setpoint((65535,) * m.SERVOS)
    hand.disarm()
    hand.arm()
    hand.setpoint((65535,) * m.SERVOS)
    assert hand.state is State.ARMED


def test_rejects_keep_nothing_alive() -> None:
    hand = armed()
    for _ in range(CONFIG.hold_ms // 40 + 1):
        hand.wait(40)
        hand.setpoint((65535,) * m.SERVOS)
    assert (hand.state, hand.reason) == (State.HOLD, Reason.SETPOINTS_STOPPED)


# ---- coming back from HOLD ----

EVERY_MS = 20


def resume_with(hand: Hand, angles: list[int], for_ms: int) -> None:
    """Setpoints every EVERY_MS, the first one now, the last one after `for_ms`."""
    hand.setpoint(angles)
    for _ in range(for_ms // EVERY_MS):
        hand.wait(EVERY_MS)
        hand.setpoint(angles)


def test_clean_setpoints_for_resume_clean_ms_take_the_hand_back_and_a_shorter_run_does_not() -> None:
    hand = held()
    resume_with(hand, list(SAFE), m.RESUME_CLEAN_MS - EVERY_MS)
    hand.wait(EVERY_MS - 1)
    hand.setpoint(SAFE)
    assert hand.state is State.HOLD
    hand.wait(1)
    hand.setpoint(SAFE)
    assert (hand.state, hand.reason) == (State.ARMED, Reason.SETPOINTS_RESUMED)


@pytest.mark.parametrize("servo", range(m.SERVOS))
@pytest.mark.parametrize("sign", [-1, 1])
def test_clean_means_near_the_held_pose_on_each_servo(servo: int, sign: int) -> None:
    for apart, resumes in [(m.RESUME_WINDOW_CDEG, True), (m.RESUME_WINDOW_CDEG + 1, False)]:
        hand = held()
        resume_with(hand, with_servo(servo, SAFE[servo] + sign * apart), m.RESUME_CLEAN_MS)
        assert (hand.state is State.ARMED) is resumes, apart


def test_the_setpoint_that_completes_the_run_is_the_new_target_and_starts_hold_ms() -> None:
    hand = held()
    near = [angle + 300 for angle in SAFE]
    resume_with(hand, near, m.RESUME_CLEAN_MS)
    assert hand.state is State.ARMED
    hand.wait(CONFIG.hold_ms - 1)
    assert hand.state is State.ARMED
    hand.periods(10)
    assert hand.applied == tuple(near)
    hand.wait(1)
    assert hand.state is State.HOLD
    hand.wait(CONFIG.relax_ms - CONFIG.hold_ms - 1)
    assert hand.state is State.HOLD
    hand.wait(1)
    assert hand.state is State.RELAX


def test_a_pause_of_hold_ms_starts_the_run_anew_and_a_shorter_one_does_not() -> None:
    for pause, resumes in [(CONFIG.hold_ms - 1, True), (CONFIG.hold_ms, False)]:
        hand = held()
        resume_with(hand, list(SAFE), 100)
        hand.wait(pause)
        resume_with(hand, list(SAFE), m.RESUME_CLEAN_MS - 100)
        assert (hand.state is State.ARMED) is resumes, pause


@pytest.mark.parametrize("spoiler", ["out of range", "stale", "far from the held pose"])
def test_one_bad_setpoint_starts_the_run_anew(spoiler: str) -> None:
    hand = held()
    resume_with(hand, list(SAFE), m.RESUME_CLEAN_MS - EVERY_MS)
    hand.wait(EVERY_MS // 2)
    if spoiler == "out of range":
        hand.setpoint((65535,) * m.SERVOS)
    elif spoiler == "stale":
        hand.setpoint(SAFE, age=1000)
    else:
        hand.setpoint(CLOSED)
    hand.wait(EVERY_MS // 2)
    hand.setpoint(SAFE)
    assert hand.state is State.HOLD


def test_a_clean_run_does_not_outlive_the_hold_that_it_began_in() -> None:
    hand = held()
    resume_with(hand, list(SAFE), m.RESUME_CLEAN_MS)
    assert hand.state is State.ARMED
    for _ in range(m.MAX_REJECTS_IN_ROW):
        hand.setpoint((65535,) * m.SERVOS)
    assert hand.state is State.HOLD
    hand.setpoint(SAFE)
    assert hand.state is State.HOLD


def test_setpoints_that_led_up_to_hold_are_no_clean_run() -> None:
    hand = armed()
    hand.setpoint(SAFE)
    hand.wait(CONFIG.hold_ms)
    assert hand.state is State.HOLD
    hand.struct.config.hold_ms = 10_000  # so that only the run's own start can tell
    hand.wait(m.RESUME_CLEAN_MS)
    hand.setpoint(SAFE)
    assert hand.state is State.HOLD


def test_in_hold_the_hand_stays_where_it_is() -> None:
    hand = at_full_slew()
    hand.setpoint(CLOSED)
    hand.periods(2)
    where = hand.applied
    hand.wait(CONFIG.hold_ms)
    assert hand.state is State.HOLD
    hand.setpoint(CLOSED)
    assert hand.periods(5) == [where] * 5
