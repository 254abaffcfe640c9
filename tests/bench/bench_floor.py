"""What a loop costs that only reads, counts and answers: the minimal loop with no network, and with hardly any.

python tests/bench/bench_floor.py [--seconds 3] [--turns 5]

`no network`: the wakes, one a frame, and Python that reads frames and writes a setpoint. `one node`: it calls
onnxruntime too, with a graph of one node. `streaming`: with the network's streaming graph and nothing that keeps a hand
safe; no program in Python that runs this network in onnxruntime takes less.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

from myobridge.bench import live, minimal_loop
from myobridge.decoder.inference import decoder_of
from myobridge.decoder.window import Window
from myobridge.model.load import open_model
from myobridge.model.shipped import find_model
from myobridge.settings import Settings

ANSWER_CDEG = [4000] * 5


class OneNode:
    """A graph that negates five numbers, which nobody reads."""

    def __init__(self) -> None:
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 5]) for name in ("angles", "negative")]
        graph = helper.make_graph([helper.make_node("Neg", ["angles"], ["negative"])], "one", ends[:1], ends[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self._angles = np.zeros((1, 5), np.float32)

    def __call__(self, _emg: np.ndarray) -> list[int]:
        self._session.run(None, {"angles": self._angles})
        return ANSWER_CDEG


class Streaming:
    """The model's streaming graph."""

    def __init__(self, path: Path) -> None:
        model = open_model(path)
        spec = model.spec
        self._hop = spec.hop_samples
        self._window = Window(len(spec.channels), spec.window_samples, spec.hop_samples)
        self._decoder = decoder_of(model)

    def __call__(self, emg: np.ndarray) -> list[int]:
        self._window.append(emg[0, :, -self._hop :].T, 0)
        angles = self._decoder(self._window)
        return ANSWER_CDEG if angles is None else [int(100 * angle + 0.5) for angle in angles.tolist()]


NETWORKS = {
    "streaming": Streaming,
    "one-node": lambda _path: OneNode(),
    "no-network": lambda _path: lambda _emg: ANSWER_CDEG,
}


def main() -> None:
    """Prints a line for each loop; runs itself as all but the first two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    model = find_model("synth")
    source = live.emg_for(open_model(model).spec)

    def itself(what: str) -> live.Command:
        return lambda port, said: list(map(str, [sys.executable, __file__, what, port, model, asked.seconds, said]))

    loops = {
        "myobridge": live.daemon(model, None, asked.seconds),
        "minimal loop": live.minimal(model, asked.seconds),
        **{what.replace("-", " "): itself(what) for what in NETWORKS},
    }
    runs = [
        {name: live.run_loop(loop, source, Settings()).said for name, loop in loops.items()} for _ in range(asked.turns)
    ]
    for name in loops:
        p50, p99 = (median(run[name]["latency_ms"][p] for run in runs) for p in ("p50", "p99"))
        cpu = median(run[name]["cpu_seconds_per_second"] for run in runs)
        print(f"{name:13} read → written p50 {p50:.3f} ms, p99 {p99:.3f} ms, processor {cpu:.3f} s/s")


def run_itself(what: str, port: str, model: str, seconds: str, said: str) -> None:
    """The minimal loop, with another network than its own."""
    network = NETWORKS[what](Path(model))
    minimal_loop.Network.__call__ = lambda _self, emg: network(emg)
    Path(said).write_text(json.dumps(minimal_loop.run(port, model, float(seconds))))


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in NETWORKS:
        run_itself(*sys.argv[1:])
    else:
        main()
