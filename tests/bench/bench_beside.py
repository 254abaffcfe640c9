"""Compares the daemon's latency beside the arithmetic of a calibration with its latency right before or after.

python tests/bench/bench_beside.py [--pairs 60] [--model population]

In one run of `myobridge run`, the daemon starts the arithmetic again and again, as a calibration does. Each run of the
arithmetic makes a pair with a quiet stretch of equal length beside it, so that a busy machine disturbs both alike. The
order alternates. `load` is the start of the process, while the wearer is still holding poses. The interval of a ratio
comes from pairs that are drawn again at random; `quiet / quiet` is what the noise of the machine alone does.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from threading import Thread

import numpy as np

from myobridge.bench import live
from myobridge.calibration.beside_messages import Taken
from myobridge.calibration.morning.compute import Computation
from myobridge.calibration.morning.guide import HELD_S, REST_S
from myobridge.calibration.quality import FOLLOWED_S
from myobridge.cli import main as run_myobridge
from myobridge.daemon.realtime import leave_realtime
from myobridge.daemon.stats import RunStats
from myobridge.model.file import REST
from myobridge.model.load import open_model
from myobridge.model.shipped import find_model
from myobridge.settings import load_settings
from myobridge.simulator.script import StepScript
from myobridge.simulator.synth import SynthOptions, SynthSource

HOLD_S, MOVE_S = FOLLOWED_S + HELD_S, 0.4
ADC_BITS = 10
SEAT = 3
"""The ring sits elsewhere than in training, as in the morning."""
POLL_S = 0.005
SETTLE_S = 3.0
FIRST_S = 1.0
"""Length of the first quiet stretch; later ones are as long as the arithmetic before."""
DRAWS = 2000


def calibration(model: Path) -> Taken:
    """EMG of a calibration of this model by the simulated wearer."""
    spec = open_model(model).spec
    rest = next(pose for pose in spec.poses if pose.label == REST)
    walk = [(rest, REST_S)]
    for pose in spec.poses:
        if pose.label != REST:
            walk += [(pose, HOLD_S), (rest, REST_S)]
    script = StepScript([(seconds, pose.angles_deg) for pose, seconds in walk], move_s=MOVE_S)
    options = SynthOptions(fs_hz=spec.fs_hz, channels=len(spec.channels), seed=1, seat=SEAT, script=script)
    lengths = [round(seconds * spec.fs_hz) for _, seconds in walk]
    counts, _ = SynthSource(options).read(sum(lengths))
    label = np.repeat(np.array([pose.label for pose, _ in walk], np.uint8), lengths)
    return Taken(counts, spec.fs_hz, ADC_BITS, label, np.zeros_like(label), tuple(dict.fromkeys(p for p, _ in walk)))


class Schedule(Thread):
    """Runs the arithmetic in the daemon's process, and notes when what began and ended."""

    def __init__(self, model: Path, pairs: int, out: Path) -> None:
        super().__init__(daemon=True)
        self._model, self._pairs, self._out = model, pairs, out
        self._taken = calibration(model)
        self.decisions: list[tuple[float, float]] = []
        """When each setpoint was written, and its latency."""
        self._better = 0

    def run(self) -> None:
        """Measures all pairs, and writes the latencies of each stretch."""
        leave_realtime()
        while not self.decisions:
            time.sleep(POLL_S)
        time.sleep(SETTLE_S)
        spans: dict[str, list[tuple[float, float]]] = {"quiet": [], "load": [], "arithmetic": []}
        long_s = FIRST_S
        for pair in range(self._pairs):
            computation = Computation(self._model, self._out.with_name("mine.onnx"))
            spans["load"].append(self._span(computation.begin, lambda one=computation: one._loaded))
            if pair % 2 == 0:
                spans["quiet"].append(self._quiet(long_s))
            spans["arithmetic"].append(self._arithmetic(computation))
            self._better += computation.over().better
            long_s = spans["arithmetic"][-1][1] - spans["arithmetic"][-1][0]
            if pair % 2:
                spans["quiet"].append(self._quiet(long_s))
        at_s, took_s = np.array(self.decisions).T
        found = {name: [took_s[(at_s >= a) & (at_s < b)].tolist() for a, b in some] for name, some in spans.items()}
        found["arithmetic_s"] = [b - a for a, b in spans["arithmetic"]]
        found["better"] = self._better
        self._out.write_text(json.dumps(found))
        os.kill(os.getpid(), signal.SIGINT)

    def _arithmetic(self, computation: Computation) -> tuple[float, float]:
        return self._span(lambda: computation.give(self._taken), lambda: computation.over() is not None)

    def _span(self, begin, over) -> tuple[float, float]:
        began_s = time.monotonic()
        begin()
        while not over():
            time.sleep(POLL_S)
        return began_s, time.monotonic()

    def _quiet(self, seconds: float) -> tuple[float, float]:
        time.sleep(0.1)  # what the last stretch left behind is over
        until_s = time.monotonic() + seconds
        return self._span(lambda: None, lambda: time.monotonic() >= until_s)


def be_the_daemon(model: str, pairs: int, out: str, *run: str) -> None:
    """`myobridge run` with a schedule of calibrations."""
    schedule = Schedule(Path(model), pairs, Path(out))
    decided = RunStats.decided

    def noted(stats: RunStats, read_s: float, sampled_s: float, done_s: float) -> None:
        decided(stats, read_s, sampled_s, done_s)
        schedule.decisions.append((done_s, done_s - read_s))

    RunStats.decided = noted
    schedule.start()
    sys.argv = ["myobridge", *run]
    run_myobridge()


def ratio(name: str, some: list[list[float]], others: list[list[float]], p: float) -> str:
    """The ratio of a percentile of all pairs together, with the interval that holds 90 of 100 draws of pairs."""
    random = np.random.default_rng(1)
    pooled = lambda stretches: np.percentile(np.concatenate([np.array(one) for one in stretches]), p)  # noqa: E731
    drawn = []
    for _ in range(DRAWS):
        pairs = random.integers(0, len(some), len(some))
        drawn.append(pooled([some[i] for i in pairs]) / pooled([others[i] for i in pairs]))
    low, high = np.percentile(drawn, [5, 95])
    return f"{name:20} p{p:g} {pooled(some) / pooled(others):.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Prints latencies and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--model", default="population")
    options = parser.parse_args()
    model = find_model(options.model)
    source = live.emg_for(open_model(model).spec)
    with tempfile.TemporaryDirectory() as name:
        out = Path(name, "pairs.json")
        own = [sys.executable, __file__, "--daemon", str(model), str(options.pairs), str(out)]
        live.run_loop(
            lambda port, said: [*own, *live.daemon(model, None, 3600)(port, said)[3:]], source, load_settings(None)
        )
        found = json.loads(out.read_text())
    stretches = {name: found[name] for name in ("quiet", "load", "arithmetic")}
    for stretch, times_s in stretches.items():
        p50, p95, p99 = 1000 * np.percentile(np.concatenate([np.array(one) for one in times_s]), [50, 95, 99])
        print(f"{stretch:12} {sum(map(len, times_s)):6} setpoints   p50 {p50:.3f}   p95 {p95:.3f}   p99 {p99:.3f} ms")
    quiet = found["quiet"]
    for p in (50, 95, 99):
        print(ratio("arithmetic / quiet", found["arithmetic"], quiet, p))
        print(ratio("load / quiet", found["load"], quiet, p))
        print(ratio("quiet / quiet", quiet[::2], quiet[1::2][: len(quiet[::2])], p))
    least_s, half_s, most_s = np.percentile(found["arithmetic_s"], [0, 50, 100])
    print(f"arithmetic: {least_s:.2f} s at least, {half_s:.2f} s half of the time, {most_s:.2f} s at most")
    print(f"{found['better']} of {options.pairs} models are better than before")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--daemon"]:
        be_the_daemon(sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
    else:
        main()
