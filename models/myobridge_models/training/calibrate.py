"""From a model to one that knows this person and this day: the MLP goes on learning on a short recording.

The base's detectors stay as they are, so that a minute of EMG is enough and a Raspberry Pi's processor too. Beside it a
small training from the start is tried, and what is better on a repetition that neither has seen is taken: a base of
other people helps some and hinders others. Where the base is for another device, there is only the start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch

from myobridge.errors import UserError
from myobridge.model.file import LabelledPose, ModelSpec
from myobridge.model.load import open_model
from myobridge.recording import Recording
from myobridge_models.data.takes import channel_scale, scaled
from myobridge_models.evaluation.evaluate import Figures, evaluate
from myobridge_models.export.export import export
from myobridge_models.export.restore import restore
from myobridge_models.network.families.base import Network
from myobridge_models.training.build import Source, build, described, training_takes
from myobridge_models.training.recipe import CALIBRATION, FROM_THE_START
from myobridge_models.training.train import Progress, train

Bar = Callable[[str, int], AbstractContextManager[Progress | None]]
"""Shows a training by its title and its number of steps."""


class Calibration(NamedTuple):
    """Figures on the recording's last repetition, which neither model was trained on; None: the base does not fit.

    The model that is written has then been trained on all repetitions; from_base says which way was better.
    """

    before: Figures | None
    after: Figures
    repetition: int
    from_base: bool


def fits(spec: ModelSpec, recording: Recording) -> bool:
    """The model is for a device like the recording's."""
    return (spec.fs_hz, len(spec.channels)) == (recording.fs_hz, recording.channels)


def fine_tuned(
    base: Path,
    name: str,
    sources: Sequence[Source],
    poses: Sequence[LabelledPose],
    repetitions: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> tuple[Network, ModelSpec]:
    """The base's network after it went on learning on these repetitions of the recordings, and its metadata.

    Raises:
        UserError: the base cannot be used, or the recordings do not suffice.
    """
    recipe = CALIBRATION
    torch.manual_seed(recipe.seed)
    network, spec = restore(base, recipe.dropout)
    takes = training_takes(sources, poses, repetitions)
    scale = channel_scale(takes)
    network = train(scaled(takes, scale), network, recipe, progress=progress)
    return network, described(name, spec.family, network, sources, poses, takes, scale, recipe, base=spec.name)


class Chosen(NamedTuple):
    """The better of two trainings; the trial's figures are on the repetition that it had not seen, if there are two."""

    network: Network
    spec: ModelSpec
    trial: Figures | None
    from_base: bool


def better_way(
    base: Path,
    name: str,
    source: Source,
    poses: Sequence[LabelledPose],
    repetitions: Sequence[int],
    bar: Bar = lambda _title, _steps: nullcontext(),
) -> Chosen:
    """From the base or from the start, whichever is better on the last of the repetitions; then trained on them all.

    A single repetition leaves nothing to try on, and the base is taken if it is for such a device.

    Raises:
        UserError: the base cannot be used, or the recording does not suffice.
    """
    path, recording = source
    judged_on, others = repetitions[-1], repetitions[:-1]
    _, base_spec = restore(base, 0.0)

    def trained(from_base: bool, on: Sequence[int], title: str) -> tuple[Network, ModelSpec]:
        if from_base:
            with bar(f"{title} from {base_spec.name}", CALIBRATION.steps) as progress:
                return fine_tuned(base, name, [source], poses, on, progress=progress)
        with bar(f"{title} from the start", FROM_THE_START.steps) as progress:
            return build(name, [source], poses, FROM_THE_START, on, progress=progress)

    def tried(from_base: bool) -> Figures:
        with TemporaryDirectory() as folder:
            trial = Path(folder) / "trial.onnx"
            export(*trained(from_base, others, "trial"), trial)
            return evaluate(trial, recording, path, judged_on)

    ways = (True, False) if fits(base_spec, recording) else (False,)
    tries = {from_base: tried(from_base) for from_base in ways} if others else {}
    best = max(tries, key=lambda from_base: _worth(tries[from_base])) if others else ways[0]
    return Chosen(*trained(best, repetitions, name), tries.get(best), best)


def calibrate(
    base: Path,
    source: Source,
    poses: Sequence[LabelledPose],
    out: Path,
    bar: Bar = lambda _title, _steps: nullcontext(),
) -> Calibration:
    """Writes the calibrated model to `out`, and says what it was worth; each training is shown by a `bar` of its own.

    Raises:
        UserError: the base cannot be used, or the recording does not suffice.
    """
    path, recording = source
    repetitions = repetitions_of(path, recording)
    chosen = better_way(base, out.stem, source, poses, repetitions, bar)
    assert chosen.trial is not None
    export(chosen.network, chosen.spec, out)
    known = fits(open_model(base).spec, recording)
    before = evaluate_base(base, source, poses, repetitions[-1]) if known else None
    return Calibration(before, chosen.trial, repetitions[-1], chosen.from_base)


def _worth(figures: Figures) -> tuple[float, float]:
    """Telling the poses apart first, as `myobridge calibrate` asks of a model that it takes; then the error."""
    return figures.balanced_accuracy or 0.0, -figures.mae_deg


def evaluate_base(base: Path, source: Source, poses: Sequence[LabelledPose], repetition: int) -> Figures:
    """Figures of the base on the new recording, judged by the new recording's poses."""
    path, recording = source
    return evaluate(base, replace(recording, poses=tuple(poses)), path, repetition)


def repetitions_of(path: Path, recording: Recording) -> list[int]:
    """The repetitions in which somebody moves.

    Raises:
        UserError: there are fewer than two, so that nothing could be judged.
    """
    if recording.label is None or recording.repetition is None:
        raise UserError(f"{path} has no cues, so nothing can be learnt from it; record it with `myobridge record`.")
    found: list[int] = np.unique(recording.repetition[recording.label != 0]).tolist()
    if len(found) < 2:
        raise UserError(
            f"{path} has movements in {len(found)} repetition(s); record at least two, one to be judged on."
        )
    return found
