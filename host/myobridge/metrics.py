"""Distributions of durations in bounded memory, and the processor time, memory and age of a process."""

from __future__ import annotations

import math
import os
import resource
import sys
import time
from pathlib import Path
from typing import Final

LOWEST_S: Final = 1e-6
BIN_RATIO: Final = 1.01
"""Neighbouring bins differ by one per cent, so a percentile is exact to one per cent."""
BINS: Final = 2100
"""1 µs to 1200 s."""
START_TIME_FIELD: Final = 19
"""Position of `starttime` among the fields behind the command in /proc/self/stat (proc(5))."""
_LOG_RATIO: Final = math.log(BIN_RATIO)


def _bin(seconds: float) -> int:
    return min(int(math.log(seconds / LOWEST_S) / _LOG_RATIO), BINS - 1) if seconds > LOWEST_S else 0


class Distribution:
    """A histogram of durations with bins one per cent apart."""

    def __init__(self) -> None:
        self.counts = [0] * BINS
        self.total = 0
        self.max_s = 0.0

    def add(self, seconds: float) -> None:
        """Counts one duration; negative durations count as the shortest."""
        self.counts[_bin(seconds)] += 1
        self.total += 1
        self.max_s = max(self.max_s, seconds)

    def percentile(self, percent: float) -> float:
        """Seconds below which `percent` of the durations lie; 0 without durations."""
        wanted, seen = percent / 100 * self.total, 0
        for at, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return min(float(LOWEST_S * BIN_RATIO ** (at + 0.5)), self.max_s)
        return 0.0

    def longer_than(self, seconds: float) -> int:
        """Number of durations above `seconds`, exact to one bin."""
        return sum(self.counts[_bin(seconds) + 1 :])

    def spread(self, offsets_s: list[float]) -> Distribution:
        """The distribution of duration + offset, where all offsets are equally likely."""
        result = Distribution()
        for at, count in enumerate(self.counts):
            if count:
                for offset in offsets_s:
                    result.counts[_bin(LOWEST_S * BIN_RATIO ** (at + 0.5) + offset)] += count
        result.total = self.total * len(offsets_s)
        result.max_s = self.max_s + max(offsets_s) if self.total else 0.0
        return result

    def merge(self, other: Distribution) -> None:
        """Adds the durations of another distribution."""
        self.counts = [one + more for one, more in zip(self.counts, other.counts, strict=True)]
        self.total += other.total
        self.max_s = max(self.max_s, other.max_s)

    def bars(self) -> list[tuple[float, int]]:
        """(middle of the bin in milliseconds, count) for each bin that is not empty."""
        middles_s = [LOWEST_S * BIN_RATIO ** (at + 0.5) for at in range(BINS)]
        return [(round(1000 * s, 4), count) for s, count in zip(middles_s, self.counts, strict=True) if count]

    def summary_ms(self) -> dict[str, float]:
        """p50, p95, p99 and max in milliseconds."""
        percentiles = {f"p{p}": round(1000 * self.percentile(p), 3) for p in (50, 95, 99)}
        return {**percentiles, "max": round(1000 * self.max_s, 3)}


class ProcessCost:
    """Processor time of this process since the object was made, and its memory."""

    def __init__(self) -> None:
        self._wall_s = time.monotonic()
        self._cpu_s = time.process_time()

    def cpu_seconds_per_second(self) -> float:
        """Processor seconds per second of time."""
        return (time.process_time() - self._cpu_s) / max(time.monotonic() - self._wall_s, 1e-9)

    @staticmethod
    def rss_mb() -> float:
        """Largest resident memory so far, in MB."""
        try:  # getrusage includes the time before exec, so a child of a large program would look large
            status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
            return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
        except (OSError, IndexError):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def process_start_s() -> float:
    """Start of this process in `time.monotonic()`, so that imports count as part of the start."""
    try:
        stat = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
        ticks = int(stat.rpartition(")")[2].split()[START_TIME_FIELD])
    except (OSError, ValueError, IndexError):
        return time.monotonic() - time.process_time()
    since_boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic() - (since_boot_s - ticks / os.sysconf("SC_CLK_TCK"))
