"""Untrained networks as model files, to time decisions: the cost of a decision does not depend on the weights."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from myobridge.decoder.latency import hop_times_ms
from myobridge.model.file import REST_DEG, ModelSpec, usual_hop_samples
from myobridge.model.load import open_model
from myobridge_models.data.takes import design_prefilter
from myobridge_models.export.export import export
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.training.recipe import history_hops


def write_untrained(network: CnnMlp, path: Path, family: str = "cnn_mlp") -> None:
    """Writes the network of a family as a model file, named after the path."""
    shape = network.shape
    spec = ModelSpec(
        name=path.stem,
        family=family,
        fs_hz=shape.fs_hz,
        channels=tuple(f"EMG {n}" for n in range(1, shape.channels + 1)),
        window_samples=shape.window_samples,
        hop_samples=usual_hop_samples(shape.fs_hz),
        history_hops=history_hops(shape.fs_hz),
        prefilter_sos=design_prefilter(shape.fs_hz),
        scale_fs=(0.1,) * shape.channels,
        rest_pose_deg=REST_DEG,
    )
    export(network, spec, path)


def decision_times_ms(network: CnnMlp, family: str) -> dict[str, dict[str, float]]:
    """Times a decision in onnxruntime on one thread, p50 and p99 in milliseconds: the whole window, and a hop's share.

    Raises:
        UserError: the sampling rate is too low for EMG.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "untrained.onnx"
        write_untrained(network, path, family)
        times_ms = hop_times_ms([open_model(path, windowed=True), open_model(path)])
    return {
        name: {"p50": float(np.median(own_ms)), "p99": float(np.quantile(own_ms, 0.99))}
        for name, own_ms in zip(("windowed", "streaming"), times_ms, strict=True)
    }
