"""Checks the bytes of a model file before onnxruntime reads them, because onnxruntime opens files that a model names.

A model passes only with the messages (onnx_reader.py), operators and shapes of our exports, finite weights and bounded
sizes. A graph that passes cannot turn its input into integers, so all sizes and indices are fixed before it runs, and
it takes the same memory on any input. model/trial.py measures how much memory and time it takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.model.file import (
    MAX_METADATA_BYTES,
    METADATA_KEY,
    STATISTICS_KEY,
    STREAMING_KEY,
    ModelSpec,
    decode_spec,
)
from myobridge.model.head import read_head
from myobridge.model.onnx_reader import (
    ATTRIBUTE,
    DIMENSION,
    ENTRY,
    GRAPH,
    MODEL,
    NODE,
    OPSET,
    SHAPE,
    TENSOR,
    TENSOR_TYPE,
    TYPE,
    VALUE_INFO,
    Fields,
    Reader,
    Refused,
)
from myobridge.model.statistics import ClassStatistics, decode_statistics
from myobridge.model.streaming import Shapes, check_tapes, streaming_graph, streaming_model

MAX_MODEL_BYTES: Final = 32 << 20
MAX_STREAMING_BYTES: Final = 1 << 20
"""Limit of the entry STREAMING_KEY; our models have 66 kB."""
MAX_STATISTICS_BYTES: Final = 1 << 20
"""Limit of the entry STATISTICS_KEY; 7 poses of 4 channels have 28 kB, and 12 poses of 16 channels 138 kB."""
MAX_ENTRY_BYTES: Final = {
    METADATA_KEY: MAX_METADATA_BYTES,
    STREAMING_KEY: MAX_STREAMING_BYTES,
    STATISTICS_KEY: MAX_STATISTICS_BYTES,
}
MAX_RANK: Final = 8

# fmt: off
OPERATORS: Final = frozenset((
    "Add", "AveragePool", "Cast", "Concat", "Constant", "ConstantOfShape", "Conv", "Div", "Flatten", "GRU", "Gather",
    "Gemm", "Identity", "LSTM", "LayerNormalization", "Log", "MatMul", "Mul", "Pow", "ReduceL2", "ReduceMean", "Relu",
    "Reshape", "Shape", "Sigmoid", "Slice", "Softmax", "Split", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze",
))
# fmt: on
"""The operators in the exports of all our families. A new family adds its own; a test compares the exports."""

_ITEM_TYPES: Final[dict[int, np.dtype[np.generic]]] = {
    1: np.dtype("<f4"),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
    9: np.dtype("?"),
}
"""TensorProto.DataType: FLOAT, INT32, INT64, BOOL."""
_FLOAT: Final = 1


class Checked(NamedTuple):
    """The metadata of a model file, and its streaming graph as a separate model if it has one (streaming.py)."""

    spec: ModelSpec
    streaming: bytes | None


def check_model(data: bytes, path: Path) -> Checked:
    """Checks a model file and its metadata against each other; `path` is only used in the error.

    Raises:
        UserError: our export cannot have written these bytes.
    """
    reader = Reader()
    try:
        model = reader.read(memoryview(data), MODEL)
        entries = _metadata(reader, model)
        _check_opsets(reader, model)
        graph = _checked_graph(reader, model.part("graph"))
        shapes = _shapes(reader, graph)
    except Refused as reason:
        raise UserError(
            f"{path} is not an ONNX model made by myobridge ({reason}); export or copy it again."
        ) from reason
    if METADATA_KEY not in entries:
        raise UserError(f"{path} has no {METADATA_KEY} metadata; export it with `myobridge-models export`.")
    spec = decode_spec(entries[METADATA_KEY], path)
    _check_shapes(*shapes, spec, path)
    if STATISTICS_KEY in entries:
        _check_statistics(entries[STATISTICS_KEY], reader, graph, spec, path)
    if STREAMING_KEY not in entries:
        return Checked(spec, None)
    try:
        part = streaming_graph(entries[STREAMING_KEY])
        streaming = _checked_graph(reader, memoryview(part))
        check_tapes(*_shapes(reader, streaming), spec)
        return Checked(spec, streaming_model(reader, model, graph, streaming, part))
    except Refused as reason:
        raise UserError(f"{path}: the streaming graph is not valid ({reason}); export the model again.") from reason


def statistics_in(data: bytes) -> ClassStatistics | None:
    """The class statistics of a file that `check_model` has passed; None: the file has none."""
    reader = Reader()
    text = _metadata(reader, reader.read(memoryview(data), MODEL)).get(STATISTICS_KEY)
    return None if text is None else decode_statistics(text)


def _metadata(reader: Reader, model: Fields) -> Mapping[str, str]:
    """The metadata entries of myobridge."""
    found: dict[str, str] = {}
    for entry in reader.each(model, "metadata_props", ENTRY):
        key = entry.text("key")
        if key not in MAX_ENTRY_BYTES:
            continue
        if key in found:
            raise Refused("the metadata occurs twice")
        if len(entry.part("value")) > MAX_ENTRY_BYTES[key]:
            raise Refused(f"the entry {key} is larger than {MAX_ENTRY_BYTES[key] >> 10} kB")
        found[key] = entry.text("value")
    return found


def _checked_graph(reader: Reader, data: memoryview) -> Fields:
    graph = reader.read(data, GRAPH)
    if not graph.parts:
        raise Refused("there is no graph")
    _check_nodes(reader, graph)
    for tensor in reader.each(graph, "initializer", TENSOR):
        _check_tensor(tensor)
    return graph


def _check_opsets(reader: Reader, model: Fields) -> None:
    for opset in reader.each(model, "opset_import", OPSET):
        if opset.text("domain"):
            raise Refused(f"the model requires the operators of {opset.text('domain')!r}")


def _check_nodes(reader: Reader, graph: Fields) -> None:
    for node in reader.each(graph, "node", NODE):
        operator, domain = node.text("op_type"), node.text("domain")
        if operator not in OPERATORS or domain:
            raise Refused(f"the model uses the operator {f'{domain}.{operator}'.lstrip('.')!r}")
        for attribute in reader.each(node, "attribute", ATTRIBUTE):
            if operator == "Cast" and attribute.text("name") == "to" and attribute.number("i") != _FLOAT:
                raise Refused(
                    "the model casts to a type other than float32, so its input could choose sizes or indices"
                )
            if "f" in attribute.parts and not np.isfinite(np.frombuffer(attribute.part("f"), "<f4")[0]):
                raise Refused(f"an attribute of {operator} is not a finite number")
            if "t" in attribute.parts:
                _check_tensor(reader.read(attribute.part("t"), TENSOR))


def _check_tensor(tensor: Fields) -> None:
    name, raw = tensor.text("name"), tensor.part("raw_data")
    item = _ITEM_TYPES.get(tensor.number("data_type"))
    if item is None:
        raise Refused(f"tensor {name!r} has the data type {tensor.number('data_type')}")
    dims = tensor.numbers.get("dims", [])
    if len(dims) > MAX_RANK:
        raise Refused(f"tensor {name!r} has more than {MAX_RANK} dimensions")
    if math.prod(dims) * item.itemsize != len(raw):
        raise Refused(f"tensor {name!r} has {len(raw)} bytes for the shape {dims}")
    if tensor.number("data_type") == _FLOAT and not np.isfinite(np.frombuffer(raw, item)).all():
        raise Refused(f"tensor {name!r} has values that are not finite")


def _shapes(reader: Reader, graph: Fields) -> tuple[Shapes, Shapes]:
    """Inputs and outputs by name."""
    return dict(_values(reader, graph, "input")), dict(_values(reader, graph, "output"))


def _values(reader: Reader, graph: Fields, side: str) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """Names and shapes of the inputs or outputs; None stands for a free dimension."""
    for value in reader.each(graph, side, VALUE_INFO):
        tensor = reader.read(reader.read(value.part("type"), TYPE).part("tensor_type"), TENSOR_TYPE)
        if tensor.number("elem_type") != _FLOAT:
            raise Refused(f"{side} {value.text('name')!r} is not float32")
        dims = reader.each(reader.read(tensor.part("shape"), SHAPE), "dim", DIMENSION)
        shape = tuple(d.numbers["dim_value"][0] if d.numbers else None for d in islice(dims, MAX_RANK + 1))
        if len(shape) > MAX_RANK:
            raise Refused(f"{side} {value.text('name')!r} has more than {MAX_RANK} dimensions")
        yield value.text("name"), shape


def _check_statistics(text: str, reader: Reader, graph: Fields, spec: ModelSpec, path: Path) -> None:
    """Checks that the statistics are valid, of this model's poses, and of the features that its head reads."""
    try:
        statistics = decode_statistics(text)
        unknown = set(statistics.labels.tolist()) - {pose.label for pose in spec.poses}
        if unknown:
            raise Refused(f"they have the labels {sorted(unknown)}, which have no pose")
        features = read_head(reader, graph).inputs - (2 * len(SERVOS) if spec.history_hops else 0)
        if features != len(statistics.spread):
            raise Refused(f"they have {len(statistics.spread)} features, and the head reads {features}")
    except Refused as reason:
        raise UserError(f"{path}: the class statistics are not valid ({reason}); export the model again.") from reason


def _check_shapes(inputs: Shapes, outputs: Shapes, spec: ModelSpec, path: Path) -> None:
    wanted: Shapes = {"emg": (len(spec.channels), spec.window_samples)}
    if spec.history_hops:
        wanted["history"] = (2 * len(SERVOS),)
    angles = {"angles": (len(SERVOS),)}
    sides = ((inputs, wanted), (outputs, angles))
    fits = all({name: shape[1:] for name, shape in has.items()} == wants for has, wants in sides)
    if not fits or any(shape[0] not in (None, 1) for has, _ in sides for shape in has.values()):
        raise UserError(
            f"{path}: the network takes {inputs} and gives {outputs}, its metadata says {wanted} and five angles; "
            "export it again."
        )
