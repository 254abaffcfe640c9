"""The entry point of the command line: prepares the process before any slow import."""

from __future__ import annotations

import codecs
import os
import signal
import sys


def main() -> None:
    """Runs `myobridge` in this process."""
    begin()
    from myobridge.commands.command_line import commands

    commands()


def begin() -> None:
    """Prepares the signals, the standard streams and the environment of this process for a command."""
    # Signals to a daemon that starts stay pending until the daemon handles them; other commands never handle them.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1, signal.SIGUSR2))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the imports ends the process without a traceback
    _open_streams()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported: its threads cost memory and latency


def _open_streams() -> None:
    """Opens the standard streams that the caller has closed, and makes every character printable.

    Otherwise the next file, such as the serial port, would get the number of a closed standard stream.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    codecs.register_error("myobridge", _as_it_goes)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="myobridge")  # type: ignore[union-attr]  # a TextIOWrapper, here and above


def _as_it_goes(error: UnicodeError) -> tuple[bytes, int]:
    """Error handler for characters that an encoding lacks: the original bytes of a file name, otherwise `?`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return b"".join(os.fsencode(c) if "\udc80" <= c <= "\udcff" else b"?" for c in letters), error.end
