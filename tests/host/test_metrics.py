"""Distributions in bounded memory, and the processor time, memory and age of a process."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myobridge.metrics import BINS, LOWEST_S, Distribution, ProcessCost, process_start_s

DURATIONS_S = st.lists(st.floats(2e-6, 1000), min_size=1, max_size=200)


def distribution(durations_s):
    result = Distribution()
    for duration_s in durations_s:
        result.add(duration_s)
    return result


@given(DURATIONS_S, st.floats(0.1, 100))
def test_a_percentile_is_exact_to_one_per_cent(durations_s, percent):
    exact_s = np.percentile(durations_s, percent, method="inverted_cdf")
    assert distribution(durations_s).percentile(percent) == pytest.approx(exact_s, rel=0.0101)


@given(DURATIONS_S)
def test_percentiles_rise_and_end_at_the_longest(durations_s):
    result = distribution(durations_s)
    values = [result.percentile(p) for p in (1, 25, 50, 75, 95, 99, 100)]
    assert values == sorted(values)
    assert values[-1] <= result.max_s == max(durations_s)
    assert result.total == len(durations_s)


def test_without_durations_all_figures_are_0():
    empty = Distribution()
    assert empty.summary_ms() == {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
    assert empty.spread([0.0, 0.001]).summary_ms() == {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
    assert empty.longer_than(0) == 0


def test_a_summary_is_in_milliseconds():
    summary = distribution([0.001] * 98 + [0.010, 0.100]).summary_ms()
    assert summary == {
        "p50": pytest.approx(1, rel=0.01),
        "p95": pytest.approx(1, rel=0.01),
        "p99": pytest.approx(10, rel=0.01),
        "max": 100.0,
    }


@pytest.mark.parametrize("odd_s", [0.0, -1.0, LOWEST_S / 2, float("nan")])
def test_a_duration_below_the_range_counts_as_the_shortest(odd_s):
    result = distribution([odd_s])
    assert (result.total, result.counts[0]) == (1, 1)
    assert result.percentile(50) <= LOWEST_S * 1.01


def test_a_duration_above_the_range_counts_as_the_longest_and_takes_no_memory():
    result = distribution([1e9])
    assert (result.counts[-1], len(result.counts), result.max_s) == (1, BINS, 1e9)


@given(DURATIONS_S, st.floats(1e-5, 100))
def test_longer_than_counts_the_longer_durations(durations_s, limit_s):
    longer = distribution(durations_s).longer_than(limit_s)
    assert sum(d > limit_s * 1.0101 for d in durations_s) <= longer <= sum(d > limit_s / 1.0101 for d in durations_s)


@given(DURATIONS_S, st.lists(st.floats(0, 0.1), min_size=1, max_size=10))
def test_a_spread_adds_each_offset_to_each_duration(durations_s, offsets_s):
    spread = distribution(durations_s).spread(offsets_s)
    sums_s = np.add.outer(durations_s, offsets_s).ravel()
    assert spread.total == len(sums_s)
    assert spread.max_s == pytest.approx(sums_s.max())
    assert spread.percentile(50) == pytest.approx(np.percentile(sums_s, 50, method="inverted_cdf"), rel=0.021)


@given(DURATIONS_S, DURATIONS_S)
def test_a_merged_distribution_holds_the_durations_of_both(durations_s, more_s):
    merged = distribution(durations_s)
    merged.merge(distribution(more_s))
    assert merged.__dict__ == distribution([*durations_s, *more_s]).__dict__


def test_the_bars_are_the_counts_that_are_not_0():
    assert Distribution().bars() == []
    (low_ms, two), (high_ms, one) = distribution([0.001, 0.001, 0.1]).bars()
    assert (two, one) == (2, 1)
    assert (low_ms, high_ms) == pytest.approx((1, 100), rel=0.01)


@pytest.mark.real_time
def test_processor_time_counts_from_the_creation_of_the_object():
    busy = ProcessCost()
    until_s = time.process_time() + 0.1
    while time.process_time() < until_s:
        pass
    idle = ProcessCost()
    time.sleep(0.1)
    assert busy.cpu_seconds_per_second() > 0.2
    assert idle.cpu_seconds_per_second() < 0.1


CHILD = """
import json, time
from myobridge.metrics import ProcessCost, process_start_s
small = ProcessCost.rss_mb()
block = b"x" * 100_000_000
print(json.dumps([small, ProcessCost.rss_mb(), time.monotonic() - process_start_s()]))
"""


def test_memory_and_age_of_a_process_count_from_exec():
    """The memory of the large parent process does not count."""
    ballast = np.ones(40_000_000)
    began_s = time.monotonic()
    child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    took_s = time.monotonic() - began_s
    small_mb, large_mb, age_s = json.loads(child.stdout)
    assert small_mb < 60 < ballast.nbytes / 1e6
    assert large_mb - small_mb == pytest.approx(100, abs=15)
    assert 0 < age_s < took_s + 0.02


def test_this_process_has_an_age():
    assert 0 < time.monotonic() - process_start_s() < 24 * 3600
