"""A guide acts out poses with a permission of its own: slow, for a bounded time, and ended by the button."""

from __future__ import annotations

import pytest
from c_hand import (
    CONFIG,
    IN_STATE,
    LIB,
    SAFE,
    SERVO_PERIOD_MS,
    STEP,
    Hand,
    armed,
    at_full_slew,
    disarmed,
    held,
    relaxing,
)
from test_c_device import Device

from myobridge.wire import messages as m
from myobridge.wire.messages import Blocker, Button, Permission, Reason, Result, State

CLOSED = CONFIG.servo_max_cdeg
GUIDE_STEP = m.RELAX_SLEW_CDEG_PER_S * SERVO_PERIOD_MS // 1000


def acting(**changes: int) -> Hand:
    """ARMED for a guide, at the safe pose, the first move done."""
    hand = disarmed(**changes)
    assert hand.arm(permission=Permission.GUIDE) is Result.OK
    hand.setpoint(SAFE)
    hand.period()
    return hand


def keep(hand: Hand, ms: int) -> None:
    """Goes on acting."""
    for _ in range(ms // 10):
        hand.wait(10)
        hand.setpoint(SAFE)


def largest_step(hand: Hand, periods: int) -> int:
    poses = [hand.applied, *hand.periods(periods)]
    return max(abs(a - b) for pair in zip(poses, poses[1:], strict=False) for a, b in zip(*pair, strict=True))


def test_a_guide_never_moves_a_servo_faster_than_the_guide_slew() -> None:
    hand = acting()
    hand.setpoint(CLOSED)
    assert largest_step(hand, 20) == GUIDE_STEP < STEP
    hand = acting(slew_cdeg_per_s=m.SLEW_MIN_CDEG_PER_S)
    hand.setpoint(CLOSED)
    assert largest_step(hand, 3) == m.SLEW_MIN_CDEG_PER_S * SERVO_PERIOD_MS // 1000


def test_the_first_move_of_a_guide_is_as_slow_as_any_first_move() -> None:
    hand = disarmed()
    hand.arm(permission=Permission.GUIDE)
    hand.setpoint(CLOSED)
    assert largest_step(hand, 5) == m.FIRST_MOVE_SLEW_CDEG_PER_S * SERVO_PERIOD_MS // 1000


def test_a_guide_acts_for_its_time_and_the_hand_then_opens_slowly_and_lets_go() -> None:
    hand = acting()
    keep(hand, m.GUIDE_MAX_MS - 10)
    hand.wait(9)
    assert hand.state is State.ARMED
    hand.wait(1)
    assert hand.state is State.RELAX
    assert hand.reason is Reason.GUIDE_OVER
    assert hand.pulses_on
    hand.setpoint(CLOSED)
    hand.period()
    assert (hand.pulses_on, hand.reason, hand.applied) == (False, Reason.RELAXED, SAFE)


def test_the_time_of_a_guide_goes_on_in_hold_and_across_a_wrap_of_the_clock() -> None:
    hand = disarmed()
    hand.now_ms = 2**32 - 20_000
    hand.tick()
    hand.sampling = True
    hand.wait(1)
    hand.disarm()
    hand.arm(permission=Permission.GUIDE)
    keep(hand, m.GUIDE_MAX_MS - 150)
    hand.wait(CONFIG.hold_ms)
    assert hand.state is State.HOLD
    hand.wait(m.GUIDE_MAX_MS - (m.GUIDE_MAX_MS - 150) - CONFIG.hold_ms - 1)
    assert hand.state is State.HOLD
    hand.wait(1)
    assert (hand.state, hand.reason) == (State.RELAX, Reason.GUIDE_OVER)


def test_each_arm_gives_a_guide_its_whole_time_and_a_repeated_one_gives_nothing() -> None:
    hand = disarmed()
    challenge = hand.challenge
    assert hand.arm(permission=Permission.GUIDE) is Result.OK
    keep(hand, 30_000)
    assert hand.arm(permission=Permission.GUIDE, challenge=challenge) is Result.OK
    keep(hand, 14_990)
    hand.wait(10)
    assert hand.state is State.RELAX
    hand.disarm()
    assert hand.arm(permission=Permission.GUIDE) is Result.OK
    keep(hand, 30_000)
    assert hand.state is State.ARMED


def test_a_decoder_may_move_for_longer_than_a_guide() -> None:
    hand = armed()
    keep(hand, m.GUIDE_MAX_MS + 100)
    assert hand.state is State.ARMED


def test_an_arm_for_the_decoder_does_not_turn_a_guide_into_one() -> None:
    hand = disarmed()
    challenge = hand.challenge
    hand.arm(permission=Permission.GUIDE)
    assert hand.arm(challenge=challenge) is Result.BLOCKED
    assert hand.arm() is Result.BLOCKED
    assert hand.struct.permission == Permission.GUIDE


@pytest.mark.parametrize("permission", [Permission.GUIDE, Permission.DECODER])
def test_what_ends_an_armed_hand_ends_a_guide(permission: Permission) -> None:
    ends = {"disarm": State.DISARMED, "estop": State.ESTOP, "stop": State.DISARMED}
    for name, state in ends.items():
        hand = disarmed()
        hand.arm(permission=permission)
        getattr(hand, name)()
        assert (hand.state, hand.pulses_on, hand.struct.permission) == (state, False, Permission.NONE)
    hand = disarmed()
    hand.arm(permission=permission)
    hand.supply_mv = m.SUPPLY_MIN_MV - 1
    hand.tick()
    assert hand.state is State.FAULT


# ---- the button ----


def press(hand: Hand, pressed: bool = True) -> bool:
    return bool(LIB.safety_button(hand.struct, pressed))


@pytest.mark.parametrize("state", State)
def test_a_press_ends_every_motion_and_changes_no_hand_that_does_not_move(state: State) -> None:
    hand = IN_STATE[state]()
    reason, challenge, moved = hand.reason, hand.challenge, hand.pulses_on
    assert press(hand) is moved
    if moved:
        assert (hand.state, hand.reason, hand.pulses_on) == (State.DISARMED, Reason.BUTTON_PRESSED, False)
        assert hand.challenge != challenge, "an ARM that is on its way is void"
    else:
        assert (hand.state, hand.reason, hand.challenge) == (state, reason, challenge)


def test_a_press_ends_a_guide() -> None:
    hand = acting()
    assert press(hand)
    assert (hand.state, hand.struct.permission) == (State.DISARMED, Permission.NONE)


def test_only_the_edge_ends_a_motion() -> None:
    hand = at_full_slew()
    assert press(hand)
    assert not press(hand)
    assert not press(hand, False)
    assert hand.arm() is Result.OK
    assert not press(hand, False)
    assert hand.state is State.ARMED


def test_nothing_is_armed_while_the_button_is_down() -> None:
    hand = disarmed()
    press(hand)
    for permission in (Permission.DECODER, Permission.GUIDE, Permission.JOG):
        assert hand.blockers == Blocker.BUTTON_PRESSED
        assert hand.arm(permission=permission) is Result.BLOCKED
    press(hand, False)
    assert hand.arm() is Result.OK


def test_a_hand_that_has_opened_and_let_go_is_not_moving_so_a_press_asks() -> None:
    hand = relaxing(moved=0)
    hand.period()
    assert (hand.state, hand.pulses_on) == (State.RELAX, False)
    assert not press(hand)
    assert hand.state is State.RELAX


def test_a_press_in_hold_ends_the_hold() -> None:
    hand = held()
    assert press(hand)
    assert hand.state is State.DISARMED


def test_the_device_ends_a_motion_at_the_debounced_edge_and_says_that_this_press_is_spent() -> None:
    device = Device()
    device.stream()
    assert device.arm(Permission.GUIDE).ack_result == Result.OK
    device.run(m.BUTTON_DEBOUNCE_MS + 5)
    LIB.fake.button_down = True
    device.run(m.BUTTON_DEBOUNCE_MS + 3)
    status = device.all_of(m.Status)[-1]
    assert (status.state, status.reason) == (State.DISARMED, Reason.BUTTON_PRESSED)
    assert status.button == Button.PRESSED | Button.SPENT
    assert status.blockers & Blocker.BUTTON_PRESSED
    LIB.fake.button_down = False
    device.run(m.BUTTON_DEBOUNCE_MS + 3)
    assert device.all_of(m.Status)[-1].button == Button.SPENT
    LIB.fake.button_down = True
    device.run(m.BUTTON_DEBOUNCE_MS + 3)
    assert device.all_of(m.Status)[-1].button == Button.PRESSED, "the next press asks again"
