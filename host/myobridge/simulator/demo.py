"""The demo: runs a simulated hand and the daemon as two processes over a pty, and shows both."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from myobridge.errors import UserError
from myobridge.feed.tap import HandTapReader
from myobridge.simulator.demo_faults import DemoFaults
from myobridge.simulator.demo_page import serve_demo
from myobridge.simulator.moments import Show, hide, moments_of

MODEL: Final = "synth"
PR_SET_PDEATHSIG: Final = 1
"""prctl(2)."""
GRACE_S: Final = 10.0
"""Extra seconds that the daemon may take to start, to fill the window and to end."""


def _end_with_parent() -> None:
    """On Linux, a demo that is killed takes its children along, frozen ones too, so that no armed daemon stays."""
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def child(*arguments: str | Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `myobridge ARGUMENTS…` as a process while the block runs; its standard error goes to the log."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "myobridge", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - the demo has no threads yet
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGCONT)  # a frozen process would not end
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_demo(
    seconds: float | None,
    seed: int,
    firmware: str | None,
    show: Show | None,
    view_port: int | None,
    opened: Callable[[str], None],
) -> dict[str, Any]:
    """Runs the demo; the daemon's summary, with the hand's error against the wearer's true angles.

    Ctrl-C, SIGTERM and SIGHUP end the demo early; it still returns the summary. The memory of an emergency stop in the
    demo ends with the demo.

    Args:
        seconds: None: until it is ended.
        seed: of the simulated wearer.
        firmware: the board whose real firmware runs; None: the simulated firmware.
        show: shows the moments in the terminal; None: nothing is shown.
        view_port: TCP port of a page; None: no page.
        opened: gets the page's address.

    Raises:
        UserError: one of the two processes failed, or the TCP port is in use.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # so that the children are ended, too
    with tempfile.TemporaryDirectory(prefix="myobridge-") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = name
        port, hand_log, daemon_log = folder / "hand", folder / "hand.log", folder / "daemon.log"
        hand_looks = HandTapReader(folder / "hand.tap")
        hand_command: list[str | Path]
        hand_command = ["simulate", "--link", port, "--seed", str(seed), "--json", folder / "hand.json"]
        # The simulator of the real firmware has no tap and takes no faults; the daemon reports its servos.
        orders = None if firmware else folder / "hand.faults"
        hand_command += ["--firmware", firmware] if firmware else []
        hand_command += ["--tap", folder / "hand.tap", "--fault-orders", orders] if orders else []
        daemon_command: list[str | Path]
        daemon_command = ["run", "--port", port, "--model", MODEL, "--arm", "--json", folder / "daemon.json"]
        daemon_command += ["--seconds", str(seconds)] if seconds else []
        with child(*hand_command, log=hand_log) as hand:
            assert hand.stdout is not None
            if not hand.stdout.readline():  # the port's name, once it is open
                hand.wait()
                raise _broken_off(hand_log)
            with child(*daemon_command, log=daemon_log) as daemon, suppress(KeyboardInterrupt):
                moments = moments_of(daemon, port, hand_looks)
                if view_port is not None:
                    serve_demo(str(port), view_port, DemoFaults(daemon, orders), moments, show or hide, opened)
                elif show is not None:
                    show(moments)
                else:
                    _wait(daemon, None if seconds is None else seconds + GRACE_S)
        try:
            summary: dict[str, Any] = json.loads((folder / "daemon.json").read_text(encoding="utf-8"))
            summary["mae_deg"] = json.loads((folder / "hand.json").read_text(encoding="utf-8"))["mae_deg"]
        except (OSError, ValueError) as error:
            raise _broken_off(daemon_log if daemon.returncode else hand_log) from error
    return summary


def _wait(daemon: subprocess.Popen[bytes], seconds: float | None) -> None:
    try:
        daemon.wait(seconds)
    except subprocess.TimeoutExpired as error:
        raise UserError("The daemon did not end in time; run the demo again while nothing else runs.") from error


def _broken_off(log: Path) -> UserError:
    """An error that quotes the last line of a process."""
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = said[-1] if said else "a process wrote no summary; run the demo again."
    return UserError(f"The demo failed: {last.removeprefix('myobridge: ')}")
