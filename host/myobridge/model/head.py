"""The head of a network in the bytes of a model file: the dense layers behind the features, and their replacement.

A head is three dense layers, the initializers `mlp.N.weight` (out, in) and `mlp.N.bias` (out,) in rising order of N,
with ReLU between them and 180° times a sigmoid behind the last. The first layer reads the features and then the
history. The streaming graph uses the same initializers (streaming.py). So new weights of the same size change both
graphs alike, cost nothing at run time, and need no other tool than the reader.

A calibration replaces the first layer, or all three. It keeps each layer of the training that it replaces in
initializers that no node reads, EARLIER, so that the calibration of the next day begins with these layers again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.model.file import METADATA_KEY, STATISTICS_KEY, ModelSpec, encode_spec
from myobridge.model.onnx_reader import (
    ENTRY,
    GRAPH,
    MODEL,
    NODE,
    TENSOR,
    VALUE_INFO,
    Fields,
    Message,
    Reader,
    Refused,
    field,
)

LAYERS: Final = 3
EARLIER: Final = (
    ("earlier.weight", "earlier.bias"),
    ("earlier.2.weight", "earlier.2.bias"),
    ("earlier.3.weight", "earlier.3.bias"),
)
"""Names of the weight and the bias of each layer of the training."""
FLOAT: Final = 1
"""TensorProto.DataType."""
_WEIGHT: Final = re.compile(r"mlp\.(\d{1,4})\.weight")
_ITEM: Final = np.dtype("<f4")

Floats = NDArray[np.float32]
Layer = tuple[Floats, Floats]
"""Weight (out, in) and bias (out,)."""


class Head(NamedTuple):
    """The layers of a head.

    name: of the first weight. layers: float32, views of the file's bytes. earlier: the layers of the training.
    kept: for each layer whether `earlier` is kept beside the head, because a calibration has replaced the layer.
    """

    name: str
    layers: list[Layer]
    earlier: list[Layer]
    kept: list[bool]

    @property
    def inputs(self) -> int:
        """Width of the first layer: the features, then the history."""
        return int(self.layers[0][0].shape[1])


def read_head(reader: Reader, graph: Fields) -> Head:
    """Finds the head among the initializers.

    Raises:
        Refused: the graph has no such head.
    """
    tensors = {tensor.text("name"): tensor for tensor in reader.each(graph, "initializer", TENSOR)}
    numbers = sorted(int(found[1]) for name in tensors if (found := _WEIGHT.fullmatch(name)))
    if len(numbers) != LAYERS:
        raise Refused(f"the graph has a head of {len(numbers)} dense layers, not of {LAYERS}")
    layers = [_layer(tensors, f"mlp.{number}.weight", f"mlp.{number}.bias") for number in numbers]
    widths = [weight.shape for weight, _ in layers]
    if any(out != into for (out, _), (_, into) in pairwise(widths)) or widths[-1][0] != len(SERVOS):
        raise Refused(f"the layers of the head do not fit together ({widths})")
    kept = [weight in tensors for weight, _ in EARLIER]
    earlier = [_layer(tensors, *EARLIER[n]) if kept[n] else layers[n] for n in range(LAYERS)]
    for (name, _), (weight, _), width in zip(EARLIER, earlier, widths, strict=True):
        if weight.shape != width:
            raise Refused(f"{name} {weight.shape} does not fit its layer {width}")
    return Head(f"mlp.{numbers[0]}.weight", layers, earlier, kept)


def _layer(tensors: Mapping[str, Fields], weight: str, bias: str) -> Layer:
    """A layer whose tensors have passed the check of a tensor (check.py)."""
    pair = []
    for name, rank in ((weight, 2), (bias, 1)):
        dims = tensors[name].numbers.get("dims", []) if name in tensors else []
        if len(dims) != rank or tensors[name].number("data_type") != FLOAT or not all(dims):
            raise Refused(f"{name} is missing, or has the shape {dims}")
        pair.append(np.frombuffer(tensors[name].part("raw_data"), _ITEM).reshape(dims))
    if pair[0].shape[:1] != pair[1].shape:
        raise Refused(f"{weight} {pair[0].shape} does not fit {bias} {pair[1].shape}")
    return pair[0], pair[1]


def head_of(data: bytes) -> Head:
    """The head of a checked model file.

    Raises:
        Refused: the file has no head.
    """
    reader = Reader()
    return read_head(reader, reader.read(reader.read(memoryview(data), MODEL).part("graph"), GRAPH))


def with_layers(data: bytes, layers: Sequence[Layer], spec: ModelSpec) -> bytes:
    """A checked model file with other layers in its head, and with the metadata `spec`.

    Raises:
        Refused: the file has no head.
    """
    reader, changed = Reader(), memoryview(bytearray(data))
    model = reader.read(changed, MODEL)
    graph = reader.read(model.part("graph"), GRAPH)
    head = read_head(reader, graph)
    initializers = list[bytes | memoryview](graph.parts["initializer"])
    for layer, new, names, kept in zip(head.layers, layers, EARLIER, head.kept, strict=True):
        differs = any(not np.array_equal(own, other) for own, other in zip(layer, new, strict=True))
        if differs and not kept:
            initializers += [_tensor(name, own) for name, own in zip(names, layer, strict=True)]
        for own, other in zip(layer, new, strict=True):
            own[:] = other  # a view: this changes the bytes of the initializer
    entries = [part for part in model.parts.get("metadata_props", ()) if _key(reader, part) != METADATA_KEY]
    metadata = field(ENTRY, "key", METADATA_KEY.encode()) + field(ENTRY, "value", encode_spec(spec).encode())
    model.parts["metadata_props"] = [*entries, memoryview(metadata)]
    return _written(MODEL, model, "graph", [_written(GRAPH, graph, "initializer", initializers)])


def with_statistics(data: bytes, text: str) -> bytes:
    """A model file without class statistics, with the entry STATISTICS_KEY."""
    entry = field(ENTRY, "key", STATISTICS_KEY.encode()) + field(ENTRY, "value", text.encode())
    return data + field(MODEL, "metadata_props", entry)


def with_features(data: bytes) -> tuple[bytes, str]:
    """The windowed graph with the inputs of its head as a second output, as a model, and that output's name.

    Raises:
        Refused: the file has no head, or no node reads its first weight.
    """
    reader = Reader()
    model = reader.read(memoryview(data), MODEL)
    graph = reader.read(model.part("graph"), GRAPH)
    weight = read_head(reader, graph).name
    for node in reader.each(graph, "node", NODE):
        inputs = [bytes(name).decode("utf-8", "replace") for name in node.parts.get("input", ())]
        if node.text("op_type") == "Gemm" and inputs[1:2] == [weight]:
            output = field(VALUE_INFO, "name", inputs[0].encode())
            changed = _written(GRAPH, graph, "output", [*graph.parts["output"], output])
            model.parts["metadata_props"] = []
            return _written(MODEL, model, "graph", [changed]), inputs[0]
    raise Refused(f"no node reads {weight}")


def _tensor(name: str, values: Floats) -> bytes:
    dims = [field(TENSOR, "dims", size) for size in values.shape]
    parts = field(TENSOR, "name", name.encode()), field(TENSOR, "raw_data", np.ascontiguousarray(values).tobytes())
    return b"".join([*dims, field(TENSOR, "data_type", FLOAT), *parts])


def _key(reader: Reader, entry: memoryview) -> str:
    return reader.read(entry, ENTRY).text("key")


def _written(message: Message, fields: Fields, name: str, parts: Iterable[bytes | memoryview]) -> bytes:
    """A message with other values in its field `name`."""
    numbers = [field(message, key, value) for key, values in fields.numbers.items() for value in values]
    every: dict[str, Iterable[bytes | memoryview]] = {**fields.parts, name: parts}
    return b"".join([*numbers, *(field(message, key, value) for key, values in every.items() for value in values)])
