"""Writes a trained network and its metadata to one .onnx file, the only file that the daemon needs."""

from __future__ import annotations

import io
import warnings
from base64 import b64encode
from pathlib import Path
from typing import Final

import onnx
import torch
from onnx import numpy_helper

from myobridge.errors import UserError
from myobridge.files import write_bytes
from myobridge.model.file import METADATA_KEY, STREAMING_KEY, ModelSpec, encode_spec
from myobridge_models.export.streaming import streaming_graph
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.families.base import Network

OPSET: Final = 17
"""Old enough for every onnxruntime that the daemon allows."""


def export(network: Network, spec: ModelSpec, path: Path) -> None:
    """Writes graph, weights and metadata; the batch axis stays free, all other axes are fixed.

    Raises:
        UserError: network and metadata describe different decoders, or the file cannot be written.
    """
    shape = network.shape
    described = (spec.fs_hz, len(spec.channels), spec.window_samples)
    built = (shape.fs_hz, shape.channels, shape.window_samples)
    if described != built:
        raise UserError(
            f"{path}: the metadata is for (fs Hz, channels, window samples) {described} and the network for {built}; "
            "export it with the network's own numbers."
        )
    model = onnx.load_model_from_string(_graph(network))
    _name_all(model, network)
    onnx.helper.set_model_props(model, {METADATA_KEY: encode_spec(spec), **_streaming(network, model.graph, spec)})
    onnx.checker.check_model(model)
    write_bytes(path, model.SerializeToString())


def _name_all(model: onnx.ModelProto, network: Network) -> None:
    """Gives every weight its own name again, for `restore`: the tracer merges equal weights of an untrained network."""
    graph, weights = model.graph, network.state_dict()
    merged = [node for node in graph.node if node.op_type == "Identity" and node.output[0] in weights]
    for node in merged:
        graph.node.remove(node)
    named = {tensor.name for tensor in graph.initializer}
    graph.initializer.extend(
        numpy_helper.from_array(value.cpu().numpy(), name) for name, value in weights.items() if name not in named
    )


def _streaming(network: Network, windowed: onnx.GraphProto, spec: ModelSpec) -> dict[str, str]:
    """Returns the metadata entry with the streaming graph, for a network that has one."""
    if not isinstance(network, CnnMlp):
        return {}
    graph = streaming_graph(network, windowed, spec.hop_samples)
    return {STREAMING_KEY: b64encode(graph.SerializeToString()).decode()}


def _graph(network: Network) -> bytes:
    """Traces the network in evaluation mode (no dropout) to ONNX; the tracer needs no further package."""
    shape = network.shape
    example = {"emg": torch.zeros(1, shape.channels, shape.window_samples)}
    if shape.history_values:
        example["history"] = torch.zeros(1, shape.history_values)
    buffer = io.BytesIO()
    was_training = network.training
    network.eval()
    with warnings.catch_warnings():
        # The newer exporter needs onnxscript. The tracer warns of an LSTM's free batch axis; a test covers it.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            tuple(example.values()),
            buffer,  # type: ignore[arg-type]  # a stream works, although the stub does not allow it
            input_names=list(example),
            output_names=["angles"],
            dynamic_axes={name: {0: "batch"} for name in (*example, "angles")},
            opset_version=OPSET,
            do_constant_folding=False,  # weights keep their names, so that `restore` finds them; the runtime folds
            dynamo=False,
        )
    network.train(was_training)
    return buffer.getvalue()
