"""A model small enough to compute by hand, for tests of everything around the network."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from myobridge.model.check import check_model
from myobridge.model.file import METADATA_KEY, LabelledPose, ModelSpec, encode_spec
from myobridge.model.load import Model

REST_DEG = (40.0,) * 5
IDENTITY_SOS = ((1.0, 0.0, 0.0, 1.0, 0.0, 0.0),)


def tiny_spec(**changes) -> ModelSpec:
    fields = {
        "name": "tiny",
        "family": "mean",
        "fs_hz": 1000.0,
        "channels": ("a", "b"),
        "window_samples": 40,
        "hop_samples": 5,
        "history_hops": 2,
        "prefilter_sos": IDENTITY_SOS,
        "scale_fs": (1 / 512, 1 / 512),  # with 10 bits, a filtered count becomes 1
        "rest_pose_deg": REST_DEG,
        "poses": (LabelledPose(0, "rest", REST_DEG), LabelledPose(1, "fist", (180.0,) * 5)),
        **changes,
    }
    return ModelSpec(**fields)


def write_tiny_model(
    path: Path, spec: ModelSpec | None = None, metadata: str | None = None, scale: float = 1.0
) -> Path:
    """Writes a model with five simple angles.

    They are the window's mean times scale, the newest sample of channel 0, the thumb's A(n) and A(n-1), and 7.
    """
    spec = spec or tiny_spec()
    constants = {
        "ones": np.ones((len(spec.channels) * spec.window_samples, 1), np.float32),
        "divisor": np.array([len(spec.channels) * spec.window_samples / scale], np.float32),
        "last": np.array([spec.window_samples - 1], np.int64),
        "zero": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "six": np.array([6], np.int64),
        "five": np.array([5], np.int64),
        "seven": np.array([[7.0]], np.float32),
        "axis": np.array([2], np.int64),
    }
    node = helper.make_node
    nodes = [
        node("Flatten", ["emg"], ["flat"]),
        node("MatMul", ["flat", "ones"], ["sum"]),
        node("Div", ["sum", "divisor"], ["mean"]),
        node("Gather", ["emg", "last"], ["newest3"], axis=2),
        node("Squeeze", ["newest3", "axis"], ["newest2"]),
        node("Slice", ["newest2", "zero", "one", "one"], ["newest"]),
        node("Slice", ["history", "zero", "one", "one"], ["a_n"]),
        node("Slice", ["history", "five", "six", "one"], ["a_n1"]),
        node("Concat", ["mean", "newest", "a_n", "a_n1", "seven"], ["angles"], axis=1),
    ]
    floats = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("emg", floats, [1, len(spec.channels), spec.window_samples]),
            helper.make_tensor_value_info("history", floats, [1, 10]),
        ],
        [helper.make_tensor_value_info("angles", floats, [1, 5])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: encode_spec(spec) if metadata is None else metadata})
    path.write_bytes(model.SerializeToString())
    return path


def untried(path: Path) -> Model:
    """A model that skips its trial, to test what happens if a trial passes wrongly."""
    data = path.read_bytes()
    return Model(path, check_model(data, path).spec, data, None, streaming=False)
