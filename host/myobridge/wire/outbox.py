"""Messages to the board: numbered, held back from a silent board, and repeated until the board answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from myobridge.wire.quiet import Quiet

REQUEST_TIMEOUT_S: Final = 0.05
REQUEST_TRIES: Final = 3
GREETING_S: Final = 8.5
"""The host asks a silent board once, after LISTEN_S; a boot loader that hears the question stays for 5 s more."""


@dataclass
class Request:
    """A control message that waits for its answer."""

    message: m.Message
    sent_s: float = -1.0
    seq: int = -1
    tries_left: int = REQUEST_TRIES


@dataclass
class Outbox:
    """Sends single messages, and repeats one pending request. `send` takes a whole encoded frame."""

    send: Callable[[bytes], bool]
    pending: Request | None = None
    greeted: bool = False
    """The board has answered HELLO, and gets every message from now on."""
    _board_speaks: bool = False
    """Kept up to date until `greeted`."""
    _quiet: Quiet = field(default_factory=lambda: Quiet(math.inf))
    _seq: int = 0
    _held_back: m.Message | None = None

    def ask(self, message: m.Message) -> None:
        """Makes a message the pending request, in place of an earlier one; the next `poll` sends it."""
        self.pending = Request(message)

    def poll(self, now_s: float) -> bool:
        """Sends the pending request if it is due. False if the board has not answered the request in time."""
        if self._quiet.began_s == math.inf:
            self._quiet = Quiet(now_s)
        if not self.greeted:
            self._board_speaks = self._quiet.board_speaks(now_s)
        request = self.pending
        if request is None or now_s - request.sent_s < REQUEST_TIMEOUT_S:
            return True
        if isinstance(request.message, m.Hello):
            if now_s - self._quiet.began_s > GREETING_S:
                return False
            if not self._quiet.may_ask(now_s):
                return True
            if request.sent_s < 0:
                self.send(b"\0")  # ends any unfinished frame on the line
        elif request.tries_left == 0 and not isinstance(request.message, (m.Disarm, m.Estop)):
            return False  # the session repeats DISARM and ESTOP until the board answers or the link is lost
        request.tries_left -= 1
        request.sent_s = now_s
        request.seq, _ = self.transmit(request.message)
        return True

    def answered_by(self, status: m.Status) -> Request | None:
        """The pending request, if this STATUS answers it."""
        request = self.pending
        if request is None or (status.ack_type, status.ack_seq) != (request.message.TYPE, request.seq):
            return None
        return request

    def hear(self, now_s: float) -> None:
        """Notes that a good frame arrived, and sends the message that was held back."""
        self._quiet.hear(now_s)
        self._board_speaks = self._quiet.board_speaks(now_s)
        if self._board_speaks and self._held_back is not None:
            message, self._held_back = self._held_back, None
            self.transmit(message)

    def board_speaks(self, now_s: float) -> bool:
        """Whether the board runs its firmware."""
        return self._quiet.board_speaks(now_s)

    def transmit(self, message: m.Message) -> tuple[int, bool]:
        """Sends a message. Returns its seq, and whether the port took the message.

        Before IDENT, a silent board gets only HELLO: a boot loader loses what it hears, and stays because of it.
        ESTOP and DISARM wait for the first frame from the board.
        """
        seq = self._seq
        if not self.greeted and not self._board_speaks and not isinstance(message, m.Hello):
            if not isinstance(self._held_back, m.Estop):
                self._held_back = message
            return seq, False
        self._seq = (seq + 1) & 0xFF
        return seq, self.send(encode(message.TYPE, seq, message.pack()))
