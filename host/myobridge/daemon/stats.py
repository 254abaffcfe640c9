"""The counts of a run, and its summary at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from myobridge.decoder.acquisition import AcquisitionCounters
from myobridge.decoder.pipeline import Withheld
from myobridge.metrics import Distribution, ProcessCost
from myobridge.model.file import ModelSpec
from myobridge.wire.frame import FrameCounters
from myobridge.wire.messages import State

LATENCY_S: Final = 1.0
"""Percentiles cost 0.2 ms, so they are computed once in this time."""


@dataclass
class RunStats:
    """Counts of a whole run, over all its connections. Times come from `time.monotonic()`."""

    spec: ModelSpec
    started_s: float
    """When the process started."""
    frames: FrameCounters
    acquired: AcquisitionCounters = field(default_factory=AcquisitionCounters)
    latency: Distribution = field(default_factory=Distribution)
    """Last sample of the window read → setpoint written."""
    sample_delay: Distribution = field(default_factory=Distribution)
    """Newest sample of the window taken → setpoint written."""
    cost: ProcessCost = field(default_factory=ProcessCost)
    commands: int = 0
    superseded: int = 0
    write_drops: int = 0
    deadline_misses: int = 0
    reconnects: int = 0
    unexpected_frames: int = 0
    """Intact frames whose content made no sense."""
    feed_drops: int = 0
    """Feed messages that slow subscribers missed."""
    feed_refused: int = 0
    """Requests that were ignored, and clients that were disconnected."""
    withheld: list[int] = field(default_factory=lambda: [0] * len(Withheld))
    ready: bool = False
    first_emg_s: float | None = None
    first_command_s: float | None = None
    state: State = State.BOOT
    """The hand's newest state before the daemon's goodbye."""
    _latency_ms: dict[str, float] = field(default_factory=dict)
    _latency_s: float = 0.0

    def begin(self) -> None:
        """Begins to measure the processor's time: the hand streams, and the loop is ready."""
        self.ready, self.cost = True, ProcessCost()

    def decided(self, read_s: float, sampled_s: float, done_s: float) -> None:
        """Counts a valid decision: when its bytes were read, its newest sample taken and its setpoint written."""
        self.latency.add(done_s - read_s)
        self.sample_delay.add(done_s - sampled_s)
        if done_s - read_s > self.spec.hop_ms / 1000:
            self.deadline_misses += 1

    def commanded(self, done_s: float, written: bool) -> None:
        """Counts a setpoint that was written, or that the port refused."""
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
            "model": spec.name,
            "fs_hz": spec.fs_hz,
            "channels": len(spec.channels),
            "hop_samples": spec.hop_samples,
            "window_samples": spec.window_samples,
            **vars(self.acquired),
            **vars(self.frames),
            "unexpected_frames": self.unexpected_frames,
            "reconnects": self.reconnects,
            "decisions": self.latency.total,
            "commands_sent": self.commands,
            "commands_per_second": round(self.commands / seconds, 2) if seconds else 0.0,
            "withheld": {w.name.lower(): self.withheld[w] for w in Withheld if w},
            "stale": self.withheld[Withheld.STALE],
            "superseded": self.superseded,
            "write_drops": self.write_drops,
            "feed_drops": self.feed_drops,
            "feed_refused": self.feed_refused,
            "latency_ms": self.latency.summary_ms(),
            "sample_to_command_ms": self.sample_delay.spread(hop_s).summary_ms(),
            "cpu_seconds_per_second": round(self.cost.cpu_seconds_per_second(), 4),
            "rss_mb": round(self.cost.rss_mb(), 1),
            "deadline_misses": self.deadline_misses,
            "start_to_first_command_s": None if first is None else round(first - self.started_s, 3),
            "state": self.state.name,
            "mae_deg": None,
        }

    def latency_ms(self, now_s: float) -> dict[str, float]:
        """Percentiles of the latency in milliseconds, at most LATENCY_S old."""
        if now_s >= self._latency_s:
            self._latency_s = now_s + LATENCY_S
            self._latency_ms = self.latency.summary_ms()
        return self._latency_ms
