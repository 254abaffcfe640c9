"""The daemon without a view and with three viewers of one, turn by turn: the ratio of the latencies is what counts.

python tests/bench/bench_view.py [--seconds 8] [--turns 6] [--viewers 3] [--chromium]

The viewers take everything that the page takes; --chromium opens the page itself, whose drawing then shares the
daemon's processor, as it does not when the browser is on another machine.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

sys.path.insert(0, str(Path(__file__).parent.parent / "loopback"))

from websockets.exceptions import ConnectionClosed

from browser import chromium, page_of
from processes import command, simulated_hand
from viewers import address_in, watch

PERCENTILES = ("p50", "p99")


def take_all(url: str) -> None:
    """A viewer until the view ends."""
    try:
        with watch(url) as viewer:
            while True:
                viewer.recv()
    except (ConnectionClosed, OSError):
        return


@contextmanager
def watched(url: str, viewers: int, *, in_chromium: bool):
    """So many viewers of a view."""
    with ExitStack() as stack:
        if in_chromium:
            browser = stack.enter_context(chromium())
            for _ in range(viewers):
                stack.enter_context(page_of(browser, url))
        else:
            for _ in range(viewers):
                Thread(target=take_all, args=(url,)).start()
        yield


def measure(viewers: int, options: argparse.Namespace, folder: Path) -> dict:
    """One run of the daemon against a fresh simulated hand."""
    run = ["--model", options.model, "--arm", "--seconds", options.seconds, "--json", folder / "run.json"]
    run += ["--view", "--view-port", 0] if viewers else []
    with simulated_hand(folder) as hand:
        daemon = subprocess.Popen(command("run", "--port", hand.port, *run), stderr=subprocess.PIPE, text=True)
        with ExitStack() as stack:
            if viewers:
                stack.enter_context(watched(address_in(daemon.stderr), viewers, in_chromium=options.chromium))
            daemon.communicate()
    return json.loads((folder / "run.json").read_text())


def main() -> None:
    """Prints a row a turn, then the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--viewers", type=int, default=3)
    parser.add_argument("--model", default="synth")
    parser.add_argument("--chromium", action="store_true")
    options = parser.parse_args()
    rows: dict[int, list[dict]] = {0: [], options.viewers: []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.turns):
            for viewers in sorted(rows, reverse=bool(turn % 2)):
                rows[viewers].append(measure(viewers, options, Path(folder)))
                latency = rows[viewers][-1]["latency_ms"]
                print(f"{viewers} viewers   latency p50 {latency['p50']:.3f}   p99 {latency['p99']:.3f} ms", flush=True)
    for p in PERCENTILES:
        none, some = (statistics.median(row["latency_ms"][p] for row in rows[n]) for n in rows)
        print(f"latency {p}   none {none:.3f} ms   {options.viewers} viewers {some:.3f} ms   ratio {some / none:.2f}")


if __name__ == "__main__":
    main()
