"""Compares the daemon's latency without a view and with a trial that a browser shows, in turn; prints the frame rate.

python tests/bench/bench_trial_page.py [--seconds 15] [--turns 4] [--model synth]

The browser shares the daemon's processor here; a browser on another machine does not. Compare the ratios.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "loopback"))

from browser import DESKTOP, chromium, page_of
from processes import command, running, simulated_hand
from viewers import address_in

START_MS, LOOK_MS = 5000, 1000


def frame_rates(url: str, port: str, seconds: float) -> list[int]:
    """The frame rates that the page counts while a trial runs, once a second."""
    with chromium() as browser, page_of(browser, f"{url}trial", DESKTOP) as page:
        with running("trial", "--port", port, "--task", "practice", "--targets", 100, "--seed", 1):
            page.wait_for_selector('#game[data-stage="target"]')
            rates = []
            for _ in range(max(1, int(seconds - (START_MS + 3000) / 1000))):
                page.wait_for_timeout(LOOK_MS)
                rates.append(int(page.inner_text("#fps").split()[0]))
    return rates


def measure(shown: bool, options: argparse.Namespace, folder: Path) -> tuple[dict, list[int]]:
    """One run of the daemon against a fresh simulated hand."""
    run = ["--model", options.model, "--arm", "--seconds", options.seconds, "--json", folder / "run.json"]
    run += ["--view", "--view-port", 0] if shown else []
    with simulated_hand(folder, "--follow-cues") as hand:
        daemon = subprocess.Popen(command("run", "--port", hand.port, *run), stderr=subprocess.PIPE, text=True)
        rates = frame_rates(address_in(daemon.stderr), hand.port, options.seconds) if shown else []
        daemon.communicate()
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
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.turns):
            for shown in sorted(found, reverse=bool(turn % 2)):
                latency, rates = measure(shown, options, Path(folder))
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
