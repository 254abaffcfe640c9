"""Runs the view as its own process beside the daemon, so that no browser can disturb the loop."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1
"""Linux, prctl(2): the kernel ends the view when the daemon dies for any reason."""
END_S: Final = 3.0


@contextmanager
def view_beside(port: str, view_port: int, bind: str, *, control: bool, config: Path | None) -> Iterator[None]:
    """A view that ends with the block. If the view cannot serve, it prints why, and the daemon continues without it.

    Enter it before real-time scheduling, which the view must not inherit.
    """
    libc = ctypes.CDLL(None)
    command = [sys.executable, "-m", "myobridge", "view", "--port", port, "--view-port", str(view_port), "--bind", bind]
    process = subprocess.Popen(
        [*command, *(["--control"] if control else []), *(["--config", str(config)] if config else [])],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,  # stdout is for the summary
        preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),  # noqa: PLW1509 - prctl takes no lock that a thread may hold
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
