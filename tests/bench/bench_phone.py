"""Compares the daemon's processor time without a view, with a view that nobody watches, and with the page of a phone.

python tests/bench/bench_phone.py [--seconds 6] [--turns 6]

The three take turns beside one daemon, so that a busy machine disturbs all of them alike. Compare the ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

sys.path.insert(0, str(Path(__file__).parent.parent / "loopback"))

from websockets.exceptions import ConnectionClosed

from processes import command, running, simulated_hand, wait_for_emg
from viewers import address_in, watch

SETTLE_S = 1.5
CASES = ("no view", "a view", "a view and a page")


def processor_s(pid: int) -> float:
    """The time that all threads of a process have had a processor, in seconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def page(url: str, counted: list[int]) -> None:
    """Receives what the page of the wearer receives."""
    try:
        with watch(f"{url}?light") as viewer:
            while True:
                counted.append(len(viewer.recv()))
    except (ConnectionClosed, OSError):
        return


def measure(case: str, port: str, pid: int, seconds: float) -> tuple[float, float]:
    """The share of a processor that the daemon takes, and the page's traffic in bytes a second."""
    counted: list[int] = []
    with ExitStack() as stack:
        if case != "no view":
            url = address_in(stack.enter_context(running("view", "--port", port, "--view-port", 0)).stdout)
            if case == CASES[-1]:
                Thread(target=page, args=(url, counted), daemon=True).start()
        time.sleep(SETTLE_S)
        counted.clear()
        began_s, before_s = time.monotonic(), processor_s(pid)
        time.sleep(seconds)
        passed_s = time.monotonic() - began_s
        return (processor_s(pid) - before_s) / passed_s, sum(counted) / passed_s


def main() -> None:
    """Prints a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--turns", type=int, default=6)
    options = parser.parse_args()
    shares: dict[str, list[float]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as name, simulated_hand(Path(name)) as hand:
        os.environ.setdefault("XDG_RUNTIME_DIR", name)
        daemon = subprocess.Popen(command("run", "--port", hand.port, "--model", "synth", "--arm"))
        try:
            wait_for_emg(hand.port, 60)
            for _ in range(options.turns):
                for case in CASES:
                    share, traffic = measure(case, hand.port, daemon.pid, options.seconds)
                    shares[case].append(share)
        finally:
            daemon.terminate()
            daemon.wait(60)
    middle = {case: statistics.median(found) for case, found in shares.items()}
    for case, share in middle.items():
        print(f"{case:20} {100 * share:6.2f} % of a processor, {share / middle[CASES[1]]:.3f} of a view without pages")
    print(f"page: {traffic / 1000:.1f} kB/s")
    print(json.dumps({"shares": shares}))


if __name__ == "__main__":
    main()
