"""A process that computes beside the daemon's loop lets the loop run first. Light, so that nothing is loaded before."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1
"""prctl(2) of Linux: the kernel ends this process when the thread that started it ends."""
PROCESSOR: Final = 36
"""Place of the processor in /proc/PID/stat, behind the name."""


def stand_back() -> None:
    """Lets the daemon's loop run first, and ends this process together with the thread that waits for it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with suppress(OSError, AttributeError, ValueError, IndexError):
        leave_core(os.getppid())


def leave_core(pid: int) -> None:
    """Leaves the core on which the main thread of a process last ran, if there is another: its caches stay warm.

    Raises:
        OSError: the process has ended, or the system does not permit this.
    """
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    if others := os.sched_getaffinity(0) - {int(after_name[PROCESSOR])}:
        os.sched_setaffinity(0, others)
