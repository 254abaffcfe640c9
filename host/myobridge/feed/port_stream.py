"""A board's stream on a port without a daemon, configured and streaming; it arms nothing by itself.

Beside a running daemon such a program subscribes to the bytes of the daemon's feed instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from myobridge.errors import UserError
from myobridge.feed.messages import Chunk, ConnectedBoard
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.handshake import Phase
from myobridge.wire.link import LinkLost, SerialLink
from myobridge.wire.session import PING_S, Session

TURN_S: Final = 0.02
GOODBYE_S: Final = 0.3


class PortStream:
    """The stream on an open port. `hear` gets each intact frame and its time, after the session took the frame."""

    def __init__(
        self,
        link: SerialLink,
        configure: Callable[[m.Ident], m.Config],
        hear: Callable[[bytes, float], None],
        *,
        ping_every_s: float = PING_S,
    ) -> None:
        """configure: the CONFIG for the board; it may raise UserError."""
        self.frames = FrameDecoder()
        self.session = Session(link.write, configure, ping_every_s=ping_every_s)
        self._link = link
        self._hear = hear

    @property
    def board(self) -> ConnectedBoard | None:
        """The board, once it is configured."""
        ident, config = self.session.ident, self.session.config
        return None if ident is None or config is None else ConnectedBoard(ident, config)

    def start(self) -> None:
        """Returns when the board streams.

        Raises:
            UserError: no board answers, or it cannot be used.
            LinkLost: the port is gone.
        """
        while self.session.phase is not Phase.STREAMING:
            self.receive(TURN_S)

    def receive(self, timeout_s: float) -> Chunk | None:
        """Reads once; None if nothing arrives within `timeout_s`.

        Raises:
            UserError: the board cannot be used.
            LinkLost: the port is gone.
        """
        chunk = None
        if self._link.wait(timeout_s):
            data, now_s = self._link.read(), time.monotonic()
            chunk = Chunk(now_s, data)
            for frame in self.frames.feed(data):
                if frame[0] == m.Emg.TYPE:
                    self.session.hear(now_s)
                else:
                    self.session.on_frame(frame, now_s)
                self._hear(frame, now_s)
        self.session.poll(time.monotonic())
        return chunk

    def abandon(self) -> None:
        """Closes the port without a word: the board is lost, and may be in its boot loader."""
        self._link.close()

    def close(self) -> None:
        """Asks the board to stop until it confirms, for GOODBYE_S at most, and closes the port."""
        until_s = time.monotonic() + GOODBYE_S
        with suppress(UserError, LinkLost):  # the board is gone: nothing is left to stop
            if self.session.phase is Phase.STREAMING:
                self.session.stop()
            while self._streams and time.monotonic() < until_s:
                self.session.stop()
                self.receive(TURN_S)
        self._link.close()

    @property
    def _streams(self) -> bool:
        status = self.session.status
        return status is not None and bool(status.flags & m.StatusFlag.STREAMING)
