"""Measures, while a test runs, whether the machine was too busy for a test in real time.

A test of behaviour belongs in simulated time (`lockstep.py`). A test whose processes run in real time is repeated if it
fails while the machine is starved (`conftest.py`); its last failure reports the measurement.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import pytest
import pytest_timeout
from _pytest.runner import runtestprotocol

from children import children_of, descendants_of, kill

NAP_S: Final = 0.005
LATE_S: Final = 0.02
"""A nap that is this late shows that every process that waits for a clock is late."""
WAITED_SHARE: Final = 0.25
"""Share of the time in which some process waited for a processor; on an idle machine it is far lower."""
TRIES: Final = 5
PATIENCE_S: Final = 60.0
"""Longer than any step takes, however busy the machine is."""
PRESSURE: Final = Path("/proc/pressure/cpu")

T = TypeVar("T")
_now_s = time.monotonic
"""The real clock, even if a test has replaced `time.monotonic`."""


@dataclass
class Starvation:
    """The measurement. waited_share: None: the kernel does not report it."""

    late_s: float = 0.0
    waited_share: float | None = None

    @property
    def starved(self) -> bool:
        """Whether the machine was so busy that a failure means nothing."""
        return self.late_s > LATE_S or (self.waited_share or 0.0) > WAITED_SHARE

    def __str__(self) -> str:
        share = "an unknown share" if self.waited_share is None else f"{100 * self.waited_share:.0f} %"
        return f"a nap of 5 ms was late by up to {1000 * self.late_s:.0f} ms, and processes waited {share} of the time"


def _waited_s() -> float | None:
    """Total time for which processes have waited for a processor since the machine started."""
    with suppress(OSError, ValueError, IndexError):
        return int(PRESSURE.read_text().split("total=")[1].split()[0]) / 1e6
    return None


@contextmanager
def measured() -> Iterator[Starvation]:
    """Measures while the block runs; the result is complete afterwards."""
    found, over = Starvation(), threading.Event()

    def nap() -> None:
        before_s = _now_s()
        while not over.wait(NAP_S):
            before_s, now_s = _now_s(), before_s
            found.late_s = max(found.late_s, before_s - now_s - NAP_S)

    began_s, waited_s = _now_s(), _waited_s()
    napper = threading.Thread(target=nap, daemon=True)
    napper.start()
    try:
        yield found
    finally:
        over.set()
        napper.join()
        if waited_s is not None and (now_s := _waited_s()) is not None:
            found.waited_share = (now_s - waited_s) / max(1e-3, _now_s() - began_s)


def run_undisturbed(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Replaces pytest's own run of a test: repeats a test that fails on a starved machine, up to TRIES times."""
    timer, before = item.config.pluginmanager.hook, children_of(os.getpid())
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for tries_left in reversed(range(TRIES)):
        with measured() as machine:
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
        failed = [report for report in reports if report.failed]
        if not (failed and machine.starved and tries_left):
            break
        print(f"{item.nodeid}: {machine}; once more.")
        _end_shared_processes(item)
        kill(descendants_of(os.getpid(), but=before))
        timer.pytest_timeout_cancel_timer(item=item)
        timer.pytest_timeout_set_timer(item=item, settings=pytest_timeout._get_item_settings(item))
    for report in failed:
        report.sections.append(("The machine", f"Try {TRIES - tries_left} of {TRIES}: {machine}."))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _end_shared_processes(item: pytest.Item) -> None:
    """Ends the fixtures that tests of one file share: the failed try may have left a daemon or a page in any state."""
    with suppress(Exception):  # only the next try is judged
        item.session._setupstate.teardown_exact(item.session)


def eventually(condition: Callable[[], T], within_s: float = PATIENCE_S) -> T:
    """Waits until the condition holds; its last result. On a busy machine a fixed sleep would be too short."""
    until_s = _now_s() + within_s
    while not (found := condition()) and _now_s() < until_s:
        time.sleep(NAP_S)
    return found
