"""The stream that a recorder records: the feed of the daemon that holds the port, or else the port. Neither arms.

Both reconnect by themselves when the hand is lost; meanwhile no bytes come.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final, Protocol

from myobridge.board import board_config
from myobridge.errors import UserError
from myobridge.feed import Chunk, FeedClient, NoDaemon
from myobridge.feed.port_stream import PortStream
from myobridge.model.file import ModelSpec
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.handshake import Phase, SessionFailed
from myobridge.wire.link import LinkLost, SerialLink

RETRY_S: Final = 0.3
SILENT_S: Final = 1.0
"""A port whose stream is silent this long is opened again."""


class ByteSource(Protocol):
    """A stream of the wire's bytes, from a board that is configured as `config` says."""

    ident: m.Ident
    config: m.Config
    electrodes: tuple[str, ...]
    daemon: bool
    """A daemon holds the port."""

    def receive(self, timeout_s: float) -> Chunk | None:
        """The next read; None if nothing arrives within `timeout_s`.

        Raises:
            UserError: the board came back with another configuration, so its samples do not belong to the recording.
        """

    def close(self) -> None:
        """Ends the stream."""


def open_source(port: str, spec: ModelSpec, config: Settings) -> ByteSource:
    """The stream on `port`: the daemon's if one runs there, otherwise the board's own, configured for `spec`.

    Raises:
        UserError: the port cannot be opened, or its board cannot be used.
    """
    try:
        return DaemonBytes(port)
    except NoDaemon:
        return PortBytes(port, spec, config)


class DaemonBytes:
    """The feed of a daemon; reconnects to the next daemon if this one ends."""

    daemon = True

    def __init__(self, port: str) -> None:
        """Raises NoDaemon if no daemon runs on `port`, UserError if it has no board."""
        self._port = port
        self._feed: FeedClient | None = None
        self._retry_s = 0.0
        self._begun_with: m.Config | None = None
        if not self._connect():
            raise UserError(f"The daemon on {port} has no board; plug the board in, or read the daemon's output.")

    def _connect(self) -> bool:
        """Joins the feed; False if its daemon has no board now."""
        feed = FeedClient(self._port)
        about = feed.subscribe("bytes")
        if (board := about.board) is None:
            feed.close()
            return False
        _check_same(self._begun_with, board.config)
        self.ident, self.config, self.electrodes = board.ident, board.config, about.spec.channels
        self._feed, self._begun_with = feed, board.config
        return True

    def receive(self, timeout_s: float) -> Chunk | None:  # noqa: D102 - its protocol says it
        try:
            if self._feed is None:
                time.sleep(timeout_s)
                if time.monotonic() >= self._retry_s:
                    self._retry_s = time.monotonic() + RETRY_S
                    self._connect()
                return None
            message = self._feed.receive(timeout_s)
            return message if isinstance(message, Chunk) else None
        except NoDaemon:
            self.close()
            return None

    def close(self) -> None:  # noqa: D102 - its protocol says it
        if self._feed is not None:
            self._feed.close()
            self._feed = None


class PortBytes:
    """The port itself; opens it again if the board is lost."""

    daemon = False

    def __init__(self, port: str, spec: ModelSpec, config: Settings) -> None:
        """Opens the port and starts the stream.

        Raises:
            UserError: the port cannot be opened, or its board cannot be used.
        """
        self._port, self._spec, self._settings = port, spec, config
        self.electrodes = spec.channels
        self._stream: PortStream | None = None
        self._retry_s = 0.0
        self._begun_with: m.Config | None = None
        stream = self._stream = self._open()
        try:
            stream.start()
        except LinkLost as lost:
            self.close()
            raise UserError(f"{port} disappeared ({lost}); check the cable and try again.") from lost
        except UserError:
            self.close()
            raise
        assert stream.board is not None
        self.ident, self.config = stream.board
        self._begun_with = self.config

    def _open(self) -> PortStream:
        self._alive_s = time.monotonic()
        return PortStream(SerialLink(self._port, self._settings.link.baud), self._configure, self._hear)

    def _configure(self, ident: m.Ident) -> m.Config:
        config = board_config(ident, self._spec, self._settings)
        _check_same(self._begun_with, config)
        return config

    def _hear(self, frame: bytes, now_s: float) -> None:
        if frame[0] == m.Emg.TYPE:
            self._alive_s = now_s

    def receive(self, timeout_s: float) -> Chunk | None:  # noqa: D102 - its protocol says it
        if self._stream is None:
            time.sleep(timeout_s)
            if time.monotonic() >= self._retry_s:
                self._retry_s = time.monotonic() + RETRY_S
                with suppress(UserError):  # the board is still unplugged
                    self._stream = self._open()
            return None
        try:
            chunk = self._stream.receive(timeout_s)
            self._check_alive(self._stream)
            return chunk
        except (LinkLost, SessionFailed):
            self._stream.abandon()
            self._stream = None
            self._retry_s = time.monotonic() + RETRY_S
            return None

    def _check_alive(self, stream: PortStream) -> None:
        now_s = time.monotonic()
        if stream.session.phase is not Phase.STREAMING:
            self._alive_s = now_s
        elif now_s - self._alive_s > SILENT_S:
            raise LinkLost(f"no samples for {SILENT_S:g} s")

    def close(self) -> None:  # noqa: D102 - its protocol says it
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _check_same(was: m.Config | None, now: m.Config) -> None:
    """Refuses a stream that does not match the recording's header."""
    if was is not None and (was.channel_mask, was.sample_period_ticks) != (now.channel_mask, now.sample_period_ticks):
        raise UserError(
            "The board came back with different channels or another sampling rate; the recording so far is kept, so "
            "start a new recording."
        )
