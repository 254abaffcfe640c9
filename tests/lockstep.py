"""Runs daemon, line and board in lock-step: time passes only while the daemon waits.

The daemon is the real one, with its loop, session, feed and signals; only its clock and its port are replaced. Runs are
reproducible, however busy the machine is, and usually faster than real time.
"""

from __future__ import annotations

import heapq
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol
from unittest.mock import patch

import msgspec

from myobridge.daemon.run import Daemon
from myobridge.errors import UserError
from myobridge.model.shipped import find_model
from myobridge.model.trial import Trial, Verdict
from myobridge.settings import RealtimeSettings, Settings
from myobridge.wire.link import LinkLost
from myobridge.wire.messages import BAUD

BEGIN_S: Final = 1000.0
LONGEST_STEP_S: Final = 0.005
TURN_S: Final = 5e-5
"""Duration of a turn of the loop itself."""
PORT_BYTES: Final = 1 << 16
"""Size of the port's buffer, for a daemon that does not read."""


class Board(Protocol):
    """The board at the other end of the line."""

    def exchange(self, data: bytes, now_s: float) -> bytes:
        """Takes bytes from the host; gives the bytes that the line has carried back by now, in whole frames."""

    def next_s(self) -> float:
        """Time at which the board next sends something by itself."""


class Way(Protocol):
    """One direction of the line."""

    def carry(self, data: bytes, now_s: float) -> bytes:
        """The bytes that leave when these bytes enter."""

    def empty(self) -> None:
        """Loses the bytes that are under way."""


class Clear:
    """A line without faults."""

    def carry(self, data: bytes, _now_s: float) -> bytes:
        """All bytes."""
        return data

    def empty(self) -> None:
        """Nothing is under way."""


class LockStep:
    """The time, and everything that happens in it. up, down: the line from and to the board."""

    def __init__(self, board: Board) -> None:
        self.now_s = BEGIN_S
        self.board = board
        self.up: Way = Clear()
        self.down: Way = Clear()
        self.plugged = True
        self.link: VirtualLink | None = None
        """The daemon's open port."""
        self.opened: Callable[[], None] = lambda: None
        self.stepped: Callable[[], None] = lambda: None
        """Called after each step of time."""
        self.reset_line: Callable[[], bool] = lambda: False
        """Called when the port's DTR changes; False: the port has no DTR."""
        self.hand_stopped_until_s = self.daemon_stopped_until_s = 0.0
        self.trial_s = 0.0
        """Duration of the trial of a model."""
        self._said = bytearray()
        self._todo: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    def at(self, t_s: float, action: Callable[[], None]) -> None:
        """Schedules an action."""
        heapq.heappush(self._todo, (t_s, next(self._number), action))

    def pass_until(self, until_s: float, enough: Callable[[], bool] = lambda: False) -> None:
        """Lets time pass until `until_s`, or until `enough`; a stopped daemon wakes up later."""
        while self.now_s < self.daemon_stopped_until_s or (self.now_s < until_s and not enough()):
            self._step(max(until_s, self.daemon_stopped_until_s))

    def plug(self, plugged: bool) -> None:
        """Plugs the board in or out; bytes on the line are lost."""
        self.plugged = plugged
        self._said.clear()
        self.up.empty()
        self.down.empty()
        if not plugged and self.link is not None:
            self.link.gone, self.link = True, None

    def said(self, data: bytes) -> None:
        """Takes bytes that the daemon wrote."""
        self._said += data

    def _step(self, until_s: float) -> None:
        runs = self.now_s >= self.hand_stopped_until_s
        next_s = self.board.next_s() if runs else self.hand_stopped_until_s
        next_s = min(next_s, until_s, self.now_s + LONGEST_STEP_S, self._todo[0][0] if self._todo else until_s)
        self.now_s = max(next_s, self.now_s + 1e-6)
        while self._todo and self._todo[0][0] <= self.now_s:
            heapq.heappop(self._todo)[2]()
        if self.now_s >= self.hand_stopped_until_s:
            said, self._said = bytes(self._said), bytearray()
            answered = self.board.exchange(self.down.carry(said, self.now_s), self.now_s)
            out = self.up.carry(answered, self.now_s)
            if out and self.link is not None:
                self.link.deliver(out)
        self.stepped()

    def open(self, port: str, _baud: int = BAUD) -> VirtualLink:
        """Replaces `SerialLink`."""
        if not self.plugged:
            raise UserError(f"There is no port {port}; plug the hand in.")
        self.link = VirtualLink(self)
        self.opened()
        return self.link

    def sleep(self, seconds: float) -> None:
        """Replaces `time.sleep`."""
        if threading.current_thread() is threading.main_thread():
            self.pass_until(self.now_s + seconds)
        else:
            _sleep(seconds)

    def _trial_over(self, trial: Trial) -> bool:
        """Replaces `Trial.over`: a trial takes `trial_s`, however long its process takes."""
        if self.now_s < vars(trial).setdefault("ready_s", self.now_s + self.trial_s):
            return False
        try:
            while not _over(trial):
                _sleep(0.001)
        finally:
            _VERDICTS[vars(trial)["graphs"]] = trial._verdict
        return True

    @contextmanager
    def running(self) -> Iterator[None]:
        """Makes daemons use this time while the block runs. Decisions take no time, so DecisionGuard does not run."""

        def over(trial: Trial) -> bool:
            return self._trial_over(trial)

        def wait(trial: Trial) -> Verdict | None:
            vars(trial)["ready_s"] = self.now_s
            self._trial_over(trial)
            return trial._verdict

        with (
            patch("time.monotonic", lambda: self.now_s),
            patch("time.sleep", self.sleep),
            patch("myobridge.daemon.run.SerialLink", self.open),
            patch("myobridge.daemon.permission.estop_command.SerialLink", self.open),
            patch("myobridge.daemon.decision_guard.DecisionGuard.start", lambda _guard: None),
            patch("myobridge.model.trial.Trial.begin", _begin_trial),
            patch("myobridge.model.trial.Trial.over", over),
            patch("myobridge.model.trial.Trial.wait", wait),
        ):
            yield


def _begin_trial(trial: Trial) -> None:
    """Replaces `Trial.begin`: each content of a file is tried once only."""
    graphs = vars(trial).setdefault("graphs", hash(trial._graphs))
    trial._verdict = trial._verdict or _VERDICTS.get(graphs)
    _begin(trial)


_sleep, _begin, _over = time.sleep, Trial.begin, Trial.over
_VERDICTS: dict[int, Verdict | None] = {}


class VirtualLink:
    """A `SerialLink` in lock-step, whose waits let time pass."""

    def __init__(self, world: LockStep) -> None:
        self.gone = False
        self.write_drops = 0
        self._world = world
        self._inbox = bytearray()
        self._wake_at = 1
        self._caller = select.poll()
        self.called = False

    def deliver(self, data: bytes) -> None:
        """Takes bytes that arrive over the line; frames that find no room are lost."""
        if len(self._inbox) + len(data) <= PORT_BYTES:
            self._inbox += data

    def wake_at(self, waiting: int) -> None:
        self._wake_at = waiting if waiting <= 255 else 1

    def _woken(self) -> bool:
        return self.gone or len(self._inbox) >= self._wake_at

    def heed(self, caller: int) -> None:
        self._caller.register(caller, select.POLLIN)

    def wait(self, timeout_s: float, *, deaf: bool = True) -> bool:
        world, before_s = self._world, self._world.now_s
        world.pass_until(before_s + timeout_s, lambda: self._woken() or (not deaf and self._calls()))
        if world.now_s == before_s:
            world.pass_until(before_s + TURN_S)
        self.called = not deaf and self._calls()
        return self._woken()

    def _calls(self) -> bool:
        return bool(self._caller.poll(0))

    def read(self) -> bytes:
        if self.gone:
            raise LinkLost("the port was closed at the other end")
        data = bytes(self._inbox)
        self._inbox.clear()
        return data

    def write(self, frame: bytes) -> bool:
        if self.gone:
            raise LinkLost("the port was closed at the other end")
        self._world.said(frame)
        return True

    def reset_board(self) -> bool:
        return self._world.reset_line()

    def close(self) -> None:
        if self._world.link is self:
            self._world.link = None


def run_daemon(board: Board, port: Path, seconds: float, *, model: str = "synth", arm: bool) -> dict[str, Any]:
    """Runs a daemon with this board for `seconds`; its summary."""
    world = LockStep(board)
    with world.running():
        daemon = Daemon(str(port), find_model(model), lockstep_config(), arm=arm, started_s=world.now_s)
        with closing(daemon):
            return daemon.run(seconds)


def lockstep_config(**safety: Any) -> Settings:
    """Default settings that leave the priority of the test's own process unchanged."""
    config = Settings(realtime=RealtimeSettings(fifo_priority=0))
    return msgspec.structs.replace(config, safety=msgspec.structs.replace(config.safety, **safety))
