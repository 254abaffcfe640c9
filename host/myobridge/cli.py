"""The entry of the command line: what must hold before anything is imported that takes time."""

from __future__ import annotations

import codecs
import os
import signal
import sys


def main() -> None:
    """`myobridge`, as a process of its own."""
    begin()
    from myobridge.commands.command_line import commands

    commands()


def begin() -> None:
    """Makes this process ready for a command: its signals, its standard streams, its environment."""
    # What is said to a daemon that starts waits until it listens; every other command never does.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1, signal.SIGUSR2))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the imports ends quietly
    _open_streams()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: its threads cost memory and latency


def _open_streams() -> None:
    """Opens what the caller has closed, and lets no letter stop a sentence.

    The next file that is opened, such as the serial port, would otherwise get the number of a closed standard stream.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    codecs.register_error("myobridge", _as_it_goes)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="myobridge")  # type: ignore[union-attr]  # a TextIOWrapper, here and above


def _as_it_goes(error: UnicodeError) -> tuple[bytes, int]:
    """What stands for letters that a stream's encoding lacks: in a file's name its own bytes, otherwise `?`."""
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return b"".join(os.fsencode(c) if "\udc80" <= c <= "\udcff" else b"?" for c in letters), error.end
