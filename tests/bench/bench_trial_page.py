"""Compares the daemon's latency beside a view and beside a trial that a browser shows, in turn; prints the frame rate.

python tests/bench/bench_trial_page.py [--seconds 15] [--turns 4] [--model synth]

The browser shares the daemon's processor here; a browser on another machine does not. Compare the ratios.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "loopback"))

from playwright.sync_api import Browser

from browser import DESKTOP, chromium, page_of
from processes import running, simulated_hand
from viewers import address_in

LOOK_MS = 1000


def frame_rates(browser: Browser, url: str, port: str, seconds: float, out: Path) -> list[int]:
    """The frame rates that the page counts while a trial runs, once a second."""
    with page_of(browser, f"{url}trial", DESKTOP) as page:
        with running("trial", "--port", port, "--task", "practice", "--targets", 100, "--seed", 1, "--out", out):
            page.wait_for_selector('#game[data-stage="target"]')
            rates = []
            for _ in range(round(seconds)):
                page.wait_for_timeout(LOOK_MS)
                rates.append(int(page.inner_text("#fps").split()[0]))
    return rates


def measure(browser: Browser | None, options: argparse.Namespace, folder: Path) -> tuple[dict, list[int]]:
    """One run of the daemon against a fresh simulated hand; browser: it shows a trial."""
    run = ["--model", options.model, "--arm", "--json", folder / "run.json", "--view", "--view-port", 0]
    with simulated_hand(folder, "--follow-cues") as hand:
        with running("run", "--port", hand.port, *run) as daemon:
            url, rates = address_in(daemon.stderr), []
            if browser is None:
                time.sleep(options.seconds)
            else:
                rates = frame_rates(browser, url, hand.port, options.seconds, folder / f"{time.time()}.myo")
    return json.loads((folder / "run.json").read_text())["latency_ms"], rates


def main() -> None:
    """Prints one row per run, then the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--model", default="synth")
    options = parser.parse_args()
    found: dict[bool, list[dict]] = {False: [], True: []}
    all_rates: list[int] = []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for turn in range(options.turns):
            for shown in sorted(found, reverse=bool(turn % 2)):
                latency, rates = measure(browser if shown else None, options, Path(folder))
                found[shown].append(latency)
                all_rates += rates
                frames = f"   {min(rates)} to {max(rates)} frames/s" if rates else ""
                what = "trial " if shown else "none  "
                print(f"{what} latency p50 {latency['p50']:.3f}   p99 {latency['p99']:.3f} ms{frames}", flush=True)
    for p in ("p50", "p99"):
        none, some = (statistics.median(row[p] for row in found[shown]) for shown in (False, True))
        print(f"latency {p}   none {none:.3f} ms   trial {some:.3f} ms   ratio {some / none:.2f}")
    print(f"frames a second: median {statistics.median(all_rates):g}, lowest {min(all_rates)}")


if __name__ == "__main__":
    main()
