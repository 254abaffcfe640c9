"""The lowest cost of a loop in Python: the minimal loops, and the minimal loop with hardly any network and with none.

python tests/bench/bench_floor.py [--seconds 3] [--turns 5]

`no network`: one wake per frame, and Python that reads frames and writes a setpoint. `one node`: the loop also calls
onnxruntime, with a graph of one node. `streaming minimal loop`: the network's streaming graph and nothing that keeps a
hand safe; no Python program that runs this network in onnxruntime costs less.
"""

import argparse
import sys
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

from myobridge.bench import live, minimal_loop
from myobridge.model.load import open_model
from myobridge.model.shipped import find_model
from myobridge.settings import Settings

ANSWER_CDEG = [4000] * 5


class NoNetwork:
    """Gives the same answer every time."""

    def __init__(self, path: Path) -> None:
        self.spec = open_model(path).spec

    def decide(self, window) -> list[int] | None:
        return ANSWER_CDEG if window.full else None

    def settle(self) -> None:
        """Does nothing."""


class OneNode(NoNetwork):
    """Also runs a graph that negates five numbers, which nobody reads."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 5]) for name in ("angles", "negative")]
        graph = helper.make_graph([helper.make_node("Neg", ["angles"], ["negative"])], "one", ends[:1], ends[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self._angles = np.zeros((1, 5), np.float32)

    def decide(self, window) -> list[int] | None:
        self._session.run(None, {"angles": self._angles})
        return super().decide(window)


minimal_loop.GRAPHS |= {"one-node": OneNode, "no-network": NoNetwork}


def main() -> None:
    """Prints a line for each loop; starts itself for the last two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    model = find_model("synth")
    source = live.emg_for(open_model(model).spec)

    def itself(graph: str) -> live.Command:
        return lambda port, said: list(map(str, [sys.executable, __file__, port, model, graph, asked.seconds, said]))

    loops = {
        "myobridge": live.daemon(model, None, asked.seconds),
        "minimal loop": live.minimal(model, "window", asked.seconds),
        "streaming minimal loop": live.minimal(model, "streaming", asked.seconds),
        "one node": itself("one-node"),
        "no network": itself("no-network"),
    }
    runs = [
        {name: live.run_loop(loop, source, Settings()).said for name, loop in loops.items()} for _ in range(asked.turns)
    ]
    for name in loops:
        p50, p99 = (median(run[name]["latency_ms"][p] for run in runs) for p in ("p50", "p99"))
        cpu = median(run[name]["cpu_seconds_per_second"] for run in runs)
        print(f"{name:22} read → written p50 {p50:.3f} ms, p99 {p99:.3f} ms, processor {cpu:.3f} s/s")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        minimal_loop.main(*sys.argv[1:])
    else:
        main()
