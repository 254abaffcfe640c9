"""The daemon, the daemon with somebody at its feed, and the minimal loop, turn by turn: the ratios are what counts.

python tests/bench/bench_loop.py [--seconds 8] [--turns 3] [--model synth]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

from myobridge.feed import FeedClient, NoDaemon
from myobridge.shipped import find_model

HERE = Path(__file__).parent
DAEMONS = {"myobridge": 0, "watched": 1}
"""Subscribers of each."""
MYOBRIDGE = [sys.executable, "-m", "myobridge"]


def subscribe(port: Path) -> None:
    """Takes everything from the feed of a daemon that is starting, until it ends."""
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        with suppress(NoDaemon), FeedClient(port) as feed:
            feed.subscribe("bytes", "snapshots")
            until_s = 0.0
            while True:
                feed.receive(1.0)
        time.sleep(0.05)


def measure(name: str, model: Path, seconds: float, folder: Path) -> dict:
    """One turn of one loop against a fresh simulated hand."""
    link = folder / f"hand-{name}"
    simulate = [*MYOBRIDGE, "simulate", "--link", str(link)]
    with subprocess.Popen(simulate, stdout=subprocess.PIPE, text=True) as hand:
        hand.stdout.readline()
        if name in DAEMONS:
            command = [*MYOBRIDGE, "run", "--port", str(link), "--model", str(model), "--arm", "--json", "-"]
            command += ["--seconds", str(seconds)]
            for _ in range(DAEMONS[name]):
                Thread(target=subscribe, args=(link,)).start()
        else:
            command = [sys.executable, str(HERE / "minimal_loop.py"), str(link), str(model), str(seconds)]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        hand.terminate()
    return json.loads(result.stdout)


def main() -> None:
    """Prints a row a turn, then the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--model", default="synth")
    options = parser.parse_args()
    model = find_model(options.model)
    rows: dict[str, list[dict]] = {"minimal": [], "myobridge": [], "watched": []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.turns):
            for name in sorted(rows, reverse=bool(turn % 2)):
                row = measure(name, model, options.seconds, Path(folder))
                rows[name].append(row)
                latency = row["latency_ms"]
                print(
                    f"{name:10} latency p50 {latency['p50']:.3f} p99 {latency['p99']:.3f} ms   "
                    f"CPU {row['cpu_seconds_per_second']:.3f} s/s"
                )
    ours = rows["myobridge"]

    def median(name: str, pick) -> float:
        return statistics.median(pick(row) for row in rows[name])

    for what, pick in (
        ("latency p50", lambda row: row["latency_ms"]["p50"]),
        ("latency p99", lambda row: row["latency_ms"]["p99"]),
        ("CPU", lambda row: row["cpu_seconds_per_second"]),
    ):
        least = median("minimal", pick)
        ratios = [f"{name} {median(name, pick):.3f} ({median(name, pick) / least:.2f} ×)" for name in DAEMONS]
        print(f"{what:12} minimal {least:.3f}   {'   '.join(ratios)}")
    start = statistics.median(row["start_to_first_command_s"] for row in ours)
    delay = {p: statistics.median(row["sample_to_command_ms"][p] for row in ours) for p in ("p50", "p99")}
    print(f"sampled → command p50 {delay['p50']:.2f} p99 {delay['p99']:.2f} ms   start to first command {start:.2f} s")
    print(
        f"memory {max(row['rss_mb'] for row in ours):.0f} MB   samples lost {sum(row['samples_lost'] for row in ours)}"
    )


if __name__ == "__main__":
    main()
