"""Compares the daemon's latency beside the arithmetic of a calibration with its latency right before or after.

python tests/bench/bench_beside.py [--pairs 60] [--model population]

In one run of `myobridge run`, the daemon starts the arithmetic again and again, as a calibration does. Each run of the
arithmetic makes a pair with a quiet stretch of equal length beside it, so that a busy machine disturbs both alike. The
order alternates. `load` is the start of the process, while the wearer is still holding poses. The interval of a ratio
comes from pairs that are drawn again at random; `quiet / quiet` is what the noise of the machine alone does.
"""

import argparse
import json
import math
import os
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np

from myobridge.bench import live
from myobridge.calibration.beside_messages import Taken
from myobridge.calibration.morning.compute import Computation
from myobridge.calibration.morning.guide import HELD_S, REST_S
from myobridge.calibration.quality import FOLLOWED_S
from myobridge.cli import main as run_myobridge
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
PAIR = ("load", "quiet", "arithmetic")
PAIR_TURNED = ("load", "arithmetic", "quiet")
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


class Schedule:
    """Runs the arithmetic in the daemon's process. The loop takes each step, as it leads a calibration.

    A thread that looks after the arithmetic would itself disturb the loop.
    """

    def __init__(self, model: Path, pairs: int, out: Path) -> None:
        self._model, self._out = model, out
        self._taken = calibration(model)
        self._steps = [step for pair in range(pairs) for step in (PAIR if pair % 2 else PAIR_TURNED)]
        self._at = "settle"
        self._until_s = math.inf
        self._computation: Computation | None = None
        self._long_s, self._better = FIRST_S, 0
        self._began_s, self.took_s = 0.0, list[float]()
        self._found: dict[str, list[list[float]]] = {step: [] for step in ("settle", *PAIR)}
        self._arithmetic_s: list[float] = []

    def decided(self, done_s: float, latency_s: float) -> None:
        """Notes a decision, and begins the next step once the present one is over."""
        self._until_s = min(self._until_s, done_s + SETTLE_S) if self._at == "settle" else self._until_s
        self.took_s.append(latency_s)
        if not self._is_over(done_s):
            return
        self._found[self._at].append(self.took_s)
        if self._at == "arithmetic":
            self._long_s = done_s - self._began_s
            self._arithmetic_s.append(self._long_s)
            self._better += self._computation.over().better
        self._begin(done_s)

    def _is_over(self, now_s: float) -> bool:
        if self._at == "load":
            return self._computation._loaded
        return self._computation.over() is not None if self._at == "arithmetic" else now_s >= self._until_s

    def _begin(self, now_s: float) -> None:
        if not self._steps:
            self._out.write_text(
                json.dumps({**self._found, "arithmetic_s": self._arithmetic_s, "better": self._better})
            )
            os.kill(os.getpid(), signal.SIGINT)
            self._until_s = math.inf
            self._at = "settle"
            return
        self._at, self._began_s, self.took_s = self._steps.pop(0), now_s, []
        if self._at == "load":
            self._computation = Computation(self._model, self._out.with_name("mine.onnx"))
            self._computation.begin()
        elif self._at == "arithmetic":
            self._computation.give(self._taken)
        else:
            self._until_s = now_s + self._long_s


def be_the_daemon(model: str, pairs: int, out: str, *run: str) -> None:
    """`myobridge run` with a schedule of calibrations."""
    schedule = Schedule(Path(model), pairs, Path(out))
    decided = RunStats.decided

    def noted(stats: RunStats, read_s: float, sampled_s: float, done_s: float) -> None:
        decided(stats, read_s, sampled_s, done_s)
        schedule.decided(done_s, done_s - read_s)

    RunStats.decided = noted
    sys.argv = ["myobridge", *run]
    run_myobridge()


def ratio(name: str, some: list[list[float]], others: list[list[float]], p: float) -> str:
    """The ratio of a percentile of all pairs together, with the interval that holds 90 of 100 draws of pairs."""

    def pooled(stretches: list[list[float]]) -> float:
        return float(np.percentile(np.concatenate(stretches), p))

    random = np.random.default_rng(1)
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
