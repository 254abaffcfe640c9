"""Model files that a stranger might send: each passes as ours by its operators and shapes, and does harm when it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from myobridge.model_file import METADATA_KEY, ModelSpec, encode_spec
from tiny_model import tiny_spec

FLOATS, INTS = TensorProto.FLOAT, TensorProto.INT64
node = helper.make_node


def write(path: Path, nodes: Sequence[NodeProto], constants: dict[str, np.ndarray], spec: ModelSpec | None = None):
    """A model whose angles are five times the output `one` (1, 1) of the nodes."""
    spec = spec or tiny_spec(history_hops=0)
    graph = helper.make_graph(
        [*nodes, node("Concat", ["one"] * 5, ["angles"], axis=1)],
        "hostile",
        [helper.make_tensor_value_info("emg", FLOATS, [1, len(spec.channels), spec.window_samples])],
        [helper.make_tensor_value_info("angles", FLOATS, [1, 5])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: encode_spec(spec)})
    path.write_bytes(model.SerializeToString())
    return path


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def of(value: float) -> TensorProto:
    return numpy_helper.from_array(np.array([value], np.float32))


MEAN = [node("ReduceMean", ["emg"], ["mean"], axes=[1, 2], keepdims=0), node("Reshape", ["mean", "one_one"], ["m"])]
ONE_ONE = {"one_one": ints(1, 1)}


def matrices(path: Path, *, size: int = 2000, times: int = 30, constant: bool = True) -> Path:
    """A square matrix to a high power; `constant`: onnxruntime computes it when it loads the file."""
    first = [node("ConstantOfShape", ["shape"], ["p0"], value=of(1 / size))]
    if not constant:
        first = [*MEAN, node("ConstantOfShape", ["shape"], ["c"], value=of(1 / size))]
        first.append(node("Mul", ["c", "m"], ["p0"]))
    powers = [node("MatMul", [f"p{n}", f"p{n}"], [f"p{n + 1}"]) for n in range(times)]
    last = [node("ReduceMean", [f"p{times}"], ["all"], axes=[0, 1], keepdims=1)]
    if constant:
        last = [
            *MEAN,
            node("ReduceMean", [f"p{times}"], ["q"], axes=[0, 1], keepdims=1),
            node("Add", ["q", "m"], ["all"]),
        ]
    return write(
        path,
        [*first, *powers, *last, node("Reshape", ["all", "one_one"], ["one"])],
        ONE_ONE | {"shape": ints(size, size)},
    )


def memory(path: Path, values: int = 1 << 28, *, constant: bool = True) -> Path:
    """A tensor of so many values."""
    first = [*MEAN, node("ConstantOfShape", ["shape"], ["c"])]
    grown = (
        [node("ReduceMean", ["c"], ["q"], axes=[0], keepdims=0)]
        if constant
        else [node("Sub", ["c", "m1"], ["d"]), node("ReduceMean", ["d"], ["q"], axes=[0], keepdims=0)]
    )
    return write(
        path,
        [*first, node("Reshape", ["m", "ones1"], ["m1"]), *grown, node("Add", ["q", "m"], ["one"])],
        ONE_ONE | {"shape": ints(values), "ones1": ints(1)},
    )


def many_tensors(path: Path, each: int = 1 << 20, count: int = 400) -> Path:
    """Many tensors of a few megabytes, all needed at the end."""
    parts = [node("ConstantOfShape", ["shape"], [f"c{n}"], value=of(float(n))) for n in range(count)]
    sums = [node("Add", ["c0", "m"], ["s0"])] + [
        node("Add", [f"s{n - 1}", f"c{n}"], [f"s{n}"]) for n in range(1, count)
    ]
    whole = [node("Mul", [f"s{count - 1}", f"s{n}"], [f"t{n}"]) for n in range(count)]
    total = [
        node("Concat", [f"t{n}" for n in range(count)], ["t"], axis=1),
        node("ReduceMean", ["t"], ["one"], axes=[1], keepdims=1),
    ]
    return write(path, [*MEAN, *parts, *sums, *whole, *total], ONE_ONE | {"shape": ints(1, each)})


def index_by_input(path: Path) -> Path:
    nodes = [
        *MEAN,
        node("Cast", ["m"], ["i"], to=INTS),
        node("Gather", ["table", "i"], ["g"], axis=0),
        node("Reshape", ["g", "one_one"], ["one"]),
    ]
    return write(path, nodes, ONE_ONE | {"table": np.zeros(3, np.float32)})


def grows_with_input(path: Path) -> Path:
    nodes = [
        *MEAN,
        node("Mul", ["m", "million"], ["k"]),
        node("Pow", ["k", "two"], ["kk"]),
        node("Cast", ["kk"], ["i"], to=INTS),
        node("Reshape", ["i", "ones1"], ["i1"]),
        node("ConstantOfShape", ["i1"], ["c"]),
        node("ReduceMean", ["c"], ["q"], axes=[0], keepdims=0),
        node("Add", ["q", "m"], ["one"]),
    ]
    return write(
        path,
        nodes,
        ONE_ONE | {"ones1": ints(1), "million": np.array([[1e6]], np.float32), "two": np.array(2, np.float32)},
    )


def overflows(path: Path, *, above: float = 0.0) -> Path:
    """Finite on silence; infinite as soon as the window's power is above so much."""
    nodes = [
        node("Mul", ["emg", "emg"], ["sq"]),
        node("ReduceMean", ["sq"], ["p"], axes=[1, 2], keepdims=0),
        node("Reshape", ["p", "one_one"], ["pp"]),
        node("Sub", ["pp", "above"], ["x"]),
        node("Relu", ["x"], ["r"]),
        node("Mul", ["r", "big"], ["b"]),
        node("Pow", ["b", "two"], ["one"]),
    ]
    return write(
        path,
        nodes,
        ONE_ONE
        | {
            "above": np.array([[above]], np.float32),
            "big": np.array([[1e30]], np.float32),
            "two": np.array(2, np.float32),
        },
    )


def not_a_number(path: Path, *, above: float = 4.0) -> Path:
    """0/0 as soon as the window's power is above so much."""
    nodes = [
        node("Mul", ["emg", "emg"], ["sq"]),
        node("ReduceMean", ["sq"], ["p"], axes=[1, 2], keepdims=0),
        node("Reshape", ["p", "one_one"], ["pp"]),
        node("Sub", ["above", "pp"], ["x"]),
        node("Sqrt", ["x"], ["one"]),
    ]
    return write(path, nodes, ONE_ONE | {"above": np.array([[above]], np.float32)})


def denormal(path: Path, size: int = 1500) -> Path:
    """Quick on silence, slow where the input makes denormal products."""
    nodes = [node("Reshape", ["emg", "row"], ["e"]), node("MatMul", ["e", "w"], ["h0"])]
    nodes += [node("MatMul", [f"h{n}", "sq"], [f"h{n + 1}"]) for n in range(20)]
    nodes += [node("ReduceMean", ["h20"], ["one"], axes=[1], keepdims=1)]
    return write(
        path,
        nodes,
        {
            "row": ints(1, 80),
            "w": np.full((80, size), 1.0, np.float32),
            "sq": np.full((size, size), 1 / size, np.float32),
        },
    )


def diverges(path: Path) -> Path:
    """Multiplies its own past by 2."""
    spec = tiny_spec(history_hops=1)
    floats = FLOATS
    nodes = [node("Slice", ["history", "zero", "five", "ax"], ["a"]), node("Add", ["a", "a"], ["angles"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("emg", floats, [1, 2, 40]),
            helper.make_tensor_value_info("history", floats, [1, 10]),
        ],
        [helper.make_tensor_value_info("angles", floats, [1, 5])],
        [numpy_helper.from_array(v, k) for k, v in {"zero": ints(0), "five": ints(5), "ax": ints(1)}.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: encode_spec(spec)})
    path.write_bytes(model.SerializeToString())
    return path


HOSTILE: dict[str, Callable[[Path], Path]] = {
    "constant matrices": matrices,
    "matrices": lambda path: matrices(path, constant=False),
    "matrices, small": lambda path: matrices(path, size=400, times=2000),
    "memory": memory,
    "memory when it runs": lambda path: memory(path, constant=False),
    "many tensors": many_tensors,
    "indexed by its input": index_by_input,
    "grows with its input": grows_with_input,
    "infinite on noise": overflows,
    "infinite on strong input": lambda path: overflows(path, above=4.0),
    "not a number on strong input": not_a_number,
    "denormal": denormal,
    "diverges": diverges,
}
