"""What a loop costs that only reads, counts and answers: the minimal loop with a network that takes no time.

python tests/bench/bench_floor.py [--seconds 3] [--turns 5]

What it takes is not the network's: the wakes, one a frame, and Python that reads frames and writes a setpoint.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median

from myobridge.bench import live, minimal_loop
from myobridge.config import Config
from myobridge.model import open_model
from myobridge.shipped import find_model


def main() -> None:
    """Prints a line for each loop; runs itself as the loop without a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    model = find_model("synth")
    source = live.emg_for(open_model(model).spec)
    ends = [model, asked.seconds]
    loops = {
        "myobridge": live.daemon(model, None, asked.seconds),
        "minimal loop": live.minimal(model, asked.seconds),
        "no network": lambda port, said: list(map(str, [sys.executable, __file__, "loop", port, *ends, said])),
    }
    runs = [
        {name: live.run_loop(loop, source, Config()).said for name, loop in loops.items()} for _ in range(asked.turns)
    ]
    for name in loops:
        p50, p99 = (median(run[name]["latency_ms"][p] for run in runs) for p in ("p50", "p99"))
        cpu = median(run[name]["cpu_seconds_per_second"] for run in runs)
        print(f"{name:13} read → written p50 {p50:.3f} ms, p99 {p99:.3f} ms, processor {cpu:.3f} s/s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["loop"]:
        minimal_loop.Network.__call__ = lambda self, _emg: [4000] * 5
        port, network, seconds, said = sys.argv[2:]
        Path(said).write_text(json.dumps(minimal_loop.run(port, network, float(seconds))))
    else:
        main()
