"""The stream that the doctor listens to: the feed of a running daemon, or the port itself. Neither arms the hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from myobridge.doctor.facts import BoardFacts
from myobridge.doctor.listen import Listener
from myobridge.errors import UserError
from myobridge.feed import Chunk, FeedClient
from myobridge.feed.port_stream import TURN_S, PortStream
from myobridge.feed.ports import name_of
from myobridge.wire import messages as m
from myobridge.wire.emg import sample_bits
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.handshake import Phase
from myobridge.wire.link import SerialLink
from myobridge.wire.outbox import GREETING_S

PING_EVERY_S: Final = 0.05


class Source(Protocol):
    """A stream, read one turn at a time."""

    kind: str
    names: tuple[str, ...]
    listener: Listener
    device: BoardFacts | None

    @property
    def stopped(self) -> bool:
        """The hand is in emergency stop, in which it takes no configuration."""

    def start(self) -> None:
        """Starts the stream, unless it runs already.

        Raises:
            UserError: the board cannot be used.
            LinkLost: the port is gone.
        """

    def turn(self) -> None:
        """Waits up to TURN_S for bytes, and passes their frames to the listener."""

    def close(self) -> None:
        """Stops the stream, unless it ran already."""


class DaemonSource:
    """The feed of the daemon that holds the port."""

    kind = "daemon"
    names: tuple[str, ...] = ()
    device: BoardFacts | None = None
    stopped = False

    def __init__(self, port: str) -> None:
        """Raises NoDaemon if no daemon runs on `port`."""
        self._feed = FeedClient(port)
        self._frames = FrameDecoder()
        self._whole = False

    def start(self) -> None:  # noqa: D102 - its protocol says it
        until_s = time.monotonic() + GREETING_S
        while (board := (about := self._feed.subscribe("bytes")).board) is None:
            if time.monotonic() > until_s:
                raise UserError("The daemon is looking for the board; plug it in, or read the daemon's output.")
            time.sleep(TURN_S)
        self.names = about.spec.channels
        self.device = board_facts(board.ident, board.config)
        self.listener = Listener(len(self.names), board.fs_hz, self._frames.counters, joined=True)

    def turn(self) -> None:  # noqa: D102 - its protocol says it
        message = self._feed.receive(TURN_S)
        if isinstance(message, Chunk):
            for frame in self._frames.feed(self._from_a_frame_on(message.data)):
                self.listener.hear(frame, message.t_s)

    def _from_a_frame_on(self, data: bytes) -> bytes:
        """The data without the rest of a frame that began before the doctor joined."""
        if self._whole or b"\0" not in data:
            return data if self._whole else b""
        self._whole = True
        return data.partition(b"\0")[2]

    def close(self) -> None:  # noqa: D102 - its protocol says it
        self._feed.close()


class PortSource:
    """The port itself: configured, streaming, disarmed."""

    kind = "port"
    device: BoardFacts | None = None

    def __init__(self, link: SerialLink, names: tuple[str, ...], configure: Callable[[m.Ident], m.Config]) -> None:
        self.names = names
        self._stream = PortStream(link, configure, self._hear, ping_every_s=PING_EVERY_S)
        self._session = self._stream.session
        self._session.pong = self._pong
        self._phase = self._session.phase

    @property
    def stopped(self) -> bool:  # noqa: D102 - its protocol says it
        status = self._session.status
        return status is not None and status.state == m.State.ESTOP

    def start(self) -> None:  # noqa: D102 - its protocol says it
        self._stream.start()

    def turn(self) -> None:  # noqa: D102 - its protocol says it
        self._stream.receive(TURN_S)

    def close(self) -> None:  # noqa: D102 - its protocol says it
        self._stream.close()

    def _pong(self, sent_s: float, received_s: float, next_index: int) -> None:
        self.listener.round_trips_s.append(received_s - sent_s)
        self.listener.clock.pong(sent_s, received_s, next_index)

    def _hear(self, frame: bytes, now_s: float) -> None:
        """Passes on the frames after START; earlier frames belong to an earlier session."""
        before, self._phase = self._phase, self._session.phase
        ident, config = self._session.ident, self._session.config
        if self.device is None and ident is not None and config is not None:
            self.device = board_facts(ident, config)
        if self._phase is Phase.STARTING and before is not Phase.STARTING and (board := self._stream.board):
            self.listener = Listener(len(self.names), board.fs_hz, self._stream.frames.counters)
        if self._phase in (Phase.STARTING, Phase.STREAMING):
            self.listener.hear(frame, now_s)


def board_facts(ident: m.Ident, config: m.Config) -> BoardFacts:
    """The facts of an IDENT, and the bits that samples have by the CONFIG."""
    return BoardFacts(
        board=name_of(m.Board, ident.board),
        firmware=".".join(map(str, ident.firmware_version)),
        protocol_matches=ident.proto_hash == m.PROTO_HASH,
        reset_cause=name_of(m.ResetCause, ident.reset_cause),
        adc_bits=sample_bits(ident, config),
        measures_supply=bool(ident.capabilities & m.Capability.SUPPLY_SENSE),
    )
