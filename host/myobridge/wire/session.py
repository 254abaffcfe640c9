"""The session with a board: greet, configure, start, arm. A session knows frames and times, but no port.

`Handshake` brings the board to the stream; a `Session` adds STATUS, PING and the permission to move (`may_move`). Only
`request_arm` gives the permission. The permission ends when the board leaves ARMED and HOLD, when its boot_id changes,
and when the link is lost.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

import msgspec

from myobridge.wire import messages as m
from myobridge.wire.frame import PAYLOAD
from myobridge.wire.handshake import Handshake, Phase, SessionBroken, SessionFailed
from myobridge.wire.outbox import Outbox, Request
from myobridge.wire.refusals import refusal

PING_S: Final = 0.5
FLOWING: Final = (m.State.ARMED, m.State.HOLD)
BEYOND_LIMITS: Final = m.Blocker.BEYOND_LIMITS | m.Blocker.NO_LIMITS
"""What refuses every ARM except that of a person who looks for the ends of a servo."""
_STATES: Final = frozenset(m.State)
_REASONS: Final = frozenset(m.Reason)


class Session:
    """The host's side of a conversation with a board."""

    def __init__(
        self,
        send: Callable[[bytes], bool],
        make_config: Callable[[m.Ident], m.Config],
        *,
        unexpected_frames: int = 0,
        ping_every_s: float = PING_S,
        waits_in_estop: bool = False,
    ) -> None:
        """Starts in GREETING; nothing is sent before `poll`.

        Args:
            send: takes a whole encoded frame; False if the port does not take it now.
            make_config: makes the CONFIG for a board that has sent IDENT; may raise UserError.
            unexpected_frames: where the count of such frames starts.
            ping_every_s: time between two PINGs.
            waits_in_estop: wait for a board in emergency stop; a person may lift the stop, which resets the board.
        """
        self.status: m.Status | None = None
        self.status_s = 0.0
        """When `status` arrived."""
        self.may_move = False
        """The board has granted an ARM, and has not left ARMED and HOLD since."""
        self.acting = False
        """`may_move`, with the permission to show poses and not to follow."""
        self.arm_refusal = ""
        """Why the newest `request_arm` failed; empty while ARM is pending, and after a success."""
        self.pong: Callable[[float, float, int], None] = lambda _sent_s, _received_s, _index: None
        """Gets each PONG: when PING was sent, when PONG arrived, and the board's next sample index."""
        self.unexpected_frames = unexpected_frames
        self._outbox = Outbox(send)
        self._handshake = Handshake(self._outbox, make_config, waits_in_estop)
        self._ping_every_s = ping_every_s
        self._pings: dict[int, float] = {}
        self._ping_s = 0.0
        self._token = 0

    @property
    def phase(self) -> Phase:
        """The stage of the session."""
        return self._handshake.phase

    @property
    def ident(self) -> m.Ident | None:
        """The board's IDENT; None before it arrives."""
        return self._handshake.ident

    @property
    def config(self) -> m.Config | None:
        """The CONFIG for this board; None before IDENT."""
        return self._handshake.config

    @property
    def boot_id(self) -> int | None:
        """The board's boot_id, which differs after each reset; None before IDENT."""
        ident = self._handshake.ident
        return None if ident is None else ident.boot_id

    @property
    def busy(self) -> bool:
        """A request waits for its answer."""
        return self._outbox.pending is not None

    @property
    def awaits_answer(self) -> bool:
        """A request or a PING is pending."""
        return self._outbox.pending is not None or bool(self._pings)

    @property
    def arming(self) -> bool:
        """ARM is pending."""
        return self._is_pending(m.Arm)

    @property
    def stopping(self) -> bool:
        """ESTOP is pending; the session repeats it until the board answers."""
        return self._is_pending(m.Estop)

    def _is_pending(self, kind: type[m.Message]) -> bool:
        request = self._outbox.pending
        return request is not None and isinstance(request.message, kind)

    # --- called by the loop -------------------------------------------------------------------------------

    def poll(self, now_s: float) -> None:
        """Sends everything that is due: the request of this phase, its repetitions, PING.

        Raises:
            SessionFailed: the board did not answer in time.
        """
        handshake = self._handshake
        if handshake.phase is not Phase.STREAMING:
            handshake.poll(now_s)
        if not self._outbox.poll(now_s):
            self._give_up()
        if handshake.phase is Phase.STREAMING and now_s >= self._ping_s and self._outbox.board_speaks(now_s):
            self._ping_s = now_s + self._ping_every_s
            self._token = (self._token + 1) & 0xFFFFFFFF
            self._pings = {self._token: now_s}
            self._outbox.transmit(m.Ping(self._token))

    def _give_up(self) -> None:
        """The board has not answered the pending request."""
        if self.phase is Phase.GREETING:
            raise SessionFailed(
                "No board that speaks this protocol answers on this port; flash the firmware or choose another."
            )
        if self.arming:
            self.withdraw_arm("the board did not answer")
            return
        name = "CONFIG" if self.phase is Phase.CONFIGURING else "START"
        raise SessionBroken(f"The board stopped answering ({name}); check the cable and reset it.")

    def hear(self, now_s: float) -> None:
        """Notes that a good frame of any type arrived, which shows that the board runs its firmware."""
        self._outbox.hear(now_s)

    def on_frame(self, frame: bytes, now_s: float) -> None:
        """Takes any good frame except EMG.

        Raises:
            UserError: the board speaks another protocol, or refuses the configuration.
        """
        self._outbox.hear(now_s)
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
            self._handshake.on_ident(message, now_s)
        elif isinstance(message, m.ConfigAck):
            self.unexpected_frames += not self._handshake.on_config_ack(message, self.status, now_s)
        else:
            self.unexpected_frames += 1

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
            self._handshake.settle(status, now_s)
            return
        if status.state not in FLOWING:
            self.may_move = self.acting = False
        request = self._outbox.answered_by(status)
        if request is not None:
            self._on_answer(request, status, now_s)

    def _on_answer(self, request: Request, status: m.Status, now_s: float) -> None:
        if isinstance(request.message, m.Start):
            self._handshake.on_start_answer(status, now_s)
            return
        self._outbox.pending = None
        if isinstance(request.message, m.Arm):
            accepted = status.ack_result == m.Result.OK
            self.may_move = accepted and status.state in FLOWING
            self.acting = self.may_move and request.message.permission == m.Permission.GUIDE
            self.arm_refusal = "" if accepted else refusal(status.ack_result, status.blockers)

    # --- the hand -----------------------------------------------------------------------------------------

    def setpoint(self, angle_cdeg: tuple[int, ...], valid_4ms: int, based_on_sample: int) -> bool:
        """Sends one SETPOINT; False if the port does not take it now."""
        return self._outbox.transmit(m.Setpoint(angle_cdeg, valid_4ms, based_on_sample & 0xFFFFFFFF))[1]

    def request_arm(self, permission: m.Permission = m.Permission.DECODER) -> None:
        """Asks for permission to move; the outcome appears in `may_move` or `arm_refusal`."""
        ident, status = self.ident, self.status
        if self.stopping:
            self.arm_refusal = "an emergency stop is pending"
        elif self.phase is not Phase.STREAMING or ident is None or status is None:
            self.arm_refusal = "the stream has not started"
        elif ident.proto_hash != m.PROTO_HASH:
            self.arm_refusal = (
                "the firmware speaks another protocol revision; "
                "flash the firmware of this version with `myobridge flash`"
            )
        elif blockers := status.blockers & ~(BEYOND_LIMITS if permission is m.Permission.JOG else 0):
            self.arm_refusal = refusal(m.Result.BLOCKED, blockers)
        else:
            self.arm_refusal = ""
            self._outbox.ask(m.Arm(permission, ident.boot_id, self._handshake.config_crc, status.challenge))

    def withdraw_arm(self, why: str) -> None:
        """Gives up a pending ARM. The board may still obey the ARM, so DISARM follows until the board confirms it."""
        self.request_disarm()
        self.arm_refusal = why

    def request_disarm(self) -> None:
        """Takes the permission back; the board cuts the pulses. The session repeats DISARM until the board answers."""
        if self.stopping:
            self.may_move = self.acting = False  # ESTOP does more than DISARM
        else:
            self._request_stop(m.Disarm())

    def request_estop(self) -> None:
        """Cuts the pulses until the board is reset. The session repeats ESTOP until the board answers."""
        self._request_stop(m.Estop())

    def _request_stop(self, message: m.Disarm | m.Estop) -> None:
        self.may_move = self.acting = False
        if self.phase is Phase.STREAMING:
            self._outbox.ask(message)
        else:  # the phase's own request stays pending
            self._outbox.transmit(message)

    def estop_now(self) -> None:
        """Sends ESTOP once, immediately; another thread calls this while the session's own thread is stuck."""
        self.may_move = self.acting = False
        self._outbox.transmit(m.Estop())

    def withdraw_now(self) -> None:
        """Sends DISARM once if an ARM is pending, which the board may still obey after the caller gives up the link."""
        if self.arming:
            self._outbox.transmit(m.Disarm())

    def stop(self) -> None:
        """Sends DISARM and STOP once before the port is closed, and waits for no answer."""
        self.may_move = self.acting = False
        self._outbox.transmit(m.Disarm())
        self._outbox.transmit(m.Stop())
