"""Where a recorder's bytes come from: the feed of the daemon that has the port, or the port itself, never armed.

Both look for the hand again by themselves when it is lost; meanwhile nothing comes.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final, Protocol

from myobridge.board import board_config
from myobridge.errors import UserError
from myobridge.feed import Chunk, FeedClient, NoDaemon
from myobridge.model.file import REST_DEG, ModelSpec, usual_hop_samples
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.link import LinkLost, SerialLink
from myobridge.wire.session import Phase, Session, SessionFailed

TURN_S: Final = 0.02
RETRY_S: Final = 0.3
SILENT_S: Final = 1.0
"""A stream that is silent this long is opened again."""


class ByteSource(Protocol):
    """A stream of the wire's bytes, from a device that is configured as `config` says."""

    ident: m.Ident
    config: m.Config
    electrodes: tuple[str, ...]
    daemon: bool
    """A daemon has the port."""

    def receive(self, timeout_s: float) -> Chunk | None:
        """What is read next; None if nothing comes within `timeout_s`.

        Raises:
            UserError: the hand came back as another one, so that its samples do not belong to the recording.
        """

    def close(self) -> None:
        """Leaves the stream."""


def open_source(port: str, spec: ModelSpec, config: Settings) -> ByteSource:
    """The stream on `port`: of the daemon there if one runs, otherwise of the device, configured for `spec`.

    Raises:
        UserError: the port cannot be opened, or its device cannot be used.
    """
    try:
        return DaemonBytes(port)
    except NoDaemon:
        return PortBytes(port, spec, config)


def spec_for(fs_hz: float, channels: int) -> ModelSpec:
    """Stands for a model where none says what to sample."""
    hop_samples = usual_hop_samples(fs_hz)
    return ModelSpec(
        name="of this recording",
        family="none",
        fs_hz=fs_hz,
        channels=tuple(f"EMG {n}" for n in range(1, channels + 1)),
        window_samples=hop_samples,
        hop_samples=hop_samples,
        history_hops=0,
        prefilter_sos=(),
        scale_fs=(1.0,) * channels,
        rest_pose_deg=REST_DEG,
    )


class DaemonBytes:
    """The feed of a daemon; it goes on with the next daemon if this one ends."""

    daemon = True

    def __init__(self, port: str) -> None:
        """Raises NoDaemon if none runs there, UserError if it has no hand."""
        self._port = port
        self._feed: FeedClient | None = None
        self._retry_s = 0.0
        self._begun_with: m.Config | None = None
        if not self._connect():
            raise UserError(f"The daemon on {port} has no board; plug the board in, or read the daemon's output.")

    def _connect(self) -> bool:
        """Joins the feed; False if its daemon has no hand now."""
        feed = FeedClient(self._port)
        about = feed.subscribe("bytes")
        if about.ident is None or about.config is None:
            feed.close()
            return False
        _check_same(self._begun_with, about.config)
        self.ident, self.config, self.electrodes = about.ident, about.config, about.spec.channels
        self._feed, self._begun_with = feed, about.config
        return True

    def receive(self, timeout_s: float) -> Chunk | None:
        """See ByteSource."""
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

    def close(self) -> None:
        """See ByteSource."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None


class PortBytes:
    """The port itself."""

    daemon = False

    def __init__(self, port: str, spec: ModelSpec, config: Settings) -> None:
        """Opens it and starts the stream.

        Raises:
            UserError: it cannot be opened, or what answers cannot be used.
        """
        self._port, self._spec, self._settings = port, spec, config
        self.electrodes = spec.channels
        self._frames = FrameDecoder()
        self._link: SerialLink | None = None
        self._retry_s = 0.0
        self._begun_with: m.Config | None = None
        self._open()
        try:
            while self._session.phase is not Phase.STREAMING:
                self._turn(TURN_S)
        except LinkLost as lost:
            self.close()
            raise UserError(f"{port} disappeared ({lost}); check the cable and try again.") from lost
        except UserError:
            self.close()
            raise
        assert self._session.ident is not None
        assert self._session.config is not None
        self.ident, self.config = self._session.ident, self._session.config
        self._begun_with = self.config

    def _open(self) -> None:
        self._link = SerialLink(self._port, self._settings.link.baud)
        self._frames.reset()
        self._session = Session(self._link.write, self._configure)
        self._alive_s = time.monotonic()

    def _configure(self, ident: m.Ident) -> m.Config:
        config = board_config(ident, self._spec, self._settings)
        _check_same(self._begun_with, config)
        return config

    def receive(self, timeout_s: float) -> Chunk | None:
        """See ByteSource."""
        if self._link is None:
            time.sleep(timeout_s)
            if time.monotonic() >= self._retry_s:
                self._retry_s = time.monotonic() + RETRY_S
                try:
                    self._open()
                except UserError:
                    self._link = None  # it is not plugged in again yet
            return None
        try:
            return self._turn(timeout_s)
        except (LinkLost, SessionFailed):
            self._drop()
            return None

    def _turn(self, timeout_s: float) -> Chunk | None:
        """Reads once; what is no EMG goes to the session."""
        assert self._link is not None
        chunk = None
        if self._link.wait(timeout_s):
            chunk = Chunk(time.monotonic(), self._link.read())
            for frame in self._frames.feed(chunk.data):
                if frame[0] == m.Emg.TYPE:
                    self._alive_s = chunk.t_s
                    self._session.hear(chunk.t_s)
                else:
                    self._session.on_frame(frame, chunk.t_s)
        now_s = time.monotonic()
        self._session.poll(now_s)
        if self._session.phase is not Phase.STREAMING:
            self._alive_s = now_s
        elif now_s - self._alive_s > SILENT_S:
            raise LinkLost(f"no samples for {SILENT_S:g} s")
        return chunk

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        self._retry_s = time.monotonic() + RETRY_S

    def close(self) -> None:
        """See ByteSource."""
        if self._link is not None:
            with suppress(LinkLost):
                self._session.stop()
            self._drop()


def _check_same(was: m.Config | None, now: m.Config) -> None:
    """Refuses a stream that the recording's header does not describe."""
    if was is not None and (was.channel_mask, was.sample_period_ticks) != (now.channel_mask, now.sample_period_ticks):
        raise UserError(
            "The board came back with different channels or another sampling rate; the recording so far is kept, so "
            "start a new recording."
        )
