"""A run of the daemon: connects, connects again when the link is lost, tells the feed, and ends with a summary."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any, Final

import msgspec

from myobridge.config import Config
from myobridge.configure import check_rate
from myobridge.connection import IDLE_S, Connection
from myobridge.control import LOST_TEXT, Control
from myobridge.errors import UserError
from myobridge.feed import About, Snapshot
from myobridge.feed.messages import LOST
from myobridge.feed.server import POLL_S, SNAPSHOT_S, Feed
from myobridge.model import read_model
from myobridge.model_swap import ModelSwap
from myobridge.realtime import collect, enter_realtime, use_large_pages
from myobridge.report import RunStats
from myobridge.service.notify import Notifier
from myobridge.voice import Voice
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.link import LinkLost, SerialLink
from myobridge.wire.session import SessionFailed

RECONNECT_S: Final = 0.2


class Daemon:
    """One run. Its feed is open from the start to `close`."""

    def __init__(self, port: str, model_path: Path, config: Config, *, arm: bool, started_s: float) -> None:
        """Reads the model and opens the feed.

        Raises:
            UserError: the model cannot be used, the configuration is for another sampling rate than it, or another
                daemon serves this port.
        """
        self._port = port
        self._model_path = model_path
        self._model = read_model(model_path)
        self._config = config
        check_rate(config, self._model.spec)
        self._model.begin_trial()
        self._frames = FrameDecoder()
        self._stats = RunStats(self._model.spec, started_s, self._frames.counters)
        self.voice = Voice(port)
        self.notify = Notifier(os.environ, config.safety.hold_ms / 1000)
        self._control = Control(self.voice.tell, arm=arm)
        self._swap = ModelSwap(config)
        self._feed = Feed(port, self._about)
        self._connection: Connection | None = None
        self._look: Snapshot | None = None
        self._stopping = False
        self._poll_s = self._look_s = 0.0

    def close(self) -> None:
        """Ends the feed, and tells the service manager."""
        self.notify.stopping()
        self._feed.close()

    def install_signals(self) -> None:
        """SIGINT and SIGTERM end the run, SIGUSR1 asks for ARM, SIGUSR2 disarms."""

        def stop(_signal: int, _frame: FrameType | None) -> None:
            self._stopping = True

        def arm(_signal: int, _frame: FrameType | None) -> None:
            self._control.arm()

        def disarm(_signal: int, _frame: FrameType | None) -> None:
            self._control.disarm()

        for number, action in (
            (signal.SIGINT, stop),
            (signal.SIGTERM, stop),
            (signal.SIGUSR1, arm),
            (signal.SIGUSR2, disarm),
        ):
            signal.signal(number, action)

    def run(self, seconds: float | None) -> dict[str, Any]:
        """Runs until stopped, or for `seconds` from the first sample; returns the summary.

        Raises:
            UserError: the first connection failed, or a device refused the configuration.
        """
        while not self._over(seconds):
            try:
                link = SerialLink(self._port, self._config.link.baud)
            except UserError:
                if self._stats.first_emg_s is None:
                    raise
                self._wait_to_reconnect()
                continue
            try:
                self._converse(link, seconds)
            except SessionFailed as failed:
                if self._stats.first_emg_s is None:
                    raise
                self._lost(failed)
            except LinkLost as lost:
                self._lost(lost)
            finally:
                link.close()
        return self._stats.summary()

    def _over(self, seconds: float | None) -> bool:
        since = self._stats.first_emg_s
        return self._stopping or (seconds is not None and since is not None and time.monotonic() - since >= seconds)

    def _converse(self, link: SerialLink, seconds: float | None) -> None:
        connection = Connection(link, self._model, self._config, self._frames, self._stats)
        connection.on_bytes = self._feed.tell_bytes
        self._connection = connection
        try:
            while not self._over(seconds):
                connection.turn()
                self._attend(connection)
        except SessionFailed:
            raise
        except UserError:  # it will not come back, and shall not stream to nobody
            connection.say_goodbye()
            raise
        connection.say_goodbye()

    def _attend(self, connection: Connection) -> None:
        """What can wait until the setpoint is written."""
        stats, session, now_s = self._stats, connection.session, time.monotonic()
        stats.unexpected_frames = session.unexpected_frames
        if stats.first_emg_s is None and connection.streaming:
            self._prepare()
            stats.begin()
            self.notify.ready("The hand streams, and is disarmed.")
        if session.status is not None:
            stats.state = m.State(session.status.state)
        self.voice.tell_changes(connection, now_s)
        self._control.attend(connection, now_s)
        self._serve(now_s)

    def _prepare(self) -> None:
        """What makes the loop steady takes milliseconds: it is done while the first window fills."""
        for refused in enter_realtime(self._config.realtime.fifo_priority):
            self.voice.say(refused)
        use_large_pages()

    def _serve(self, now_s: float) -> None:
        """Attends to the feed, now and then, and to the service manager's watchdog."""
        self.notify.turned(now_s)
        if now_s >= self._poll_s:
            self._poll_s = now_s + POLL_S
            self._take_requests(now_s)
        if now_s >= self._look_s and self._feed.wants_snapshots:
            self._look_s = now_s + SNAPSHOT_S
            self._show()

    def _take_requests(self, now_s: float) -> None:
        for ask in self._feed.poll():
            if ask.request.do == "model":
                self._swap.begin(ask, self._connection)
            else:
                self._control.take(ask, self._connection, now_s)
        if loaded := self._swap.finish(self._connection):
            self._model, self._model_path, _ = loaded
            self.voice.tell(f"The model is {self._model.spec.name} now.")
        self._stats.feed_drops, self._stats.feed_refused = self._feed.drops, self._feed.refused

    def _show(self) -> None:
        """Sends a look; without a hand, the last one, which says so."""
        look = self._connection.look(self.voice.note) if self._connection else None
        if look is not None:
            self._look = look
        elif self._look is not None:
            changes = {"state": LOST, "reason": "", "explained": LOST_TEXT, "may_move": False, "note": self.voice.note}
            look = msgspec.structs.replace(self._look, **changes)
        if look is not None:
            self._feed.tell_snapshot(look)

    def _about(self) -> About:
        session = self._connection.session if self._connection else None
        return About(
            port=self._port,
            model_path=str(self._model_path.absolute()),
            spec=self._model.spec,
            ident=session.ident if session else None,
            config=session.config if session else None,
            wall_minus_monotonic_s=time.time() - time.monotonic(),
        )

    def _lost(self, why: Exception) -> None:
        self._connection = None
        self._stats.reconnects += 1
        self.voice.tell_lost(why)
        self._control.lost()
        collect()
        self._wait_to_reconnect()

    def _wait_to_reconnect(self) -> None:
        until_s = time.monotonic() + RECONNECT_S
        while (now_s := time.monotonic()) < until_s:
            self._serve(now_s)
            time.sleep(IDLE_S)
