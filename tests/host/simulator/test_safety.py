"""The safety rules of PROTOCOL.md (States) in the simulated hand: each row, with and without its condition.

tests/firmware tests the firmware's own safety.c against the same table, and the two against each other.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from myobridge.simulator.safety import Safety, towards
from myobridge.wire import messages as m
from myobridge.wire.messages import Blocker, Reason, Result, State
from virtual_hand import board_config

BOOT_ID, CONFIG_CRC, TICK_HZ = 0x1234, 0xC0DE, 2_000_000
SAMPLES_PER_MS = 2
CONFIG = board_config(slew_cdeg_per_s=40000)
SERVO_PERIOD_MS = CONFIG.servo_period_us // 1000
SAFE = CONFIG.servo_safe_cdeg
STEP_CDEG = CONFIG.slew_cdeg_per_s * SERVO_PERIOD_MS // 1000
FIRST_STEP_CDEG = m.FIRST_MOVE_SLEW_CDEG_PER_S * SERVO_PERIOD_MS // 1000
RELAX_STEP_CDEG = m.RELAX_SLEW_CDEG_PER_S * SERVO_PERIOD_MS // 1000
MOVABLE = (State.ARMED, State.HOLD, State.RELAX)


class Hand:
    """The rules with a clock: each millisecond takes samples and checks times, every 20th moves the servos."""

    def __init__(self, config=CONFIG, first_index=0):
        self.now_ms, self.first_index = 0, first_index
        self.sampling = True
        self.safety = Safety(boot_id=BOOT_ID, tick_hz=TICK_HZ)
        self.safety.started_up()
        self.safety.host_speaks_ours = True
        self.safety.configure(config, CONFIG_CRC)
        self.safety.start(0)

    def __getattr__(self, name):
        return getattr(self.safety, name)

    def wait(self, ms):
        for _ in range(ms):
            self.now_ms += 1
            if self.sampling:
                self.safety.sampled(self.now_ms)
            self.safety.tick(self.now_ms)
            if self.now_ms % SERVO_PERIOD_MS == 0:
                self.safety.servo_period()

    @property
    def next_sample(self):
        return (self.first_index + self.now_ms * SAMPLES_PER_MS) & 0xFFFFFFFF

    def send(self, angle_cdeg=SAFE, age=0, valid_4ms=25, seq=1):
        """A setpoint based on the sample `age` samples before the newest."""
        based_on = (self.next_sample - 1 - age) & 0xFFFFFFFF
        self.safety.setpoint(m.Setpoint(tuple(angle_cdeg), valid_4ms, based_on), seq, self.next_sample, self.now_ms)

    def send_for(self, ms, angle_cdeg=SAFE, every_ms=5):
        for _ in range(ms // every_ms):
            self.send(angle_cdeg)
            self.wait(every_ms)

    def arm(self, **wrong):
        request = m.Arm(m.Permission.DECODER, BOOT_ID, CONFIG_CRC, self.safety.challenge)
        return self.safety.arm(replace(request, **wrong), self.now_ms)


def disarmed(**changes):
    hand = Hand(replace(CONFIG, **changes))
    hand.wait(300)
    return hand


def armed(**changes):
    hand = disarmed(**changes)
    assert hand.arm() is Result.OK
    return hand


def at_full_slew(**changes):
    """ARMED, after the first move."""
    hand = armed(**changes)
    hand.send_for(100)
    return hand


def holding(**changes):
    """In HOLD because of `setpoints_stopped`, since this millisecond."""
    hand = at_full_slew(**changes)
    hand.send()
    hand.wait(hand.config.hold_ms)
    return hand


def relaxing(**changes):
    """In RELAX, on the way from 90 degrees to the safe pose."""
    hand = armed(**changes)
    hand.send_for(1500, (9000,) * m.SERVOS)
    hand.wait(hand.config.relax_ms)
    return hand


def faulty():
    hand = disarmed()
    hand.sampling = False
    hand.wait(m.STALL_MS + 1)
    hand.sampling = True
    hand.safety.sampled(hand.now_ms)
    return hand


def stopped_for_good():
    hand = armed()
    hand.estop()
    return hand


IN_STATE = {
    State.DISARMED: disarmed,
    State.ARMED: armed,
    State.HOLD: holding,
    State.RELAX: relaxing,
    State.FAULT: faulty,
    State.ESTOP: stopped_for_good,
}


@pytest.mark.parametrize("state", IN_STATE)
def test_the_starting_states_are_as_intended(state):
    hand = IN_STATE[state]()
    assert hand.state is state
    assert hand.pulses_on is (state in MOVABLE)


# --- messages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", IN_STATE)
def test_estop_works_in_every_state_and_cuts_the_pulses(state):
    hand = IN_STATE[state]()
    hand.estop()
    assert (hand.state, hand.reason, hand.pulses_on) == (State.ESTOP, Reason.HOST_ESTOP, False)


def test_only_a_reset_leaves_estop():
    hand = stopped_for_good()
    challenge, applied = hand.challenge, list(hand.applied)
    assert hand.disarm() is Result.WRONG_STATE
    assert hand.arm() is Result.BLOCKED
    hand.stop()
    hand.estop()
    hand.start(hand.now_ms)
    hand.safety.supply_low = True
    hand.send_for(1000, (9000,) * 5)
    hand.sampling = False
    hand.wait(1000)
    assert (hand.state, hand.reason, hand.pulses_on) == (State.ESTOP, Reason.HOST_ESTOP, False)
    assert (hand.challenge, hand.applied) == (challenge, applied)


def test_boot_ends_disarmed_without_pulses():
    safety = Safety(boot_id=1, tick_hz=TICK_HZ)
    assert (safety.state, safety.pulses_on) == (State.BOOT, False)
    safety.supply_low = True
    safety.tick(1000)
    assert safety.state is State.BOOT
    safety.started_up()
    assert (safety.state, safety.reason, safety.pulses_on) == (State.DISARMED, Reason.POWER_ON, False)


@pytest.mark.parametrize("state", [State.ARMED, State.HOLD, State.RELAX, State.FAULT])
def test_disarm_cuts_the_pulses_from_every_state(state):
    hand = IN_STATE[state]()
    assert hand.disarm() is Result.OK
    assert (hand.state, hand.reason, hand.pulses_on) == (State.DISARMED, Reason.HOST_DISARMED, False)


@pytest.mark.parametrize("state", MOVABLE)
def test_stop_disarms_a_hand_under_power(state):
    hand = IN_STATE[state]()
    hand.stop()
    assert (hand.state, hand.reason, hand.pulses_on) == (State.DISARMED, Reason.STOPPED_STREAMING, False)


@pytest.mark.parametrize("state", [State.DISARMED, State.FAULT])
def test_stop_changes_no_other_state(state):
    hand = IN_STATE[state]()
    reason = hand.reason
    hand.stop()
    assert (hand.state, hand.reason, hand.streaming) == (state, reason, False)


def test_the_challenge_changes_with_each_change_of_state_and_only_then():
    hand = disarmed()
    seen = [hand.challenge]
    for change in (hand.arm, lambda: hand.wait(CONFIG.hold_ms), lambda: hand.wait(CONFIG.relax_ms), hand.disarm):
        hand.send()
        assert hand.challenge == seen[-1]
        change()
        assert hand.challenge not in seen
        seen.append(hand.challenge)
    hand.disarm()
    assert hand.challenge == seen[-1]


# --- ARM --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "result"),
    [
        ({"boot_id": BOOT_ID + 1}, Result.WRONG_BOOT),
        ({"config_crc": CONFIG_CRC + 1}, Result.WRONG_CONFIG),
        ({"challenge": 1}, Result.WRONG_CHALLENGE),
    ],
)
def test_arm_with_anything_wrong_is_refused(wrong, result):
    hand = disarmed()
    assert hand.arm(**wrong) is result
    assert (hand.state, hand.pulses_on) == (State.DISARMED, False)


BLOCKED = {
    Blocker.PROTOCOL_DIFFERS: lambda hand: setattr(hand.safety, "host_speaks_ours", False),
    Blocker.NOT_STREAMING: lambda hand: hand.stop(),
    Blocker.SUPPLY_LOW: lambda hand: setattr(hand.safety, "supply_low", True),
}


@pytest.mark.parametrize("blocker", BLOCKED)
def test_arm_is_blocked_and_status_says_why(blocker):
    hand = disarmed()
    assert hand.blockers(hand.now_ms) == Blocker(0)
    BLOCKED[blocker](hand)
    assert hand.blockers(hand.now_ms) == blocker
    assert hand.arm() is Result.BLOCKED
    assert hand.state is State.DISARMED


def test_stalled_sampling_blocks_even_before_it_is_a_fault():
    hand = disarmed()
    stalled_ms = hand.now_ms + m.STALL_MS + 1
    assert hand.blockers(stalled_ms - 1) == Blocker(0)
    assert hand.blockers(stalled_ms) == Blocker.SAMPLING_STALLED


@pytest.mark.parametrize("state", [State.HOLD, State.RELAX, State.FAULT])
def test_hold_relax_and_fault_want_disarm_before_arm(state):
    hand = IN_STATE[state]()
    assert hand.blockers(hand.now_ms) == Blocker.NOT_DISARMED
    assert hand.arm() is Result.BLOCKED
    assert hand.state is state
    hand.wait(1)
    hand.disarm()
    assert hand.arm() is Result.OK


def test_estop_blocks_for_good():
    assert stopped_for_good().blockers(0) == Blocker.ESTOP_LATCHED


def test_an_unconfigured_hand_is_not_armed():
    safety = Safety(boot_id=BOOT_ID, tick_hz=TICK_HZ)
    safety.started_up()
    assert Blocker.NOT_CONFIGURED in safety.blockers(0)
    assert safety.arm(m.Arm(m.Permission.DECODER, BOOT_ID, 0, safety.challenge), 0) is Result.WRONG_CONFIG


def test_arm_repeated_with_the_challenge_that_armed_is_answered_ok_and_changes_nothing():
    hand = disarmed()
    challenge = hand.challenge
    assert hand.arm() is Result.OK
    hand.wait(CONFIG.hold_ms - 1)
    assert hand.arm(challenge=challenge) is Result.OK
    hand.wait(1)
    assert hand.state is State.HOLD, "a repeated ARM does not prevent HOLD"
    assert hand.arm(challenge=challenge) is Result.BLOCKED


def test_an_old_arm_does_not_arm_again():
    hand = disarmed()
    challenge = hand.challenge
    hand.arm()
    hand.disarm()
    assert hand.arm(challenge=challenge) is Result.WRONG_CHALLENGE


# --- FAULT ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.DISARMED, State.ARMED, State.HOLD, State.RELAX])
def test_no_sample_for_stall_ms_is_a_fault(state):
    hand = IN_STATE[state]()
    hand.sampling = False
    if state is State.ARMED:
        hand.send()
    hand.wait(m.STALL_MS)
    assert hand.state is state
    hand.wait(1)
    assert (hand.state, hand.reason, hand.pulses_on) == (State.FAULT, Reason.SAMPLING_STALLED, False)
    hand.sampling = True
    hand.send_for(1000)
    assert hand.state is State.FAULT


def test_no_samples_are_no_fault_when_none_are_wanted():
    hand = disarmed()
    hand.stop()
    hand.sampling = False
    hand.wait(1000)
    assert hand.state is State.DISARMED


@pytest.mark.parametrize("state", [State.DISARMED, State.ARMED, State.HOLD, State.RELAX])
def test_a_low_servo_supply_is_a_fault(state):
    hand = IN_STATE[state]()
    hand.safety.supply_low = True
    hand.wait(1)
    assert (hand.state, hand.reason, hand.pulses_on) == (State.FAULT, Reason.SUPPLY_LOW, False)


def test_a_fault_keeps_its_first_reason():
    hand = faulty()
    hand.safety.supply_low = True
    hand.wait(100)
    assert hand.reason is Reason.SAMPLING_STALLED


# --- ARMED to HOLD ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hold_ms", [m.HOLD_MIN_MS, 77, m.HOLD_MAX_MS])
def test_silence_for_hold_ms_is_hold_counted_from_arm_and_from_each_setpoint(hold_ms):
    hand = armed(hold_ms=hold_ms)
    hand.wait(hold_ms - 1)
    assert hand.state is State.ARMED
    hand.send()
    hand.wait(hold_ms - 1)
    assert hand.state is State.ARMED
    hand.wait(1)
    assert (hand.state, hand.reason, hand.pulses_on) == (State.HOLD, Reason.SETPOINTS_STOPPED, True)


def test_a_setpoint_that_comes_too_late_finds_the_hold_that_its_lateness_has_led_to():
    hand = at_full_slew()
    hand.now_ms += CONFIG.hold_ms
    hand.safety.sampled(hand.now_ms)
    hand.send()
    assert hand.state is State.HOLD


def test_rejects_in_a_row_are_hold_and_one_fewer_is_not():
    hand = armed()
    for _ in range(m.MAX_REJECTS_IN_ROW - 1):
        hand.send((65535,) * 5)
    hand.send()
    for _ in range(m.MAX_REJECTS_IN_ROW - 1):
        hand.send(age=-1)
    assert hand.state is State.ARMED
    hand.send((65535,) * 5)
    assert (hand.state, hand.reason) == (State.HOLD, Reason.SETPOINTS_REJECTED)
    hand.disarm()
    hand.arm()
    hand.send((65535,) * 5)
    assert hand.state is State.ARMED, "ARM restarts the count"


def test_rejected_setpoints_do_not_prevent_hold():
    hand = armed()
    for _ in range(m.MAX_REJECTS_IN_ROW - 1):
        hand.wait(CONFIG.hold_ms // m.MAX_REJECTS_IN_ROW)
        hand.send((65535,) * 5)
    hand.wait(CONFIG.hold_ms // m.MAX_REJECTS_IN_ROW)
    assert hand.reason is Reason.SETPOINTS_STOPPED


# --- what is a good setpoint ------------------------------------------------------------------------------

LIMITS = {"servo_min_cdeg": (100, 200, 300, 400, 500), "servo_max_cdeg": (17000, 16000, 15000, 14000, 13000)}


@pytest.mark.parametrize("servo", range(m.SERVOS))
@pytest.mark.parametrize("limit", LIMITS)
def test_a_setpoint_at_its_limit_counts_and_beyond_it_is_rejected_not_clipped(servo, limit):
    hand = armed(**LIMITS)
    edge = LIMITS[limit][servo]
    hand.send((*SAFE[:servo], edge, *SAFE[servo + 1 :]))
    assert hand.range_rejects == 0
    hand.wait(20)
    beyond = edge - 1 if limit == "servo_min_cdeg" else edge + 1
    hand.send((*SAFE[:servo], beyond, *(9000,) * (4 - servo)))
    assert (hand.range_rejects, hand.stale_rejects) == (1, 0)
    hand.wait(100)
    assert abs(edge - hand.applied[servo]) < abs(edge - SAFE[servo]), "the last good setpoint is still the target"
    assert all(hand.applied[other] == SAFE[other] for other in range(5) if other != servo)


@pytest.mark.parametrize("valid_4ms", [0, 1, 25, 255])
def test_a_setpoint_is_stale_past_its_age(valid_4ms):
    oldest = valid_4ms * 4 * SAMPLES_PER_MS
    hand = armed()
    hand.now_ms += 2000
    hand.safety.sampled(hand.now_ms)
    hand.safety._acted_ms = hand.now_ms
    hand.send(age=oldest + 1, valid_4ms=valid_4ms)
    assert hand.stale_rejects == 1
    hand.send(age=oldest, valid_4ms=valid_4ms)
    assert hand.stale_rejects == 1


def test_a_setpoint_from_the_future_is_stale():
    hand = armed()
    hand.wait(10)
    hand.send(age=0)
    hand.send(age=-1)
    assert hand.stale_rejects == 1


def test_a_setpoint_older_than_the_last_is_stale_and_as_old_is_not():
    hand = armed()
    hand.wait(10)
    hand.send(age=4)
    hand.send(age=4)
    assert hand.stale_rejects == 0
    hand.send(age=5)
    assert hand.stale_rejects == 1
    hand.disarm()
    hand.arm()
    hand.send(age=5)
    assert hand.stale_rejects == 1, "ages count from ARM"


@pytest.mark.parametrize("state", [State.DISARMED, State.RELAX, State.FAULT, State.ESTOP])
def test_a_setpoint_counts_only_in_armed_and_hold(state):
    hand = IN_STATE[state]()
    hand.send((65535,) * 5)
    hand.send(age=-1)
    hand.send(seq=99)
    assert (hand.state, hand.range_rejects, hand.stale_rejects) == (state, 0, 0)
    assert hand.setpoint_seq != 99


@pytest.mark.parametrize("state", [State.ARMED, State.HOLD])
def test_the_seq_of_the_last_accepted_setpoint_is_kept(state):
    hand = IN_STATE[state]()
    hand.send(seq=99)
    hand.send(age=-1, seq=100)
    hand.send((65535,) * 5, seq=101)
    assert hand.setpoint_seq == 99


@pytest.mark.parametrize("first_index", [2**32 - 200, 2**31 - 200])
def test_ages_are_right_where_the_index_wraps(first_index):
    hand = Hand(CONFIG, first_index)
    hand.arm()
    for _ in range(40):
        hand.wait(5)
        hand.send(age=3)
    assert (hand.stale_rejects, hand.state) == (0, State.ARMED)
    assert hand.next_sample < first_index or hand.next_sample > 2**31
    hand.send(age=400)
    hand.send(age=-5)
    assert hand.stale_rejects == 2


# --- HOLD to ARMED ----------------------------------------------------------------------------------------


def near(hand, cdeg):
    """The held pose, except for the last servo."""
    return (*hand.applied[:4], hand.applied[4] + cdeg)


def test_hold_ends_after_500_ms_of_near_setpoints():
    hand = holding()
    hand.send_for(m.RESUME_CLEAN_MS, near(hand, 500))
    assert hand.state is State.HOLD
    hand.send(near(hand, 500))
    assert (hand.state, hand.reason) == (State.ARMED, Reason.SETPOINTS_RESUMED)


@pytest.mark.parametrize("cdeg", [m.RESUME_WINDOW_CDEG + 1, -m.RESUME_WINDOW_CDEG - 1])
def test_hold_does_not_end_by_setpoints_elsewhere(cdeg):
    hand = holding()
    hand.send_for(1500, near(hand, cdeg))
    assert hand.state is State.HOLD


INTERRUPTIONS = {
    "a pause of hold_ms": lambda hand: hand.wait(CONFIG.hold_ms),
    "a setpoint elsewhere": lambda hand: hand.send(near(hand, 501)),
    "a setpoint out of range": lambda hand: hand.send((65535,) * 5),
    "a stale setpoint": lambda hand: hand.send(age=-1),
}


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_the_500_ms_begin_anew_after(interruption):
    hand = holding()
    hand.send_for(m.RESUME_CLEAN_MS - 5)
    INTERRUPTIONS[interruption](hand)
    hand.send_for(m.RESUME_CLEAN_MS)
    assert hand.state is State.HOLD
    hand.send()
    assert hand.state is State.ARMED


def test_a_pause_shorter_than_hold_ms_does_not_begin_the_500_ms_anew():
    hand = holding()
    hand.send_for(m.RESUME_CLEAN_MS - CONFIG.hold_ms)
    hand.wait(CONFIG.hold_ms - 6)
    hand.send()
    hand.wait(5)
    hand.send()
    assert hand.state is State.HOLD
    hand.wait(6)
    hand.send()
    assert hand.state is State.ARMED


def test_setpoints_do_not_move_a_hand_that_holds():
    hand = holding()
    applied = list(hand.applied)
    hand.send_for(1000, (9000,) * 5)
    assert hand.applied == applied


# --- HOLD to RELAX ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("relax_ms", [m.HOLD_MAX_MS + 1, 700, m.RELAX_MAX_MS])
def test_relax_comes_relax_ms_after_the_last_setpoint_that_moved(relax_ms):
    hand = at_full_slew(relax_ms=relax_ms)
    hand.send_for(500, (9000,) * 5)
    hand.send((9000,) * 5)
    hand.wait(relax_ms - 1)
    assert hand.state is State.HOLD
    hand.wait(1)
    assert (hand.state, hand.reason) == (State.RELAX, Reason.SILENT_TOO_LONG)


def test_setpoints_elsewhere_do_not_put_relax_off():
    hand = holding()
    hand.send_for(m.RELAX_MAX_MS - CONFIG.hold_ms - 5, (9000,) * 5)
    assert hand.state is State.HOLD
    hand.send_for(5, (9000,) * 5)
    assert hand.state is State.RELAX


@pytest.mark.parametrize("slew_cdeg_per_s", [4000, m.RELAX_SLEW_CDEG_PER_S, 40000])
def test_relax_goes_to_the_safe_pose_slowly_and_then_cuts_the_pulses(slew_cdeg_per_s):
    hand = relaxing(slew_cdeg_per_s=slew_cdeg_per_s)
    step_cdeg = min(slew_cdeg_per_s, m.RELAX_SLEW_CDEG_PER_S) * SERVO_PERIOD_MS // 1000
    while hand.applied[0] != SAFE[0]:
        assert (hand.reason, hand.pulses_on) == (Reason.SILENT_TOO_LONG, True)
        before = hand.applied[0]
        hand.wait(SERVO_PERIOD_MS)
        assert before - hand.applied[0] == min(step_cdeg, before - SAFE[0])
    assert (hand.state, hand.reason, hand.pulses_on) == (State.RELAX, Reason.RELAXED, False)


def test_relax_is_not_left_by_setpoints():
    hand = relaxing()
    hand.send_for(5000, SAFE)
    assert hand.state is State.RELAX


# --- motion -----------------------------------------------------------------------------------------------


def test_after_power_on_the_hand_is_told_the_safe_pose():
    assert disarmed().applied == list(SAFE)


def test_another_config_keeps_the_pose_within_its_limits():
    hand = at_full_slew()
    hand.send_for(500, (9000, 9000, 4000, 100, 18000))
    pose = list(hand.applied)
    hand.disarm()
    hand.configure(replace(CONFIG, servo_safe_cdeg=(5000,) * 5), 1)
    assert hand.applied == pose
    hand.configure(replace(CONFIG, servo_min_cdeg=(3000,) * 5, servo_max_cdeg=(8000,) * 5), 2)
    assert hand.applied == [min(max(angle, 3000), 8000) for angle in pose]


def test_the_first_move_is_slow_until_every_servo_has_once_come_near_its_setpoint():
    hand = armed()
    goal = (9000, 4000, 4000, 4000, 4000)
    while abs(hand.applied[0] - goal[0]) > m.FIRST_MOVE_DONE_CDEG:
        before = hand.applied[0]
        hand.send_for(SERVO_PERIOD_MS, goal)
        assert 0 < hand.applied[0] - before <= FIRST_STEP_CDEG
    hand.send_for(SERVO_PERIOD_MS, (0,) * 5)
    assert hand.applied[1] == 4000 - STEP_CDEG


def test_servos_come_near_one_by_one():
    """Otherwise a setpoint that always moves would keep the hand slow forever."""
    hand = armed()
    for servo in range(m.SERVOS):
        goal = tuple(4000 if other == servo else 18000 for other in range(5))
        hand.send_for(SERVO_PERIOD_MS, goal)
        hand.send_for(2 * SERVO_PERIOD_MS, (4000,) * 5)
    before = hand.applied[0]
    hand.send_for(SERVO_PERIOD_MS, (0,) * 5)
    assert before - hand.applied[0] == STEP_CDEG


def test_without_a_setpoint_the_first_move_is_not_over():
    hand = armed()
    hand.wait(100)
    hand.send((9000,) * 5)
    hand.wait(SERVO_PERIOD_MS)
    assert hand.applied[0] - 4000 == FIRST_STEP_CDEG


def test_the_first_move_is_slow_again_after_the_next_arm_but_not_after_hold():
    hand = at_full_slew()
    hand.wait(CONFIG.hold_ms)
    hand.send_for(m.RESUME_CLEAN_MS + 5)
    assert hand.state is State.ARMED
    hand.send_for(SERVO_PERIOD_MS, (9000,) * 5)
    assert hand.applied[0] == 4000 + STEP_CDEG
    hand.disarm()
    hand.arm()
    hand.send_for(SERVO_PERIOD_MS, (9000,) * 5)
    assert hand.applied[0] == 4000 + STEP_CDEG + FIRST_STEP_CDEG


def test_a_slow_config_is_slower_than_the_first_move():
    hand = armed(slew_cdeg_per_s=m.SLEW_MIN_CDEG_PER_S)
    hand.send_for(10 * SERVO_PERIOD_MS, (9000,) * 5)
    assert hand.applied[0] == 4000 + 100


def test_a_servo_period_is_what_the_slew_moves_in_it_at_any_rate():
    hand = armed(servo_period_us=m.SERVO_PERIOD_MIN_US)
    hand.send((9000,) * 5)
    for step in (18, 18):
        before = hand.applied[0]
        hand.safety.servo_period()
        assert hand.applied[0] - before == step == m.FIRST_MOVE_SLEW_CDEG_PER_S * m.SERVO_PERIOD_MIN_US // 1_000_000


@given(st.integers(0, 18000), st.integers(0, 18000), st.integers(1, 2000))
def test_a_step_goes_towards_its_target_and_never_past_it(applied, target, step):
    moved = towards(applied, target, step)
    assert abs(moved - applied) <= step
    assert min(applied, target) <= moved <= max(applied, target)
    assert moved == target or abs(moved - applied) == step


EVENTS = st.one_of(
    st.tuples(st.just("send"), st.lists(st.integers(0, 20000), min_size=5, max_size=5), st.integers(-2, 300)),
    st.tuples(st.just("near"), st.integers(-600, 600)),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 19, 20, 60, 149, 150, 500, 2000])),
    st.tuples(st.sampled_from(["arm", "disarm", "stop", "start", "estop", "configure"])),
    st.tuples(st.just("supply"), st.booleans()),
    st.tuples(st.just("sampling"), st.booleans()),
)


def happen(hand, event):
    match event:
        case ("send", angles, age):
            hand.send(angles, age)
        case ("near", cdeg):
            hand.send_for(600, [min(max(a + cdeg, 0), 18000) for a in hand.applied], every_ms=20)
        case ("wait", ms):
            hand.wait(ms)
        case ("supply", low):
            hand.safety.supply_low = low
        case ("sampling", works):
            hand.sampling = works
        case ("start",):
            hand.start(hand.now_ms)
        case ("configure",):
            if hand.state is State.DISARMED and not hand.streaming:
                hand.configure(CONFIG, CONFIG_CRC)
        case (name,):
            getattr(hand, name)()


@settings(deadline=None, max_examples=60)
@given(st.lists(EVENTS, max_size=25))
def test_whatever_happens_the_slew_is_kept_and_pulses_follow_the_state(events):
    hand = Hand()
    hand.arm()
    period, moves = hand.safety.servo_period, []

    def watched_period():
        before = list(hand.applied)
        period()
        moves.append((hand.state, max(abs(a - b) for a, b in zip(before, hand.applied, strict=True))))

    hand.safety.servo_period = watched_period
    for event in events:
        before, pulses = list(hand.applied), hand.pulses_on
        periods = len(moves)
        happen(hand, event)
        if len(moves) == periods:
            assert hand.applied == before, "angles change only in a servo period"
        assert hand.pulses_on is (hand.state in MOVABLE and hand.reason is not Reason.RELAXED)
        assert pulses or not hand.pulses_on or event == ("arm",)
    for state, moved_cdeg in moves:
        allowed_cdeg = {State.ARMED: STEP_CDEG, State.RELAX: RELAX_STEP_CDEG}.get(state, 0)
        assert moved_cdeg <= allowed_cdeg
