"""Is this a model of ours? Asked of the bytes, before onnxruntime, which would open files that a model names.

A reader of the few protobuf messages that our exports hold (field numbers: onnx.proto of github.com/onnx/onnx, wire
format: protobuf.dev/programming-guides/encoding). What is not in its tables is refused, so that external data,
subgraphs, functions, sparse tensors and whatever a later ONNX invents need no rule of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.model_file import METADATA_KEY, ModelSpec, decode_spec

MAX_MODEL_BYTES: Final = 64 << 20
MAX_METADATA_BYTES: Final = 1 << 20
MAX_FIELDS: Final = 100_000
"""Of all messages together; a network of ours has 5000."""

# fmt: off
OPERATORS: Final = frozenset((
    "Add", "AveragePool", "Cast", "Concat", "Constant", "ConstantOfShape", "Conv", "Div", "Flatten", "GRU", "Gather",
    "Gemm", "Identity", "LSTM", "LayerNormalization", "Log", "MatMul", "Mul", "Pow", "ReduceL2", "Relu", "Reshape",
    "Shape", "Sigmoid", "Slice", "Softmax", "Split", "Squeeze", "Sub", "Transpose", "Unsqueeze",
))
# fmt: on
"""What the exports of all our families use; a new family adds its own. A test holds this against the exports."""

_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_ITEM_TYPES: Final[dict[int, np.dtype[np.generic]]] = {
    1: np.dtype("<f4"),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
    9: np.dtype("?"),
}
"""TensorProto.DataType: FLOAT, INT32, INT64, BOOL."""
_FLOAT: Final = 1


class _Refused(Exception):
    """Why these bytes are no model of ours."""


class _Message(NamedTuple):
    """A message: its name and its fields, number → (name, wire type); those with a * may come more than once."""

    name: str
    fields: dict[int, tuple[str, int]]


_MODEL = _Message(
    "ModelProto",
    {
        1: ("ir_version", _VARINT),
        2: ("producer_name", _BYTES),
        3: ("producer_version", _BYTES),
        4: ("domain", _BYTES),
        5: ("model_version", _VARINT),
        6: ("doc_string", _BYTES),
        7: ("graph", _BYTES),
        8: ("opset_import*", _BYTES),
        14: ("metadata_props*", _BYTES),
    },
)
_OPSET = _Message("OperatorSetIdProto", {1: ("domain", _BYTES), 2: ("version", _VARINT)})
_ENTRY = _Message("StringStringEntryProto", {1: ("key", _BYTES), 2: ("value", _BYTES)})
_GRAPH = _Message(
    "GraphProto",
    {
        1: ("node*", _BYTES),
        2: ("name", _BYTES),
        5: ("initializer*", _BYTES),
        10: ("doc_string", _BYTES),
        11: ("input*", _BYTES),
        12: ("output*", _BYTES),
        13: ("value_info*", _BYTES),
    },
)
_NODE = _Message(
    "NodeProto",
    {
        1: ("input*", _BYTES),
        2: ("output*", _BYTES),
        3: ("name", _BYTES),
        4: ("op_type", _BYTES),
        5: ("attribute*", _BYTES),
        6: ("doc_string", _BYTES),
        7: ("domain", _BYTES),
    },
)
_ATTRIBUTE = _Message(
    "AttributeProto",
    {
        1: ("name", _BYTES),
        2: ("f", _FIXED32),
        3: ("i", _VARINT),
        5: ("t", _BYTES),
        8: ("ints*", _VARINT),
        13: ("doc_string", _BYTES),
        20: ("type", _VARINT),
    },
)
_TENSOR = _Message(
    "TensorProto",
    {
        1: ("dims*", _VARINT),
        2: ("data_type", _VARINT),
        8: ("name", _BYTES),
        9: ("raw_data", _BYTES),
        12: ("doc_string", _BYTES),
    },
)
_VALUE_INFO = _Message("ValueInfoProto", {1: ("name", _BYTES), 2: ("type", _BYTES), 3: ("doc_string", _BYTES)})
_TYPE = _Message("TypeProto", {1: ("tensor_type", _BYTES)})
_TENSOR_TYPE = _Message("TypeProto.Tensor", {1: ("elem_type", _VARINT), 2: ("shape", _BYTES)})
_SHAPE = _Message("TensorShapeProto", {1: ("dim*", _BYTES)})
_DIMENSION = _Message("Dimension", {1: ("dim_value", _VARINT), 2: ("dim_param", _BYTES)})


class _Fields:
    """The fields of one message; those that are absent are empty or 0, as in protobuf."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[int]] = {}
        self.parts: dict[str, list[memoryview]] = {}

    def number(self, name: str) -> int:
        return self.numbers.get(name, (0,))[0]

    def part(self, name: str) -> memoryview:
        return self.parts.get(name, (memoryview(b""),))[0]

    def text(self, name: str) -> str:
        return bytes(self.part(name)).decode("utf-8", "replace")


class _Reader:
    """Reads messages, as many fields as one file may have."""

    def __init__(self) -> None:
        self._fields_left = MAX_FIELDS

    def read(self, data: memoryview, message: _Message) -> _Fields:
        """The fields of a message that fills `data`."""
        found, at = _Fields(), 0
        while at < len(data):
            self._fields_left -= 1
            if self._fields_left < 0:
                raise _Refused(f"it has more than {MAX_FIELDS} fields")
            tag, at = _varint(data, at)
            name, wire_type = message.fields.get(tag >> 3, ("", -1))
            if tag & 7 != wire_type:
                raise _Refused(f"{message.name} has a field {tag >> 3} of kind {tag & 7}")
            if wire_type == _VARINT:
                number, at = _varint(data, at)
                values: list[int] | list[memoryview] = found.numbers.setdefault(name.rstrip("*"), [])
                found.numbers[name.rstrip("*")].append(number)
            else:
                size, at = (4, at) if wire_type == _FIXED32 else _varint(data, at)
                if size > len(data) - at:
                    raise _Refused("it is cut off")
                values = found.parts.setdefault(name.rstrip("*"), [])
                found.parts[name.rstrip("*")].append(data[at : at + size])
                at += size
            if len(values) > 1 and not name.endswith("*"):
                raise _Refused(f"{message.name} has {name} twice")
        return found

    def each(self, parts: _Fields, name: str, message: _Message) -> Iterator[_Fields]:
        """The messages of a repeated field."""
        return (self.read(part, message) for part in parts.parts.get(name, ()))


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A varint of at most 64 bits, and where the next byte is."""
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            raise _Refused("it is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _Refused("a number is too long")


def check_model(data: bytes, path: Path) -> ModelSpec:
    """Metadata of a model file whose graph they describe; `path` is for the sentence only.

    Raises:
        UserError: the bytes are no model that one of our exports could have written.
    """
    reader = _Reader()
    try:
        model = reader.read(memoryview(data), _MODEL)
        text = _metadata(reader, model)
        _check_opsets(reader, model)
        graph = reader.read(model.part("graph"), _GRAPH)
        if not graph.parts:
            raise _Refused("it has no graph")
        _check_nodes(reader, graph)
        for tensor in reader.each(graph, "initializer", _TENSOR):
            _check_tensor(tensor)
        inputs, outputs = (dict(_values(reader, graph, side)) for side in ("input", "output"))
    except _Refused as reason:
        raise UserError(f"{path} is not an ONNX model of ours ({reason}); export or copy it again.") from reason
    if text is None:
        raise UserError(f"{path} has no {METADATA_KEY} metadata; export it with `myobridge-models export`.")
    spec = decode_spec(text, path)
    _check_shapes(inputs, outputs, spec, path)
    return spec


def _metadata(reader: _Reader, model: _Fields) -> str | None:
    entries = [e for e in reader.each(model, "metadata_props", _ENTRY) if e.text("key") == METADATA_KEY]
    if len(entries) > 1:
        raise _Refused("it has its metadata twice")
    if entries and len(entries[0].part("value")) > MAX_METADATA_BYTES:
        raise _Refused(f"its metadata is larger than {MAX_METADATA_BYTES >> 20} MB")
    return entries[0].text("value") if entries else None


def _check_opsets(reader: _Reader, model: _Fields) -> None:
    for opset in reader.each(model, "opset_import", _OPSET):
        if opset.text("domain"):
            raise _Refused(f"it wants the operators of {opset.text('domain')!r}")


def _check_nodes(reader: _Reader, graph: _Fields) -> None:
    for node in reader.each(graph, "node", _NODE):
        operator, domain = node.text("op_type"), node.text("domain")
        if operator not in OPERATORS or domain:
            raise _Refused(f"it uses the operator {f'{domain}.{operator}'.lstrip('.')!r}")
        for attribute in reader.each(node, "attribute", _ATTRIBUTE):
            if not np.isfinite(np.frombuffer(attribute.part("f"), "<f4")).all():
                raise _Refused(f"an attribute of {operator} is not a finite number")
            if "t" in attribute.parts:
                _check_tensor(reader.read(attribute.part("t"), _TENSOR))


def _check_tensor(tensor: _Fields) -> None:
    name, raw = tensor.text("name"), tensor.part("raw_data")
    item = _ITEM_TYPES.get(tensor.number("data_type"))
    if item is None:
        raise _Refused(f"tensor {name!r} has the data type {tensor.number('data_type')}")
    dims = tensor.numbers.get("dims", [])
    if math.prod(dims) * item.itemsize != len(raw):
        raise _Refused(f"tensor {name!r} has {len(raw)} bytes for the shape {dims}")
    if tensor.number("data_type") == _FLOAT and not np.isfinite(np.frombuffer(raw, item)).all():
        raise _Refused(f"tensor {name!r} has values that are not finite")


def _values(reader: _Reader, graph: _Fields, side: str) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """Names of the inputs or outputs and their shapes; None: a free dimension."""
    for value in reader.each(graph, side, _VALUE_INFO):
        tensor = reader.read(reader.read(value.part("type"), _TYPE).part("tensor_type"), _TENSOR_TYPE)
        if tensor.number("elem_type") != _FLOAT:
            raise _Refused(f"{side} {value.text('name')!r} is not float32")
        dims = reader.each(reader.read(tensor.part("shape"), _SHAPE), "dim", _DIMENSION)
        yield value.text("name"), tuple(d.numbers["dim_value"][0] if d.numbers else None for d in dims)


def _check_shapes(
    inputs: dict[str, tuple[int | None, ...]], outputs: dict[str, tuple[int | None, ...]], spec: ModelSpec, path: Path
) -> None:
    wanted: dict[str, tuple[int | None, ...]] = {"emg": (len(spec.channels), spec.window_samples)}
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
