"""Runs `myobridge` commands as separate processes, as a person does."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from myobridge.feed import Chunk, FeedClient, NoDaemon
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.messages import Emg


def command(*arguments) -> list[str]:
    return [sys.executable, "-m", "myobridge", *map(str, arguments)]


def myobridge(*arguments, timeout_s: float = 60) -> subprocess.CompletedProcess:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=timeout_s, check=False)


@contextmanager
def running(*arguments):
    """A command in the background; SIGINT ends it after the block, and then its output is read."""
    process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def feed_of(port, within_s: float = 60) -> FeedClient:
    """Connects to the feed of a daemon that is starting."""
    until_s = time.monotonic() + within_s
    while True:
        try:
            return FeedClient(port)
        except NoDaemon:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.05)


def wait_for_emg(port, within_s: float = 15) -> None:
    """Waits until the hand streams to the daemon on this port."""
    frames, until_s = FrameDecoder(), time.monotonic() + within_s
    with feed_of(port, within_s) as feed:
        feed.subscribe("bytes")
        while time.monotonic() < until_s:
            chunk = feed.receive(0.1)
            if isinstance(chunk, Chunk) and any(frame[0] == Emg.TYPE for frame in frames.feed(chunk.data)):
                return
    raise AssertionError(f"no EMG came from {port}")


class Hand:
    """A running simulated hand: its port, and its output when it ends."""

    def __init__(self, process: subprocess.Popen, port: str, folder: Path) -> None:
        self.process, self.port, self._folder = process, port, folder

    @property
    def summary(self) -> dict:
        return json.loads((self._folder / "hand.json").read_text())


@contextmanager
def simulated_hand(folder: Path, *arguments):
    with running("simulate", "--link", folder / "hand", "--json", folder / "hand.json", *arguments) as process:
        port = process.stdout.readline().strip()
        assert os.path.exists(port), process.stderr.read()  # noqa: PTH110
        yield Hand(process, port, folder)
