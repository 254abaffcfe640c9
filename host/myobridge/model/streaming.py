"""The second graph of a model file, the streaming one, as a model of its own; its contract is in `model_file.py`.

Most of a network is its first dense layer, so the graph comes without the weights that the file's own graph holds
already; they are put beside its nodes here. A protobuf message is joined by joining its bytes.
"""

from __future__ import annotations

import binascii
from math import prod
from typing import Final

from myobridge import SERVOS
from myobridge.model.file import PAST, ModelSpec
from myobridge.model.onnx_reader import GRAPH, MODEL, NODE, TENSOR, Fields, Reader, Refused, field

MAX_TAPE_BYTES: Final = 64 << 20
"""Of everything that a decoder keeps; 64 channels at 2 kHz take 14 MB."""
FLOAT_BYTES: Final = 4

Shapes = dict[str, tuple[int | None, ...]]
"""By the name of an input or output; None: a free dimension."""


def streaming_graph(text: str) -> bytes:
    """The graph that a file's metadata carry.

    Raises:
        Refused: it is not written as ours are.
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise Refused("it is not base64") from error


def check_tapes(inputs: Shapes, outputs: Shapes, spec: ModelSpec) -> None:
    """Inputs and outputs are those of a streaming graph, and what is kept reaches no further back than a window.

    Raises:
        Refused: they are not.
    """
    kept = [name for name in outputs if name != "angles"]
    samples = next(iter(inputs.get("emg", ())), None)
    wanted: Shapes = {PAST + name: inputs.get(PAST + name, ()) for name in kept}
    wanted["emg"] = (samples, len(spec.channels))
    if spec.history_hops:
        wanted["history"] = (1, 2 * len(SERVOS))
    fixed = all(all(shape) for shape in (*inputs.values(), *outputs.values()))
    if inputs != wanted or outputs.get("angles") != (1, len(SERVOS)) or not fixed or (samples or 0) < spec.hop_samples:
        raise Refused(f"it takes {inputs} and gives {outputs}")
    hops = 1 + -(-spec.window_samples // spec.hop_samples)
    pairs = [(_values(inputs["emg"]), spec.hop_samples * len(spec.channels))]
    pairs += [(_values(inputs[PAST + name]), _values(outputs[name])) for name in kept]
    if any(past > hops * new for past, new in pairs):
        raise Refused("it keeps more than a window")
    if 2 * FLOAT_BYTES * hops * sum(new for _, new in pairs) > MAX_TAPE_BYTES:
        raise Refused(f"what it keeps may take more than {MAX_TAPE_BYTES >> 20} MB")


def _values(shape: tuple[int | None, ...]) -> int:
    return prod(n or 0 for n in shape)


def streaming_model(reader: Reader, model: Fields, graph: Fields, streaming: Fields, part: bytes) -> bytes:
    """A whole model: the streaming graph, which is `part`, with the weights of the file's own `graph` that it uses."""
    used = {bytes(name) for node in reader.each(streaming, "node", NODE) for name in node.parts.get("input", ())}
    own = {tensor.text("name") for tensor in reader.each(streaming, "initializer", TENSOR)}
    pieces = [part]
    for tensor in graph.parts.get("initializer", ()):
        name = reader.read(tensor, TENSOR).text("name")
        if name.encode() in used and name not in own:
            pieces.append(field(GRAPH, "initializer", tensor))
    whole = [field(MODEL, "ir_version", model.number("ir_version"))]
    whole += [field(MODEL, "opset_import", opset) for opset in model.parts.get("opset_import", ())]
    whole.append(field(MODEL, "graph", b"".join(pieces)))
    return b"".join(whole)
