"""Model files that a stranger might send: their bytes pass as ours, and they do harm when they are loaded or run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import onnx
from onnx import numpy_helper

from myobridge.model.file import METADATA_KEY, encode_spec
from tiny_model import tiny_spec

POWER: Final = """
    squares = Mul (emg, emg)
    mean = ReduceMean <axes = [1, 2], keepdims = 0> (squares)
    power = Reshape (mean, one_one)
"""
"""Of the window, (1, 1); it is what the nodes below begin with."""
FIVE: Final = "angles = Concat <axis = 1> (one, one, one, one, one)"


def write(path: Path, nodes: str, weights: str = "", *, history: bool = False) -> Path:
    """A model file of these nodes, which make `one` (1, 1) of `power` (1, 1), or `angles` of `history`."""
    inputs = "float[1, 2, 40] emg" + ", float[1, 10] history" * history
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : 17]>
        hostile ({inputs}) => (float[1, 5] angles) <int64[2] one_one = {{1, 1}} {weights}>
        {{ {nodes if history else POWER + nodes + FIVE} }}
    """)
    attributes = [attribute.t for node in model.graph.node for attribute in node.attribute if attribute.HasField("t")]
    for tensor in [*model.graph.initializer, *attributes]:  # the values as our exports write them
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    spec = tiny_spec(history_hops=int(history))
    onnx.helper.set_model_props(model, {METADATA_KEY: encode_spec(spec)})
    path.write_bytes(model.SerializeToString())
    return path


def matrices(path: Path, size: int, times: int, *, constant: bool) -> Path:
    """A square matrix to a high power; where it is constant, onnxruntime computes it as it loads the file."""
    first = "p0 = Identity (filled)" if constant else "p0 = Add (filled, power)"
    powers = "\n".join(f"p{n + 1} = MatMul (p{n}, p{n})" for n in range(times))
    nodes = f"""
        filled = ConstantOfShape <value = float[1] {{{1 / size}}}> (shape)
        {first} {powers}
        small = ReduceMean <axes = [0, 1]> (p{times})
        one = Add (small, power)
    """
    return write(path, nodes, f", int64[2] shape = {{{size}, {size}}}")


def long_tensor(path: Path, values: int, *, constant: bool) -> Path:
    """One tensor of so many values."""
    first = "long = Identity (filled)" if constant else "long = Add (filled, power)"
    nodes = f"""
        filled = ConstantOfShape (shape)
        {first}
        small = ReduceMean <axes = [1]> (long)
        one = Add (small, power)
    """
    return write(path, nodes, f", int64[2] shape = {{1, {values}}}")


def many_tensors(path: Path, values: int, count: int) -> Path:
    """Many tensors that are all needed at the end, none of them large."""
    grow = "\n".join(f"t{n + 1} = Add (t{n}, power)" for n in range(count))
    names = ", ".join(f"t{n}" for n in range(count))
    nodes = f"""
        t0 = ConstantOfShape (shape)
        {grow}
        all = Concat <axis = 1> ({names})
        one = ReduceMean <axes = [1]> (all)
    """
    return write(path, nodes, f", int64[2] shape = {{1, {values}}}")


def index_by_input(path: Path) -> Path:
    """Takes the place in a table of three that the signal names."""
    nodes = """
        place = Cast <to = 7> (power)
        found = Gather <axis = 0> (table, place)
        one = Reshape (found, one_one)
    """
    return write(path, nodes, ", float[3] table = {0, 0, 0}")


def grow_with_input(path: Path) -> Path:
    """A tensor as long as the signal is strong."""
    nodes = """
        strong = Mul (power, million)
        size = Cast <to = 7> (strong)
        shape = Reshape (size, flat)
        long = ConstantOfShape (shape)
        small = ReduceMean <axes = [0], keepdims = 0> (long)
        one = Add (small, power)
    """
    return write(path, nodes, ", float[1] million = {1000000}, int64[1] flat = {1}")


def infinite_above(path: Path, power: float) -> Path:
    """Overflows as soon as the signal is stronger than this."""
    nodes = """
        above = Sub (power, most)
        more = Relu (above)
        large = Mul (more, huge)
        one = Pow (large, two)
    """
    return write(path, nodes, f", float[1] most = {{{power}}}, float[1] huge = {{1e35}}, float[1] two = {{2}}")


def no_number_above(path: Path, power: float) -> Path:
    """The root of a negative number as soon as the signal is stronger than this."""
    return write(path, "left = Sub (most, power) one = Sqrt (left)", f", float[1] most = {{{power}}}")


def doubles_itself(path: Path) -> Path:
    """Each angle is twice the one before."""
    nodes = "last = Slice (history, zero, five, axis) angles = Add (last, last)"
    return write(path, nodes, ", int64[1] zero = {0}, int64[1] five = {5}, int64[1] axis = {1}", history=True)


HOSTILE: Final[dict[str, tuple[Callable[[Path], Path], str]]] = {
    "large constant matrices": (lambda path: matrices(path, 2000, 30, constant=True), "too long for a hand"),
    "many constant matrices": (lambda path: matrices(path, 300, 5000, constant=True), "choose another"),
    "large matrices": (lambda path: matrices(path, 2000, 30, constant=False), "too long for a hand"),
    "many matrices": (lambda path: matrices(path, 200, 3000, constant=False), "too long for a hand"),
    "a long constant": (lambda path: long_tensor(path, 1 << 28, constant=True), "more memory"),
    "a long tensor": (lambda path: long_tensor(path, 1 << 28, constant=False), "more memory"),
    "many tensors": (lambda path: many_tensors(path, 1 << 20, 400), "more memory"),
    "indexed by its input": (index_by_input, "casts"),
    "grows with its input": (grow_with_input, "casts"),
    "infinite on any signal": (lambda path: infinite_above(path, 0.0), "not numbers on noise"),
    "infinite on a muscle": (lambda path: infinite_above(path, 3.0), "not numbers on bursts"),
    "no number on a muscle": (lambda path: no_number_above(path, 3.0), "not numbers on bursts"),
    "no number at full scale": (lambda path: no_number_above(path, 1000.0), "range of the ADC"),
    "doubles itself": (doubles_itself, "not numbers"),
}
"""By what they do; how to write one, and a word of the sentence that refuses it."""
