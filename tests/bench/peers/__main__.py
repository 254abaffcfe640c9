"""Our daemon, two minimal loops and LibEMG's online pipeline, in turn on the same simulated hand.

python tests/bench/peers [--seconds 8] [--turns 3] [--environment DIR] [--json F]

All run the same network at 4 channels and 2 kHz on the same line; myobridge and the streaming minimal loop run its
streaming graph. If LibEMG cannot be installed, the report says so and leaves LibEMG out.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from environment import NotHere, peers_python

import myobridge
from myobridge.bench import live
from myobridge.daemon.realtime import enter_realtime
from myobridge.metrics import Distribution
from myobridge.model.load import open_model
from myobridge.model.shipped import find_model
from myobridge.settings import load_settings

HERE = Path(__file__).parent
PERCENTILES = ("p50", "p99")


def libemg(python: Path, model: Path, seconds: float) -> live.Command:
    """The command that runs LibEMG's pipeline, which finds our wire in PYTHONPATH."""
    start = ["env", f"PYTHONPATH={Path(myobridge.__file__).parents[1]}", str(python), str(HERE / "libemg_loop.py")]
    return lambda port, said: [*start, str(port), str(model), str(seconds), str(said)]


def row(runs: list[live.Run], hop_s: list[float]) -> dict:
    """Figures of one loop: last sample read → setpoint written, any sample → setpoint at the hand, costs."""
    every = Distribution()
    for run in runs:
        every.merge(run.sample_age.spread(hop_s))
    latency = {p: statistics.median(run.said["latency_ms"][p] for run in runs) for p in PERCENTILES}
    costs = {key: statistics.median(run.said[key] for run in runs) for key in ("cpu_seconds_per_second", "rss_mb")}
    return {"latency_ms": latency, "sample_to_hand_ms": every.summary_ms(), **costs}


def table(rows: dict[str, dict]) -> str:
    """A line for each loop."""
    lines = [
        f"{'':22}{'read → written p50':>20}{'p99 ms':>9}{'sampled → hand p50':>21}{'p99 ms':>9}{'CPU s/s':>10}{'MB':>7}"
    ]
    for name, one in rows.items():
        latency, every = one["latency_ms"], one["sample_to_hand_ms"]
        lines.append(
            f"{name:22}{latency['p50']:20.2f}{latency['p99']:9.2f}{every['p50']:21.2f}{every['p99']:9.2f}"
            f"{one['cpu_seconds_per_second']:10.3f}{one['rss_mb']:7.0f}"
        )
    return "\n".join(lines)


def ratios(rows: dict[str, dict]) -> dict[str, dict[str, float]]:
    """Our figures divided by each peer's."""
    ours, found = rows["myobridge"], {}
    for name, one in rows.items():
        if name != "myobridge":
            found[name] = {
                f"{key} {p}": round(ours[f"{key}_ms"][p] / one[f"{key}_ms"][p], 3)
                for key in ("latency", "sample_to_hand")
                for p in PERCENTILES
            }
            found[name]["cpu"] = round(ours["cpu_seconds_per_second"] / one["cpu_seconds_per_second"], 3)
    return found


def main() -> None:
    """Prints the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--environment", type=Path, default=HERE / ".venv")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    model = find_model("synth")
    loops = {
        "myobridge": live.daemon(model, None, options.seconds),
        "minimal loop": live.minimal(model, "window", options.seconds),
        "streaming minimal loop": live.minimal(model, "streaming", options.seconds),
    }
    try:
        loops["LibEMG"] = libemg(peers_python(options.environment), model, options.seconds)
    except NotHere as why:
        print(f"LibEMG is left out, because it cannot be installed here ({why}).")
    config, spec = load_settings(None), open_model(model).spec
    for refused in enter_realtime(config.realtime.fifo_priority):  # every loop inherits it
        print(refused)
    source = live.emg_for(spec)
    runs: dict[str, list[live.Run]] = {name: [] for name in loops}
    for turn in range(options.turns):
        for name in sorted(loops, reverse=bool(turn % 2)):
            print(f"{name}, {options.seconds:g} s", flush=True)
            runs[name].append(live.run_loop(loops[name], source, config))
    hop_s = [i / spec.fs_hz for i in range(spec.hop_samples)]
    rows = {name: row(of_loop, hop_s) for name, of_loop in runs.items()}
    print(table(rows))
    for name, of_peer in ratios(rows).items():
        print(f"myobridge / {name}: " + ", ".join(f"{what} {ratio:.2f}" for what, ratio in of_peer.items()))
    if options.json:
        options.json.write_text(json.dumps({**rows, "ratios": ratios(rows)}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
