"""A hand, a daemon and people in lock-step time, and a `Watch` over all of them.

Daemons come and go; the hand stays. The events in `event_kinds.py` are done to a scene.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import neighbours  # noqa: F401
from cable import Way
from caller import Caller
from predicates import Predicate, Violated, Watch
from watched_hand import WatchedHand
from wearer import Wearer, write_strength_model

from lockstep import LockStep
from myobridge.daemon.connection import Connection
from myobridge.daemon.decision_guard import TICK_S
from myobridge.daemon.run import Daemon
from myobridge.decoder import pipeline
from myobridge.errors import UserError
from myobridge.settings import AcquisitionSettings, RealtimeSettings, Settings

LOAD_S: Final = (0.01, 0.8)
"""How long another model takes to load."""
DISK_S: Final = (0.001, 0.05)
"""How long it takes to write a small file."""
HEAR_S: Final = 0.01
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class Killed(BaseException):
    """SIGKILL."""


class GaveUp(BaseException):
    """A decision did not end, and the daemon ended itself."""


class Over(BaseException):
    """The scene ends."""


class Scene:
    """One hand on one port, for as long as `run` lets it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.port = folder / "hand"
        self.watch = Watch()
        self.wearer = Wearer()
        self.hand = WatchedHand(self.wearer, self.watch, seed)
        self.world = LockStep(self.hand)
        self.watch.now_s = self.world.now_s
        self.hand.reset()
        self.world.trial_s = 0.3
        self.world.up, self.world.down = Way(2 * seed), Way(2 * seed + 1)
        self.world.opened, self.world.stepped, self.world.reset_line = self._opened, self._stepped, self._reset_line
        self.daemon: Daemon | None = None
        self.said: list[str] = []
        """The daemons' output."""
        self.callers: list[Caller] = []
        self.models = {kind: write_strength_model(folder / f"{kind}.onnx", kind, kind) for kind in ("index", "nan")}
        self.models |= {name: write_strength_model(folder / f"{name}.onnx", name) for name in ("good", "other")}
        self.model = self.models["good"]
        frames = AcquisitionSettings(max_samples_per_frame=10)
        self.config = Settings(realtime=RealtimeSettings(fifo_priority=0), acquisition=frames)
        self.next_arm = True
        self.down_s = 0.2
        """Time without a daemon after the next end."""
        self.slow_s = 0.0
        """Duration of the next decision."""
        self._random = Random(seed)
        self._disk: list[Callable[[], None]] = []
        """Writes that wait for the disk."""
        self._opened_s: float | None = None
        self._in_order_s: float | None = None
        self._heard_s = 0.0
        self._resets_on_open, self._has_reset_line = seed % 3 == 0, seed % 4 != 0
        self._pending_signals: set[signal.Signals] = set()

    # --- time -------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Simulated time."""
        return self.world.now_s

    def later(self, after_s: float, action: Callable[[], None]) -> None:
        """Schedules something."""
        self.world.at(self.now_s + after_s, action)

    @property
    def awake(self) -> bool:
        """A daemon runs and is not stopped."""
        return self.daemon is not None and self.now_s >= self.world.daemon_stopped_until_s

    def _line_works(self) -> bool:
        ways = (self.world.up, self.world.down)
        clear = all(w._faulty is None and not (w.blocked or w.noise or w.alter or w._injected) for w in ways)
        return clear and self.world.plugged and self.now_s >= self.world.hand_stopped_until_s

    def _opened(self) -> None:
        self._opened_s = self.now_s
        if self._resets_on_open:
            self.hand.reset()

    def _reset_line(self) -> bool:
        if self._has_reset_line:
            self.hand.reset()
        return self._has_reset_line

    def _stepped(self) -> None:
        if not (self.awake and self._line_works()):
            self._opened_s = self._opened_s and self.now_s
            self._in_order_s = None
            self.hand.whole_since = self.wearer.taken
        elif self._in_order_s is None:
            self._in_order_s = self.now_s
        in_order_s = linked_s = None
        if self._in_order_s is not None:
            in_order_s = max(self._in_order_s, self.hand.reset_s)
            if self.world.link is not None and self._opened_s is not None:
                linked_s = max(self._opened_s, in_order_s)
        self.watch.passed(self.now_s, awake=self.awake, linked_since_s=linked_s, in_order_since_s=in_order_s)
        self.hand.look(self.now_s >= self.world.hand_stopped_until_s)
        if self.now_s >= self._heard_s + HEAR_S:
            self._heard_s = self.now_s
            for caller in list(self.callers):
                caller.hear()

    # --- the daemon -------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Runs daemons, one after another, until the time is over.

        Raises:
            Violated: a predicate did not hold.
        """
        self.world.at(self.now_s + seconds, self._over)
        with self._surroundings(), suppress(Over):
            while True:
                self._live()
                self.world.pass_until(self.now_s + self.down_s)

    def _over(self) -> None:
        raise Over

    def _live(self) -> None:
        arm, self.next_arm = self.next_arm, False
        try:
            daemon = Daemon(str(self.port), self.model, self.config, arm=arm, started_s=self.now_s)
        except UserError as error:  # its model file was damaged
            self._ended(str(error), decided=False)
            return
        self.hand.max_age_s = self.config.safety.max_age_ms / 1000
        if arm:
            self.hand.armed_at_launch(self.now_s, lambda: daemon.stats.first_emg_s is None)
        try:
            daemon.notices.say, daemon.give_up = self.said.append, self._gave_up
            daemon.install_signals()
            self.daemon = daemon
            daemon.run(None)
            daemon.close()
        except UserError as error:
            self._ended(str(error), decided=daemon.stats.latency.total > 0)
            daemon.close()
        except Killed:
            self._disk.clear()
        except GaveUp:
            pass
        except Exception as error:
            raise Violated(Predicate.THE_DAEMON_LIVES, "".join(traceback.format_exception(error)[-6:])) from error
        finally:
            while self._disk:
                self._write()
            self.daemon = self.world.link = None
            self._pending_signals.clear()  # they end with the process that they were sent to
            self._close(daemon)
            self.watch.daemon_ended()
            self.hand.launched_s = None
            for caller in list(self.callers):
                caller.close()

    def _gave_up(self, why: str) -> None:
        self.said.append(why)
        raise GaveUp

    def _ended(self, sentence: str, *, decided: bool) -> None:
        """The daemon ended by itself, with one sentence that says what to do."""
        self.said.append(sentence)
        if not sentence.endswith(".") or "\n" in sentence:
            raise Violated(Predicate.THE_DAEMON_LIVES, f"Its last words are no sentence: {sentence!r}")
        if decided:
            raise Violated(Predicate.THE_DAEMON_LIVES, f"It decided, and ended itself: {sentence}")

    @staticmethod
    def _close(daemon: Daemon) -> None:
        """Closes what the kernel closes for a process that has ended."""
        for peer in list(daemon._feed._clients.values()):
            peer.socket.close()
        daemon._feed._listener.close()

    def signal(self, number: signal.Signals) -> None:
        """Sends the daemon a signal; a stopped daemon takes it when it continues."""
        if self.daemon is None:
            return
        if not self.awake:
            if not self._pending_signals:
                self.world.at(self.world.daemon_stopped_until_s, self._take_signals)
            self._pending_signals.add(number)
            return
        self._take(number)

    def _take_signals(self) -> None:
        pending, self._pending_signals = self._pending_signals, set()
        for number in sorted(pending):
            if self.daemon is not None:
                self._take(number)

    def _take(self, number: signal.Signals) -> None:
        if signal.getsignal(number) is signal.SIG_DFL:
            raise Violated(Predicate.THE_DAEMON_LIVES, f"{number.name} ends it without a goodbye")
        signal.raise_signal(number)

    def kill(self) -> None:
        """SIGKILL."""
        if self.daemon is not None:
            self.world.daemon_stopped_until_s = self.now_s
            raise Killed

    def _slowly(self, decoder_of: Callable[[Any], Any], model: Any) -> Any:
        """The model's decoder, with one call that may take long."""
        decoder = decoder_of(model)
        decide = type(decoder).__call__

        class Slow(type(decoder)):  # type: ignore[misc]
            def __call__(decoder_self, window: Any) -> Any:
                if self.slow_s:
                    self._take_long()
                return decide(decoder_self, window)

        decoder.__class__ = Slow
        return decoder

    def _swapped(self, change_model: Callable[..., None]) -> Callable[..., None]:
        """`Connection.change_model`, which looks at the hand itself."""

        def change(*args: object) -> None:
            if self.hand.pulses_on:
                raise Violated(
                    Predicate.NO_SWAP_IN_MOTION, f"The hand is {self.watch.state.name} at {self.now_s:.3f} s"
                )
            change_model(*args)

        return change

    def _take_long(self) -> None:
        """A decision takes `slow_s` while the guard watches."""
        until_s, self.slow_s = self.now_s + self.slow_s, 0.0
        for ticks in count():
            if self.daemon is not None and ticks:
                self.daemon._guard.tick(ticks - 1)
            if self.now_s >= until_s:
                return
            self.world.pass_until(min(until_s, self.now_s + TICK_S))

    def _written(self, job: Callable[[], None]) -> None:
        """The disk takes its time."""
        self._disk.append(job)
        self.later(self._random.uniform(*DISK_S), self._write)

    def _write(self) -> None:
        if self._disk:
            self._disk.pop(0)()

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        decoder_of, scene = pipeline.decoder_of, self

        class LoadedLater:
            """A thread that finishes after some simulated time."""

            def __init__(self, target: Callable[..., None], args: tuple[object, ...] = (), **_: object) -> None:
                self._do = lambda: target(*args)

            def start(self) -> None:
                scene.later(scene._random.uniform(*LOAD_S), self._do)

        here = {"XDG_RUNTIME_DIR": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")}
        with (
            patch.dict(os.environ, here),
            patch("os.urandom", self._random.randbytes),  # numbers on the wire are those of the seed, too
            self.world.running(),
            patch("myobridge.daemon.model_swap.Thread", LoadedLater),
            patch("myobridge.daemon.permission.estop_writer.EstopWriter._do", lambda _keeper, job: self._written(job)),
            patch("myobridge.daemon.connection.Connection.change_model", self._swapped(Connection.change_model)),
            patch("myobridge.daemon.run.collect"),  # this test does not measure memory
            patch("myobridge.decoder.pipeline.decoder_of", lambda model: self._slowly(decoder_of, model)),
        ):
            try:
                yield
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
