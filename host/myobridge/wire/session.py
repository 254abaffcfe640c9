"""The session on the link: greet, configure, start, arm. Knows frames and times, no port.

    GREETING → SETTLING → CONFIGURING → STARTING → STREAMING

SETTLING waits while the device still moves or holds a hand from an earlier session: a new session never lets go of
what the wearer is holding. Permission to move (`may_move`) comes only from `request_arm`, and is lost with the state
ARMED or HOLD, with the device's boot_id, and with the link.
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
"""A board that is silent for LISTEN_S is asked once; a boot loader that hears this stays for five more seconds."""
SETTLING_S: Final = 15.0
PING_S: Final = 0.5
FLOWING: Final = (m.State.ARMED, m.State.HOLD)


class Phase(Enum):
    """Where the session is."""

    GREETING = auto()
    SETTLING = auto()
    CONFIGURING = auto()
    STARTING = auto()
    STREAMING = auto()


class SessionFailed(UserError):
    """The device does not answer, or not in a way that a session can be built on."""


class SessionBroken(SessionFailed):
    """The board had answered, and then was reset or fell silent, as in its boot loader: a new session may stand."""


@dataclass
class _Request:
    """A control message that waits for its answer."""

    message: m.Message
    sent_s: float = -1.0
    seq: int = -1
    tries_left: int = REQUEST_TRIES


@dataclass
class Session:
    """One side of a conversation with a device. `send` takes a whole encoded frame.

    make_config: the CONFIG for a device that has introduced itself; it may raise UserError.
    """

    send: Callable[[bytes], bool]
    make_config: Callable[[m.Ident], m.Config]
    phase: Phase = Phase.GREETING
    ident: m.Ident | None = None
    status: m.Status | None = None
    status_s: float = 0.0
    """When it came."""
    config: m.Config | None = None
    config_crc: int = 0
    may_move: bool = False
    """The wearer has asked for ARM, and the device has not left ARMED and HOLD since."""
    arm_refusal: str = ""
    """Why the newest `request_arm` came to nothing; empty while it is under way, and after a success."""
    pong: Callable[[float, float, int], None] = lambda _sent_s, _received_s, _index: None
    unexpected_frames: int = 0
    ping_every_s: float = PING_S
    waits_in_estop: bool = False
    """A board that is in emergency stop is waited for: a person may lift the stop, which resets the board."""
    _seq: int = 0
    _nonce: int = field(default_factory=lambda: int.from_bytes(os.urandom(2), "little"))
    _refused: int = 0
    """How often CONFIG was refused although the board had said that it would take it."""
    _request: _Request | None = None
    _phase_s: float = -1.0
    _quiet: Quiet = field(default_factory=lambda: Quiet(math.inf))
    _board_speaks: bool = False
    _held_back: m.Message | None = None
    _pings: dict[int, float] = field(default_factory=dict)
    _ping_s: float = 0.0
    _token: int = 0

    # --- what the loop calls ------------------------------------------------------------------------------

    def poll(self, now_s: float) -> None:
        """Sends what is due: the request of this phase, its repetitions, PING.

        Raises:
            SessionFailed: the device gave no answer in time.
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
        """A request or a PING is under way."""
        return self._request is not None or bool(self._pings)

    def hear(self, now_s: float) -> None:
        """A good frame came, of whatever kind: the board runs its firmware."""
        self._quiet.hear(now_s)
        self._board_speaks = self._quiet.board_speaks(now_s)
        if self._board_speaks and self._held_back is not None:
            message, self._held_back = self._held_back, None
            self._transmit(message)

    def on_frame(self, frame: bytes, now_s: float) -> None:
        """Takes a good frame that is no EMG.

        Raises:
            UserError: the device speaks another protocol, or refuses the configuration.
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
        """Which start of the board this session talks to; None before it has introduced itself."""
        return None if self.ident is None else self.ident.boot_id

    @property
    def busy(self) -> bool:
        """A request waits for its answer."""
        return self._request is not None

    def setpoint(self, angle_cdeg: tuple[int, ...], valid_4ms: int, based_on_sample: int) -> bool:
        """Sends one SETPOINT; False if the port took none now."""
        return self._transmit(m.Setpoint(angle_cdeg, valid_4ms, based_on_sample & 0xFFFFFFFF))[1]

    def request_arm(self) -> None:
        """Asks for permission to move; `may_move` or `arm_refusal` tells what came of it."""
        if self.stopping:
            self.arm_refusal = "the emergency stop is on its way"
        elif self.phase is not Phase.STREAMING or self.ident is None or self.status is None:
            self.arm_refusal = "the stream has not started"
        elif self.ident.proto_hash != m.PROTO_HASH:
            self.arm_refusal = "its firmware speaks another protocol revision; flash the firmware of this version"
        elif self.status.blockers:
            self.arm_refusal = refusal(m.Result.BLOCKED, self.status.blockers)
        else:
            self.arm_refusal = ""
            self._request = _Request(m.Arm(self.ident.boot_id, self.config_crc, self.status.challenge))

    def withdraw_arm(self, why: str) -> None:
        """Gives up an ARM that was sent. It may still be obeyed, so DISARM follows until the board confirms it."""
        self.request_disarm()
        self.arm_refusal = why

    def request_disarm(self) -> None:
        """Takes the permission back; the device cuts the pulses. Repeated until it is answered."""
        self.may_move = False
        if self.stopping:
            return  # which does more
        if self.phase is Phase.STREAMING:
            self._request = _Request(m.Disarm())
        else:  # beside this phase's own request
            self._transmit(m.Disarm())

    def request_estop(self) -> None:
        """Cuts the pulses until the device is reset. Repeated until it is answered."""
        self.may_move = False
        if self.phase is Phase.STREAMING:
            self._request = _Request(m.Estop())
        else:  # beside this phase's own request
            self._transmit(m.Estop())

    @property
    def arming(self) -> bool:
        """ARM is on its way."""
        return self._request is not None and isinstance(self._request.message, m.Arm)

    @property
    def stopping(self) -> bool:
        """ESTOP is on its way, and is repeated until it is answered."""
        return self._request is not None and isinstance(self._request.message, m.Estop)

    def estop_now(self) -> None:
        """Sends ESTOP once, at once; for another thread, while this session's own is stuck."""
        self.may_move = False
        self._transmit(m.Estop())

    def withdraw_now(self) -> None:
        """Sends DISARM once behind an ARM that is under way: the link is given up, and the board may still obey it."""
        if self.arming:
            self._transmit(m.Disarm())

    def stop(self) -> None:
        """Last words before the port is closed: sent once, no answer awaited."""
        self.may_move = False
        self._transmit(m.Disarm())
        self._transmit(m.Stop())

    # --- requests -----------------------------------------------------------------------------------------

    def _transmit(self, message: m.Message) -> tuple[int, bool]:
        """Sends a message; its seq, and whether the port took it.

        Before the session stands, a silent board is told nothing: a boot loader loses what it hears, and stays for it.
        ESTOP and DISARM go out with the first frame of the board.
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
                    "Nothing that speaks our protocol answers on this port; flash the firmware or choose another port."
                )
            if not self._quiet.may_ask(now_s):
                return
            if request.sent_s < 0:
                self.send(b"\0")  # whatever stood on the line before ends here
        elif isinstance(request.message, (m.Disarm, m.Estop)):
            pass  # until it is answered, or the link is lost
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
                f"The device speaks protocol {ident.major}.{ident.minor}, this program {m.MAJOR}.{m.MINOR}; "
                "flash the firmware of this version."
            )
        if not (8 <= ident.adc_bits <= 16 and ident.max_channels and ident.tick_hz):
            raise UserError(
                f"The device describes itself wrongly ({ident.max_channels} channels of {ident.adc_bits} bits, "
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
        if status.reason not in _REASONS:  # of a newer firmware: another minor version talks
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
                raise SessionFailed(f"The device refused to start ({result_name(status.ack_result)}); reset it.")
            else:
                self._enter(Phase.STREAMING, now_s)
        elif isinstance(request.message, m.Arm):
            self._request = None
            self.may_move = accepted and status.state in FLOWING
            self.arm_refusal = "" if accepted else refusal(status.ack_result, status.blockers)
        else:
            self._request = None

    def _settle(self, status: m.Status, now_s: float) -> None:
        """Lets a hand that holds something finish; then makes the device ready for CONFIG."""
        if status.flags & m.StatusFlag.PULSES_ON:
            if status.state in (m.State.HOLD, m.State.RELAX):
                self._phase_s = now_s  # it is on its way, however slowly it was told to go
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
            self._refused += self.status.state == m.State.DISARMED  # or its STATUS was late
            self._enter(Phase.SETTLING, now_s)  # it was stopped, or has found a fault, meanwhile
            return
        if ack.result != m.Result.OK:
            raise UserError(f"The device refused the configuration: {config_refusal(ack.result)}.")
        if ack.config_crc != crc32(self.config.pack()):
            self.unexpected_frames += 1  # of no CONFIG of ours; the request is repeated
            return
        if ack.sample_period_ticks != self.config.sample_period_ticks:
            raise UserError(
                f"The device samples every {ack.sample_period_ticks} ticks instead of "
                f"{self.config.sample_period_ticks}; choose a model for another rate."
            )
        self.config_crc = ack.config_crc
        self._enter(Phase.STARTING, now_s)


_STATES: Final = frozenset(m.State)
_REASONS: Final = frozenset(m.Reason)
