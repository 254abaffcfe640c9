"""The state table of PROTOCOL.md, rule by rule, both ways: when a state is left, and when it is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from c_hand import (
    BOOT_ID,
    CONFIG,
    CONFIG_CRC,
    FFI,
    IN_STATE,
    LIB,
    SAFE,
    TICKS_PER_4MS,
    Hand,
    armed,
    at_full_slew,
    disarmed,
    held,
    relaxing,
    stalled,
)

from myobridge.wire import messages as m
from myobridge.wire.messages import Blocker, Reason, Result, State

PULSES = {State.ARMED, State.HOLD, State.RELAX}
LEFT_BY = {  # event: {state in which it has an effect: state that it leads to}
    "started": {State.BOOT: State.DISARMED},
    "estop": dict.fromkeys(State, State.ESTOP),
    "disarm": dict.fromkeys((State.ARMED, State.HOLD, State.RELAX, State.FAULT), State.DISARMED),
    "stop": dict.fromkeys((State.ARMED, State.HOLD, State.RELAX), State.DISARMED),
    "arm": {State.DISARMED: State.ARMED},
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", LEFT_BY)
def test_each_event_in_each_state(event: str, state: State) -> None:
    hand = IN_STATE[state]()
    assert hand.state is state
    reason, challenge = hand.reason, hand.challenge
    getattr(hand, event)()
    assert hand.state is LEFT_BY[event].get(state, state)
    assert hand.pulses_on is (hand.state in PULSES)
    changed = hand.state is not state
    assert (hand.challenge != challenge) is changed
    if not changed:
        assert hand.reason is reason


def test_whatever_the_memory_held_it_begins_in_boot_without_pulses() -> None:
    hand = Hand()
    FFI.buffer(hand.struct)[:] = b"\xff" * FFI.sizeof("struct safety")
    LIB.safety_init(hand.struct, BOOT_ID, TICKS_PER_4MS)
    assert (hand.state, hand.reason, hand.pulses_on) == (State.BOOT, Reason.NONE, False)
    assert bytes(FFI.buffer(hand.struct)) == bytes(FFI.buffer(Hand().struct))


def test_another_boot_has_another_challenge_so_that_an_old_arm_is_void() -> None:
    hand, other = Hand(), Hand()
    LIB.safety_init(other.struct, BOOT_ID + 1, TICKS_PER_4MS)
    assert hand.challenge != other.challenge


REASONS: list[tuple[State, str, Reason]] = [
    (State.BOOT, "started", Reason.POWER_ON),
    (State.ARMED, "estop", Reason.HOST_ESTOP),
    (State.ARMED, "disarm", Reason.HOST_DISARMED),
    (State.ARMED, "stop", Reason.STOPPED_STREAMING),
    (State.DISARMED, "arm", Reason.HOST_ARMED),
]


@pytest.mark.parametrize(("state", "event", "reason"), REASONS)
def test_each_transition_says_why(state: State, event: str, reason: Reason) -> None:
    hand = IN_STATE[state]()
    getattr(hand, event)()
    assert hand.reason is reason


# ---- time ----


def test_armed_becomes_hold_when_the_host_is_silent_for_hold_ms_and_not_before() -> None:
    hand = armed()
    hand.wait(CONFIG.hold_ms - 1)
    assert hand.state is State.ARMED
    hand.wait(1)
    assert (hand.state, hand.reason, hand.pulses_on) == (State.HOLD, Reason.SETPOINTS_STOPPED, True)


def test_an_accepted_setpoint_starts_hold_ms_anew() -> None:
    hand = armed()
    hand.wait(CONFIG.hold_ms - 1)
    hand.setpoint(SAFE)
    hand.wait(CONFIG.hold_ms - 1)
    assert hand.state is State.ARMED
    hand.wait(1)
    assert hand.state is State.HOLD


def test_a_setpoint_that_comes_after_hold_ms_finds_hold_even_if_no_tick_came_between() -> None:
    hand = armed()
    hand.now_ms += CONFIG.hold_ms
    hand.sample_index += CONFIG.hold_ms
    hand.setpoint(SAFE)
    assert hand.state is State.HOLD


def test_hold_becomes_relax_when_relax_ms_have_passed_since_the_last_move_and_not_before() -> None:
    hand = held()
    hand.wait(CONFIG.relax_ms - CONFIG.hold_ms - 1)
    assert hand.state is State.HOLD
    hand.wait(1)
    assert (hand.state, hand.reason, hand.pulses_on) == (State.RELAX, Reason.SILENT_TOO_LONG, True)


def test_setpoints_in_hold_do_not_put_relax_off() -> None:
    hand = held()
    far = [angle + m.RESUME_WINDOW_CDEG + 1 for angle in SAFE]
    for _ in range(CONFIG.relax_ms - CONFIG.hold_ms - 1):
        hand.wait(1)
        hand.setpoint(far)
    assert hand.state is State.HOLD
    hand.wait(1)
    assert hand.state is State.RELAX


def test_relax_switches_the_pulses_off_once_the_safe_pose_is_reached() -> None:
    hand = relaxing(moved=2000)
    while hand.period() != SAFE:
        assert (hand.state, hand.reason, hand.pulses_on) == (State.RELAX, Reason.SILENT_TOO_LONG, True)
    assert (hand.state, hand.reason, hand.pulses_on) == (State.RELAX, Reason.RELAXED, False)


def test_relax_goes_on_while_one_servo_is_not_there_yet() -> None:
    hand = at_full_slew()
    hand.setpoint([*SAFE[:4], SAFE[4] + 1000])
    hand.periods(10)
    hand.wait(CONFIG.relax_ms)
    hand.period()
    assert hand.pulses_on


# ---- sampling and supply ----

SOUND = [State.DISARMED, State.ARMED, State.HOLD, State.RELAX]


@pytest.mark.parametrize("state", SOUND)
def test_a_stall_of_the_sampling_is_a_fault_after_more_than_stall_ms(state: State) -> None:
    hand = IN_STATE[state]()
    hand.sampling = False
    for _ in range(m.STALL_MS):
        hand.wait(1)
        if state is State.ARMED:
            hand.setpoint(SAFE)
    assert hand.state is state
    assert not hand.blockers & Blocker.SAMPLING_STALLED
    hand.wait(1)
    assert (hand.state, hand.reason, hand.pulses_on) == (State.FAULT, Reason.SAMPLING_STALLED, False)
    assert hand.blockers & Blocker.SAMPLING_STALLED


def test_no_sample_comes_before_start_and_that_is_no_stall() -> None:
    hand = disarmed()
    hand.stop()
    hand.wait(10 * m.STALL_MS)
    assert hand.state is State.DISARMED
    hand.start()
    hand.wait(m.STALL_MS)
    assert hand.state is State.DISARMED


def test_the_stall_is_counted_from_start_even_if_no_sample_ever_comes() -> None:
    hand = disarmed()
    hand.stop()
    hand.wait(1000)
    hand.sampling = False
    hand.start()
    hand.wait(m.STALL_MS)
    assert hand.state is State.DISARMED
    hand.wait(1)
    assert hand.state is State.FAULT


@pytest.mark.parametrize("state", SOUND)
@pytest.mark.parametrize(
    ("supply_mv", "low"), [(m.SUPPLY_MIN_MV - 1, True), (m.SUPPLY_MIN_MV, False), (1, True), (0, False)]
)
def test_a_low_servo_supply_is_a_fault_where_it_is_measured(state: State, supply_mv: int, low: bool) -> None:
    hand = IN_STATE[state]()
    hand.supply_mv = supply_mv
    hand.wait(1)
    expected = (State.FAULT, Reason.SUPPLY_LOW, False) if low else (state, hand.reason, state in PULSES)
    assert (hand.state, hand.reason, hand.pulses_on) == expected
    assert bool(hand.blockers & Blocker.SUPPLY_LOW) is low


@pytest.mark.parametrize("state", [State.BOOT, State.ESTOP])
def test_boot_and_estop_know_no_fault(state: State) -> None:
    hand = IN_STATE[state]()
    hand.supply_mv = 1
    hand.sampling = False
    hand.wait(10 * m.STALL_MS)
    assert hand.state is state


def test_a_stall_goes_before_a_low_supply_and_both_before_silence() -> None:
    hand = armed()
    hand.now_ms += m.STALL_MS + CONFIG.hold_ms
    hand.supply_mv = 1
    hand.tick()
    assert hand.reason is Reason.SAMPLING_STALLED
    hand = armed()
    hand.wait(CONFIG.hold_ms - 1)
    hand.supply_mv = 1
    hand.wait(1)
    assert hand.reason is Reason.SUPPLY_LOW


def test_fault_keeps_the_reason_that_it_began_with() -> None:
    hand = stalled()
    challenge = hand.challenge
    hand.sampling = True
    hand.supply_mv = 1
    hand.wait(5)
    assert (hand.state, hand.reason, hand.challenge) == (State.FAULT, Reason.SAMPLING_STALLED, challenge)


def test_a_fault_that_is_over_wants_disarm_and_then_arm() -> None:
    hand = stalled()
    hand.sampling = True
    hand.wait(5)
    assert hand.arm() is Result.BLOCKED
    hand.disarm()
    assert hand.arm() is Result.OK


def test_stop_ends_a_stall() -> None:
    hand = stalled()
    hand.stop()
    assert not hand.blockers & Blocker.SAMPLING_STALLED
    assert hand.state is State.FAULT


# ---- permission ----


def test_arm_wants_the_boot_id_the_config_crc_and_the_challenge_in_this_order() -> None:
    hand = disarmed()
    wrong = hand.challenge ^ 1
    assert hand.arm(boot_id=BOOT_ID ^ 1, config_crc=CONFIG_CRC ^ 1, challenge=wrong) is Result.WRONG_BOOT
    assert hand.arm(config_crc=CONFIG_CRC ^ 1, challenge=wrong) is Result.WRONG_CONFIG
    assert hand.arm(challenge=wrong) is Result.WRONG_CHALLENGE
    assert (hand.state, hand.pulses_on) == (State.DISARMED, False)
    assert hand.arm() is Result.OK


def test_arm_without_any_config_is_a_wrong_config_even_with_its_crc_0() -> None:
    hand = Hand()
    hand.started()
    assert hand.arm(config_crc=0) is Result.WRONG_CONFIG


@pytest.mark.parametrize("permission", [m.Permission.NONE, max(m.Permission) + 1, 255])
def test_arm_wants_a_permission_that_it_knows(permission: int) -> None:
    hand = disarmed()
    hand.hello(m.PROTO_HASH ^ 1)
    assert hand.arm(permission=permission, config_crc=CONFIG_CRC ^ 1) is Result.WRONG_CONFIG
    assert hand.arm(permission=permission) is Result.BAD_PERMISSION
    hand.hello()
    assert hand.arm(permission=permission) is Result.BAD_PERMISSION
    assert hand.state is State.DISARMED


@pytest.mark.parametrize("permission", [p for p in m.Permission if p is not m.Permission.NONE])
def test_the_permission_is_told_as_long_as_it_holds(permission: m.Permission) -> None:
    hand = disarmed()
    assert hand.struct.permission == m.Permission.NONE
    assert hand.arm(permission=permission) is Result.OK
    assert hand.struct.permission == permission
    hand.wait(CONFIG.hold_ms)
    assert (hand.state, hand.struct.permission) == (State.HOLD, permission)
    hand.disarm()
    assert hand.struct.permission == m.Permission.NONE


def test_an_arm_that_is_repeated_for_another_permission_is_blocked() -> None:
    hand = disarmed()
    challenge = hand.challenge
    assert hand.arm(challenge=challenge) is Result.OK
    assert hand.arm(challenge=challenge, permission=m.Permission.JOG) is Result.BLOCKED
    assert hand.struct.permission == m.Permission.DECODER


def test_arm_is_blocked_before_its_challenge_is_looked_at() -> None:
    hand = disarmed()
    hand.hello(m.PROTO_HASH ^ 1)
    assert hand.arm(challenge=hand.challenge ^ 1) is Result.BLOCKED


@pytest.mark.parametrize("state", [s for s in State if s not in (State.BOOT, State.DISARMED, State.ARMED)])
def test_arm_is_blocked_outside_disarmed(state: State) -> None:
    hand = IN_STATE[state]()
    assert hand.arm() is Result.BLOCKED
    assert hand.state is state


def no_hello(hand: Hand) -> None:
    hand.hello(m.PROTO_HASH ^ 1)


def not_streaming(hand: Hand) -> None:
    hand.stop()


def low_supply(hand: Hand) -> None:
    hand.supply_mv = 1
    hand.wait(1)
    hand.disarm()


def beyond_limits(hand: Hand) -> None:
    hand.struct.limits_blockers = Blocker.BEYOND_LIMITS


def no_limits(hand: Hand) -> None:
    hand.struct.limits_blockers = Blocker.NO_LIMITS


BLOCKED_BY: list[tuple[Callable[[Hand], None], Blocker]] = [
    (no_hello, Blocker.PROTOCOL_DIFFERS),
    (not_streaming, Blocker.NOT_STREAMING),
    (low_supply, Blocker.SUPPLY_LOW),
    (beyond_limits, Blocker.BEYOND_LIMITS),
    (no_limits, Blocker.NO_LIMITS),
]


@pytest.mark.parametrize(("make", "blocker"), BLOCKED_BY)
def test_each_blocker_alone_refuses_arm(make: Callable[[Hand], None], blocker: Blocker) -> None:
    hand = disarmed()
    assert hand.blockers == 0
    make(hand)
    assert hand.blockers == blocker
    assert hand.arm() is Result.BLOCKED
    assert hand.state is State.DISARMED


@pytest.mark.parametrize("make", [beyond_limits, no_limits])
def test_only_a_jog_at_50_hz_may_go_beyond_the_limits(make: Callable[[Hand], None]) -> None:
    for permission in (m.Permission.DECODER, m.Permission.GUIDE, m.Permission.JOG):
        hand = disarmed()
        make(hand)
        expected = Result.OK if permission is m.Permission.JOG else Result.BLOCKED
        assert hand.arm(permission=permission) is expected
    hand = disarmed(servo_period_us=m.SERVO_PERIOD_MAX_US - 1)
    make(hand)
    assert hand.arm(permission=m.Permission.JOG) is Result.BLOCKED
    hand = disarmed()
    hand.struct.starts_within = False
    make(hand)
    assert hand.arm(permission=m.Permission.JOG) is Result.BLOCKED


def test_every_other_blocker_refuses_a_jog_too() -> None:
    for make, _ in BLOCKED_BY[:-2]:
        hand = disarmed()
        make(hand)
        hand.struct.limits_blockers = Blocker.BEYOND_LIMITS
        assert hand.arm(permission=m.Permission.JOG) is Result.BLOCKED


def test_the_blockers_of_each_state() -> None:
    assert Hand().blockers == (
        Blocker.PROTOCOL_DIFFERS | Blocker.NOT_CONFIGURED | Blocker.NOT_STREAMING | Blocker.NOT_DISARMED
    )
    expected = {
        State.DISARMED: Blocker(0),
        State.ARMED: Blocker.NOT_DISARMED,
        State.HOLD: Blocker.NOT_DISARMED,
        State.RELAX: Blocker.NOT_DISARMED,
        State.FAULT: Blocker.NOT_DISARMED | Blocker.SAMPLING_STALLED,
        State.ESTOP: Blocker.ESTOP_LATCHED,
    }
    assert {state: IN_STATE[state]().blockers for state in expected} == expected


def test_a_host_that_speaks_our_protocol_is_only_told_to_configure_and_start() -> None:
    hand = Hand()
    hand.started()
    hand.hello()
    assert hand.blockers == Blocker.NOT_CONFIGURED | Blocker.NOT_STREAMING


def test_an_arm_that_is_repeated_because_its_answer_was_lost_is_answered_ok() -> None:
    hand = disarmed()
    challenge = hand.challenge
    assert hand.arm(challenge=challenge) is Result.OK
    now = hand.challenge
    assert hand.arm(challenge=challenge) is Result.OK
    assert (hand.state, hand.challenge) == (State.ARMED, now)
    assert hand.arm(challenge=now) is Result.BLOCKED
    hand.disarm()
    assert hand.arm(challenge=challenge) is Result.WRONG_CHALLENGE


def test_a_repeated_arm_keeps_nothing_alive() -> None:
    hand = disarmed()
    challenge = hand.challenge
    hand.arm()
    for _ in range(CONFIG.hold_ms):
        hand.arm(challenge=challenge)
        hand.wait(1)
    assert hand.state is State.HOLD


def test_a_challenge_never_comes_twice_in_65536_changes() -> None:
    hand = disarmed()
    seen = set()
    for _ in range(1 << 15):
        seen.add(hand.challenge)
        hand.arm()
        seen.add(hand.challenge)
        hand.disarm()
    assert len(seen) == 1 << 16


# ---- session ----


def test_configuration_is_allowed_only_while_disarmed_and_not_streaming() -> None:
    allowed = {}
    for state, make in IN_STATE.items():
        hand = make()
        streaming = hand.may_configure()
        hand.struct.streaming = False
        allowed[state] = (streaming, hand.may_configure())
    assert allowed == {state: (False, state is State.DISARMED) for state in State}


def test_start_wants_the_crc_of_the_config_in_force() -> None:
    hand = Hand()
    hand.started()
    assert hand.start(0) is Result.WRONG_CONFIG
    hand.configure()
    assert hand.start(CONFIG_CRC ^ 1) is Result.WRONG_CONFIG
    assert not hand.struct.streaming
    assert hand.start() is Result.OK
    assert hand.struct.streaming


def test_start_while_streaming_goes_on() -> None:
    hand = disarmed()
    before = hand.sample_index
    hand.sampling = False
    hand.wait(m.STALL_MS - 1)
    assert hand.start() is Result.OK
    assert hand.sample_index == before
    hand.wait(2)
    assert hand.state is State.FAULT


def test_a_new_session_counts_its_samples_from_0() -> None:
    hand = disarmed()
    hand.stop()
    hand.start()
    assert hand.sample_index == 0
