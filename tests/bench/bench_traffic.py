"""Measures what a viewer of the live view receives, by kind of message, from a running daemon and a simulated hand.

python tests/bench/bench_traffic.py [--seconds 10] [--channels 4 16] [--front-end] [--page light]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "loopback"))

from processes import running, simulated_hand, wait_for_emg
from tiny_model import tiny_spec, write_tiny_model
from viewers import address_in, watch

FS_HZ = 2000.0
MOST_AT_2_KHZ = 4
"""More channels do not fit on a serial line at 2 kHz; the front end's board has USB."""


def measure(channels: int, query: str, seconds: float, folder: Path, *options: str) -> tuple[Counter, Counter]:
    """Bytes and messages a second, by kind."""
    fs_hz = FS_HZ if channels <= MOST_AT_2_KHZ or options else 500.0
    names = tuple(f"E{n + 1}" for n in range(channels))
    spec = tiny_spec(channels=names, scale_fs=(1 / 512,) * channels, fs_hz=fs_hz)
    model = write_tiny_model(folder / "tiny.onnx", spec)
    with simulated_hand(folder, "--channels", channels, "--fs", fs_hz, *options) as hand:
        with running("run", "--port", hand.port, "--model", model, "--arm"):
            wait_for_emg(hand.port, 60)
            with running("view", "--port", hand.port, "--view-port", 0) as view:
                with watch(f"{address_in(view.stdout)}{query}") as viewer:
                    return count(viewer, seconds)


def count(viewer, seconds: float) -> tuple[Counter, Counter]:
    """Counts what arrives within `seconds`, after a second in which the page gets what it needs to begin."""
    taken, times = Counter(), Counter()
    began_s = time.monotonic() + 1.0
    while (now_s := time.monotonic()) < began_s + seconds:
        text = viewer.recv(timeout=10)
        if now_s >= began_s:
            kind = json.loads(text)["kind"]
            taken[kind] += len(text.encode()) / seconds
            times[kind] += 1 / seconds
    return taken, times


def main() -> None:
    """Prints a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--channels", type=int, nargs="+", default=[4])
    parser.add_argument("--front-end", dest="board", action="append_const", const="--front-end", default=[])
    parser.add_argument("--page", choices=["", "light"], default="", help="light: the wearer's page")
    options = parser.parse_args()
    for channels in options.channels:
        with tempfile.TemporaryDirectory() as name:
            os.environ["XDG_RUNTIME_DIR"] = name
            taken, times = measure(
                channels, f"?{options.page}" if options.page else "", options.seconds, Path(name), *options.board
            )
        taken["all"], times["all"] = sum(taken.values()), sum(times.values())
        for kind, size in sorted(taken.items(), key=lambda one: one[1]):
            print(f"{channels:3} channels {kind:10} {times[kind]:6.1f} a second {size / 1000:8.1f} kB/s")


if __name__ == "__main__":
    main()
