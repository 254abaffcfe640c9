"""A wearer for simulated time: cheap EMG that asks for every pose, electrodes that fail in every way, and models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import neighbours  # noqa: F401
import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from myobridge.model.file import METADATA_KEY, ModelSpec, Smoothing, encode_spec
from tiny_model import tiny_spec

FS_HZ: Final = 1000.0
CHANNELS: Final = ("a", "b", "c")
ADC_BITS: Final = 10
TOP: Final = (1 << (ADC_BITS - 1)) - 1
LOOP_S: Final = 30.0
HOP: Final = 20
WINDOW: Final = 200
HUM_HZ: Final = 50.0
RAILS_HZ: Final = 83.0
PATTERN: Final = 16
"""Samples of a repeating pattern."""


def spec_of(name: str, **changes: object) -> ModelSpec:
    """A model that fits the wearer's stream."""
    return tiny_spec(
        name=name, fs_hz=FS_HZ, channels=CHANNELS, window_samples=WINDOW, hop_samples=HOP, history_hops=0,
        scale_fs=(1 / 512,) * len(CHANNELS), smoothing=Smoothing(min_cutoff_hz=2.0, beta_hz_per_deg_s=0.0), **changes,
    )  # fmt: skip


def write_strength_model(path: Path, name: str, trap: str = "") -> Path:
    """Angles follow the strength of each muscle. trap: at strong EMG, `index` fails and `nan` returns not-a-number."""
    spec, node = spec_of(name), helper.make_node
    weights = np.full((len(CHANNELS), 5), 0.08, np.float32) * np.arange(1, 6, dtype=np.float32) / 5
    constants = {"weights": weights}
    nodes = [
        node("ReduceL2", ["emg"], ["strength"], axes=[2], keepdims=0),
        node("MatMul", ["strength", "weights"], ["plain" if trap else "angles"]),
    ]
    if trap == "index":
        constants |= {"table": np.zeros((20, 1), np.float32), "step": np.array([40.0], np.float32)}
        nodes += [
            node("ReduceMean", ["strength"], ["mean"], axes=[0, 1], keepdims=0),
            node("Div", ["mean", "step"], ["scaled"]),
            node("Cast", ["scaled"], ["at"], to=TensorProto.INT64),
            node("Gather", ["table", "at"], ["extra"], axis=0),
            node("Add", ["plain", "extra"], ["angles"]),
        ]
    elif trap == "nan":
        constants["limit"] = np.array([90.0], np.float32)
        nodes += [
            node("Sub", ["limit", "plain"], ["left"]),
            node("Sqrt", ["left"], ["root"]),
            node("Add", ["plain", "root"], ["angles"]),
        ]
    floats = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("emg", floats, [1, len(CHANNELS), WINDOW])],
        [helper.make_tensor_value_info("angles", floats, [1, 5])],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: encode_spec(spec)})
    path.write_bytes(model.SerializeToString())
    return path


def _emg() -> NDArray[np.int16]:
    """Rest, held grips of different strength, and the transitions between them: (samples, channels)."""
    random = np.random.default_rng(3)
    samples = int(LOOP_S * FS_HZ)
    steps = np.repeat(random.choice([8.0, 25.0, 60.0, 90.0], 15), samples // 15)
    strength = np.convolve(np.concatenate([steps[-300:], steps]), np.ones(300) / 300, "valid")[:samples]
    noise = random.standard_normal((samples, len(CHANNELS))) * strength[:, None]
    return np.clip(noise, -TOP - 1, TOP).astype(np.int16)


@dataclass
class Trouble:
    """One bad electrode, from one sample to another (excluded). until: None while it lasts."""

    kind: str
    channel: int
    since: int
    until: int | None = None


class Wearer:
    """An `EmgSource`. `taken`: samples so far, over all streams."""

    fs_hz, channels, adc_bits = FS_HZ, len(CHANNELS), ADC_BITS
    _loop = _emg()

    def __init__(self) -> None:
        self.taken = 0
        self.troubles: list[Trouble] = []
        self.lead_off = False
        self._now: Trouble | None = None

    def trouble(self, kind: str, channel: int) -> None:
        """Makes an electrode bad from now on."""
        self.mend()
        self._now = Trouble(kind, channel, self.taken)
        self.troubles = [*self.troubles[-9:], self._now]
        self.lead_off = kind == "lead off"

    def mend(self) -> None:
        """Makes all electrodes good."""
        if self._now is not None:
            self._now.until = self.taken
        self._now, self.lead_off = None, False

    def read(self, samples: int) -> tuple[NDArray[np.int16], None]:
        index = np.arange(self.taken, self.taken + samples)
        counts = self._loop[index % len(self._loop)]
        if self._now is not None and self._now.kind in TROUBLES:
            counts = counts.copy()
            counts[:, self._now.channel] = TROUBLES[self._now.kind](self, index, self._now.channel)
        self.taken += samples
        return counts, None


def _pattern(wearer: Wearer, index: NDArray[np.int64], channel: int) -> NDArray[np.int16]:
    return wearer._loop[5000 + index % PATTERN, channel]


def _identical(wearer: Wearer, index: NDArray[np.int64], channel: int) -> NDArray[np.int16]:
    return wearer._loop[index % len(wearer._loop), (channel + 1) % len(CHANNELS)]


TROUBLES: Final = {
    "flat": lambda _wearer, index, _channel: 0 * index,
    "stuck at the top": lambda _wearer, index, _channel: 0 * index + TOP,
    "saturated": lambda _wearer, index, _channel: np.where(np.sin(index * 2 * np.pi * RAILS_HZ / FS_HZ) > 0, TOP, -TOP),
    "hum": lambda _wearer, index, _channel: TOP / 2 * np.sin(2 * np.pi * HUM_HZ * index / FS_HZ),
    "repeating": _pattern,
    "identical": _identical,
}
BAD_AFTER_S: Final = {
    "flat": 0.3,
    "stuck at the top": 0.3,
    "saturated": 0.3,
    "hum": 0.3,
    "lead off": 0.03,
    "repeating": 0.75,
    "identical": 0.9,
}
"""From this age on a lasting trouble must be detected, and its electrode's samples must not be used.

Counted from when the line last lost nothing: the samples that are filled in for lost ones are of the time before.
"""
