"""A model with a head and class statistics, small enough to understand, and a wearer whose electrodes can move.

Pose k makes channel k - 1 loud. The features are the logarithms of the channels' powers; the head is written by hand.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from myobridge.calibration.class_statistics import HELD_S, Day, statistics_of
from myobridge.calibration.windows import windows_of
from myobridge.model.file import METADATA_KEY, LabelledPose, ModelSpec, encode_spec
from myobridge.model.head import with_statistics
from myobridge.model.statistics import encode_statistics
from myobridge.recording import Recording
from tiny_model import IDENTITY_SOS, REST_DEG

FS_HZ = 1000.0
CHANNELS = 4
WINDOW = 300
QUIET, LOUD = 10.0, 300.0
POSES = (
    LabelledPose(0, "Rest", REST_DEG),
    LabelledPose(1, "Open", (5.0,) * 5),
    LabelledPose(2, "Fist", (175.0,) * 5),
    LabelledPose(3, "Point", (175.0, 5.0, 175.0, 175.0, 175.0)),
    LabelledPose(4, "Pinch", (120.0, 120.0, 20.0, 20.0, 20.0)),
)
SPEC = ModelSpec(
    name="headed",
    family="headed",
    fs_hz=FS_HZ,
    channels=tuple("abcd"),
    window_samples=WINDOW,
    hop_samples=5,
    history_hops=10,
    prefilter_sos=IDENTITY_SOS,
    scale_fs=(LOUD / 512,) * CHANNELS,
    rest_pose_deg=REST_DEG,
    poses=POSES,
)


def held(seed=0, labels=(0, 1, 2, 3, 4), hold_s=2.0, rest_s=1.6, repetitions=1, act=lambda label: label, mix=None):
    """A guided recording. The wearer does act(label); `mix` (channels, channels) says where the electrodes sit."""
    rng = np.random.default_rng(seed)
    cues = [(0, rest_s)]
    for _ in range(repetitions):
        for label in labels:
            if label:
                cues += [(label, hold_s), (0, rest_s)]
    label = np.concatenate([np.full(round(s * FS_HZ), one, np.uint8) for one, s in cues])
    loudness = np.full((len(label), CHANNELS), QUIET)
    for pose in range(1, CHANNELS + 1):
        loudness[np.array([act(int(one)) for one in label]) == pose, pose - 1] = LOUD
    emg = loudness * rng.standard_normal((len(label), CHANNELS))
    counts = np.clip(emg @ (np.eye(CHANNELS) if mix is None else mix), -511, 511).astype(np.int16)
    present = tuple(pose for pose in POSES if pose.label in labels)
    return Recording(counts, FS_HZ, 10, label, np.zeros(len(label), np.uint8), None, None, present)


def _swing(pose):
    share = np.array(pose) / 180
    return np.log(share / (1 - share))


def head():
    """Weights and biases: how loud each channel is from 0 to 1, the same again, and the way from rest to its pose."""
    first = np.zeros((8, CHANNELS + 10))
    first[:CHANNELS, :CHANNELS] = np.eye(CHANNELS) / 6
    loud = np.concatenate([np.ones(CHANNELS), np.zeros(4)])
    second = np.eye(6, 8)
    third = np.zeros((5, 6))
    for pose in POSES[1:]:
        third[:, pose.label - 1] = _swing(pose.angles_deg) - _swing(REST_DEG)
    return [(first, loud), (second, np.zeros(6)), (third, _swing(REST_DEG))]


def headed(layers: list[tuple[np.ndarray, np.ndarray]], spec: ModelSpec) -> bytes:
    """A model file: log channel power and the history, through three dense layers (weight, bias), to angles."""
    constants = {"eps": np.array([1e-6]), "half": np.array([90.0]), "one": np.array([1.0]), "full": np.array([180.0])}
    for number, (weight, bias) in zip((1, 4, 7), layers, strict=True):
        constants |= {f"mlp.{number}.weight": weight, f"mlp.{number}.bias": bias}
    node = helper.make_node
    nodes = [
        node("Mul", ["emg", "emg"], ["squares"]),
        node("ReduceMean", ["squares"], ["power"], axes=[2], keepdims=0),
        node("Add", ["power", "eps"], ["floored"]),
        node("Log", ["floored"], ["logs"]),
        node("Div", ["history", "half"], ["share"]),
        node("Sub", ["share", "one"], ["swing"]),
        node("Concat", ["logs", "swing"], ["read"], axis=1),
        node("Gemm", ["read", "mlp.1.weight", "mlp.1.bias"], ["x1"], transB=1),
        node("Relu", ["x1"], ["y1"]),
        node("Gemm", ["y1", "mlp.4.weight", "mlp.4.bias"], ["x4"], transB=1),
        node("Relu", ["x4"], ["y4"]),
        node("Gemm", ["y4", "mlp.7.weight", "mlp.7.bias"], ["x7"], transB=1),
        node("Sigmoid", ["x7"], ["s"]),
        node("Mul", ["s", "full"], ["angles"]),
    ]
    floats = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        spec.name,
        [
            helper.make_tensor_value_info("emg", floats, ["n", len(spec.channels), spec.window_samples]),
            helper.make_tensor_value_info("history", floats, ["n", 10]),
        ],
        [helper.make_tensor_value_info("angles", floats, ["n", 5])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: encode_spec(spec)})
    return bytes(model.SerializeToString())


def write_headed_model(path: Path, days=(), spec: ModelSpec = SPEC) -> Path:
    """Writes the model, with class statistics of the recordings `days` if there are any."""
    data = headed(head(), spec)
    if days:
        data = with_statistics(data, encode_statistics(statistics_of([_day(data, one, path) for one in days])))
    path.write_bytes(data)
    return path


def _day(data, recording, path):
    windows = windows_of(data, SPEC, recording, path)
    inside = windows.hold >= 0
    first = windows.since_s[inside] <= HELD_S
    return Day(windows.features[inside], windows.label[inside], first)
