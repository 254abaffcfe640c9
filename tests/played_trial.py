"""Plays an online trial in lock-step: a simulated wearer who sees the hand, a board, the daemon and the trial itself.

All parts are the real ones except for the wearer and the clock; the board is the simulated one or the flashed ELF.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import numpy as np

from lockstep import BEGIN_S, LONGEST_STEP_S, LockStep, lockstep_config
from lockstep_board import START_UP_S, STEP_S
from myobridge.calibration.trial.course import Stage
from myobridge.calibration.trial.judge import Result
from myobridge.calibration.trial.session import LiveTrial, Plan, prepare
from myobridge.daemon.run import Daemon
from myobridge.feed import Chunk, Reply, Snapshot, feed_path
from myobridge.feed.messages import BYTES, REPLY, REQUEST, SNAPSHOT, TIME, Request, Splitter, pack
from myobridge.recording import Header, RecordingWriter
from myobridge.settings import ServoSettings
from myobridge.simulator.board_folder import board_folder
from myobridge.simulator.emg_source import EmgSource
from myobridge.simulator.synth import SynthOptions, SynthSource
from seeing_wearer import SeeingWearer

sys.path.insert(0, str(Path(__file__).parent / "firmware"))
from sim_hand import CPU_HZ, EVENT, Kind, SimHand, build_firmware

MAX_MESSAGE: Final = 1 << 20
SETTLE_S: Final = 2.0
"""The daemon's first window, and the arming."""
MOST_S: Final = 900.0
AHEAD_S: Final = 3 * LONGEST_STEP_S


class FlashedBoard:
    """The ELF as a `lockstep.Board`, whose inputs get EMG as it is sampled, so that the wearer can react."""

    def __init__(self, board: str, source: EmgSource, folder: Path) -> None:
        self._source, self._shift = source, source.adc_bits - board_folder(board).adc_bits
        pipe = folder / "emg"
        os.mkfifo(pipe)
        self._pipe = os.open(pipe, os.O_RDWR)
        self._sim = SimHand(build_firmware(board), board, pipe=(pipe, source.channels))
        self._written = self._sampled = 0
        self._feed()
        self._sim.run_ms(1000 * START_UP_S)
        self._began_cycle = self._sim.cycle
        self._now_s = BEGIN_S
        self._unsent = b""

    def __enter__(self) -> Self:
        self._sim.__enter__()
        return self

    def __exit__(self, *failure: Any) -> None:
        self._sim.__exit__(*failure)
        os.close(self._pipe)

    def exchange(self, data: bytes, now_s: float) -> bytes:
        self._feed()
        if data:
            self._sim.send(data)
        self._now_s = now_s
        events = np.frombuffer(self._sim.command(f"run {self._began_cycle + round((now_s - BEGIN_S) * CPU_HZ)}"), EVENT)
        self._sampled += np.count_nonzero((events["kind"] == Kind.SAMPLE) & (events["index"] == 0))
        self._unsent += events["value"][events["kind"] == Kind.TX].astype(np.uint8).tobytes()
        frames, zero, self._unsent = self._unsent.rpartition(b"\0")
        return frames + zero

    def next_s(self) -> float:
        return self._now_s + STEP_S

    def _feed(self) -> None:
        """Keeps the pipe ahead of the samples by AHEAD_S, which is longer than a step of time."""
        short = self._sampled + round(AHEAD_S * self._source.fs_hz) - self._written
        if short > 0:
            counts, _ = self._source.read(short)
            os.write(self._pipe, (counts >> max(0, self._shift)).astype("<i2").tobytes())
            self._written += short


class QuietFeed:
    """A client of the feed that never waits."""

    def __init__(self, port: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.connect(str(feed_path(port)))
        self._socket.send(pack(REQUEST, msgspec.json.encode(Request(1, "subscribe", ("bytes", "snapshots")))))
        self._splitter = Splitter(MAX_MESSAGE)

    def messages(self) -> Iterator[Chunk | Snapshot | Reply]:
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return
        for kind, payload in self._splitter.push(data):
            if kind == BYTES:
                yield Chunk(TIME.unpack_from(payload)[0], payload[TIME.size :])
            elif kind == SNAPSHOT:
                yield msgspec.json.decode(payload, type=Snapshot)
            elif kind == REPLY:
                yield msgspec.json.decode(payload, type=Reply)

    def close(self) -> None:
        self._socket.close()


class Play:
    """A trial that is fed after each step of time, and ends the daemon when it is over."""

    def __init__(self, world: LockStep, port: Path, plan: Plan, wearer: SeeingWearer, out: Path) -> None:
        self._world, self._port, self._plan, self._wearer, self._out = world, port, plan, wearer, out
        self._feed: QuietFeed | None = None
        self._reply: Reply | None = None
        self.live: LiveTrial | None = None
        self.writer: RecordingWriter | None = None
        self.break_off: Callable[[LiveTrial], bool] = lambda _live: False

    def step(self) -> None:
        if self._world.now_s < BEGIN_S + SETTLE_S:
            return
        if self._feed is None:
            self._feed = QuietFeed(self._port)
        for message in self._feed.messages():
            if isinstance(message, Reply):
                self._reply = message
            elif self.live is not None:
                self._take(self.live, message)
            elif isinstance(message, Snapshot):
                self._begin(message)

    def _begin(self, first: Snapshot) -> None:
        about = self._reply.about
        board = about.board
        begun, targets = prepare(self._plan, about, board, first)
        self.writer = RecordingWriter(self._out, Header(ident=board.ident, config=board.config))
        self.live = LiveTrial(begun, targets, self.writer)

    def _take(self, live: LiveTrial, message: Chunk | Snapshot) -> None:
        live.take(message)
        if isinstance(message, Chunk):
            return
        look = live.look()
        self._wearer.see(look.target_deg, look.here_deg)
        if live.course.stage is not Stage.DONE and self.break_off(live):
            live.stop()
        if live.course.stage is Stage.DONE:
            signal.raise_signal(signal.SIGTERM)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        if self._feed is not None:
            self._feed.close()


@contextmanager
def signals_kept() -> Iterator[None]:
    """Restores the signals that a daemon takes."""
    before = {number: signal.getsignal(number) for number in (1, 2, 10, 12, 15)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def play(
    board: Any,
    wearer: SeeingWearer,
    plan: Plan,
    folder: Path,
    model: Path,
    *,
    arm: bool = True,
    break_off: Callable[[LiveTrial], bool] = lambda _live: False,
    servo: ServoSettings | None = None,
) -> tuple[Path, Result]:
    """Plays a trial; its recording and the live result."""
    config = msgspec.structs.replace(lockstep_config(), servo=servo or ServoSettings())
    world, port, out = LockStep(board), folder / "hand", folder / "trial.myo"
    trial = Play(world, port, plan, wearer, out)
    trial.break_off = break_off
    world.stepped = trial.step
    with world.running(), signals_kept():
        daemon = Daemon(str(port), model, config, arm=arm, started_s=world.now_s)
        daemon.install_signals()
        with closing(daemon), closing(trial):
            daemon.run(MOST_S)
    assert trial.live is not None
    return out, trial.live.result()


def synth(wearer: SeeingWearer, person: int = 0, seed: int = 0, **options: Any) -> SynthSource:
    """EMG of a person whose hand this wearer moves."""
    return SynthSource(SynthOptions(seed=seed, wearer=person, script=wearer, **options))
