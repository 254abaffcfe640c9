"""Shows where the time of a turn goes: times each part of the daemon's loop in a daemon on a simulated hand.

python tests/bench/bench_turn.py [--seconds 6]

The timing itself lengthens a turn by a few microseconds. A part's time includes the parts within it.
"""

import argparse
import atexit
import subprocess
import sys
from collections import defaultdict
from time import perf_counter

import numpy as np

from myobridge import cli
from myobridge.bench import live
from myobridge.daemon import run, setpoints
from myobridge.decoder import acquisition, contact, inference, pipeline, postprocess, prefilter, window
from myobridge.model.load import open_model
from myobridge.model.shipped import find_model
from myobridge.settings import Settings
from myobridge.wire import frame, link, session

PARTS = [
    (link.SerialLink, "read"), (frame.FrameDecoder, "feed"), (acquisition.EmgGate, "take"),
    (pipeline.Pipeline, "decide"),
    (prefilter.Prefilter, "__call__"), (window.Window, "append"), (inference.StreamingDecoder, "__call__"),
    (postprocess.Postprocessor, "__call__"), (setpoints.Setpoints, "_act"), (session.Session, "setpoint"),
    (link.SerialLink, "write"), (inference.Decoder, "settle"), (contact.ContactCheck, "push"), (run.Daemon, "_attend"),
]  # fmt: skip
"""In the order of a turn."""
WARM_UP = 3
"""The first third of each part's calls is left out, because the window fills and the hand is armed then."""


def stamped(part, times_s):
    """The part, changed to append the duration of each call to `times_s`."""

    def call(*arguments, **options):
        began_s = perf_counter()
        result = part(*arguments, **options)
        times_s.append(perf_counter() - began_s)
        return result

    return call


def run_daemon() -> None:
    """Runs the daemon with the rest of the command line; prints a table on stderr at its end."""
    times_s = defaultdict(list)
    for owner, name in PARTS:
        setattr(owner, name, stamped(getattr(owner, name), times_s[f"{owner.__name__}.{name}"]))

    def report():
        for name, all_s in times_s.items():
            p50, p99 = np.percentile(1e6 * np.array(all_s[len(all_s) // WARM_UP :] or [0.0]), (50, 99))
            print(f"{name:28} p50 {p50:6.1f}  p99 {p99:6.1f} µs  {len(all_s):6} calls", file=sys.stderr)

    atexit.register(report)
    cli.main()


def main() -> None:
    """Runs the daemon on a simulated hand, and shows its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0)
    seconds = parser.parse_args().seconds
    model = find_model("synth")
    source = live.emg_for(open_model(model).spec)

    def command(port, said):
        return [sys.executable, __file__, *live.daemon(model, None, seconds)(port, said)[3:]]

    quiet = subprocess.Popen  # run_loop captures a loop's stderr
    live.subprocess.Popen = lambda *arguments, **options: quiet(*arguments, **(options | {"stderr": None}))
    live.run_loop(command, source, Settings())


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run_daemon()
    else:
        main()
