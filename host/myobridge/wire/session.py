"""The session with a board: greet, configure, start, arm. A session knows frames and times, but no port.

    GREETING → SETTLING → CONFIGURING → STARTING → STREAMING

In SETTLING the session waits while the hand still moves or holds something from an earlier session: a new session never
makes the hand drop what the wearer is holding. Only `request_arm` gives the permission to move (`may_move`). The
permission ends when the board leaves ARMED and HOLD, when its boot_id changes, and when the link is lost.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final
from zlib import crc32

import msgspec

from myobridge.errors import UserError
from myobridge.wire import messages as m
from myobridge.wire.frame import PAYLOAD, encode
from myobridge.wire.quiet import Quiet
from myobridge.wire.refusals import config_refusal, refusal, result_name

REQUEST_TIMEOUT_S: Final = 0.05
REQUEST_TRIES: Final = 3
GREETING_S: Final = 8.5
"""The session asks a silent board once, after LISTEN_S; a boot loader that hears the question stays for 5 s more."""
SETTLING_S: Final = 15.0
PING_S: Final = 0.5
FLOWING: Final = (m.State.ARMED, m.State.HOLD)


class Phase(Enum):
    """The stages of a session."""

    GREETING = auto()
    SETTLING = auto()
    CONFIGURING = auto()
    STARTING = auto()
    STREAMING = auto()


class SessionFailed(UserError):
    """The board does not answer, or its answers do not allow a session."""


class SessionBroken(SessionFailed):
    """The board answered, and then was reset or fell silent, as in its boot loader; a new session may succeed."""


@dataclass
class _Request:
    """A control message that waits for its answer."""

    message: m.Message
    sent_s: float = -1.0
    seq: int = -1
    tries_left: int = REQUEST_TRIES


@dataclass
class Session:
    """The host's side of a conversation with a board. `send` takes a whole encoded frame.

    make_config: makes the CONFIG for a board that has sent IDENT; it may raise UserError.
    """

    send: Callable[[bytes], bool]
    make_config: Callable[[m.Ident], m.Config]
    phase: Phase = Phase.GREETING
    ident: m.Ident | None = None
    status: m.Status | None = None
    status_s: float = 0.0
    """When `status` arrived."""
    config: m.Config | None = None
    config_crc: int = 0
    may_move: bool = False
    """The board has granted an ARM, and has not left ARMED and HOLD since."""
    arm_refusal: str = ""
    """Why the newest `request_arm` failed; empty while ARM is pending, and after a success."""
    pong: Callable[[float, float, int], None] = lambda _sent_s, _received_s, _index: None
    unexpected_frames: int = 0
    ping_every_s: float = PING_S
    waits_in_estop: bool = False
    """Wait for a board that is in emergency stop: a person may lift the stop, which resets the board."""
    _seq: int = 0
    _nonce: int = field(default_factory=lambda: int.from_bytes(os.urandom(2), "little"))
    _refused: int = 0
    """How often the board refused CONFIG although it had reported that it was DISARMED."""
    _request: _Request | None = None
    _phase_s: float = -1.0
    _quiet: Quiet = field(default_factory=lambda: Quiet(math.inf))
    _board_speaks: bool = False
    _held_back: m.Message | None = None
    _pings: dict[int, float] = field(default_factory=dict)
    _ping_s: float = 0.0
    _token: int = 0

    # --- called by the loop -------------------------------------------------------------------------------

    def poll(self, now_s: float) -> None:
        """Sends whatever is due: this phase's request, its repetitions, PING.

        Raises:
            SessionFailed: the board did not answer in time.
        """
        if self._phase_s < 0:
            self._quiet, self._phase_s = Quiet(now_s), now_s
        self._board_speaks = self._quiet.board_speaks(now_s)
        if self._request is None:
            self._next_request()
        if self._request is not None and now_s - self._request.sent_s >= REQUEST_TIMEOUT_S:
            self._repeat(self._request, now_s)
        if self.phase is Phase.SETTLING and now_s - self._phase_s > SETTLING_S:
            raise SessionFailed(
                "The hand did not come to rest from an earlier session; switch its servo power off and reset it."
            )
        if self.phase is Phase.STREAMING and now_s >= self._ping_s and self._board_speaks:
            self._ping_s = now_s + self.ping_every_s
            self._token = (self._token + 1) & 0xFFFFFFFF
            self._pings = {self._token: now_s}
            self._transmit(m.Ping(self._token))

    @property
    def awaits_answer(self) -> bool:
        """A request or a PING is pending."""
        return self._request is not None or bool(self._pings)

    def hear(self, now_s: float) -> None:
        """Notes that a good frame of any type arrived, which shows that the board runs its firmware."""
        self._quiet.hear(now_s)
        self._board_speaks = self._quiet.board_speaks(now_s)
        if self._board_speaks and self._held_back is not None:
            message, self._held_back = self._held_back, None
            self._transmit(message)

    def on_frame(self, frame: bytes, now_s: float) -> None:
        """Takes any good frame except EMG.

        Raises:
            UserError: the board speaks another protocol, or refuses the configuration.
        """
        self.hear(now_s)
        try:
            message = m.BY_TYPE[frame[0]].unpack(frame[PAYLOAD])
        except (KeyError, struct.error):
            self.unexpected_frames += 1
            return
        if isinstance(message, m.Status):
            self._on_status(message, now_s)
        elif isinstance(message, m.Pong):
            sent_s = self._pings.pop(message.token, None)
            if sent_s is not None and message.sample_index:
                self.pong(sent_s, now_s, message.sample_index)
        elif isinstance(message, m.Ident):
            self._on_ident(message, now_s)
        elif isinstance(message, m.ConfigAck):
            self._on_config_ack(message, now_s)
        else:
            self.unexpected_frames += 1

    @property
    def boot_id(self) -> int | None:
        """The board's boot_id, which differs after each reset; None before IDENT."""
        return None if self.ident is None else self.ident.boot_id

    @property
    def busy(self) -> bool:
        """A request waits for its answer."""
        return self._request is not None

    def setpoint(self, angle_cdeg: tuple[int, ...], valid_4ms: int, based_on_sample: int) -> bool:
        """Sends one SETPOINT; False if the port does not take it now."""
        return self._transmit(m.Setpoint(angle_cdeg, valid_4ms, based_on_sample & 0xFFFFFFFF))[1]

    def request_arm(self) -> None:
        """Asks for permission to move; the outcome appears in `may_move` or `arm_refusal`."""
        if self.stopping:
            self.arm_refusal = "an emergency stop is pending"
        elif self.phase is not Phase.STREAMING or self.ident is None or self.status is None:
            self.arm_refusal = "the stream has not started"
        elif self.ident.proto_hash != m.PROTO_HASH:
            self.arm_refusal = "the firmware speaks another protocol revision; flash the firmware of this version"
        elif self.status.blockers:
            self.arm_refusal = refusal(m.Result.BLOCKED, self.status.blockers)
        else:
            self.arm_refusal = ""
            self._request = _Request(m.Arm(self.ident.boot_id, self.config_crc, self.status.challenge))

    def withdraw_arm(self, why: str) -> None:
        """Gives up a pending ARM. The board may still obey the ARM, so DISARM follows until the board confirms it."""
        self.request_disarm()
        self.arm_refusal = why

    def request_disarm(self) -> None:
        """Takes the permission back; the board cuts the pulses. The session repeats DISARM until the board answers."""
        self.may_move = False
        if self.stopping:
            return  # ESTOP does more than DISARM
        if self.phase is Phase.STREAMING:
            self._request = _Request(m.Disarm())
        else:  # beside this phase's own request
            self._transmit(m.Disarm())

    def request_estop(self) -> None:
        """Cuts the pulses until the board is reset. The session repeats ESTOP until the board answers."""
        self.may_move = False
        if self.phase is Phase.STREAMING:
            self._request = _Request(m.Estop())
        else:  # beside this phase's own request
            self._transmit(m.Estop())

    @property
    def arming(self) -> bool:
        """ARM is pending."""
        return self._request is not None and isinstance(self._request.message, m.Arm)

    @property
    def stopping(self) -> bool:
        """ESTOP is pending; the session repeats it until the board answers."""
        return self._request is not None and isinstance(self._request.message, m.Estop)

    def estop_now(self) -> None:
        """Sends ESTOP once, immediately; another thread calls this while the session's own thread is stuck."""
        self.may_move = False
        self._transmit(m.Estop())

    def withdraw_now(self) -> None:
        """Sends DISARM once if an ARM is pending, which the board may still obey after the caller gives up the link."""
        if self.arming:
            self._transmit(m.Disarm())

    def stop(self) -> None:
        """Sends DISARM and STOP once before the port is closed, and waits for no answer."""
        self.may_move = False
        self._transmit(m.Disarm())
        self._transmit(m.Stop())

    # --- requests -----------------------------------------------------------------------------------------

    def _transmit(self, message: m.Message) -> tuple[int, bool]:
        """Sends a message. Returns its seq, and whether the port took the message.

        Before IDENT, a silent board gets only HELLO: a boot loader loses what it hears, and stays because of it.
        ESTOP and DISARM wait for the first frame from the board.
        """
        seq = self._seq
        if self.phase is Phase.GREETING and not self._board_speaks and not isinstance(message, m.Hello):
            if not isinstance(self._held_back, m.Estop):
                self._held_back = message
            return seq, False
        self._seq = (seq + 1) & 0xFF
        return seq, self.send(encode(message.TYPE, seq, message.pack()))

    def _next_request(self) -> None:
        if self.phase is Phase.GREETING:
            self._request = _Request(m.Hello(m.MAJOR, m.MINOR, self._nonce, m.PROTO_HASH))
        elif self.phase is Phase.CONFIGURING and self.config is not None:
            self._request = _Request(self.config)
        elif self.phase is Phase.STARTING:
            self._request = _Request(m.Start(self.config_crc))

    def _repeat(self, request: _Request, now_s: float) -> None:
        if self.phase is Phase.GREETING:
            if now_s - self._phase_s > GREETING_S:
                raise SessionFailed(
                    "No board that speaks this protocol answers on this port; flash the firmware or choose another."
                )
            if not self._quiet.may_ask(now_s):
                return
            if request.sent_s < 0:
                self.send(b"\0")  # ends any unfinished frame on the line
        elif isinstance(request.message, (m.Disarm, m.Estop)):
            pass  # repeated until the board answers or the link is lost
        elif request.tries_left == 0:
            if isinstance(request.message, m.Arm):
                self.withdraw_arm("the board did not answer")
                return
            raise SessionBroken(
                f"The board stopped answering ({type(request.message).__name__.upper()}); check the cable and reset it."
            )
        request.tries_left -= 1
        request.sent_s = now_s
        request.seq, _ = self._transmit(request.message)

    def _enter(self, phase: Phase, now_s: float) -> None:
        self.phase, self._phase_s, self._request = phase, now_s, None

    # --- answers ------------------------------------------------------------------------------------------

    def _on_ident(self, ident: m.Ident, now_s: float) -> None:
        if self.phase is not Phase.GREETING or ident.nonce != self._nonce:
            return
        if ident.major != m.MAJOR:
            raise UserError(
                f"The board speaks protocol {ident.major}.{ident.minor}, this program {m.MAJOR}.{m.MINOR}; "
                "flash the firmware of this version."
            )
        if not (8 <= ident.adc_bits <= 16 and ident.max_channels and ident.tick_hz):
            raise UserError(
                f"The board describes itself wrongly ({ident.max_channels} channels of {ident.adc_bits} bits, "
                f"{ident.tick_hz} ticks a second); flash the firmware of this version."
            )
        self.ident = ident
        self.config = self.make_config(ident)
        self._enter(Phase.SETTLING, now_s)

    def _on_status(self, status: m.Status, now_s: float) -> None:
        if self.ident is None:
            return
        if status.state not in _STATES or max(status.applied_cdeg) > m.ANGLE_MAX_CDEG:
            self.unexpected_frames += 1
            return
        if status.reason not in _REASONS:  # a newer minor version of the firmware may have more reasons
            status = msgspec.structs.replace(status, reason=m.Reason.NONE)
        if status.boot_id != self.ident.boot_id:
            raise SessionBroken("The board was reset.")
        self.status, self.status_s = status, now_s
        if self.phase is Phase.SETTLING:
            self._settle(status, now_s)
            return
        if status.state not in FLOWING:
            self.may_move = False
        request = self._request
        if request is not None and (status.ack_type, status.ack_seq) == (request.message.TYPE, request.seq):
            self._on_answer(request, status, now_s)

    def _on_answer(self, request: _Request, status: m.Status, now_s: float) -> None:
        accepted = status.ack_result == m.Result.OK
        if isinstance(request.message, m.Start):
            if not accepted and status.state == m.State.ESTOP:
                self._enter(Phase.SETTLING, now_s)
            elif not accepted:
                raise SessionFailed(f"The board refused to start ({result_name(status.ack_result)}); reset it.")
            else:
                self._enter(Phase.STREAMING, now_s)
        elif isinstance(request.message, m.Arm):
            self._request = None
            self.may_move = accepted and status.state in FLOWING
            self.arm_refusal = "" if accepted else refusal(status.ack_result, status.blockers)
        else:
            self._request = None

    def _settle(self, status: m.Status, now_s: float) -> None:
        """Waits for a hand that still holds something; then makes the board ready for CONFIG."""
        if status.flags & m.StatusFlag.PULSES_ON:
            if status.state in (m.State.HOLD, m.State.RELAX):
                self._phase_s = now_s  # the hand is coming to rest; its slew rate may be low
            return
        if status.state == m.State.DISARMED and not status.flags & m.StatusFlag.STREAMING:
            self._enter(Phase.CONFIGURING, now_s)
        elif status.state == m.State.ESTOP and not status.flags & m.StatusFlag.STREAMING:
            if not self.waits_in_estop:
                raise SessionFailed(
                    "The hand is in emergency stop; make it safe, then lift it: `myobridge lift-estop`."
                )
            self._phase_s = now_s
        else:
            self._transmit(m.Disarm())
            self._transmit(m.Stop())

    def _on_config_ack(self, ack: m.ConfigAck, now_s: float) -> None:
        if self.phase is not Phase.CONFIGURING or self.config is None:
            return
        if ack.result == m.Result.WRONG_STATE and self.status is not None and self._refused < REQUEST_TRIES:
            self._refused += self.status.state == m.State.DISARMED  # in any other state, STATUS explains the refusal
            self._enter(Phase.SETTLING, now_s)  # the board was stopped or found a fault in the meantime
            return
        if ack.result != m.Result.OK:
            raise UserError(f"The board refused the configuration: {config_refusal(ack.result)}.")
        if ack.config_crc != crc32(self.config.pack()):
            self.unexpected_frames += 1  # acknowledges another CONFIG; the session repeats its own
            return
        if ack.sample_period_ticks != self.config.sample_period_ticks:
            raise UserError(
                f"The board samples every {ack.sample_period_ticks} ticks instead of "
                f"{self.config.sample_period_ticks}; choose a model for another rate."
            )
        self.config_crc = ack.config_crc
        self._enter(Phase.STARTING, now_s)


_STATES: Final = frozenset(m.State)
_REASONS: Final = frozenset(m.Reason)
