"""The session of the host with the simulated firmware, in virtual time."""

from zlib import crc32

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from myobridge.errors import UserError
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.wire import messages as m
from myobridge.wire.handshake import SETTLING_S, Phase, SessionBroken, SessionFailed
from myobridge.wire.messages import Reason, State
from myobridge.wire.outbox import GREETING_S, REQUEST_TIMEOUT_S, REQUEST_TRIES
from myobridge.wire.quiet import LISTEN_S, SILENT_S, STALE_S
from myobridge.wire.session import PING_S, Session
from virtual_hand import STEP_S, ConstantSource, VirtualHand, board_config, body_of, frame_of


def streaming_hand(**config):
    hand = VirtualHand(**config)
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=0.5)
    return hand


def armed_hand(**config):
    hand = streaming_hand(**config)
    hand.session.request_arm()
    hand.run_until(lambda: hand.session.may_move, within_s=0.1)
    return hand


def losing(count, *kinds):
    """A rule for the line: lose the first `count` messages of these kinds."""
    left = [count]

    def lose(message):
        lost = isinstance(message, kinds) and left[0] > 0
        left[0] -= lost
        return lost

    return lose


# --- from HELLO to EMG ------------------------------------------------------------------------------------


def test_a_session_greets_configures_starts_and_streams():
    hand = VirtualHand()
    until_the_board_speaks(hand)
    took_s = hand.run_until(lambda: hand.emg_frames, within_s=0.5)
    assert [type(message) for message in hand.sent] == [m.Hello, m.Config, m.Start, m.Ping]
    assert took_s < 0.02, "the next request follows each answer immediately"
    hand.run(1.0)
    assert hand.emg_frames == pytest.approx(2000 / 5, abs=5)
    assert hand.session.unexpected_frames == 0
    assert hand.session.status.seq_gaps == 0


def test_a_session_never_arms_by_itself():
    hand = streaming_hand()
    hand.run(5.0)
    assert not hand.sent_of(m.Arm)
    assert not hand.session.may_move
    assert hand.state is State.DISARMED


def until_the_board_speaks(hand):
    """Waits for the first STATUS that is not stale; then the first HELLO goes out."""
    hand.run_until(lambda: hand.session._outbox._board_speaks, within_s=0.15)


def test_a_silent_board_gets_nothing_but_one_hello_in_eight_seconds():
    """Even on request: a boot loader that hears bytes every five seconds does not start the firmware."""
    hand, said_s = VirtualHand(), []
    hand.session = Session(lambda data: said_s.append(hand.now_s) or True, lambda _ident: hand.config)
    began_s = hand.now_s
    with pytest.raises(SessionFailed, match="No board that speaks this protocol answers"):
        while True:
            hand.now_s += STEP_S
            for ask in (hand.session.request_estop, hand.session.request_disarm, hand.session.stop):
                ask()
            hand.session.poll(hand.now_s)
    assert hand.now_s - began_s == pytest.approx(GREETING_S, abs=0.01)
    assert len(set(said_s)) == 1
    assert said_s[0] - began_s == pytest.approx(LISTEN_S, abs=0.01)


def test_a_board_that_falls_silent_in_greeting_gets_no_more_hellos():
    """The board was reset; the frames had been waiting in the USB bridge."""
    hand = VirtualHand()
    until_the_board_speaks(hand)
    hand.lose = lambda message: not isinstance(message, m.Hello)
    hand.run(SILENT_S)
    greetings = len(hand.sent_of(m.Hello))
    hand.run(2.0)
    assert len(hand.sent_of(m.Hello)) == greetings


@pytest.mark.parametrize("early_s", [0.0, STALE_S / 2])
def test_frames_from_before_the_port_was_opened_do_not_show_that_the_board_runs(early_s):
    hand = VirtualHand()
    hand.step()
    hand.session.on_frame(body_of(m.Pong(1, 2, 3)), hand.now_s + early_s)
    hand.step()
    assert not hand.sent


def test_a_silent_board_gets_no_ping():
    hand = streaming_hand()
    hand.lose = lambda message: isinstance(message, m.Status | m.Pong)
    hand.run(SILENT_S + 0.2)
    pings = len(hand.sent_of(m.Ping))
    hand.run(5.0)
    assert len(hand.sent_of(m.Ping)) == pings


@pytest.mark.parametrize(("ask", "state"), [("request_estop", State.ESTOP), ("request_disarm", State.DISARMED)])
def test_a_request_to_a_silent_board_goes_out_after_its_first_frame(ask, state):
    hand = left_alone(State.HOLD)
    hand.connect()
    getattr(hand.session, ask)()
    hand.session.request_disarm()  # does not replace ESTOP
    until_the_board_speaks(hand)
    hand.step()
    assert hand.state is state


def test_a_single_zero_goes_first_and_ends_an_unfinished_frame():
    hand = VirtualHand()
    hand.firmware.receive(b"\x05half a frame", 0.0)
    until_the_board_speaks(hand)
    hand.run_until(lambda: hand.session.ident, within_s=0.04)
    assert len(hand.sent_of(m.Hello)) == 1


@pytest.mark.parametrize("lost", [m.Hello, m.Ident, m.Config, m.ConfigAck, m.Start])
@pytest.mark.parametrize("times", range(1, REQUEST_TRIES))
def test_a_lost_request_or_answer_is_repeated_every_50_ms(lost, times):
    hand = VirtualHand()
    hand.lose = losing(times, lost)
    until_the_board_speaks(hand)
    took_s = hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=1.0)
    assert took_s == pytest.approx(times * REQUEST_TIMEOUT_S, abs=0.02)
    kind = {m.Ident: m.Hello, m.ConfigAck: m.Config}.get(lost, lost)
    assert len(hand.sent_of(kind)) == times + 1
    hand.run(0.5)
    assert hand.session.phase is Phase.STREAMING


def test_the_next_status_replaces_a_lost_one():
    hand = VirtualHand()
    hand.lose = losing(2, m.Status)
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=0.5)


@pytest.mark.parametrize(("lost", "name"), [(m.Config, "CONFIG"), (m.Start, "START")])
def test_after_three_tries_the_session_fails_and_names_the_request(lost, name):
    hand = VirtualHand()
    hand.lose = lambda message: isinstance(message, lost)
    with pytest.raises(SessionFailed, match=rf"stopped answering \({name}\)"):
        hand.run(1.0)
    assert len(hand.sent_of(lost)) == REQUEST_TRIES


def test_the_session_waits_for_an_answer_as_long_as_a_boot_loader_needs():
    hand = VirtualHand()
    hand.lose = lambda message: isinstance(message, m.Hello)
    hand.run(GREETING_S - 0.1)
    with pytest.raises(SessionFailed, match="No board that speaks this protocol answers"):
        hand.run(0.2)


def test_a_board_that_starts_after_two_seconds_gets_its_hello_then():
    hand = VirtualHand()
    hand.lose = lambda message: isinstance(message, m.Hello) and hand.now_s < 2.0
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=2.2)


def test_an_ident_for_another_host_is_ignored():
    hand = VirtualHand()
    hand.lose = lambda message: isinstance(message, m.Hello)
    hand.run(0.1)
    other_nonce = hand.session._handshake.nonce ^ 1
    hand.firmware.receive(frame_of(m.Hello(m.MAJOR, m.MINOR, other_nonce, m.PROTO_HASH)), hand.now_s)
    hand.run(0.1)
    assert any(isinstance(message, m.Ident) for message in hand.received)
    assert hand.session.ident is None


# --- boards that do not fit -------------------------------------------------------------------------------


class OtherFirmware(SimulatedFirmware):
    """A firmware with other values in IDENT."""

    def __init__(self, **changes):
        super().__init__(ConstantSource(), boot_id=1)
        self._changes = changes

    def _ident(self, nonce):
        return replace(super()._ident(nonce), **self._changes)


def test_another_major_version_is_refused_in_one_sentence():
    hand = VirtualHand(OtherFirmware(major=m.MAJOR + 1))
    with pytest.raises(
        UserError, match=rf"speaks protocol {m.MAJOR + 1}\.{m.MINOR}, this program {m.MAJOR}\.{m.MINOR}; flash"
    ):
        hand.run(1.0)


@pytest.mark.parametrize("wrong", [{"max_channels": 0}, {"adc_bits": 7}, {"adc_bits": 17}, {"tick_hz": 0}])
def test_a_board_that_describes_itself_wrongly_is_refused_in_one_sentence(wrong):
    hand = VirtualHand(OtherFirmware(**wrong))
    with pytest.raises(UserError, match=r"describes itself wrongly .* flash the firmware of this version"):
        hand.run(1.0)
    assert hand.session.ident is None


def test_another_minor_version_streams():
    hand = VirtualHand(OtherFirmware(minor=m.MINOR + 1))
    hand.run_until(lambda: hand.emg_frames, within_s=0.5)


def test_another_protocol_hash_streams_but_is_not_armed():
    hand = VirtualHand(OtherFirmware(proto_hash=m.PROTO_HASH ^ 1))
    hand.run_until(lambda: hand.emg_frames, within_s=0.5)
    hand.session.request_arm()
    hand.run(0.5)
    assert "another protocol revision" in hand.session.arm_refusal
    assert not hand.sent_of(m.Arm)


def test_a_board_that_finds_another_hash_refuses_arm_with_the_reason():
    hand = streaming_hand()
    hand.firmware.safety.host_speaks_ours = False
    hand.session.request_arm()
    hand.run(0.2)
    assert "the protocols differ" in hand.session.arm_refusal
    assert not hand.session.may_move


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"channel_mask": 1 << 4}, "does not have these analogue inputs"),
        ({"sample_period_ticks": 500}, "cannot sample at this rate"),
        ({"samples_per_frame": 200}, "the frames are too long"),
        ({"slew_cdeg_per_s": 0}, "the slew rate is out of range"),
        ({"servo_min_cdeg": (5000,) * 5}, "the servo limits do not fit"),
        ({"hold_ms": 500}, "the timeouts are out of range"),
        ({"sample_format": 9}, "the board answered 5"),
    ],
)
def test_a_refused_configuration_is_explained(change, sentence):
    hand = VirtualHand(**change)
    with pytest.raises(UserError, match=sentence):
        hand.run(1.0)


def test_a_line_that_is_too_slow_is_explained():
    hand = VirtualHand(SimulatedFirmware(ConstantSource(), boot_id=1, baud=115200))
    with pytest.raises(UserError, match="the line is too slow; raise"):
        hand.run(1.0)


def test_a_board_that_confirms_another_sampling_rate_is_refused():
    hand = VirtualHand()
    hand.run_until(lambda: hand.session.phase is Phase.CONFIGURING, within_s=0.5)
    period = hand.config.sample_period_ticks
    ack = m.ConfigAck(m.Result.OK, period + 1, crc32(hand.config.pack()))
    with pytest.raises(UserError, match=rf"samples every {period + 1} ticks instead of {period}; choose"):
        hand.session.on_frame(body_of(ack), hand.now_s)
    assert not hand.sent_of(m.Start)


def test_a_refused_start_ends_the_session_with_the_reason():
    hand = VirtualHand()
    hand.run_until(lambda: hand.session.phase is Phase.STARTING, within_s=0.5)
    hand.firmware.safety.config_crc ^= 1
    with pytest.raises(SessionBroken, match=r"refused to start \(wrong config\); reset it"):
        hand.run(0.5)


def test_a_board_that_refuses_every_configuration_as_if_it_were_armed_breaks_the_session_but_not_the_daemon():
    class Stubborn(SimulatedFirmware):
        def _config(self, config):
            self._uplink.owe(m.ConfigAck, lambda _: m.ConfigAck(m.Result.WRONG_STATE, 0, 0))
            return m.Result.WRONG_STATE

    hand = VirtualHand(Stubborn(ConstantSource(), boot_id=1))
    with pytest.raises(SessionBroken, match="the board is armed or streaming; reset it"):
        hand.run(2.0)
    assert len(hand.sent_of(m.Config)) == REQUEST_TRIES + 1


def test_a_model_that_does_not_fit_the_board_ends_the_session_before_config():
    hand = VirtualHand()

    def refuse(_ident):
        raise UserError("no")

    hand.session._handshake.make_config = refuse
    with pytest.raises(UserError, match="no"):
        hand.run(0.5)
    assert not hand.sent_of(m.Config)


def test_unexpected_messages_are_counted_and_ignored():
    hand = streaming_hand()
    before = hand.session.status
    for frame in (
        body_of(m.Hello(1, 0, 0, 0)),  # an echo of the host
        body_of(m.Setpoint((0,) * 5, 0, 0)),
        body_of(m.Disarm()),
    ):
        hand.session.on_frame(frame, hand.now_s)
    for kind in range(256):
        if kind not in m.BY_TYPE:
            hand.session.on_frame(bytes((kind, 0, 1, 2)), hand.now_s)
    for kind in (m.Status, m.Pong, m.Ident, m.ConfigAck):
        hand.session.on_frame(bytes((kind.TYPE, 0)) + bytes(kind.STRUCT.size + 1) + b"??", hand.now_s)
    assert hand.session.unexpected_frames == 3 + 256 - len(m.BY_TYPE) + 4
    assert hand.session.status is before


# --- resets and earlier sessions --------------------------------------------------------------------------


def test_the_boot_id_shows_a_reset_during_a_session():
    hand = armed_hand()
    hand.firmware = SimulatedFirmware(ConstantSource(), boot_id=2)
    with pytest.raises(SessionFailed, match="was reset"):
        hand.run(0.2)


def left_alone(state):
    """A hand in `state`, which an earlier host moved before that host disappeared."""
    hand = armed_hand()
    hand.move(1.0, (9000,) * 5)
    while hand.state is not state:
        hand.step(host=False)
    return hand


@pytest.mark.parametrize("state", [State.ARMED, State.HOLD, State.RELAX])
def test_a_hand_that_holds_for_an_earlier_session_may_finish(state):
    """No DISARM, STOP or CONFIG while the pulses are on, so that the wearer does not drop an object."""
    hand = left_alone(state)
    hand.connect()
    while hand.firmware.safety.pulses_on:
        assert {type(message) for message in hand.sent} <= {m.Hello}
        assert hand.session.phase in (Phase.GREETING, Phase.SETTLING)
        hand.step()
    assert hand.firmware.safety.applied == list(hand.config.servo_safe_cdeg)
    assert hand.firmware.safety.reason is Reason.RELAXED
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=0.5)
    assert hand.state is State.DISARMED
    assert not hand.session.may_move


def test_an_earlier_stream_is_stopped_before_config():
    hand = streaming_hand()
    hand.connect()
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=0.5)
    kinds = [type(message) for message in hand.sent if not isinstance(message, m.Ping)]
    assert kinds.index(m.Stop) < kinds.index(m.Config) < kinds.index(m.Start)
    assert hand.session.status.sample_index < 1000, "the index starts again at 0"


def test_a_new_session_clears_a_fault():
    hand = streaming_hand()
    hand.firmware.safety.supply_low = True
    hand.run(0.01)
    assert hand.state is State.FAULT
    hand.firmware.safety.supply_low = False
    hand.connect()
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=0.5)


def test_an_emergency_stop_ends_the_session_and_the_error_says_what_to_do():
    hand = armed_hand()
    hand.firmware.receive(frame_of(m.Estop()), hand.now_s)
    hand.connect()
    with pytest.raises(UserError, match="emergency stop; make it safe, then lift it: "):
        hand.run(1.0)
    assert not hand.firmware.safety.streaming


def test_a_session_that_waits_in_estop_waits_until_the_stop_is_lifted():
    hand = armed_hand()
    hand.firmware.receive(frame_of(m.Estop()), hand.now_s)
    hand.connect()
    hand.session._handshake.waits_in_estop = True
    hand.run(2 * SETTLING_S)
    assert hand.session.phase is Phase.SETTLING
    assert not hand.firmware.safety.streaming


@pytest.mark.parametrize("phase", [Phase.GREETING, Phase.SETTLING, Phase.CONFIGURING, Phase.STARTING])
def test_an_estop_before_the_stream_stops_the_board_and_does_not_end_the_session(phase):
    hand = VirtualHand()
    hand.session._handshake.waits_in_estop = True
    hand.run_until(lambda: hand.session.phase is phase, within_s=1.0)
    hand.session.request_estop()
    hand.run(1.0)
    assert hand.state is State.ESTOP
    assert hand.session.phase in (Phase.SETTLING, Phase.STREAMING)


def test_the_session_waits_for_a_hand_that_relaxes_slowly():
    hand = armed_hand()
    hand.move(4.0, (m.ANGLE_MAX_CDEG,) * 5)
    hand.firmware.safety.config = board_config(slew_cdeg_per_s=m.SLEW_MIN_CDEG_PER_S)
    hand.connect()
    hand.run(1.5 * SETTLING_S)
    assert hand.session.phase is Phase.SETTLING
    assert hand.firmware.safety.state is State.RELAX
    assert hand.firmware.safety.pulses_on


def test_a_session_does_not_take_over_a_hand_that_another_host_moves():
    hand = left_alone(State.ARMED)
    hand.connect()
    began_s = hand.now_s
    with pytest.raises(SessionFailed, match="did not come to rest from an earlier session; switch its servo power off"):
        while hand.now_s < began_s + 2 * SETTLING_S:
            hand.firmware.receive(frame_of(m.Setpoint((9000,) * 5, 25, hand.firmware.samples_taken - 1)), hand.now_s)
            hand.run(0.05)
    assert hand.now_s - began_s == pytest.approx(SETTLING_S, abs=0.2)
    assert hand.state is State.ARMED
    assert {type(message) for message in hand.sent} == {m.Hello}


# --- permission to move -----------------------------------------------------------------------------------


def test_arm_is_granted_and_setpoints_move_the_hand():
    hand = armed_hand()
    assert hand.state is State.ARMED
    hand.move(2.5, (9000, 0, 4000, 18000, 1))
    assert hand.firmware.safety.applied == [9000, 0, 4000, 18000, 1]
    assert hand.session.status.range_rejects == hand.session.status.stale_rejects == 0


def test_arm_can_be_requested_long_after_the_start():
    hand = streaming_hand()
    hand.run(GREETING_S + 1)
    hand.session.request_arm()
    hand.run_until(lambda: hand.session.may_move, within_s=0.1)


def test_arm_before_the_stream_is_refused():
    hand = VirtualHand()
    hand.session.request_arm()
    assert hand.session.arm_refusal == "the stream has not started"


@pytest.mark.parametrize("lost", [m.Arm, m.Status])
@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_arm_or_its_answer_is_repeated(lost, times):
    hand = streaming_hand()
    hand.run(0.01)
    hand.lose = losing(times, lost)
    hand.session.request_arm()
    hand.run_until(lambda: hand.session.may_move, within_s=0.12)
    assert hand.state is State.ARMED


def test_an_unanswered_arm_is_withdrawn_and_the_stream_goes_on():
    hand = streaming_hand()
    hand.lose = lambda message: isinstance(message, m.Arm)
    hand.session.request_arm()
    hand.run(0.5)
    assert hand.session.arm_refusal == "the board did not answer"
    assert not hand.session.may_move
    assert len(hand.sent_of(m.Arm)) == REQUEST_TRIES
    assert hand.sent_of(m.Disarm), "the answer of an armed hand may be lost"
    assert hand.session.phase is Phase.STREAMING
    assert not hand.session.busy


@pytest.mark.parametrize(
    ("spoil", "refusal"),
    [
        (lambda hand: setattr(hand.firmware.safety, "supply_low", True), "servo supply is low"),
        (lambda hand: hand.firmware.safety.estop(), "emergency stop is in force"),
        (lambda hand: hand.firmware.safety.stop(), "not streaming"),
    ],
)
def test_a_blocked_arm_says_why(spoil, refusal):
    hand = streaming_hand()
    spoil(hand)
    hand.run(0.15)
    hand.session.request_arm()
    hand.run(0.2)
    assert refusal in hand.session.arm_refusal
    assert not hand.session.may_move


def test_beyond_the_limits_only_a_jog_is_asked_for_and_others_name_the_command():
    hand = VirtualHand(SimulatedFirmware(ConstantSource(), limits=None), servo_safe_cdeg=(9000,) * m.SERVOS)
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=1)
    hand.run(0.15)
    hand.session.request_arm()
    assert "`myobridge servos` stores this hand's limits" in hand.session.arm_refusal
    hand.session.request_arm(m.Permission.JOG)
    hand.run(0.1)
    assert (hand.state, hand.session.may_move, hand.session.arm_refusal) == (State.ARMED, True, "")
    assert [arm.permission for arm in hand.sent_of(m.Arm)] == [m.Permission.JOG]


def test_an_arm_with_an_old_challenge_is_refused_with_the_reason():
    hand = streaming_hand()
    hand.firmware.safety.challenge ^= 1
    hand.session.request_arm()
    hand.run_until(lambda: hand.session.arm_refusal, within_s=0.1)
    assert hand.session.arm_refusal == "the board answered wrong challenge"
    assert not hand.session.may_move


def test_an_unknown_refusal_of_a_newer_firmware_is_shown_as_a_number():
    hand = streaming_hand()
    hand.firmware.safety.arm = lambda _request, _now_ms: max(m.Result) + 1
    hand.session.request_arm()
    hand.run_until(lambda: hand.session.arm_refusal, within_s=0.1)
    assert hand.session.arm_refusal == f"the board answered {max(m.Result) + 1}"
    assert not hand.session.may_move


def test_arm_changes_nothing_while_the_hand_moves():
    hand = armed_hand()
    hand.session.request_arm()
    hand.run(0.01)
    assert hand.session.may_move
    assert "disarmed first" in hand.session.arm_refusal


def test_permission_outlives_hold_and_is_lost_with_relax():
    hand = armed_hand()
    hand.move(0.5)
    hand.run_until(lambda: hand.session.status.state == State.HOLD, within_s=0.2)
    assert hand.session.may_move
    hand.move(0.6)
    assert hand.session.status.state == State.ARMED, "setpoints near the held pose resume ARMED"
    hand.run_until(lambda: hand.session.status.state == State.RELAX, within_s=2.2)
    assert not hand.session.may_move
    hand.move(3.0)
    assert hand.state is State.RELAX


@pytest.mark.parametrize("event", ["fault", "estop"])
def test_permission_is_lost_with_the_state(event):
    hand = armed_hand()
    if event == "fault":
        hand.firmware.safety.supply_low = True
    else:
        hand.firmware.safety.estop()
    hand.run_until(lambda: not hand.session.may_move, within_s=0.01)


def test_disarm_ends_the_permission_immediately_and_is_repeated_until_answered():
    hand = armed_hand()
    hand.lose = losing(2, m.Disarm)
    hand.session.request_disarm()
    assert not hand.session.may_move
    hand.run_until(lambda: hand.state is State.DISARMED, within_s=0.12)
    hand.run(0.2)
    assert len(hand.sent_of(m.Disarm)) == 3
    assert not hand.session.busy


def test_disarm_is_repeated_until_it_is_answered():
    hand = armed_hand()
    hand.lose = lambda message: isinstance(message, m.Disarm)
    hand.session.request_disarm()
    hand.run(2.0)
    assert hand.session.busy
    hand.lose = lambda _message: False
    hand.run(2 * REQUEST_TIMEOUT_S)
    assert hand.state is State.DISARMED


def test_disarm_replaces_a_pending_arm():
    hand = streaming_hand()
    hand.lose = lambda message: isinstance(message, m.Status) and message.ack_type == m.Arm.TYPE
    hand.session.request_arm()
    hand.run(0.03)
    assert hand.state is State.ARMED
    hand.session.request_disarm()
    hand.run(0.2)
    assert hand.state is State.DISARMED
    assert not hand.session.may_move


def test_disarm_before_the_stream_is_sent_and_the_session_goes_on():
    hand = VirtualHand()
    for _ in range(20):
        hand.session.request_disarm()
        hand.step()
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=0.5)


def test_disarm_releases_a_hand_that_holds_for_an_earlier_session():
    hand = left_alone(State.HOLD)
    hand.connect()
    hand.run_until(lambda: hand.session.phase is Phase.SETTLING, within_s=0.2)
    hand.session.request_disarm()
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=0.5)
    assert hand.state is State.DISARMED


# --- ESTOP ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [0, 1, REQUEST_TRIES - 1])
def test_estop_ends_the_permission_immediately_and_is_repeated_until_answered(lost):
    hand = armed_hand()
    hand.lose = losing(lost, m.Estop)
    hand.session.request_estop()
    assert not hand.session.may_move
    assert hand.session.stopping
    hand.run_until(lambda: hand.state is State.ESTOP, within_s=0.002 + lost * 0.06)
    hand.run(0.2)
    assert not hand.firmware.safety.pulses_on
    assert len(hand.sent_of(m.Estop)) == lost + 1
    assert not hand.session.stopping
    assert hand.session.phase is Phase.STREAMING  # the EMG stays visible


def test_estop_is_repeated_until_it_is_answered():
    hand = armed_hand()
    hand.lose = lambda message: isinstance(message, m.Estop)
    hand.session.request_estop()
    hand.run(2.0)
    assert hand.session.stopping
    hand.lose = lambda _message: False
    hand.run(2 * REQUEST_TIMEOUT_S)
    assert hand.state is State.ESTOP


@pytest.mark.parametrize("afterwards", ["request_arm", "request_disarm"])
def test_nothing_replaces_a_pending_estop(afterwards):
    hand = armed_hand()
    hand.lose = losing(1, m.Estop)
    hand.session.request_estop()
    hand.step()
    getattr(hand.session, afterwards)()
    hand.run(0.2)
    assert hand.state is State.ESTOP
    assert not hand.session.may_move
    assert not hand.sent_of(m.Disarm)


def test_estop_replaces_a_pending_arm():
    hand = streaming_hand()
    hand.session.request_arm()
    hand.session.request_estop()
    hand.run(0.2)
    assert hand.state is State.ESTOP
    assert not hand.sent_of(m.Arm)


def test_a_session_waits_for_the_end_of_an_emergency_stop_that_refused_its_start():
    hand = VirtualHand()
    hand.session._handshake.waits_in_estop = True
    hand.lose = lambda message: isinstance(message, m.Start)
    hand.run_until(lambda: hand.sent_of(m.Start), within_s=0.5)
    request, status = hand.session._outbox.pending, hand.session.status
    answer = {"ack_type": m.Start.TYPE, "ack_seq": request.seq, "ack_result": m.Result.WRONG_STATE}
    hand.session.on_frame(body_of(replace(status, state=State.ESTOP, **answer)), hand.now_s)
    assert hand.session.phase is Phase.SETTLING


@pytest.mark.parametrize("phase", [Phase.SETTLING, Phase.CONFIGURING, Phase.STARTING])
def test_estop_before_the_stream_is_sent_immediately(phase):
    hand = VirtualHand()
    hand.run_until(lambda: hand.session.phase is phase, within_s=0.5)
    hand.session.request_estop()
    hand.step()
    assert hand.state is State.ESTOP


def test_stop_sends_disarm_and_stop():
    hand = armed_hand()
    hand.session.stop()
    assert not hand.session.may_move
    assert [type(message) for message in hand.sent[-2:]] == [m.Disarm, m.Stop]
    hand.run(0.01)
    assert hand.state is State.DISARMED
    assert not hand.firmware.safety.streaming


# --- PING -------------------------------------------------------------------------------------------------


def test_pings_bracket_the_next_sample_between_two_times():
    hand = streaming_hand()
    pongs = []
    hand.session.pong = lambda *pong: pongs.append(pong)
    hand.run(3.0)
    assert len(pongs) == pytest.approx(3.0 / PING_S, abs=1)
    started_s = hand.firmware._first_sample_s
    for sent_s, received_s, next_index in pongs:
        assert 0 < received_s - sent_s < 0.01
        assert sent_s <= started_s + next_index / 2000 <= received_s + 1 / 2000


def test_the_session_awaits_an_answer_until_it_arrives():
    hand = VirtualHand()
    hand.step()
    assert hand.session.awaits_answer, "HELLO"
    hand.run_until(lambda: hand.sent_of(m.Ping), within_s=0.5)
    assert hand.session.awaits_answer, "PING"
    hand.run_until(lambda: not hand.session.awaits_answer, within_s=0.1)
    hand.lose = losing(1, m.Pong)
    pings = len(hand.sent_of(m.Ping))
    hand.run_until(lambda: len(hand.sent_of(m.Ping)) > pings, within_s=PING_S + 0.01)
    hand.run(PING_S / 2)
    assert hand.session.awaits_answer, "the PONG was lost"


def test_a_pong_after_the_next_ping_is_ignored():
    hand = streaming_hand()
    hand.lose = lambda message: isinstance(message, m.Pong)
    hand.run(PING_S + 0.1)
    hand.session.pong = lambda *_pong: pytest.fail("taken")
    late = next(message for message in hand.sent if isinstance(message, m.Ping))
    hand.session.on_frame(body_of(m.Pong(late.token, 5, 5)), hand.now_s)


def test_a_pong_without_a_ping_is_ignored():
    hand = streaming_hand()
    hand.session.pong = lambda *_pong: pytest.fail("taken")
    for token in (0, 77, 2**32 - 1):
        hand.session.on_frame(body_of(m.Pong(token, 5, 5)), hand.now_s)


# --- events in any order ----------------------------------------------------------------------------------


class AnyOrder(RuleBasedStateMachine):
    """Hosts that connect, send requests and disappear, a line that loses messages, and a board that resets."""

    @initialize(seed=st.integers(0, 3))
    def begin(self, seed):
        self.hand = VirtualHand(SimulatedFirmware(ConstantSource(), boot_id=seed))
        self.asked_to_arm = False

    def during(self, action):
        """Connects again when a session fails, without a request, as the daemon does."""
        try:
            action()
        except UserError:
            self.hand.connect()
            self.asked_to_arm = False

    @rule(seconds=st.sampled_from([0.005, 0.06, 0.3, 2.5]))
    def time_passes(self, seconds):
        self.during(lambda: self.hand.run(seconds))

    @rule(seconds=st.sampled_from([0.02, 0.3]), angle=st.sampled_from([0, 4000, 4200, 18000, 18001]))
    def setpoints(self, seconds, angle):
        self.during(lambda: self.hand.move(seconds, (angle,) * 5))

    @rule()
    def arm(self):
        self.hand.session.request_arm()
        self.asked_to_arm = True

    @rule()
    def disarm(self):
        self.hand.session.request_disarm()
        self.asked_to_arm = False

    @rule()
    def estop(self):
        self.hand.session.request_estop()
        self.asked_to_arm = False

    @rule(kind=st.sampled_from(sorted(set(m.BY_TYPE.values()) - {m.Emg}, key=lambda kind: kind.TYPE)))
    def lose_some(self, kind):
        self.hand.lose = losing(2, kind)

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.5, 2.2]))
    def host_dies_and_comes_again(self, seconds):
        self.hand.run(seconds, host=False)
        self.hand.connect()
        self.asked_to_arm = False

    @rule(seed=st.integers(4, 9))
    def board_resets(self, seed):
        self.hand.firmware = SimulatedFirmware(ConstantSource(), boot_id=seed)

    @invariant()
    def the_hand_moves_only_on_request(self):
        assert self.asked_to_arm or not self.hand.session.may_move

    @invariant()
    def angles_stay_within_limits(self):
        assert all(0 <= angle <= m.ANGLE_MAX_CDEG for angle in self.hand.firmware.safety.applied)

    def teardown(self):
        """From any state, an undisturbed session reaches the stream; after an emergency stop, a reset comes first."""
        self.hand.lose = lambda _message: False
        if self.hand.state is State.ESTOP:
            self.board_resets(10)
        self.hand.connect()
        self.hand.run_until(lambda: self.hand.emg_frames, within_s=8.0)
        assert not self.hand.session.may_move


AnyOrder.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestAnyOrder = AnyOrder.TestCase


def test_a_status_with_impossible_angles_is_ignored_and_counted():
    hand = streaming_hand()
    before = hand.session.status
    wrong = replace(before, applied_cdeg=(0, 0, 0, 0, m.ANGLE_MAX_CDEG + 1), state=State.ESTOP)
    hand.session.on_frame(body_of(wrong), hand.now_s)
    assert hand.session.status == before
    assert hand.session.unexpected_frames == 1


def test_an_acknowledgement_of_another_config_is_ignored_and_counted():
    hand = VirtualHand()
    hand.run_until(lambda: hand.session.phase is Phase.CONFIGURING, within_s=0.5)
    period = hand.session.config.sample_period_ticks
    hand.session.on_frame(body_of(m.ConfigAck(m.Result.OK, period, 0)), hand.now_s)
    assert hand.session.phase is Phase.CONFIGURING
    assert hand.session.unexpected_frames == 1
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=0.5)


def test_a_late_acknowledgement_changes_nothing():
    hand = streaming_hand()
    hand.session.on_frame(body_of(m.ConfigAck(m.Result.BAD_SLEW, 0, 0)), hand.now_s)
    assert hand.session.phase is Phase.STREAMING


def test_an_unknown_reason_of_a_newer_firmware_is_dropped_from_its_status():
    hand = streaming_hand()
    newer = replace(hand.session.status, reason=max(Reason) + 1, supply_mv=5000)
    hand.session.on_frame(body_of(newer), hand.now_s)
    assert hand.session.status == replace(newer, reason=Reason.NONE)
    assert hand.session.unexpected_frames == 0


def test_a_session_knows_its_boot_id_and_whether_it_is_arming():
    hand = VirtualHand()
    assert hand.session.boot_id is None
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=1.0)
    assert hand.session.boot_id == hand.firmware.safety.boot_id
    assert not hand.session.arming
    hand.session.request_arm()
    assert hand.session.arming


def test_an_estop_from_another_thread_is_sent_immediately_and_ends_the_permission():
    hand = armed_hand()
    hand.session.estop_now()
    assert not hand.session.may_move
    hand.run(0.01)
    assert hand.state is State.ESTOP


def test_disarm_follows_a_pending_arm_when_the_link_is_given_up():
    hand = streaming_hand()
    hand.session.withdraw_now()
    assert not hand.sent_of(m.Disarm)
    hand.session.request_arm()
    hand.step()
    hand.session.withdraw_now()
    assert len(hand.sent_of(m.Disarm)) == 1
