"""What the operating system can do for the one loop, where it permits it."""

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
"""For how long a thread may keep the interpreter while another wants it; Python's default is 5 ms."""
MCL_ONFAULT: Final = 4
"""Lock pages when they are first touched: without it the whole of onnxruntime would be read into memory."""

MADV_COLLAPSE: Final = 25
"""madvise(2), Linux 6.1; it changes nothing where a large page is larger than what it is asked for."""


def enter_realtime(fifo_priority: int) -> list[str]:
    """Switches to real-time scheduling and locks memory; returns what was not permitted, a sentence each."""
    refused = []
    if fifo_priority:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(fifo_priority))
        except (OSError, AttributeError):
            refused.append(
                "No permission for real-time scheduling: under load, commands may come late; "
                "add `@dialout - rtprio 50` to /etc/security/limits.conf and log in again."
            )
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT):
            refused.append(
                "No permission to lock memory: under memory pressure, commands may come late; "
                "add `@dialout - memlock unlimited` to /etc/security/limits.conf and log in again."
            )
    return refused


def use_large_pages() -> None:
    """Gathers the program's data on pages of 2 MB where there are such: a turn has fewer places to look up.

    Once, and nothing is asked for the future: a page fault in the loop must not wait until 2 MB come free.
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
    """For a thread beside the loop: it has inherited the loop's priority, and gives the interpreter back soon."""
    sys.setswitchinterval(SWITCH_S)
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def stop_collecting() -> None:
    """No garbage collection in the loop: what exists now is never looked at again, and a turn makes no cycles.

    What could be collected now stays: little, and looking for it would take 9 ms of the start.
    """
    gc.freeze()
    gc.disable()


def collect() -> None:
    """What a lost connection leaves behind: it and its session hold each other. Between connections there is time."""
    gc.collect()
