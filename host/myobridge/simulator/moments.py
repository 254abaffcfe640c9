"""The demo from moment to moment, and how a terminal shows it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.live import Live

from myobridge.feed import FeedClient, NoDaemon, Snapshot
from myobridge.feed.tap import HandSnapshot, HandTapReader
from myobridge.view.terminal import render, spoken

FRAME_S: Final = 0.05
LINE_S: Final = 5.0


class Moment(NamedTuple):
    """The newest snapshots of the daemon and of the hand; None: none has arrived."""

    snapshot: Snapshot | None
    hand: HandSnapshot | None


Show = Callable[[Iterator[Moment]], None]
"""Shows moments as they arrive, until the daemon ends."""


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


def hide(moments: Iterator[Moment]) -> None:
    """A Show that shows nothing."""
    for _ in moments:
        pass


def moments_of(daemon: subprocess.Popen[bytes], port: Path, hand_looks: HandTapReader) -> Iterator[Moment]:
    """The newest snapshots, every FRAME_S until the daemon ends."""
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
