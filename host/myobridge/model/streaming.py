"""Makes a separate model from the streaming graph of a model file; model/file.py describes the graph.

Most weights of a network belong to its first dense layer, so the streaming graph comes without the weights that the
file's own graph already holds; this module adds them. Concatenating the bytes of protobuf messages merges the messages.
"""

from __future__ import annotations

import binascii
from math import prod
from typing import Final

from myobridge import SERVOS
from myobridge.model.file import PAST, ModelSpec
from myobridge.model.onnx_reader import GRAPH, MODEL, NODE, TENSOR, Fields, Reader, Refused, field

MAX_TAPE_BYTES: Final = 64 << 20
"""Limit for all tapes of a decoder; 64 channels at 2 kHz take 14 MB."""
FLOAT_BYTES: Final = 4

Shapes = dict[str, tuple[int | None, ...]]
"""Shapes by the name of an input or output; None stands for a free dimension."""


def streaming_graph(text: str) -> bytes:
    """The streaming graph in the metadata of a file.

    Raises:
        Refused: the text is not base64.
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise Refused("the graph is not base64") from error


def check_tapes(inputs: Shapes, outputs: Shapes, spec: ModelSpec) -> None:
    """Checks the inputs and outputs of a streaming graph, and that its tapes reach back at most one window.

    Raises:
        Refused: an input, an output or a tape does not fit the metadata.
    """
    kept = [name for name in outputs if name != "angles"]
    samples = next(iter(inputs.get("emg", ())), None)
    wanted: Shapes = {PAST + name: inputs.get(PAST + name, ()) for name in kept}
    wanted["emg"] = (samples, len(spec.channels))
    if spec.history_hops:
        wanted["history"] = (1, 2 * len(SERVOS))
    fixed = all(all(shape) for shape in (*inputs.values(), *outputs.values()))
    if inputs != wanted or outputs.get("angles") != (1, len(SERVOS)) or not fixed or (samples or 0) < spec.hop_samples:
        raise Refused(f"the graph takes {inputs} and gives {outputs}")
    hops = 1 + -(-spec.window_samples // spec.hop_samples)
    pairs = [(_values(inputs["emg"]), spec.hop_samples * len(spec.channels))]
    pairs += [(_values(inputs[PAST + name]), _values(outputs[name])) for name in kept]
    if any(past > hops * new for past, new in pairs):
        raise Refused("the graph keeps more than a window")
    if 2 * FLOAT_BYTES * hops * sum(new for _, new in pairs) > MAX_TAPE_BYTES:
        raise Refused(f"the tapes may take more than {MAX_TAPE_BYTES >> 20} MB")


def _values(shape: tuple[int | None, ...]) -> int:
    return prod(n or 0 for n in shape)


def streaming_model(reader: Reader, model: Fields, graph: Fields, streaming: Fields, part: bytes) -> bytes:
    """A whole model: the streaming graph, whose bytes are `part`, with the weights that it shares with `graph`."""
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
