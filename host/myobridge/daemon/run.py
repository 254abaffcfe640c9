"""A run of the daemon: connects, reconnects when the link is lost, serves the feed, and ends with a summary."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import FrameType
from typing import Any, Final

from myobridge.board import check_rate
from myobridge.daemon.connection import IDLE_S, Connection
from myobridge.daemon.decision_guard import GIVE_UP_TICKS, TICK_S, DecisionGuard
from myobridge.daemon.desk import Desk, MakeDesk, PlainDesk
from myobridge.daemon.diary.keeper import Diary
from myobridge.daemon.model_swap import ModelSwap
from myobridge.daemon.notices import Notices
from myobridge.daemon.permission.requests import Requests
from myobridge.daemon.permission.rules import LIFT_IT
from myobridge.daemon.realtime import collect, enter_realtime, use_large_pages
from myobridge.daemon.sd_notify import Notifier
from myobridge.daemon.snapshot import take_snapshot
from myobridge.daemon.stats import RunStats
from myobridge.errors import UserError, printable
from myobridge.feed import About
from myobridge.feed.messages import MORNING
from myobridge.feed.server import POLL_S, SNAPSHOT_S, SPACE_S, Feed, OpenRequest
from myobridge.model.load import read_model
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.handshake import SessionBroken, SessionFailed
from myobridge.wire.link import LinkLost, SerialLink

RECONNECT_S: Final = 0.2
FIRST_EMG_S: Final = 10.0
"""How long a run with `--seconds` waits for its first samples: a boot loader and an opening hand take time."""
GAVE_UP: Final = (
    f"A decision did not end within {GIVE_UP_TICKS * TICK_S:g} s, so myobridge disarmed the hand and ended; "
    "use another model file."
)


class Daemon:
    """One run. Its feed is open until `close`."""

    def __init__(self, port: str, model_path: Path, config: Settings, *, arm: bool, started_s: float) -> None:
        """Reads the model and opens the feed.

        Raises:
            UserError: the model cannot be used, its sampling rate differs from the settings', or another daemon serves
                this port.
        """
        self._port = port
        self._model_path = model_path
        self._model = read_model(model_path)
        self._config = config
        check_rate(config, self._model.spec)
        self._frames = FrameDecoder()
        self.stats = RunStats(self._model.spec, started_s, self._frames.counters)
        self.notices = Notices(printable(port))
        self.notify = Notifier(os.environ, config.safety.hold_ms / 1000)
        self.give_up: Callable[[str], None] = lambda _why: None
        """Ends the process from the guard's thread while a decision hangs; the hand is disarmed by then."""
        self._requests = Requests(port, self.notices.tell, launched_s=started_s if arm else None)
        self._guard = DecisionGuard(self._rescue, self._terminate, self._end_stuck)
        self._swap = ModelSwap(config)
        self._swap.changed = lambda: self._requests.changed("the model changed")
        self._diary = Diary(port, model_path, self.notices.tell, keep=config.diary.keep)
        self._desk: Desk = PlainDesk(self._swap)
        self._feed = Feed(port, self._about)
        self._lock = Lock()
        """The guard's thread serves an ESTOP while the loop is stuck, and the loop may return at that moment."""
        self._late: list[OpenRequest] = []
        self._connection: Connection | None = None
        self._stopping = False
        self._deaf_until_s = self._poll_s = self._look_s = 0.0

    def open_desk(self, make: MakeDesk) -> None:
        """Lets people calibrate, undo, and use the button on the hand."""
        running, note = (lambda: self._model_path), self._diary.note
        self._desk = make(self._requests, self._swap, self._config, self.notices.tell, running, note)

    def close(self) -> None:
        """Closes the feed, and tells the service manager."""
        self.notify.stopping()
        self._desk.close()
        self._requests.close()
        self._diary.close()
        self._feed.close()

    def install_signals(self) -> None:
        """SIGINT, SIGTERM and SIGHUP end the run, SIGUSR1 arms, SIGUSR2 disarms."""

        def stop(_signal: int, _frame: FrameType | None) -> None:
            self._stopping = True

        def arm(_signal: int, _frame: FrameType | None) -> None:
            self._requests.signalled("arm")

        def disarm(_signal: int, _frame: FrameType | None) -> None:
            self._requests.signalled("disarm")

        for number, action in (
            (signal.SIGINT, stop),
            (signal.SIGTERM, stop),
            (signal.SIGHUP, stop),  # the terminal is gone
            (signal.SIGUSR1, arm),
            (signal.SIGUSR2, disarm),
        ):
            if signal.getsignal(number) is not signal.SIG_IGN or number != signal.SIGHUP:  # nohup ignores it
                signal.signal(number, action)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGUSR1, signal.SIGUSR2))  # `cli.begin` has blocked them

    def run(self, seconds: float | None) -> dict[str, Any]:
        """Runs until stopped, or for `seconds` from the first sample; returns the summary.

        Raises:
            UserError: the port could not be opened, no myobridge board answers on it, or the board refused its CONFIG.
        """
        began_s, opened = time.monotonic(), False
        while not self._over(seconds, began_s):
            try:
                link = SerialLink(self._port, self._config.link.baud)
            except UserError:
                if not opened:
                    raise
                self._wait_to_reconnect()
                continue
            opened = True
            try:
                self._converse(link, seconds, began_s)
            except (SessionBroken, LinkLost) as lost:
                self._lost(lost)
            except SessionFailed as failed:
                if self.stats.first_emg_s is None:
                    raise
                self._lost(failed)
            finally:
                link.close()
        return self.stats.summary()

    def _over(self, seconds: float | None, began_s: float) -> bool:
        """Whether the run is over.

        Raises:
            UserError: no EMG arrived in time.
        """
        if self._stopping or seconds is None:
            return self._stopping
        if (since_s := self.stats.first_emg_s) is not None:
            return time.monotonic() - since_s >= seconds
        if time.monotonic() - began_s >= FIRST_EMG_S and self._requests.estop:
            raise UserError(f"No samples arrived within {FIRST_EMG_S:g} s because of an emergency stop; {LIFT_IT}")
        if time.monotonic() - began_s >= FIRST_EMG_S:
            raise UserError(f"No samples arrived from {self._port} within {FIRST_EMG_S:g} s; run `myobridge doctor`.")
        return False

    def _converse(self, link: SerialLink, seconds: float | None, began_s: float) -> None:
        self._requests.connected()
        connection = Connection(link, self._model, self._config, self._frames, self.stats, self._guard)
        connection.on_bytes = self._tell_bytes
        self._connection = connection
        try:
            link.heed(self._feed.fileno())
            connection.turn()  # sends HELLO before the trial takes the processor
            self._model.begin_trial()
            while not self._over(seconds, began_s):
                called = connection.turn(self._deaf_until_s)
                self._attend(connection, called)
        except SessionFailed:
            raise
        except UserError:  # the daemon ends, so the board must stop its stream
            connection.say_goodbye()
            raise
        connection.say_goodbye()

    def _tell_bytes(self, t_s: float, data: bytes) -> None:
        with self._lock:
            self._feed.tell_bytes(t_s, data)

    def _attend(self, connection: Connection, called: bool) -> None:
        """The work that can wait until the setpoint is written. called: a client of the feed waits."""
        stats, session, now_s = self.stats, connection.session, time.monotonic()
        stats.unexpected_frames = session.unexpected_frames
        if not stats.ready and connection.streaming:
            self._prepare()
            stats.begin()
            self.notify.ready("The hand streams and is disarmed.")
        if session.status is not None:
            stats.state = m.State(session.status.state)
        self.notices.tell_changes(connection, now_s)
        self._diary.look(connection, now_s, estop=self._requests.estop)
        self._serve(now_s, called)  # first: a request of now leaves with the next turn
        with self._lock:
            self._desk.attend(connection, now_s)
            self._requests.attend(connection, now_s)

    def _prepare(self) -> None:
        """Prepares a steady loop; this takes milliseconds, while the first window fills."""
        for refused in enter_realtime(self._config.realtime.fifo_priority):
            self.notices.say(refused)
        use_large_pages()
        try:
            self._guard.start()
        except RuntimeError:
            self.notices.say("The system has no thread left, so the daemon cannot end a decision that hangs.")

    def _serve(self, now_s: float, called: bool = False) -> None:
        """Serves the feed, at once if a client `called` and otherwise every POLL_S, and feeds the watchdog."""
        self.notify.turned(now_s)
        if called or now_s >= self._poll_s:
            self._deaf_until_s, self._poll_s = now_s + SPACE_S, now_s + POLL_S
            with self._lock:
                self._take_requests(now_s)
        if now_s >= self._look_s and self._feed.wants_snapshots:
            self._look_s = now_s + SNAPSHOT_S
            self._show()

    def _take_requests(self, now_s: float) -> None:
        self._requests.poll(self._connection, now_s)
        late, self._late = self._late, []
        for opened in late + self._feed.poll():
            if not self._requests.admits(opened, now_s):
                continue
            if opened.request.do == "model":
                self._desk.choose(opened, self._connection)
            elif opened.request.do in MORNING:
                self._desk.take(opened, self._connection, now_s)
            else:
                self._requests.take(opened, self._connection, now_s)
        if loaded := self._swap.finish(self._connection):
            self._model, self._model_path, _ = loaded
            self._diary.model(self._model_path)
            self._desk.changed_model()
            self.notices.tell(f"The model is now {self._model.spec.name}.")
        self.stats.feed_drops, self.stats.feed_refused = self._feed.drops, self._feed.refused

    def _show(self) -> None:
        """Sends a snapshot, also without a hand."""
        note, estop = self.notices.note, self._requests.estop
        if self._connection is not None:
            look = self._connection.look(note, estop=estop)
        else:
            look = take_snapshot(self.stats, None, None, None, note=note, estop=estop)
        look.calibration = self._desk.state(look.at_s)
        with self._lock:
            self._feed.tell_snapshot(look)

    def _about(self) -> About:
        session = self._connection.session if self._connection else None
        return About(
            port=printable(self._port),
            model_path=printable(str(self._model_path.absolute())),
            spec=self._model.spec,
            ident=session.ident if session else None,
            config=session.config if session else None,
            wall_minus_monotonic_s=time.time() - time.monotonic(),
        )

    def _lost(self, why: Exception) -> None:
        if self._connection is not None:
            with suppress(LinkLost):
                self._connection.session.withdraw_now()
        self._connection = None
        self._desk.attend(None, time.monotonic())
        self.stats.reconnects += 1
        self.notices.tell_lost(why)
        self._requests.lost()
        self._diary.lost(time.monotonic())
        collect()
        self._wait_to_reconnect()

    def _wait_to_reconnect(self) -> None:
        until_s = time.monotonic() + RECONNECT_S
        while (now_s := time.monotonic()) < until_s:
            self._serve(now_s)
            time.sleep(IDLE_S)

    # --- from the guard's thread, while the loop is stuck in a decision ---------------------------------------

    def _rescue(self) -> None:
        """Sends an ESTOP to the board although the loop is stuck; other requests wait for the loop."""
        connection = self._connection
        with self._lock:
            self._late += self._feed.poll()
            stopped = self._requests.estop or any(opened.request.do == "estop" for opened in self._late)
            if stopped and connection is not None:
                with suppress(LinkLost):
                    connection.session.estop_now()  # on every tick: the board may have been reset meanwhile

    def _terminate(self) -> None:
        if self._connection is not None:
            self._connection.setpoints.terminate_decision()

    def _end_stuck(self) -> None:
        """Disarms the hand and ends the process, because the loop will not turn again."""
        connection, now_s = self._connection, time.monotonic()
        with self._lock:
            for opened in self._late:
                self._requests.take(opened, connection, now_s)
            with suppress(LinkLost):
                if connection is not None and self._requests.estop:
                    connection.session.estop_now()
                elif connection is not None:
                    connection.session.stop()
            self._requests.lost()
        self.give_up(GAVE_UP)
