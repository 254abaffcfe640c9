"""The session against any other end of the line: valid, old or damaged messages at any time, or silence."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from myobridge.errors import UserError
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder, encode
from myobridge.wire.handshake import SETTLING_S, Phase
from myobridge.wire.outbox import GREETING_S, REQUEST_TIMEOUT_S, REQUEST_TRIES
from myobridge.wire.session import FLOWING, PING_S, Session
from virtual_hand import VirtualHand, board_config, body_of, frame_of, unpacked

POLL_S = 0.01
SLACK_S = REQUEST_TIMEOUT_S + 2 * POLL_S
"""The session checks its timeouts only when a repetition is due."""
REPEATED = (m.Hello, m.Config, m.Start, m.Arm)
ANSWERED_S = REQUEST_TRIES * REQUEST_TIMEOUT_S + SLACK_S
PATIENCE_S = {
    Phase.GREETING: GREETING_S,
    Phase.SETTLING: SETTLING_S,
    Phase.CONFIGURING: ANSWERED_S,
    Phase.STARTING: ANSWERED_S,
}
"""How long a session accepts silence in each phase before it fails."""
PULSING_OR_STREAMING = m.StatusFlag.PULSES_ON | m.StatusFlag.STREAMING
GOOD_HAND = VirtualHand()
GOOD_HAND.run_until(lambda: GOOD_HAND.session.phase is Phase.STREAMING, within_s=0.5)
IDENT, STATUS = GOOD_HAND.session.ident, GOOD_HAND.session.status


def mostly(value, *others):
    return st.sampled_from([value] * 4 + list(others))


class AnyBoard(RuleBasedStateMachine):
    """The rules are the events; each message of the session is checked when the session sends it."""

    @initialize()
    def connect(self):
        """A new link: earlier requests do not count any more."""
        self.now_s = getattr(self, "now_s", 0.0) + 1.0
        self.line, self.seqs, self.sent_s, self.port_full = FrameDecoder(), [], {}, False
        self.arm_asked = self.permitted = self.disarm_asked = False
        self.told, self.challenge, self.arm_seqs, self.rested = None, None, set(), False
        self.session = Session(self.judge, lambda _ident: board_config())

    # --- messages of the session ----------------------------------------------------------------------------------

    def judge(self, data):
        for frame in self.line.feed(data):
            message, seq = unpacked(frame), frame[1]
            assert not self.seqs or seq == (self.seqs[-1] + 1) & 0xFF, "seq counts every frame"
            self.seqs = [seq]
            getattr(self, f"judge_{type(message).__name__.lower()}", lambda *_: None)(message, seq)
            if isinstance(message, REPEATED):
                before_s = self.sent_s.get(type(message), -1.0)
                assert self.arm_asked or self.now_s - before_s >= REQUEST_TIMEOUT_S - 1e-6
            self.sent_s[type(message)] = self.now_s
        return not self.port_full

    def judge_config(self, _message, _seq):
        assert self.rested, "CONFIG only to a hand at rest"

    def judge_start(self, message, _seq):
        assert self.session.phase is Phase.STARTING
        assert message.config_crc == GOOD_HAND.session._handshake.config_crc, "START names the acknowledged CONFIG"

    def judge_arm(self, message, seq):
        assert self.arm_asked, "ARM without a request"
        assert message == m.Arm(
            m.Permission.DECODER, self.session.ident.boot_id, self.session._handshake.config_crc, self.challenge
        )
        self.arm_seqs.add(seq)

    def judge_disarm(self, _message, _seq):
        withdrawn = self.session.arm_refusal == "the board did not answer"
        asked = self.disarm_asked or withdrawn
        assert asked or not self.told.flags & m.StatusFlag.PULSES_ON, "the hand drops nothing without a request"

    def judge_setpoint(self, _message, _seq):
        raise AssertionError("a session sends no SETPOINT by itself")

    def judge_ping(self, _message, _seq):
        assert self.now_s - self.sent_s.get(m.Ping, -1.0) >= PING_S - 1e-6

    # --- events ---------------------------------------------------------------------------------------------

    def during(self, action):
        """Connects again when a session fails, as the daemon does."""
        try:
            action()
        except UserError as error:
            assert str(error).endswith(".")
            self.connect()
            return False
        return True

    def poll(self, seconds):
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s += POLL_S
            self.session.poll(self.now_s)

    @rule(seconds=st.sampled_from([POLL_S, 0.06, 0.3, 1.1]))
    def time_passes(self, seconds):
        self.during(lambda: self.poll(seconds))

    @rule()
    def silence_is_answered_in_time(self):
        phase = self.session.phase
        within_s = PATIENCE_S.get(phase, ANSWERED_S) + SLACK_S
        if self.during(lambda: self.poll(within_s)):
            request = self.session._outbox.pending
            assert phase is Phase.STREAMING
            assert request is None or isinstance(request.message, m.Disarm | m.Estop), "repeated until answered"

    @rule()
    def the_port_fills_up_or_empties(self):
        self.port_full = not self.port_full

    @rule()
    def arm_is_asked_for(self):
        self.arm_asked, status = True, self.session.status
        self.challenge = status.challenge if status else None
        self.session.request_arm()

    @rule(how=st.sampled_from(["request_disarm", "request_estop", "stop"]))
    def a_stop_is_asked_for(self, how):
        self.permitted, self.disarm_asked = False, True
        getattr(self.session, how)()
        assert not self.session.may_move

    def says(self, frame):
        if self.session.phase is not Phase.STREAMING:
            self.permitted = False
        self.during(lambda: self.session.on_frame(frame, self.now_s))

    @rule(nonce=mostly(0, 1, 0xFFFF), major=mostly(m.MAJOR, m.MAJOR + 1), bits=mostly(10, 0, 255))
    def ident(self, nonce, major, bits):
        before, nonce = self.session.ident, nonce ^ self.session._handshake.nonce
        self.says(body_of(m.Ident(**{**fields(IDENT), "nonce": nonce, "major": major, "adc_bits": bits})))
        assert nonce == self.session._handshake.nonce or self.session.ident in (before, None), "somebody else's"

    @rule(result=mostly(m.Result.OK, m.Result.BAD_SLEW, 99), ours=mostly(True, False), ticks=mostly(0, 1))
    def config_ack(self, result, ours, ticks):
        config = board_config()
        crc = GOOD_HAND.session._handshake.config_crc if ours else 5
        self.says(body_of(m.ConfigAck(result, config.sample_period_ticks + ticks, crc)))

    @rule(
        state=mostly(m.State.DISARMED, *m.State, 200),
        flags=st.integers(0, 7),
        boot=mostly(0, 1),
        stale=mostly(0, 1, None),
        result=mostly(m.Result.OK, m.Result.BLOCKED, m.Result.WRONG_CHALLENGE, 99),
        blockers=mostly(0, m.Blocker.SUPPLY_LOW, 0xFFFF),
        challenge=st.integers(0, 3),
        angle=mostly(4000, m.ANGLE_MAX_CDEG + 1),
        reason=mostly(m.Reason.NONE, 77),
    )
    def status(self, state, flags, boot, stale, result, blockers, challenge, angle, reason):
        """stale: how many requests ago the answered request was sent; None: STATUS answers another request."""
        request = self.session._outbox.pending
        asked = (0, 0)
        if request is not None and stale is not None:
            asked = request.message.TYPE, (request.seq - stale) & 0xFF
        told = m.Status(
            **{
                **fields(STATUS), "state": state, "flags": flags, "boot_id": IDENT.boot_id ^ boot,
                "ack_type": asked[0], "ack_seq": asked[1], "ack_result": result, "blockers": blockers,
                "challenge": challenge, "applied_cdeg": (angle,) * m.SERVOS, "reason": reason,
            }
        )  # fmt: skip
        if state in set(m.State) and angle <= m.ANGLE_MAX_CDEG and self.session.ident:
            self.told = told
            self.rested |= state == m.State.DISARMED and not flags & PULSING_OR_STREAMING
            self.permitted &= state in FLOWING
            armed = asked[0] == m.Arm.TYPE and asked[1] in self.arm_seqs and result == m.Result.OK
            self.permitted |= armed and self.arm_asked and state in FLOWING
        self.says(body_of(told))

    @precondition(lambda self: self.session.phase in (Phase.STARTING, Phase.STREAMING))
    @rule()
    def the_hand_obeys(self):
        """The answer of a good hand."""
        request = self.session._outbox.pending
        if request and request.seq >= 0:
            state = {m.Arm: m.State.ARMED, m.Estop: m.State.ESTOP}.get(type(request.message), m.State.DISARMED)
            self.status(state, 3, 0, 0, m.Result.OK, 0, 1, 4000, m.Reason.NONE)

    @rule()
    def the_hand_does_what_is_right(self):
        """One step of a good session in its current phase."""
        self.during(lambda: self.poll(POLL_S))
        match self.session.phase:
            case Phase.GREETING:
                self.ident(0, m.MAJOR, IDENT.adc_bits)
            case Phase.SETTLING:
                self.status(m.State.DISARMED, 0, 0, None, m.Result.OK, 0, 1, 4000, m.Reason.POWER_ON)
            case Phase.CONFIGURING:
                self.config_ack(m.Result.OK, True, 0)
            case _:
                self.the_hand_obeys()

    @precondition(lambda self: self.session.phase is Phase.STREAMING and self.session.busy)
    @rule()
    def an_older_request_is_answered(self):
        self.status(m.State.ARMED, 3, 0, 1, m.Result.OK, 0, 1, 4000, m.Reason.NONE)

    @rule(token=st.integers(0, 3), index=st.integers(0, 3))
    def pong(self, token, index):
        self.says(body_of(m.Pong(token, 5, index)))

    @rule(kind=st.sampled_from(sorted(m.BY_TYPE)), payload=st.binary(max_size=70))
    def anything_with_a_good_crc(self, kind, payload):
        if kind not in (m.Emg.TYPE, m.Status.TYPE) and len(payload) != m.PAYLOAD_BYTES[kind]:
            (frame,) = FrameDecoder().feed(encode(kind, 0, payload))
            before = self.session.unexpected_frames
            self.says(frame)
            assert self.session.unexpected_frames == before + 1

    @rule(message=st.sampled_from([IDENT, STATUS]), at=st.integers(0, 20), bit=st.integers(0, 7))
    def a_damaged_frame_is_none(self, message, at, bit):
        damaged = bytearray(frame_of(message))
        damaged[at] ^= 1 << bit
        assert FrameDecoder().feed(bytes(damaged)) == []

    # --- invariants -----------------------------------------------------------------------------------------

    @invariant()
    def the_hand_moves_only_with_permission(self):
        assert self.permitted or not self.session.may_move

    @invariant()
    def nothing_grows(self):
        assert len(self.session._pings) <= 1


def fields(message):
    return {name: getattr(message, name) for name in message.__struct_fields__}


AnyBoard.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyBoard = AnyBoard.TestCase
