"""Real-time scheduling, locked memory and large pages for the daemon's loop, where the system permits them."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

MCL_CURRENT: Final = 1
MCL_FUTURE: Final = 2
SWITCH_S: Final = 2e-4
"""How long a thread may keep the interpreter while another thread waits; Python's default is 5 ms."""
MCL_ONFAULT: Final = 4
"""Locks pages when they are first touched; otherwise the kernel would read all of onnxruntime into memory."""

MADV_COLLAPSE: Final = 25
"""madvise(2), Linux 6.1; does nothing to a mapping that is smaller than a large page."""


def enter_realtime(fifo_priority: int) -> list[str]:
    """Switches to real-time scheduling and locks memory; returns a sentence for each thing that is not permitted."""
    refused = []
    if fifo_priority:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(fifo_priority))
        except (OSError, AttributeError):
            refused.append(
                "No permission for real-time scheduling: under load, setpoints may be late; "
                "add `@dialout - rtprio 50` to /etc/security/limits.conf and log in again."
            )
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT):
            refused.append(
                "No permission to lock memory: under memory pressure, setpoints may be late; "
                "add `@dialout - memlock unlimited` to /etc/security/limits.conf and log in again."
            )
    return refused


def use_large_pages() -> None:
    """Moves the program's data to 2 MB pages where the system has them, which saves a turn some TLB misses.

    It applies to present data only: a page fault in the loop must not wait until 2 MB are free.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
            place, rights, _, _, inode, *name = line.split(None, 5)
            if inode == "0" and rights == "rw-p" and name in ([], ["[heap]"]):
                first, end = (int(address, 16) for address in place.split("-"))
                libc.madvise(first, end - first, MADV_COLLAPSE)


def leave_realtime() -> None:
    """Gives up the loop's priority, which a thread beside the loop inherits, and hands the interpreter back sooner."""
    sys.setswitchinterval(SWITCH_S)
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def stop_collecting() -> None:
    """Turns garbage collection off for the loop, whose turns create no reference cycles.

    Present garbage stays: there is little of it, and a collection would add 9 ms to the start.
    """
    gc.freeze()
    gc.disable()


def collect() -> None:
    """Frees a lost connection, which forms a cycle with its session. Between connections there is time."""
    gc.collect()
