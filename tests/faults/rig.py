"""A daemon, a cable and a hand, for the rows of the fault matrix and for the soak."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import neighbours  # noqa: F401
from cable import Cable, Seen, hurry
from devices import BoardDevice, Loop, SimulatedDevice, TroubledSource, Waving

from myobridge.feed import FeedClient, Snapshot
from myobridge.feed.messages import LOST
from myobridge.simulator.emg_source import EmgSource
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.wire.handshake import SETTLING_S
from myobridge.wire.messages import State
from processes import feed_of

FS_HZ: Final = 2000.0
ODD_DAEMON: Final = [sys.executable, str(Path(__file__).with_name("odd_daemon.py"))]
NEW_SAMPLES: Final = 100
STARTS_S: Final = 60.0
START_PRIORITY: Final = 10
STREAMS_S: Final = SETTLING_S + 5
LOOP_S: Final = 20.0
MOVED_CDEG: Final = 1500
"""The hand moves if a servo turns further than this between two snapshots."""


@dataclass
class Outcome:
    """safe_ms: from the fault to the safe state that `what` names; None: the hand never left it."""

    safe_ms: float | None
    what: str


def waving(seed: int = 0) -> EmgSource:
    """A wearer who closes and opens the hand endlessly."""
    return Loop(SynthSource(SynthOptions(fs_hz=FS_HZ, seed=seed, script=Waving())), LOOP_S)


def leave_nothing_running() -> None:
    """Lets SIGTERM end this process like Ctrl-C, which ends its children first."""
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit("Ended by SIGTERM."))


class Rig:
    """One hand, and a daemon that may be ended and started again."""

    def __init__(self, folder: Path, hand: str = "simulated", source: EmgSource | None = None, seed: int = 0) -> None:
        self.folder, self.hand = folder, hand
        self.port = folder / "hand"
        self.source = TroubledSource(source or waving(seed))
        self.device: Any = (
            SimulatedDevice(self.source, seed + 1) if hand == "simulated" else BoardDevice(hand, self.source, folder)
        )
        self.cable = Cable(self.port, self.device, seed)
        self.witness = self.cable.witness
        self.daemon: subprocess.Popen[str] | None = None
        self.feed: FeedClient | None = None

    def __enter__(self) -> Self:
        self._before = os.sched_getscheduler(0), os.sched_getparam(0)
        hurry()
        self.cable.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as last:
            last.callback(os.sched_setscheduler, 0, *self._before)
            last.callback(self.device.close)
            last.callback(self.cable.close)
            self.end_daemon()

    # ---- the daemon ----

    def start_daemon(self, *arguments: str, expect_feed: bool = True) -> None:
        """Starts `myobridge run`; its output goes to a file."""
        run = ["run", "--port", self.port, "--model", "synth", "--json", self.folder / "run.json", *arguments]
        with (self.folder / "said").open("a") as said:
            remembers = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state")}
            self.daemon = subprocess.Popen([*ODD_DAEMON, *map(str, run)], stderr=said, text=True, env=remembers)
        hurry(self.daemon.pid, START_PRIORITY)  # the daemon does so itself later; a busy machine would start it slowly
        if expect_feed:
            self.feed = feed_of(self.port, STARTS_S)
            self.feed.subscribe("snapshots")

    @property
    def said(self) -> str:
        """All output of the daemons."""
        return (self.folder / "said").read_text()

    def wait_said(self, words: str, since: int, within_s: float = 5.0) -> None:
        """Waits until the output contains these words behind character `since`."""
        until_s = time.monotonic() + within_s
        while words not in self.said[since:]:
            assert time.monotonic() < until_s, f"the daemon does not say {words!r}"
            time.sleep(0.05)

    def send_signal(self, number: signal.Signals) -> float:
        """Sends the daemon a signal; returns the time."""
        assert self.daemon is not None
        os.kill(self.daemon.pid, number)
        return time.monotonic()

    def end_daemon(self, number: signal.Signals = signal.SIGINT) -> float:
        """Ends the daemon; returns the time of the signal."""
        if self.daemon is None:
            return 0.0
        at_s = self.send_signal(number)
        self.send_signal(signal.SIGCONT)
        if self.feed is not None:
            self.feed.close()
        try:
            self.daemon.wait(15)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            raise
        self.daemon = self.feed = None
        return at_s

    @property
    def summary(self) -> dict[str, Any]:
        """The summary of the last daemon, which has ended."""
        summary: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return summary

    def look(self, until: Callable[[Snapshot], bool] = lambda _look: True, within_s: float = 15) -> Snapshot:
        """A snapshot, of now or later, for which the condition holds."""
        assert self.feed is not None
        until_s = time.monotonic() + within_s
        self.feed.newest(0.0)  # unread snapshots are seconds old
        look = self.feed.newest(1.0)
        while look is None or not until(look):
            assert time.monotonic() < until_s, f"no such snapshot came in {within_s} s: {look}"
            look = self.feed.newest(1.0)
        return look

    def streaming(self) -> Snapshot:
        """Waits until the stream is whole: new samples arrive, and setpoints are not withheld."""
        enough = self.look().samples_received + NEW_SAMPLES
        return self.look(
            lambda look: look.state != LOST and look.withheld == "no" and look.samples_received > enough, STREAMS_S
        )

    # ---- the hand ----

    @property
    def state(self) -> State:
        """The state in the hand's last STATUS."""
        status = self.witness.status
        return State.BOOT if status is None else State(status.state)

    def wait(self, condition: Callable[[], bool], within_s: float) -> None:
        """Waits for a condition that a STATUS or a request changes."""
        with self.witness.news:
            came = self.witness.news.wait_for(condition, within_s)
        assert came, f"it did not happen in {within_s} s; the hand is {self.witness.status}"

    def first(self, state: State, since_s: float, within_s: float = 5.0) -> Seen:
        """Waits for the hand to enter a state after `since_s`."""
        found: list[Seen] = []

        def came() -> bool:
            found.extend(seen for seen in self.witness.changes if seen.state is state and seen.t_s >= since_s)
            return bool(found)

        self.wait(came, within_s)
        return found[0]

    def states(self, since_s: float) -> list[State]:
        """The states that the hand entered since then."""
        return [seen.state for seen in self.witness.changes if seen.t_s >= since_s]

    def arm(self) -> None:
        """Arms the hand from any state."""
        assert self.feed is not None
        self.streaming()
        if self.state is not State.DISARMED:
            assert self.feed.request("disarm").ok
        reply = self.feed.request("arm")
        assert reply.ok, reply.text

    def moving(self) -> None:
        """Streams, is armed and is moving now."""
        if self.daemon is None:
            self.start_daemon()
        until_s = time.monotonic() + STREAMS_S
        while True:
            if self.state is not State.ARMED:
                self.arm()
            at = self._applied()
            self.wait(lambda at=at: self.state is not State.ARMED or self._moved(at), 10)
            if self.state is State.ARMED:
                return
            assert time.monotonic() < until_s, "the hand does not stay armed"

    def _moved(self, since: tuple[int, ...]) -> bool:
        return max(abs(a - b) for a, b in zip(self._applied(), since, strict=True)) > MOVED_CDEG

    def _applied(self) -> tuple[int, ...]:
        assert self.witness.status is not None
        return self.witness.status.applied_cdeg
