"""How the hand moves: one slew step a servo period, whatever the host does."""

from __future__ import annotations

from typing import Any

import pytest
from c_hand import (
    CONFIG,
    FFI,
    FIRST_STEP,
    IN_STATE,
    JOG_STEP,
    LIB,
    RELAX_STEP,
    SAFE,
    STEP,
    Hand,
    armed,
    at_full_slew,
    disarmed,
    held,
    relaxing,
)

from myobridge.wire import messages as m
from myobridge.wire.messages import Reason, Result, State

OPEN = CONFIG.servo_min_cdeg
CLOSED = CONFIG.servo_max_cdeg


def steps(poses: list[tuple[int, ...]]) -> list[int]:
    """Largest move of any servo from each pose to the next."""
    return [max(abs(a - b) for a, b in zip(*pair, strict=True)) for pair in zip(poses, poses[1:], strict=False)]


def test_a_step_from_open_to_closed_is_made_at_the_configured_slew() -> None:
    hand = at_full_slew()
    hand.setpoint(CLOSED)
    poses = [hand.applied, *hand.periods(40)]
    assert set(steps(poses)[:16]) == {STEP}
    assert poses[-1] == CLOSED


def test_it_stops_exactly_at_its_target_from_either_side_and_never_overshoots() -> None:
    hand = at_full_slew()
    for target in (CLOSED, OPEN, SAFE, (SAFE[0] + 1,) * m.SERVOS, SAFE):
        hand.setpoint(target)
        left = [abs(a - b) for a, b in zip(hand.applied, target, strict=True)]
        for pose in hand.periods(30):
            now = [abs(a - b) for a, b in zip(pose, target, strict=True)]
            assert now == [max(0, before - STEP) for before in left]
            left = now
        assert hand.applied == target


def test_a_host_that_throws_full_steps_200_times_a_second_moves_it_one_slew_step_a_period() -> None:
    hand = at_full_slew()
    poses = [hand.applied]
    for k in range(400):
        hand.setpoint(CLOSED if k % 3 else OPEN)
        hand.wait(5)
        if k % 4 == 3:
            poses.append(hand.period())
    assert max(steps(poses)) == STEP


@pytest.mark.parametrize(
    ("period_us", "slew", "step"),
    [
        (20_000, m.SLEW_MIN_CDEG_PER_S, 10),
        (20_000, 549, 10),
        (20_000, 550, 11),
        (20_000, m.SLEW_MAX_CDEG_PER_S, 1200),
        (3003, m.SLEW_MIN_CDEG_PER_S, 1),
        (3003, 40_000, 120),
        (3003, m.SLEW_MAX_CDEG_PER_S, 180),
        (10_001, 10_000, 100),
    ],
)
def test_a_step_is_what_the_slew_moves_in_a_servo_period_rounded_down(period_us: int, slew: int, step: int) -> None:
    hand = at_full_slew(slew_cdeg_per_s=slew, servo_period_us=period_us)
    hand.setpoint(CLOSED)
    before = hand.applied[0]
    assert hand.period()[0] - before == step


def test_the_first_move_and_relax_are_as_slow_at_any_servo_rate() -> None:
    hand = armed(servo_period_us=m.SERVO_PERIOD_MIN_US)
    hand.setpoint(CLOSED)
    assert hand.period()[0] - SAFE[0] == 18
    hand = at_full_slew(servo_period_us=m.SERVO_PERIOD_MIN_US)
    hand.setpoint(CLOSED)
    closed = hand.periods(20)[-1][0]
    hand.wait(CONFIG.relax_ms + CONFIG.hold_ms)
    assert hand.state is State.RELAX
    assert closed - hand.period()[0] == 27


def test_before_the_first_setpoint_an_armed_hand_stays() -> None:
    hand = armed()
    assert hand.periods(3) == [SAFE] * 3


def test_the_first_move_after_arming_is_slow_until_each_servo_has_been_near_its_setpoint() -> None:
    hand = armed()
    target = (SAFE[0] + 5 * FIRST_STEP + m.FIRST_MOVE_DONE_CDEG, *SAFE[1:])
    hand.setpoint(target)
    poses = [hand.applied, *hand.periods(5)]
    assert steps(poses) == [FIRST_STEP] * 5
    hand.setpoint(CLOSED)
    assert hand.period()[0] - poses[-1][0] == STEP


def jogged(**changes: Any) -> Hand:
    hand = disarmed(**changes)
    assert hand.arm(permission=m.Permission.JOG) is Result.OK
    hand.setpoint(SAFE)
    hand.period()
    return hand


def test_a_hand_that_is_jogged_never_goes_faster_than_the_jog_slew() -> None:
    hand = jogged()
    hand.setpoint(CLOSED)
    assert steps([hand.applied, *hand.periods(20)]) == [JOG_STEP] * 20
    hand = jogged(slew_cdeg_per_s=m.SLEW_MIN_CDEG_PER_S)
    hand.setpoint(CLOSED)
    assert steps([hand.applied, *hand.periods(3)]) == [10] * 3


def test_a_hand_that_is_jogged_stands_still_and_then_goes_limp_when_setpoints_stop() -> None:
    hand = jogged()
    hand.setpoint(CLOSED)
    hand.periods(3)
    hand.wait(CONFIG.hold_ms)
    where = hand.applied
    assert hand.state is State.HOLD
    hand.wait(CONFIG.relax_ms)
    assert hand.state is State.RELAX
    hand.periods(3)
    assert (hand.reason, hand.pulses_on, hand.applied) == (Reason.RELAXED, False, where)


def test_one_cdeg_further_off_is_not_near_yet() -> None:
    hand = armed()
    hand.setpoint((SAFE[0] + 5 * FIRST_STEP + m.FIRST_MOVE_DONE_CDEG + 1, *SAFE[1:]))
    before = hand.periods(5)[-1]
    hand.setpoint(CLOSED)
    assert hand.period()[0] - before[0] == FIRST_STEP


@pytest.mark.parametrize("servo", range(m.SERVOS))
def test_every_servo_has_to_have_been_near_once_but_not_all_at_the_same_time(servo: int) -> None:
    far = [angle + 8000 for angle in SAFE]
    hand = armed()
    hand.setpoint([far[i] if i == servo else SAFE[i] for i in range(m.SERVOS)])
    hand.period()  # all but one have been near
    hand.setpoint([SAFE[i] if i == servo else far[i] for i in range(m.SERVOS)])
    other = (servo + 1) % m.SERVOS
    before = hand.applied[other]
    assert hand.period()[other] - before == FIRST_STEP
    before = hand.applied[other]
    hand.periods(1)
    hand.setpoint(far)
    before = hand.applied[other]
    assert hand.period()[other] - before == STEP


def test_being_near_before_any_setpoint_says_nothing() -> None:
    hand = armed()
    hand.periods(3)
    hand.setpoint(CLOSED)
    assert hand.period()[0] - SAFE[0] == FIRST_STEP


def test_being_near_in_hold_says_nothing() -> None:
    hand = armed()
    hand.setpoint([angle + m.FIRST_MOVE_DONE_CDEG for angle in SAFE])
    hand.wait(CONFIG.hold_ms)
    hand.periods(3)
    assert hand.state is State.HOLD
    assert hand.struct.reached == 0


def test_each_arming_begins_with_a_slow_move() -> None:
    hand = at_full_slew()
    hand.disarm()
    hand.arm()
    hand.setpoint(CLOSED)
    assert hand.period()[0] - SAFE[0] == FIRST_STEP


def test_a_configured_slew_below_the_first_moves_and_relaxs_holds_there_too() -> None:
    slow, step = 500, 10
    hand = armed(slew_cdeg_per_s=slow)
    hand.setpoint(CLOSED)
    assert hand.period()[0] - SAFE[0] == step
    hand.wait(CONFIG.relax_ms)
    hand.wait(1)
    assert hand.state is State.RELAX
    assert hand.period()[0] == SAFE[0]


def test_relax_opens_slowly_to_the_safe_pose() -> None:
    hand = relaxing(moved=2000)
    poses = [hand.applied, *hand.periods(12)]
    assert set(steps(poses)[:11]) == {RELAX_STEP}
    assert poses[-1] == SAFE


@pytest.mark.parametrize("state", [s for s in State if s not in (State.ARMED, State.RELAX)])
def test_every_other_state_stays_where_it_is(state: State) -> None:
    hand = IN_STATE[state]()
    hand.setpoint(CLOSED)
    before = hand.applied
    assert hand.next_pose == before
    assert hand.period() == before


def test_disarm_and_arm_leave_the_angles_alone() -> None:
    hand = at_full_slew()
    hand.setpoint(CLOSED)
    where = hand.periods(3)[-1]
    hand.disarm()
    hand.arm()
    assert hand.applied == hand.next_pose == where


@pytest.mark.parametrize("pulse", ["pulse_0_us", "pulse_180_us"])
def test_a_config_with_other_pulses_for_a_servo_puts_this_servo_on_the_safe_pose(pulse: str) -> None:
    hand = armed()
    hand.setpoint(CLOSED)
    moved = hand.periods(20)[-1]
    hand.stop()
    widths = getattr(CONFIG, pulse)
    hand.configure(**{pulse: (widths[0], widths[1] + 1, *widths[2:])})
    assert hand.applied == (moved[0], SAFE[1], *moved[2:])


def test_the_first_config_puts_the_angles_on_the_safe_pose_and_later_ones_bring_them_within_range() -> None:
    hand = Hand()
    hand.started()
    hand.configure()
    assert hand.applied == SAFE
    hand.configure(
        servo_min_cdeg=(5000, 4000, 0, 0, 4001),
        servo_max_cdeg=(9000, 18000, 4000, 3999, 18000),
        servo_safe_cdeg=(5000, 5000, 0, 0, 4001),
    )
    assert hand.applied == hand.next_pose == (5000, 4000, 4000, 3999, 4001)
    assert tuple(hand.struct.told_cdeg) == hand.applied


# ---- pulses ----


def told(hand: Hand, pose: tuple[int, ...]) -> None:
    LIB.safety_told(hand.struct, FFI.new("uint16_t[]", pose))


def test_the_next_pulse_may_be_told_often_and_still_moves_one_step() -> None:
    hand = at_full_slew()
    for target in (CLOSED, OPEN, CLOSED):
        hand.setpoint(target)
        assert max(abs(a - b) for a, b in zip(hand.next_pose, hand.applied, strict=True)) == STEP
        told(hand, hand.next_pose)
    LIB.safety_pulses_begun(hand.struct, 0x1F)
    assert hand.applied == tuple(angle + STEP for angle in SAFE)


@pytest.mark.parametrize("servo", range(m.SERVOS))
def test_only_the_servos_whose_pulse_began_have_moved(servo: int) -> None:
    hand = at_full_slew()
    hand.setpoint(CLOSED)
    told(hand, hand.next_pose)
    LIB.safety_pulses_begun(hand.struct, 1 << servo)
    assert hand.applied == tuple(angle + STEP * (i == servo) for i, angle in enumerate(SAFE))


def test_what_was_told_before_hold_is_where_it_holds_if_its_pulse_began() -> None:
    hand = at_full_slew()
    hand.setpoint(CLOSED)
    told(hand, hand.next_pose)
    hand.wait(CONFIG.hold_ms)
    LIB.safety_pulses_begun(hand.struct, 0x1F)
    assert hand.state is State.HOLD
    assert hand.applied == hand.next_pose == tuple(angle + STEP for angle in SAFE)


def test_without_pulses_nothing_that_was_told_is_applied() -> None:
    hand = at_full_slew()
    hand.setpoint(CLOSED)
    told(hand, hand.next_pose)
    hand.disarm()
    LIB.safety_pulses_begun(hand.struct, 0x1F)
    assert hand.applied == SAFE


def test_hold_at_the_safe_pose_is_not_relaxed() -> None:
    hand = held()
    hand.period()
    assert hand.pulses_on
