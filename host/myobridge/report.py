"""What a run counts, and what it says of itself: the summary at the end and the snapshots on the way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from myobridge.acquire import AcquisitionCounters
from myobridge.metrics import Distribution, ProcessCost
from myobridge.model_file import ModelSpec
from myobridge.pipeline import Decision, Pipeline, Withheld
from myobridge.tap import Snapshot
from myobridge.wire.clock import SampleClock
from myobridge.wire.frame import FrameCounters
from myobridge.wire.messages import Reason, State
from myobridge.wire.session import Session


@dataclass
class RunStats:
    """Counts of a whole run, over all its connections. Times are `time.monotonic()`."""

    spec: ModelSpec
    started_s: float
    """When the process was started."""
    frames: FrameCounters
    acquired: AcquisitionCounters = field(default_factory=AcquisitionCounters)
    latency: Distribution = field(default_factory=Distribution)
    """Last sample of the window read → setpoint written."""
    sample_delay: Distribution = field(default_factory=Distribution)
    """Newest sample of the window taken → setpoint written."""
    cost: ProcessCost = field(default_factory=ProcessCost)
    commands: int = 0
    stale: int = 0
    superseded: int = 0
    write_drops: int = 0
    deadline_misses: int = 0
    reconnects: int = 0
    withheld: list[int] = field(default_factory=lambda: [0] * len(Withheld))
    first_emg_s: float | None = None
    first_command_s: float | None = None
    state: State = State.BOOT
    """Of the hand, when the daemon last heard of it before its goodbye."""

    def decided(self, read_s: float, sampled_s: float, done_s: float) -> None:
        """Counts a decision that may be acted on: its samples were read, taken, and it was done."""
        self.latency.add(done_s - read_s)
        self.sample_delay.add(done_s - sampled_s)
        if done_s - read_s > self.spec.hop_ms / 1000:
            self.deadline_misses += 1

    def commanded(self, done_s: float, written: bool) -> None:
        """Counts a setpoint that was written, or that the port did not take."""
        if not written:
            self.write_drops += 1
            return
        self.commands += 1
        if self.first_command_s is None:
            self.first_command_s = done_s

    def summary(self) -> dict[str, Any]:
        """The object that `--json` writes."""
        spec, first = self.spec, self.first_command_s
        seconds = time.monotonic() - self.first_emg_s if self.first_emg_s else 0.0
        hop_s = [i / spec.fs_hz for i in range(spec.hop_samples)]
        return {
            "seconds": round(seconds, 3),
            "fs_hz": spec.fs_hz,
            "channels": len(spec.channels),
            "hop_samples": spec.hop_samples,
            "window_samples": spec.window_samples,
            **vars(self.acquired),
            **vars(self.frames),
            "reconnects": self.reconnects,
            "decisions": self.latency.total,
            "commands_sent": self.commands,
            "commands_per_second": round(self.commands / seconds, 2) if seconds else 0.0,
            "withheld": {w.name.lower(): self.withheld[w] for w in Withheld if w},
            "stale": self.stale,
            "superseded": self.superseded,
            "write_drops": self.write_drops,
            "latency_ms": self.latency.summary_ms(),
            "sample_to_command_ms": self.sample_delay.spread(hop_s).summary_ms(),
            "cpu_seconds_per_second": round(self.cost.cpu_seconds_per_second(), 4),
            "rss_mb": round(self.cost.rss_mb(), 1),
            "deadline_misses": self.deadline_misses,
            "start_to_first_command_s": None if first is None else round(first - self.started_s, 3),
            "state": self.state.name,
            "mae_deg": None,
        }

    def snapshot(
        self, session: Session, pipeline: Pipeline, clock: SampleClock, decision: Decision | None, note: str
    ) -> Snapshot | None:
        """One look at the running loop; None before the hand's first STATUS."""
        status = session.status
        if status is None:
            return None
        return Snapshot(
            t_s=time.monotonic() - (self.first_emg_s or time.monotonic()),
            state=State(status.state).name,
            reason=Reason(status.reason).name.lower(),
            may_move=session.may_move,
            withheld=decision.withheld.name.lower() if decision else Withheld.WARMING_UP.name.lower(),
            level=np.sqrt(np.mean(np.square(pipeline.newest), axis=1)).tolist(),
            contact=[verdict.name.lower() for verdict in pipeline.contact.verdicts],
            predicted_deg=list(decision.angles_deg) if decision else [],
            applied_deg=[angle / 100 for angle in status.applied_cdeg],
            frames_lost=self.acquired.frames_lost,
            samples_lost=self.acquired.samples_lost,
            crc_errors=self.frames.crc_errors,
            commands_sent=self.commands,
            latency_ms=self.latency.summary_ms(),
            fs_hz=clock.fs_hz,
            note=note,
        )
