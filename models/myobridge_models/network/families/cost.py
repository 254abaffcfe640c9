"""The cost of a decision in multiply-adds: of the file as it is, and of a decoder that would keep its state.

The file's graph computes the whole window. A streaming decoder would keep everything that depends on older samples
alone and compute a hop's share only; that cost is counted here, not built. Products and the sums over frames count;
biases, ReLUs, softmax and the few products of the gates do not.
"""

from __future__ import annotations

from math import lcm, prod
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import onnxruntime as ort

from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.families.base import Network, weights
from myobridge_models.network.families.head import FrameNetwork

Shapes = dict[str, list[int]]


def decision_macs(model: onnx.ModelProto) -> int:
    """Counts the multiply-adds of one decision of an exported model, from the shapes in its graph."""
    graph = onnx.shape_inference.infer_shapes(_folded(_with_one_window(model)), data_prop=True).graph
    shapes = {t.name: list(t.dims) for t in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = [d.dim_value for d in value.type.tensor_type.shape.dim]
    return sum(_macs(node, shapes) for node in graph.node)


def _with_one_window(model: onnx.ModelProto) -> onnx.ModelProto:
    one = onnx.ModelProto()
    one.CopyFrom(model)
    for value in (*one.graph.input, *one.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return one


def _folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Returns the model as the runtime runs it; nodes that read weights alone run once, at load."""
    with TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        options.log_severity_level = 4
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def _macs(node: onnx.NodeProto, shapes: Shapes) -> int:
    out = prod(shapes[node.output[0]])
    match node.op_type:
        case "AveragePool":
            kernel: list[int] = next(list(a.ints) for a in node.attribute if a.name == "kernel_shape")
            return out * prod(kernel)
        case "Conv":
            return out * prod(shapes[node.input[1]][1:])
        case "Gemm" | "MatMul":
            return out * shapes[node.input[0]][-1]
        case "ReduceMean":
            return prod(shapes[node.input[0]])
        case "LSTM" | "GRU":
            inner, recurrent = node.input[1:3]
            return shapes[node.input[0]][0] * (prod(shapes[inner]) + prod(shapes[recurrent]))
    return 0


def streaming_macs(network: Network, hop_samples: int) -> int:
    """Counts the multiply-adds of a hop if everything that depends on older samples alone were kept.

    The MLP runs as a whole: every one of its inputs changes between two hops.
    """
    if isinstance(network, CnnMlp):
        return _notes_stages(network, hop_samples) + weights(network.mlp)
    assert isinstance(network, FrameNetwork)
    shape = network.shape
    new_frames = lcm(shape.step, hop_samples) // shape.step  # until frames and hops align again
    return shape.maps * hop_samples + new_frames * network.frame_macs() + weights(network.mlp)


def _notes_stages(network: CnnMlp, hop_samples: int) -> int:
    """Counts both stages at every new sample of each map, because the phase of strides 2 and 3 changes with each hop.

    The channel correlations add the hop's products and the sums over all hops of each span.
    """
    shape = network.shape
    stage_1 = sum(d.layers * (d.kernel - 1) + 1 for d in shape.detectors)  # layers run as one filter
    stage_2 = len(shape.detectors) * weights(network.patterns)
    convolutions = hop_samples * shape.channels * (stage_1 + stage_2)
    if network.correlation is None:
        return convolutions
    return convolutions + len(network.correlation.first) * (hop_samples + sum(network.correlation.spans) // hop_samples)
