"""Compares the daemon's latency without a view and with three viewers of a view, in turn. Compare the ratios.

python tests/bench/bench_view.py [--seconds 8] [--turns 6] [--viewers 3] [--chromium]

The viewers receive everything that the page receives. With --chromium each viewer is the page itself, which then shares
the daemon's processor; a browser on another machine does not.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Thread

sys.path.insert(0, str(Path(__file__).parent.parent / "loopback"))

from playwright.sync_api import Browser
from websockets.exceptions import ConnectionClosed

from browser import chromium
from processes import command, simulated_hand
from viewers import address_in, watch

PERCENTILES = ("p50", "p99")


def take_all(url: str) -> None:
    """Receives everything until the view ends."""
    try:
        with watch(url) as viewer:
            while True:
                viewer.recv()
    except (ConnectionClosed, OSError):
        return


@contextmanager
def watched(url: str, viewers: int, browser: Browser | None):
    """Runs viewers of a view."""
    if browser is None:
        for _ in range(viewers):
            Thread(target=take_all, args=(url,)).start()
    pages = [browser.new_page() for _ in range(viewers)] if browser else []
    for page in pages:
        page.goto(url)
    yield
    for page in pages:
        page.close()


def measure(viewers: int, options: argparse.Namespace, folder: Path, browser: Browser | None) -> dict:
    """One run of the daemon against a fresh simulated hand."""
    run = ["--model", options.model, "--arm", "--seconds", options.seconds, "--json", folder / "run.json"]
    run += ["--view", "--view-port", 0] if viewers else []
    with simulated_hand(folder) as hand:
        daemon = subprocess.Popen(command("run", "--port", hand.port, *run), stderr=subprocess.PIPE, text=True)
        with watched(address_in(daemon.stderr), viewers, browser) if viewers else nullcontext():
            daemon.communicate()
    return json.loads((folder / "run.json").read_text())


def main() -> None:
    """Prints one row per turn, then the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--viewers", type=int, default=3)
    parser.add_argument("--model", default="synth")
    parser.add_argument("--chromium", action="store_true")
    options = parser.parse_args()
    rows: dict[int, list[dict]] = {0: [], options.viewers: []}
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium() if options.chromium else nullcontext() as browser,
    ):
        for turn in range(options.turns):
            for viewers in sorted(rows, reverse=bool(turn % 2)):
                rows[viewers].append(measure(viewers, options, Path(folder), browser))
                latency = rows[viewers][-1]["latency_ms"]
                print(f"{viewers} viewers   latency p50 {latency['p50']:.3f}   p99 {latency['p99']:.3f} ms", flush=True)
    for p in PERCENTILES:
        none, some = (statistics.median(row["latency_ms"][p] for row in rows[n]) for n in rows)
        print(f"latency {p}   none {none:.3f} ms   {options.viewers} viewers {some:.3f} ms   ratio {some / none:.2f}")


if __name__ == "__main__":
    main()
