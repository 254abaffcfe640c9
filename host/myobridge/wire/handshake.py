"""The phases of a session up to the stream: the request of each phase, and the answers that end it.

    GREETING → SETTLING → CONFIGURING → STARTING → STREAMING

In SETTLING the session waits while the hand still moves or holds something from an earlier session: a new session never
makes the hand drop what the wearer is holding.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final
from zlib import crc32

from myobridge.errors import UserError
from myobridge.wire import messages as m
from myobridge.wire.outbox import REQUEST_TRIES, Outbox
from myobridge.wire.refusals import config_refusal, result_name

SETTLING_S: Final = 15.0


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


def check_major(ident: m.Ident) -> None:
    """Refuses a board with which this program cannot talk beyond IDENT.

    Raises:
        UserError: the board speaks another major version of the protocol.
    """
    if ident.major != m.MAJOR:
        raise UserError(
            f"The board speaks protocol {ident.major}.{ident.minor}, this program {m.MAJOR}.{m.MINOR}; "
            "flash the firmware of this version with `myobridge flash`."
        )


@dataclass
class Handshake:
    """Brings a board from HELLO to the stream; `make_config` and `waits_in_estop` are those of the Session."""

    outbox: Outbox
    make_config: Callable[[m.Ident], m.Config]
    waits_in_estop: bool
    phase: Phase = Phase.GREETING
    ident: m.Ident | None = None
    config: m.Config | None = None
    config_crc: int = 0
    nonce: int = field(default_factory=lambda: int.from_bytes(os.urandom(2), "little"))
    _since_s: float = 0.0
    """Start of the phase, or the last time in SETTLING at which the hand was still coming to rest."""
    _refused: int = 0
    """How often the board refused CONFIG although it had reported that it was DISARMED."""

    def poll(self, now_s: float) -> None:
        """Makes this phase's request the pending one.

        Raises:
            SessionFailed: the hand did not come to rest in time.
        """
        if self.outbox.pending is None:
            if self.phase is Phase.GREETING:
                self.outbox.ask(m.Hello(m.MAJOR, m.MINOR, self.nonce, m.PROTO_HASH))
            elif self.phase is Phase.CONFIGURING and self.config is not None:
                self.outbox.ask(self.config)
            elif self.phase is Phase.STARTING:
                self.outbox.ask(m.Start(self.config_crc))
        if self.phase is Phase.SETTLING and now_s - self._since_s > SETTLING_S:
            raise SessionFailed(
                "The hand did not come to rest from an earlier session; switch its servo power off and reset it."
            )

    def on_ident(self, ident: m.Ident, now_s: float) -> None:
        """Takes IDENT, which answers HELLO.

        Raises:
            UserError: the board speaks another protocol, or cannot be configured.
        """
        if self.phase is not Phase.GREETING or ident.nonce != self.nonce:
            return
        check_major(ident)
        if not (8 <= ident.adc_bits <= 16 and ident.max_channels and ident.tick_hz):
            raise UserError(
                f"The board describes itself wrongly ({ident.max_channels} channels of {ident.adc_bits} bits, "
                f"{ident.tick_hz} ticks a second); flash the firmware of this version with `myobridge flash`."
            )
        self.ident = ident
        self.config = self.make_config(ident)
        self.outbox.greeted = True
        self._enter(Phase.SETTLING, now_s)

    def settle(self, status: m.Status, now_s: float) -> None:
        """Takes STATUS in SETTLING: waits for a hand that still holds something, then makes the board take CONFIG.

        Raises:
            SessionFailed: the board is in emergency stop, and the session does not wait for its end.
        """
        if status.flags & m.StatusFlag.PULSES_ON:
            if status.state in (m.State.HOLD, m.State.RELAX):
                self._since_s = now_s  # the hand is coming to rest; its slew rate may be low
            return
        if status.state == m.State.DISARMED and not status.flags & m.StatusFlag.STREAMING:
            self._enter(Phase.CONFIGURING, now_s)
        elif status.state == m.State.ESTOP and not status.flags & m.StatusFlag.STREAMING:
            if not self.waits_in_estop:
                raise SessionFailed(
                    "The hand is in emergency stop; make it safe, then lift it: `myobridge lift-estop --port P`."
                )
            self._since_s = now_s
        else:
            self.outbox.transmit(m.Disarm())
            self.outbox.transmit(m.Stop())

    def on_config_ack(self, ack: m.ConfigAck, status: m.Status | None, now_s: float) -> bool:
        """Takes CONFIG_ACK; `status` is the newest. False if the board acknowledges another CONFIG.

        Raises:
            UserError: the board refuses the configuration, or samples at another rate.
            SessionBroken: the board refuses every CONFIG as if it were armed or streaming.
        """
        if self.phase is not Phase.CONFIGURING or self.config is None:
            return True
        if ack.result == m.Result.WRONG_STATE and status is not None and self._refused < REQUEST_TRIES:
            self._refused += status.state == m.State.DISARMED  # in any other state, STATUS explains the refusal
            self._enter(Phase.SETTLING, now_s)  # the board was stopped or found a fault in the meantime
            return True
        if ack.result != m.Result.OK:
            # No setting causes WRONG_STATE. It may be the answer to an older CONFIG, so a new session is tried.
            failure = SessionBroken if ack.result == m.Result.WRONG_STATE else UserError
            raise failure(f"The board refused the configuration: {config_refusal(ack.result)}.")
        if ack.config_crc != crc32(self.config.pack()):
            return False  # the session repeats its own CONFIG
        if ack.sample_period_ticks != self.config.sample_period_ticks:
            raise UserError(
                f"The board samples every {ack.sample_period_ticks} ticks instead of "
                f"{self.config.sample_period_ticks}; choose a model for another rate."
            )
        self.config_crc = ack.config_crc
        self._enter(Phase.STARTING, now_s)
        return True

    def on_start_answer(self, status: m.Status, now_s: float) -> None:
        """Takes the STATUS that answers START.

        Raises:
            SessionBroken: the board refused to start.
        """
        if status.ack_result == m.Result.OK:
            self._enter(Phase.STREAMING, now_s)
        elif status.state == m.State.ESTOP:
            self._enter(Phase.SETTLING, now_s)
        else:
            raise SessionBroken(f"The board refused to start ({result_name(status.ack_result)}); reset it.")

    def _enter(self, phase: Phase, now_s: float) -> None:
        self.phase, self._since_s, self.outbox.pending = phase, now_s, None
