"""The demo: runs a simulated hand and the daemon as two processes over a pty, and shows both."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.live import Live

from myobridge.errors import UserError
from myobridge.feed import FeedClient, NoDaemon, Snapshot
from myobridge.feed.tap import HandSnapshot, HandTapReader
from myobridge.view.beside import view_beside
from myobridge.view.terminal import render, spoken

MODEL: Final = "synth"
FRAME_S: Final = 0.05
LINE_S: Final = 5.0
GRACE_S: Final = 10.0
"""Extra seconds that the daemon may take to start, to fill the window and to end."""
HERE: Final = "127.0.0.1"


class Moment(NamedTuple):
    """The newest snapshots of the daemon and of the hand; None: none has arrived."""

    snapshot: Snapshot | None
    hand: HandSnapshot | None


Show = Callable[[Iterator[Moment]], None]
"""Shows moments as they arrive, until the daemon ends."""


@contextmanager
def child(*arguments: str | Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `myobridge ARGUMENTS…` as a process while the block runs.

    Its standard error goes to the log; its state directory is the log's folder.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "myobridge", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "XDG_STATE_HOME": os.fspath(log.parent)},
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


def run_demo(
    seconds: float, seed: int, firmware: str | None, show: Show | None, view_port: int | None
) -> dict[str, Any]:
    """Runs the demo; the daemon's summary, with the hand's error against the wearer's true angles.

    Ctrl-C, SIGTERM and SIGHUP end the demo early; it still returns the summary. view_port: TCP port of a page; None:
    no page.

    Raises:
        UserError: one of the two processes failed.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # so that the children are ended, too
    with tempfile.TemporaryDirectory(prefix="myobridge-") as name:
        folder = Path(name)
        port, hand_log, daemon_log = folder / "hand", folder / "hand.log", folder / "daemon.log"
        hand_looks = HandTapReader(folder / "hand.tap")
        hand_command: list[str | Path]
        hand_command = ["simulate", "--link", port, "--seed", str(seed), "--json", folder / "hand.json"]
        # The real firmware's simulator has no tap, so the picture then shows the servos as the daemon reports them.
        hand_command += ["--firmware", firmware] if firmware else ["--tap", folder / "hand.tap"]
        daemon_command = ("run", "--port", port, "--model", MODEL, "--arm", "--seconds", str(seconds))
        with child(*hand_command, log=hand_log) as hand:
            assert hand.stdout is not None
            if not hand.stdout.readline():  # the port's name, once it is open
                hand.wait()
                raise _broken_off(hand_log)
            with ExitStack() as beside:
                if view_port is not None:
                    beside.enter_context(view_beside(str(port), view_port, HERE, control=False))
                daemon = beside.enter_context(child(*daemon_command, "--json", folder / "daemon.json", log=daemon_log))
                with suppress(KeyboardInterrupt):
                    if show is None:
                        _wait(daemon, seconds + GRACE_S)
                    else:
                        show(_moments(daemon, port, hand_looks))
        try:
            summary: dict[str, Any] = json.loads((folder / "daemon.json").read_text(encoding="utf-8"))
            summary["mae_deg"] = json.loads((folder / "hand.json").read_text(encoding="utf-8"))["mae_deg"]
        except (OSError, ValueError) as error:
            raise _broken_off(daemon_log if daemon.returncode else hand_log) from error
    return summary


def draw(console: Console) -> Show:
    """A Show that draws each moment as a picture."""

    def show(moments: Iterator[Moment]) -> None:
        with Live(render(None, None), console=console, auto_refresh=False, screen=True) as live:
            for moment in moments:
                live.update(render(*moment), refresh=True)

    return show


def tell(say: Callable[[str], None]) -> Show:
    """A Show that prints a line every LINE_S, and at each change of state."""

    def show(moments: Iterator[Moment]) -> None:
        explained, due_s = "", 0.0
        for snapshot, hand in moments:
            if snapshot is not None and (snapshot.explained != explained or snapshot.t_s >= due_s):
                explained, due_s = snapshot.explained, snapshot.t_s + LINE_S
                say(spoken(snapshot, hand))

    return show


def _wait(daemon: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        daemon.wait(seconds)
    except subprocess.TimeoutExpired as error:
        raise UserError("The daemon did not end in time; run the demo again while nothing else runs.") from error


def _moments(daemon: subprocess.Popen[bytes], port: Path, hand_looks: HandTapReader) -> Iterator[Moment]:
    snapshot = hand = None
    feed: FeedClient | None = None
    with ExitStack() as open_feed:
        while daemon.poll() is None:
            began_s = time.monotonic()
            with suppress(NoDaemon):  # the daemon has not started, or has ended
                if feed is None:
                    feed = open_feed.enter_context(FeedClient(port))
                    feed.subscribe("snapshots")
                snapshot = feed.newest(FRAME_S) or snapshot
            hand = hand_looks.newest(0.001) or hand
            yield Moment(snapshot, hand)
            time.sleep(max(0.0, FRAME_S - (time.monotonic() - began_s)))


def _broken_off(log: Path) -> UserError:
    """An error that quotes the last line of a process."""
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = said[-1] if said else "a process wrote no summary; run the demo again."
    return UserError(f"The demo failed: {last.removeprefix('myobridge: ')}")
