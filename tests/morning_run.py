"""A daemon, a board and a wearer in lock-step, for tests of the whole morning; see morning.py for the model."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from lockstep import LockStep, lockstep_config
from morning import CHANNELS, FS_HZ, POSES, WEARER
from myobridge.calibration.morning.compute import Computation, Undo
from myobridge.calibration.morning.morning import Morning
from myobridge.daemon.model_swap import ModelSwap
from myobridge.daemon.run import Daemon
from myobridge.feed.calibration_state import CalibrationState
from myobridge.feed.messages import Request
from myobridge.feed.server import OpenRequest
from myobridge.model.file import REST_DEG, Pose
from myobridge.settings import SoundSettings
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.script import CuedScript
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.wire import messages as m
from myobridge.wire.messages import Permission, State

SETTLED_S = 0.8
STILL_DEG = 1.0
_sleep = time.sleep


class TwinBoard:
    """The simulated firmware as a `lockstep.Board`."""

    def __init__(self, source: SynthSource) -> None:
        self.firmware = SimulatedFirmware(source, boot_id=7)

    def exchange(self, data: bytes, now_s: float) -> bytes:
        self.firmware.receive(data, now_s)
        return self.firmware.outgoing(now_s)

    def next_s(self) -> float:
        return self.firmware.next_event_s()

    def press(self, down: bool) -> None:
        self.firmware.button.contact = down

    def truth_deg(self, _sample: int) -> tuple[float, ...]:
        truth = self.firmware.truth_deg
        return REST_DEG if truth is None else tuple(truth.tolist())


@dataclass
class Row:
    t_s: float
    state: State
    permission: Permission
    applied_deg: tuple[float, ...]
    truth_deg: tuple[float, ...]
    calibration: CalibrationState


@dataclass
class Wearer:
    """Does what the hand shows, unless told otherwise, and takes poses of their own while the hand follows.

    does: maps the pose that the hand shows to the pose that the wearer takes.
    own: (seconds, pose) once the hand follows.
    """

    does: Callable[[Pose], Pose] = lambda pose: pose
    own: list[tuple[float, Pose]] = field(default_factory=list)


def held_out(seed: int) -> list[tuple[float, Pose]]:
    """Every pose, in an order that the calibration did not have."""
    poses = [pose.angles_deg for pose in POSES[1:]]
    random.Random(seed).shuffle(poses)
    return [step for pose in poses for step in ((1.6, REST_DEG), (2.4, pose))]


class MorningRun:
    """One run. `board` and `wearer` may be replaced before `run`."""

    def __init__(
        self, model: Path, folder: Path, *, seed: int = 1, seat: int = 0, fatigue: float = 0.0, board: Any = None
    ) -> None:
        self.wearer = Wearer()
        script = CuedScript(self._asked, seed)
        session = {"seed": seed, "seat": seat, "fatigue": fatigue}
        options = SynthOptions(fs_hz=FS_HZ, channels=CHANNELS, wearer=WEARER, script=script, **session)
        self.source = SynthSource(options)
        self.board = board or TwinBoard(self.source)
        self.world = LockStep(self.board)
        self.world.stepped = self._look
        self.rows: list[Row] = []
        self.said: list[str] = []
        self.model, self.port = model, folder / "hand"
        self.streams_s: float | None = None
        self.followed_s: float | None = None
        self.when_streaming: list[Callable[[], None]] = []
        self.watch: Callable[[Row], None] = lambda _row: None
        """Gets each new row; may press the button or order something."""
        self._look_s = 0.0

    def run(self, seconds: float, **settings: Any) -> None:
        """Runs the daemon for so many seconds of EMG."""
        with self.world.running(), no_waiting():
            config = lockstep_config()
            config = type(config)(**{**{f: getattr(config, f) for f in config.__struct_fields__}, **settings,
                                     "sound": SoundSettings(on=False)})  # fmt: skip
            self.daemon = Daemon(str(self.port), self.model, config, arm=False, started_s=self.world.now_s)
            self.daemon.notices.say = self.said.append
            self.daemon.open_desk(Morning)
            with closing(self.daemon):
                self.daemon.run(seconds)

    def press(self, after_s: float, held_s: float) -> None:
        """Presses the button so long after now."""
        self.world.at(self.world.now_s + after_s, lambda: self.board.press(True))
        self.world.at(self.world.now_s + after_s + held_s, lambda: self.board.press(False))

    def order(self, after_s: float, do: Any, path: str = "") -> list[tuple[bool, str]]:
        """Lets a page order something so long after now; the list gets the answer."""
        answers: list[tuple[bool, str]] = []
        opened = OpenRequest(Request(id=1, do=do, path=path), lambda ok, text: answers.append((ok, text)))
        self.world.at(self.world.now_s + after_s, lambda: self.daemon._late.append(opened))
        return answers

    @property
    def calibration(self) -> CalibrationState:
        return self.daemon._desk.state(self.world.now_s)

    @property
    def status(self) -> m.Status | None:
        connection = self.daemon._connection
        return connection.session.status if connection else None

    def _asked(self) -> Pose | None:
        if not hasattr(self, "daemon"):
            return None
        if self.followed_s is not None:
            left_s = self.world.now_s - self.followed_s
            for seconds, pose in self.wearer.own:
                left_s -= seconds
                if left_s < 0:
                    return pose
            return REST_DEG
        shown = self.calibration.acted_deg
        return self.wearer.does(tuple(shown)) if shown else None

    def _look(self) -> None:
        now_s = self.world.now_s
        if now_s < self._look_s or not hasattr(self, "daemon") or self.status is None:
            return
        self._look_s = now_s + 0.02
        status = self.status
        if self.streams_s is None and self.daemon._connection.streaming:
            self.streams_s = now_s
            for action in self.when_streaming:
                action()
        state, permission = State(status.state), Permission(status.permission)
        if self.followed_s is None and state is State.ARMED and permission is Permission.DECODER:
            self.followed_s = now_s
        applied = tuple(angle / 100 for angle in status.applied_cdeg)
        truth = self.board.truth_deg(status.sample_index)
        self.rows.append(Row(now_s, state, permission, applied, truth, self.calibration))
        self.watch(self.rows[-1])

    # --- what happened ------------------------------------------------------------------------------------

    def acted(self) -> list[str]:
        """The poses that the hand has shown, in order: the nearest pose wherever it stood still for a moment."""
        shown = [_nearest(row.applied_deg) for row in self.rows if row.permission is Permission.GUIDE]
        counted = [name for at, name in enumerate(shown) if shown[max(0, at - 15) : at + 1] == [name] * min(16, at + 1)]
        return [name for at, name in enumerate(counted) if at == 0 or counted[at - 1] != name]

    def balanced_accuracy(self) -> float:
        """Of the nearest pose of the servos against that of the fingers, wherever the fingers have stood still."""
        rows = [row for row in self.rows if self.followed_s is not None and row.t_s > self.followed_s]
        truth = np.array([row.truth_deg for row in rows])
        back = round(SETTLED_S / 0.02)
        right: dict[str, list[bool]] = {}
        for at in range(back, len(rows)):
            still = np.ptp(truth[at - back : at + 1], axis=0).max() < STILL_DEG
            if still and rows[at].state is State.ARMED:
                meant = _nearest(rows[at].truth_deg)
                right.setdefault(meant, []).append(_nearest(rows[at].applied_deg) == meant)
        assert len(right) == len(POSES), f"every pose was held, not only {sorted(right)}"
        return float(np.mean([np.mean(one) for one in right.values()]))


def _nearest(angles_deg: tuple[float, ...]) -> str:
    apart = [sum((a - b) ** 2 for a, b in zip(angles_deg, pose.angles_deg, strict=True)) for pose in POSES]
    return POSES[int(np.argmin(apart))].name


@contextmanager
def no_waiting() -> Iterator[None]:
    """Lets no simulated time pass while processes and threads beside the loop do their work."""
    load, give, begin, undo = Computation.begin, Computation.give, ModelSwap.begin, Undo.begin

    def loads(computation: Computation) -> None:
        load(computation)
        _until(lambda: computation._found is not None or computation._loaded)

    def gives(computation: Computation, recording: Any) -> None:
        give(computation, recording)
        _until(lambda: computation._found is not None)

    def begins(swap: ModelSwap, opened: Any, connection: Any) -> None:
        begin(swap, opened, connection)
        _until(lambda: swap._opened is None or swap._result is not None)

    def undoes(job: Undo) -> None:
        undo(job)
        _until(lambda: job._said is not None)

    with (
        patch.object(Computation, "begin", loads),
        patch.object(Computation, "give", gives),
        patch.object(ModelSwap, "begin", begins),
        patch.object(Undo, "begin", undoes),
    ):
        yield


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(6000):
        if holds():
            return
        _sleep(0.01)
    raise AssertionError("a thread beside the loop does not end")
