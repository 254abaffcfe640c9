"""Compares families on recordings: their accuracy, and their cost at run time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from myobridge.decoder.latency import hop_times_ms
from myobridge.model.file import LabelledPose, usual_hop_samples
from myobridge.model.load import open_model
from myobridge_models.data.training_set import Source, all_but
from myobridge_models.evaluation.evaluate import Figures, evaluate
from myobridge_models.export.export import export
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.cost import decision_macs, streaming_macs
from myobridge_models.network.families.registry import DEFAULT_FAMILY
from myobridge_models.training.build import build
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.train import Progress, fastest_device


class Trained(NamedTuple):
    """One family, trained and judged; `model` is its file's content, as it may come from another computer."""

    family: str
    network: Network
    model: bytes
    figures: Figures
    train_s: float


class Cost(NamedTuple):
    """The cost of running a family; kmac: thousand multiply-adds (`families.cost`)."""

    parameters: int
    window_ms: float
    p50_ms: float
    p99_ms: float
    p50_ratio: float | None
    streaming_p50_ms: float | None
    streaming_p99_ms: float | None
    decision_kmac: float
    streaming_kmac: float
    file_kb: float
    train_s: float


def train_family(
    family: str,
    sources: Sequence[Source],
    poses: Sequence[LabelledPose],
    held_out: int,
    recipe: Recipe,
    progress: Progress | None = None,
) -> Trained:
    """Trains a family on all repetitions but one, and returns the exported file's mean figures on that one.

    Raises:
        UserError: the recordings do not fit together, do not suffice, or have no such repetition.
    """
    began = perf_counter()
    network, spec = build(
        family, sources, poses, recipe, all_but(sources, [held_out]), fastest_device(), progress, family
    )
    train_s = perf_counter() - began
    with TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        export(network, spec, model)
        found = [evaluate(model, recording, path, held_out) for path, recording in sources]
        return Trained(family, network, model.read_bytes(), mean_figures(found), train_s)


def mean_figures(found: Sequence[Figures]) -> Figures:
    """Returns the mean of each figure over the recordings that have it."""
    columns = ([value for value in column if value is not None] for column in zip(*found, strict=True))
    return Figures(*(float(np.mean(column)) if column else None for column in columns))  # type: ignore[arg-type]


Rows = list[dict[str, object]]


def ranking(trained: Sequence[Trained]) -> tuple[Rows, Rows]:
    """Returns figures and costs of each family, the lowest error first."""
    ranked = sorted(trained, key=lambda one: one.figures.mae_deg)
    accuracy = [{"family": one.family, **one.figures._asdict()} for one in ranked]
    cost = [{"family": one.family, **own._asdict()} for one, own in zip(ranked, costs(ranked), strict=True)]
    return accuracy, cost


def costs(trained: Sequence[Trained]) -> list[Cost]:
    """Returns the costs of all families, timed side by side."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.onnx" for number in range(len(trained))]
        for path, one in zip(paths, trained, strict=True):
            path.write_bytes(one.model)
        opened = [open_model(path) for path in paths]
        windowed = [open_model(path, windowed=True) for path in paths]
    streaming = {one.family: model for one, model in zip(trained, opened, strict=True) if model.streaming}
    times_ms = hop_times_ms([*windowed, *streaming.values()])
    streaming_ms = dict(zip(streaming, times_ms[len(trained) :], strict=True))
    times_ms = times_ms[: len(trained)]
    p50_ms = {one.family: float(np.median(own)) for one, own in zip(trained, times_ms, strict=True)}
    default_ms = p50_ms.get(DEFAULT_FAMILY)
    found = []
    for one, own_ms in zip(trained, times_ms, strict=True):
        shape = one.network.shape
        found.append(
            Cost(
                parameters=sum(p.numel() for p in one.network.parameters()),
                window_ms=1000 * shape.window_samples / shape.fs_hz,
                p50_ms=p50_ms[one.family],
                p99_ms=_p99(own_ms),
                p50_ratio=p50_ms[one.family] / default_ms if default_ms else None,
                streaming_p50_ms=float(np.median(streaming_ms[one.family])) if one.family in streaming_ms else None,
                streaming_p99_ms=_p99(streaming_ms[one.family]) if one.family in streaming_ms else None,
                decision_kmac=decision_macs(onnx.load_model_from_string(one.model)) / 1000,
                streaming_kmac=streaming_macs(one.network, usual_hop_samples(shape.fs_hz)) / 1000,
                file_kb=len(one.model) / 1000,
                train_s=one.train_s,
            )
        )
    return found


def _p99(times_ms: NDArray[np.float64]) -> float:
    return float(np.quantile(times_ms, 0.99))
