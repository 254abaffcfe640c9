"""The demo: a simulated hand and the daemon as two processes over a pty, and a terminal view of both."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from rich.console import Console
from rich.live import Live

from myobridge.device.tap import HandTapReader
from myobridge.errors import UserError
from myobridge.feed import FeedClient, NoDaemon
from myobridge.terminal_view import render, summary_table

MODEL: Final = "synth"
FRAME_S: Final = 0.05
GRACE_S: Final = 10.0
"""The daemon needs some seconds more than the demo lasts: start, window, end."""


@contextmanager
def child(*arguments: str | Path, errors: IO[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`myobridge ARGUMENTS…` as a process of its own, ended when the block is left; it remembers boards in `folder`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "myobridge", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": os.fspath(folder)},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_demo(seconds: float, *, headless: bool, seed: int, firmware: str | None, print_summary: bool) -> dict[str, Any]:
    """Runs the demo and returns the daemon's summary, with the hand's error against the wearer's true angles.

    Raises:
        UserError: one of the two processes ended badly.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Ctrl-C ends the children and still sums up
    console = Console()
    draw = not headless and console.is_terminal
    with tempfile.TemporaryDirectory(prefix="myobridge-") as name, Path(name, "errors").open("w+") as errors:
        folder = Path(name)
        hand_looks = HandTapReader(folder / "hand.tap")
        hand_command: list[str | Path]
        hand_command = ["simulate", "--link", folder / "hand", "--seed", str(seed), "--json", folder / "hand.json"]
        # The real firmware's simulator shows nothing on the way; the view then has the daemon's word for the servos.
        hand_command += ["--firmware", firmware] if firmware else ["--tap", folder / "hand.tap"]
        daemon_command = ("run", "--port", folder / "hand", "--model", MODEL, "--arm", "--seconds", str(seconds))
        with child(*hand_command, errors=errors, folder=folder) as hand:
            assert hand.stdout is not None
            if not hand.stdout.readline():  # the port's name, once it is open
                hand.wait()
                raise _broken_off(errors)
            with child(*daemon_command, "--json", folder / "daemon.json", errors=errors, folder=folder) as daemon:
                if draw:
                    _watch(daemon, folder / "hand", hand_looks, console)
                else:
                    _wait(daemon, seconds + GRACE_S)
        try:
            summary: dict[str, Any] = json.loads((folder / "daemon.json").read_text(encoding="utf-8"))
            summary["mae_deg"] = json.loads((folder / "hand.json").read_text(encoding="utf-8"))["mae_deg"]
        except (OSError, ValueError) as error:
            raise _broken_off(errors) from error
    if print_summary:
        console.print(summary_table(summary))
    return summary


def _wait(daemon: subprocess.Popen[str], seconds: float) -> None:
    try:
        daemon.wait(seconds)
    except KeyboardInterrupt:
        return
    except subprocess.TimeoutExpired as error:
        raise UserError("The daemon did not end in time; try again with nothing else running.") from error


def _watch(daemon: subprocess.Popen[str], port: Path, hand_looks: HandTapReader, console: Console) -> None:
    snapshot = hand = None
    with ExitStack() as open_feed, Live(render(None, None), console=console, auto_refresh=False, screen=True) as live:
        feed: FeedClient | None = None
        try:
            while daemon.poll() is None:
                began_s = time.monotonic()
                with suppress(NoDaemon):  # not yet, or not any more
                    if feed is None:
                        feed = open_feed.enter_context(FeedClient(port))
                        feed.subscribe("snapshots")
                    snapshot = feed.newest(FRAME_S) or snapshot
                hand = hand_looks.newest(0.001) or hand
                live.update(render(snapshot, hand), refresh=True)
                time.sleep(max(0.0, FRAME_S - (time.monotonic() - began_s)))
        except KeyboardInterrupt:
            return


def _broken_off(errors: IO[str]) -> UserError:
    """The last thing that one of the processes said."""
    errors.seek(0)
    said = errors.read().strip().splitlines() or ["a process left no summary; run the demo again."]
    return UserError(f"The demo broke off: {said[-1].removeprefix('myobridge: ')}")
