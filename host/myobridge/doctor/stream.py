"""Where the doctor's bytes come from: a running daemon's feed, or the port itself. Neither ever arms the hand."""

from __future__ import annotations

import time
from typing import Final, Protocol

from myobridge.board import board_config
from myobridge.doctor.facts import BoardFacts
from myobridge.doctor.listen import Listener
from myobridge.errors import UserError
from myobridge.feed import Chunk, FeedClient
from myobridge.feed.ports import name_of
from myobridge.model.file import ModelSpec
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.link import LinkLost, SerialLink
from myobridge.wire.session import GREETING_S, Phase, Session

TURN_S: Final = 0.02
PING_EVERY_S: Final = 0.05
GOODBYE_S: Final = 0.3


class Source(Protocol):
    """A stream that is listened to, a turn at a time."""

    kind: str
    names: tuple[str, ...]
    listener: Listener
    device: BoardFacts | None

    @property
    def stopped(self) -> bool:
        """The hand was found in emergency stop, in which it takes no configuration."""

    def start(self) -> None:
        """Gets the stream going, if it is not.

        Raises:
            UserError: what answers cannot be used.
            LinkLost: it was unplugged.
        """

    def turn(self) -> None:
        """Waits up to TURN_S for bytes and takes them."""

    def close(self) -> None:
        """Leaves everything as it was."""


class DaemonSource:
    """The feed of the daemon that holds the port."""

    kind = "daemon"
    names: tuple[str, ...] = ()
    device: BoardFacts | None = None
    stopped = False

    def __init__(self, port: str) -> None:
        """Raises NoDaemon if none runs there."""
        self._feed = FeedClient(port)
        self._frames = FrameDecoder()
        self._whole = False

    def start(self) -> None:
        """See Source."""
        until_s = time.monotonic() + GREETING_S
        while (about := self._feed.subscribe("bytes")).ident is None or about.config is None:
            if time.monotonic() > until_s:
                raise UserError("The daemon is looking for the board; plug it in, or read the daemon's output.")
            time.sleep(TURN_S)
        self.names = about.spec.channels
        self.device = board_facts(about.ident)
        fs_hz = about.ident.tick_hz / about.config.sample_period_ticks
        self.listener = Listener(len(self.names), fs_hz, self._frames.counters, joined=True)

    def turn(self) -> None:
        """See Source."""
        message = self._feed.receive(TURN_S)
        if isinstance(message, Chunk):
            for frame in self._frames.feed(self._from_a_frame_on(message.data)):
                self.listener.hear(frame, message.t_s)

    def _from_a_frame_on(self, data: bytes) -> bytes:
        """The data; without the end of a frame whose beginning was before we came."""
        if self._whole or b"\0" not in data:
            return data if self._whole else b""
        self._whole = True
        return data.partition(b"\0")[2]

    def close(self) -> None:
        """See Source."""
        self._feed.close()


class PortSource:
    """The port itself: configured for a model, streaming, disarmed."""

    kind = "port"

    device: BoardFacts | None = None

    def __init__(self, link: SerialLink, spec: ModelSpec, config: Settings) -> None:
        self.names = spec.channels
        self._link = link
        self._frames = FrameDecoder()
        self._session = Session(link.write, lambda ident: board_config(ident, spec, config), ping_every_s=PING_EVERY_S)
        self._session.pong = self._pong

    @property
    def stopped(self) -> bool:
        """See Source."""
        status = self._session.status
        return status is not None and status.state == m.State.ESTOP

    def start(self) -> None:
        """See Source."""
        while self._session.phase is not Phase.STREAMING:
            self.turn()

    def _pong(self, sent_s: float, received_s: float, next_index: int) -> None:
        self.listener.round_trips_s.append(received_s - sent_s)
        self.listener.clock.pong(sent_s, received_s, next_index)

    def turn(self) -> None:
        """See Source. What comes before START belongs to an earlier session."""
        session = self._session
        if self._link.wait(TURN_S):
            data, now_s = self._link.read(), time.monotonic()
            for frame in self._frames.feed(data):
                if frame[0] == m.Emg.TYPE:
                    session.hear(now_s)
                else:
                    self._converse(frame, now_s)
                if session.phase in (Phase.STARTING, Phase.STREAMING):
                    self.listener.hear(frame, now_s)
        session.poll(time.monotonic())

    def _converse(self, frame: bytes, now_s: float) -> None:
        session, before = self._session, self._session.phase
        session.on_frame(frame, now_s)
        if self.device is None and session.ident is not None:
            self.device = board_facts(session.ident)
        if session.phase is Phase.STARTING is not before and session.ident and session.config:
            fs_hz = session.ident.tick_hz / session.config.sample_period_ticks
            self.listener = Listener(len(self.names), fs_hz, self._frames.counters)

    def close(self) -> None:
        """See Source."""
        until_s = time.monotonic() + GOODBYE_S
        status = self._session.status
        try:
            while time.monotonic() < until_s and status is not None and status.flags & m.StatusFlag.STREAMING:
                self._session.stop()
                self.turn()
                status = self._session.status
        except (UserError, LinkLost):
            pass  # it is gone: nothing is left to stop
        finally:
            self._link.close()


def board_facts(ident: m.Ident) -> BoardFacts:
    """Who the board is."""
    return BoardFacts(
        board=name_of(m.Board, ident.board),
        firmware=".".join(map(str, ident.firmware_version)),
        protocol_matches=ident.proto_hash == m.PROTO_HASH,
        reset_cause=name_of(m.ResetCause, ident.reset_cause),
        adc_bits=ident.adc_bits,
        measures_supply=bool(ident.capabilities & m.Capability.SUPPLY_SENSE),
    )
