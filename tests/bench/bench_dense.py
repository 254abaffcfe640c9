"""Makes the notes' full first dense layer smaller, by rank and by int8: accuracy, size and time of each form.

myobridge-models train s01.npz --hold-out 2 --family cnn_mlp_full --out full.onnx   (and likewise for others beside it)
python tests/bench/bench_dense.py full.onnx s01.npz --repetition 2 [--beside other.onnx …]

The layer holds 98 % of the full form's weights. A rank comes from the singular values, without training. int8 has one
scale per unit; its accuracy is measured with rounded weights, its time with onnxruntime's dynamic quantization.
Networks of other families are measured as they were trained.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from myobridge.decoder.latency import hop_times_ms
from myobridge.model.file import STREAMING_KEY
from myobridge.model.load import open_model
from myobridge.recording import Recording
from myobridge_models.evaluation.evaluate import evaluate

LAYER = "mlp.1.weight"
RANKS = (64, 32, 16, 8, 4)
INT8_MAX = 127


def windowed(path: Path) -> onnx.ModelProto:
    """The model without its second graph, whose weights would otherwise have to change, too."""
    model = onnx.load(path)
    kept = [entry for entry in model.metadata_props if entry.key != STREAMING_KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    return model


def with_weights(model: onnx.ModelProto, weights: np.ndarray) -> onnx.ModelProto:
    """The model with other weights in its first dense layer."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    tensor = next(tensor for tensor in changed.graph.initializer if tensor.name == LAYER)
    tensor.CopyFrom(numpy_helper.from_array(weights.astype(np.float32), LAYER))
    return changed


def with_rank(model: onnx.ModelProto, left: np.ndarray, right: np.ndarray) -> onnx.ModelProto:
    """The model with its first dense layer split in two: features → rank → units."""
    changed = with_weights(model, left)
    graph = changed.graph
    graph.initializer.append(numpy_helper.from_array(right.astype(np.float32), "rank.weight"))
    at, node = next((i, node) for i, node in enumerate(graph.node) if LAYER in node.input)
    graph.node.insert(at, helper.make_node("Gemm", [node.input[0], "rank.weight"], ["rank"], transB=1))
    node.input[0] = "rank"
    return changed


def quantized(model: onnx.ModelProto, path: Path) -> ort.InferenceSession:
    """The model with only its first dense layer in int8."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    tensor = next(tensor for tensor in graph.initializer if tensor.name == LAYER)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(numpy_helper.to_array(tensor).T), LAYER))
    at, node = next((i, node) for i, node in enumerate(graph.node) if LAYER in node.input)
    graph.node.insert(at + 1, helper.make_node("Add", ["product", node.input[2]], list(node.output)))
    node.CopyFrom(helper.make_node("MatMul", node.input[:2], ["product"], name="layer"))
    onnx.save(changed, path)
    quantize_dynamic(path, path, nodes_to_quantize=["layer"], weight_type=QuantType.QInt8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def weights_of(model: onnx.ModelProto) -> np.ndarray:
    """Weights of the first dense layer, (units, features)."""
    return numpy_helper.to_array(next(tensor for tensor in model.graph.initializer if tensor.name == LAYER))


def variants(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.ModelProto, float]]:
    """The forms: name, model and kB of the layer."""
    weights = weights_of(model)
    yield "as it is", model, weights.nbytes / 1000
    left, values, right = np.linalg.svd(weights, full_matrices=False)
    for rank in RANKS:
        two = with_rank(model, left[:, :rank] * values[:rank], right[:rank])
        yield f"rank {rank}", two, 4 * rank * sum(weights.shape) / 1000
    scale = np.abs(weights).max(axis=1, keepdims=True) / INT8_MAX
    yield "int8", with_weights(model, np.round(weights / scale) * scale), (weights.size + 4 * len(weights)) / 1000


def main() -> None:
    """Prints a line for each form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--repetition", type=int)
    parser.add_argument("--beside", type=Path, nargs="*", default=[])
    asked = parser.parse_args()
    recording = Recording.load(asked.recording)
    with tempfile.TemporaryDirectory() as folder:
        others = [(path.stem, windowed(path)) for path in asked.beside]
        forms = [(name, model, weights_of(model).nbytes / 1000) for name, model in others]
        forms += variants(windowed(asked.model))
        names, opened = [], []
        for name, model, kb in forms:
            path = Path(folder, f"{name.replace(' ', '_')}.onnx")
            onnx.save(model, path)
            found = evaluate(path, recording, asked.recording, asked.repetition)
            names.append(f"{name:9} {found.mae_deg:5.1f}° {found.balanced_accuracy or 0:.3f}  layer {kb:6.0f} kB")
            opened.append(open_model(path))
        opened[-1].session = quantized(forms[-1][1], path)
        for name, times in zip(names, hop_times_ms(opened), strict=True):
            print(f"{name}  p50 {np.median(times):.3f} ms")


if __name__ == "__main__":
    main()
