"""The daemon on a board with a front end of 24 bits: eight channels, an electrode that falls off, a silent chip.

Daemon, line and board run in lock-step; the board is the flashed image on the simulated chip.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sim_hand import Kind

from lockstep import BEGIN_S, LockStep, lockstep_config
from lockstep_board import LockStepBoard
from myobridge.daemon.run import Daemon
from myobridge.decoder.pipeline import Withheld
from myobridge.model.shipped import find_model
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.wire.messages import HOLD_MAX_MS, STALL_MS, State
from tiny_model import tiny_spec, write_tiny_model

BOARD = "feather_ads"
FS_HZ = 2000.0
LEAD_OFF_S = 0.1
"""From an electrode that comes off to the chip's comparator."""


class Run:
    """A daemon and a board, and what the hand did: the first time of each state."""

    def __init__(self, board: LockStepBoard, model: Path | str, folder: Path) -> None:
        self.board, self.world = board, LockStep(board)
        self.model, self.folder = model, folder
        self.states: list[tuple[float, State]] = []
        self.withheld_s: dict[Withheld, float] = {}

    def command(self, after_s: float, line: str) -> None:
        """Tells the simulator something, so long after the start."""
        self.world.at(BEGIN_S + after_s, lambda: self.board._sim.command(line) and None)

    def run(self, seconds: float) -> dict[str, object]:
        with self.world.running():
            model = find_model(str(self.model))
            daemon = Daemon(str(self.folder / "hand"), model, lockstep_config(), arm=True, started_s=self.world.now_s)
            self.world.stepped = lambda: self._look(daemon)
            with closing(daemon):
                return daemon.run(seconds)

    def _look(self, daemon: Daemon) -> None:
        now_s, state = self.world.now_s - BEGIN_S, daemon.stats.state
        if not self.states or self.states[-1][1] != state:
            self.states.append((now_s, state))
        for reason in Withheld:
            if daemon.stats.withheld[reason]:
                self.withheld_s.setdefault(reason, now_s)

    def first(self, state: State, after_s: float = 0.0) -> float:
        return next(t_s for t_s, one in self.states if one is state and t_s >= after_s)


@contextmanager
def a_run(folder: Path, seconds: float, channels: int = 4, model: Path | str = "synth") -> Iterator[Run]:
    options = SynthOptions(fs_hz=FS_HZ, channels=channels, adc_bits=16)
    with LockStepBoard(BOARD, SynthSource(options), seconds + 2) as board:
        yield Run(board, model, folder)


def test_eight_channels_at_2_khz_reach_the_daemon_and_none_is_lost(tmp_path: Path) -> None:
    names = tuple(f"e{n}" for n in range(8))
    spec = tiny_spec(fs_hz=FS_HZ, channels=names, scale_fs=(1 / 512,) * 8, hop_samples=10)
    model = write_tiny_model(tmp_path / "eight.onnx", spec)
    with a_run(tmp_path, 2, 8, model) as run:
        summary = run.run(2)
        converted = sum(int((part["kind"] == Kind.SAMPLE).sum()) for part in run.board._events) // 8
    assert summary["channels"] == 8 and summary["state"] == "ARMED"
    assert summary["samples_lost"] == summary["crc_errors"] == summary["reconnects"] == 0
    assert 0 <= converted - int(str(summary["samples_received"])) <= 20
    assert int(str(summary["samples_received"])) > 2 * FS_HZ


def test_the_hand_follows_and_holds_soon_after_an_electrode_has_fallen_off(tmp_path: Path) -> None:
    off_s = 2.0
    with a_run(tmp_path, 3) as run:
        run.command(off_s, "lead 1 p off")
        summary = run.run(2.4)
    assert int(str(summary["commands_sent"])) > 200
    assert summary["samples_lost"] == summary["reconnects"] == 0
    assert off_s < run.withheld_s[Withheld.LEAD_OFF] < off_s + LEAD_OFF_S
    assert run.first(State.HOLD) - off_s <= LEAD_OFF_S + HOLD_MAX_MS / 1000 + 0.02
    assert summary["state"] == "HOLD"


@pytest.mark.parametrize("what", ["adc stall", "front-end reset"])
def test_a_chip_that_falls_silent_is_a_fault_that_the_daemon_reports(what: str, tmp_path: Path) -> None:
    with a_run(tmp_path, 3) as run:
        run.command(2.0, what)
        summary = run.run(2.15)
    assert run.first(State.FAULT) - 2.0 <= STALL_MS / 1000 + 0.02
    assert summary["state"] == "FAULT"
