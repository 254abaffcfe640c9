"""Compares the daemon's start in two checkouts, in turn: the time from the start to the first setpoint.

python tests/bench/bench_start.py ../before . --turns 20

Each checkout runs its own `host/` and `models/`. The output has the ratio of medians, and the median ratio of pairs.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from myobridge.bench import live
from myobridge.model.load import open_model
from myobridge.model.shipped import find_model
from myobridge.settings import Settings

KEYS = ("start_to_first_command_s", "cpu_seconds_per_second", "rss_mb")


def daemon_of(folder: Path, model: Path, seconds: float) -> live.Command:
    """The command that runs this checkout's daemon."""
    path = os.pathsep.join(str(folder.absolute() / part) for part in ("host", "models"))
    command = live.daemon(model, None, seconds)
    return lambda port, said: ["env", f"PYTHONPATH={path}", *command(port, said)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--model", default="synth")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--turns", type=int, default=20)
    asked = parser.parse_args()
    model = find_model(asked.model)
    source = live.emg_for(open_model(model).spec)
    commands = [daemon_of(folder, model, asked.seconds) for folder in (asked.before, asked.after)]
    said = []
    for turn in range(asked.turns):
        order = (0, 1) if turn % 2 else (1, 0)
        pair = {at: live.run_loop(commands[at], source, Settings()).said for at in order}
        said.append([[pair[at][key] for key in KEYS] for at in (0, 1)])
        print(".", end="", flush=True, file=sys.stderr)
    values = np.array(said)
    for at, key in enumerate(KEYS):
        before, after = values[:, 0, at], values[:, 1, at]
        print(
            f"{key:28} before {np.median(before):.3f} after {np.median(after):.3f}, "
            f"ratio of medians {np.median(after) / np.median(before):.3f}, of pairs {np.median(after / before):.3f}"
        )


if __name__ == "__main__":
    main()
