"""Listens to a board's stream from any source, and measures the line."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.acquisition import Acquisition, AcquisitionCounters
from myobridge.doctor.facts import StreamFacts
from myobridge.wire import messages as m
from myobridge.wire.clock import SampleClock
from myobridge.wire.emg import parse_emg
from myobridge.wire.frame import PAYLOAD, FrameCounters

COUNTER_SPAN: Final = 1 << 16
MISSED_BY_HAND: Final = ("crc_errors", "length_errors", "seq_gaps", "rx_overruns")
"""STATUS counters of frames from the host that the board missed."""


class Listener:
    """Collects samples, times and counters of one stream. `stretch` gives the samples between two marks."""

    def __init__(self, channels: int, fs_hz: float, frames: FrameCounters, *, joined: bool = False) -> None:
        """frames: the decoder's counters; joined: the stream runs already, so earlier samples are not lost."""
        self.fs_hz = fs_hz
        self.round_trips_s: list[float] = []
        self.clock = SampleClock(fs_hz)
        self._channels = channels
        self._joined = joined
        self._frames = frames
        self._frames_before = replace(frames)
        self._counters = AcquisitionCounters()
        self._acquisition = Acquisition(channels, max(1, round(fs_hz / 200)), round(fs_hz), self._counters)
        self._hops: list[NDArray[np.int16]] = []
        self._arrivals: list[tuple[int, float]] = []
        self._statuses: list[m.Status] = []
        self._overruns = 0
        self._lead_off = False

    def hear(self, frame: bytes, t_s: float) -> None:
        """Takes an intact frame that was read at `t_s`."""
        if frame[0] == m.Status.TYPE:
            self._keep_status(frame)
        elif frame[0] == m.Emg.TYPE and (parsed := parse_emg(frame, self._channels)) is not None:
            self._take_emg(*parsed, t_s)

    def mark(self) -> int:
        """The present place in the stream, for `stretch`."""
        return len(self._hops)

    def stretch(self, start: int, end: int) -> NDArray[np.int16]:
        """Counts int16 (samples, channels) between two marks; a lost sample repeats the one before."""
        return np.concatenate([np.empty((0, self._channels), np.int16), *self._hops[start:end]])

    @property
    def newest_s(self) -> float:
        """When the last samples arrived; 0 before the first."""
        return self._arrivals[-1][1] if self._arrivals else 0.0

    def _take_emg(self, index: int, flags: int, counts: NDArray[np.int16], t_s: float) -> None:
        self._hops += [hop.counts for hop in self._acquisition.push(index, counts)]
        if self._joined:
            self._joined = False
            self._counters.samples_lost = self._counters.frames_lost = 0
        self._overruns += bool(flags & m.EmgFlag.ADC_OVERRUN)
        self._lead_off |= bool(flags & m.EmgFlag.LEAD_OFF)
        newest = self._acquisition.newest_index
        if self._arrivals and newest < self._arrivals[-1][0]:
            self._arrivals.clear()  # the stream restarted, and so does the clock
        self.clock.arrived(newest, t_s)
        self._arrivals.append((newest, t_s))

    def _keep_status(self, frame: bytes) -> None:
        try:
            status = m.Status.unpack(frame[PAYLOAD])
        except struct.error:
            return
        if status.flags & m.StatusFlag.STREAMING:
            self._statuses.append(status)

    def facts(self, now_s: float) -> StreamFacts:
        """The measurements up to now."""
        counters, before = self._counters, self._frames_before
        last = self._statuses[-1] if self._statuses else None
        return StreamFacts(
            seconds=round(self._arrivals[-1][1] - self._arrivals[0][1], 3) if self._arrivals else 0.0,
            silent_s=round(now_s - self.newest_s, 3) if self._arrivals else 0.0,
            fs_nominal_hz=self.fs_hz,
            fs_measured_hz=self.clock.fs_hz if self.clock.measured else None,
            late_ms=_distribution_ms(self._late_s()),
            round_trip_ms=_distribution_ms(self.round_trips_s),
            round_trips=len(self.round_trips_s),
            samples_received=counters.samples_received,
            samples_lost=counters.samples_lost,
            crc_errors=self._frames.crc_errors - before.crc_errors,
            length_errors=self._frames.length_errors - before.length_errors,
            frames_to_hand_lost=sum(self._counted(name) for name in MISSED_BY_HAND),
            frames_dropped=self._counted("tx_drops") + self._overruns,
            lead_off=self._lead_off,
            blockers=tuple(b.name.lower() for b in m.Blocker if b.name and last and last.blockers & b),
            supply_mv=last.supply_mv if last else 0,
        )

    def _counted(self, name: str) -> int:
        """The growth of a STATUS counter."""
        if not self._statuses:
            return 0
        first, last = (int(getattr(status, name)) for status in (self._statuses[0], self._statuses[-1]))
        return (last - first) % COUNTER_SPAN

    def _late_s(self) -> list[float]:
        on_time_s = self.clock.transport_s
        return [t_s - self.clock.sampled_s(index) - on_time_s for index, t_s in self._arrivals]


def _distribution_ms(seconds: Iterable[float]) -> dict[str, float]:
    """p50, p95 and max in milliseconds; empty without values."""
    ms = 1000 * np.array(list(seconds))
    if not ms.size:
        return {}
    return {name: round(float(np.percentile(ms, p)), 3) for name, p in (("p50", 50), ("p95", 95), ("max", 100))}
