"""Calibration: the MLP of a model goes on learning from a short recording of one person on one day.

The base's detectors stay unchanged, so a minute of EMG and a Raspberry Pi's processor suffice. A small training from
the start is tried as well, and the better of the two on an unseen repetition is taken: a base of other people helps
some persons and hinders others. If the base is for other electrodes or another rate, only the training from the start
remains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from msgspec import structs

from myobridge.model.file import LabelledPose, ModelSpec
from myobridge.model.load import open_model
from myobridge.recording import Recording
from myobridge_models.data.takes import channel_scale, scaled
from myobridge_models.data.training_set import Source, moving_repetitions, training_takes
from myobridge_models.evaluation.evaluate import Figures, evaluate
from myobridge_models.export.export import export
from myobridge_models.export.restore import restore
from myobridge_models.network.families.base import Network
from myobridge_models.training.build import build
from myobridge_models.training.earlier_days import add_statistics
from myobridge_models.training.metadata import metadata_of
from myobridge_models.training.recipe import CALIBRATION, FROM_THE_START
from myobridge_models.training.train import Progress, train

Bar = Callable[[str, int], AbstractContextManager[Progress | None]]
"""Shows a training by its title and its number of steps."""


class Calibration(NamedTuple):
    """Figures on the recording's last repetition, which neither model was trained on; None: the base does not fit.

    The written model is then trained on all repetitions; from_base says which of the two trainings was better.
    """

    before: Figures | None
    after: Figures
    repetition: int
    from_base: bool


def fits(spec: ModelSpec, recording: Recording) -> bool:
    """Returns whether the model has the recording's sampling rate and number of channels."""
    return (spec.fs_hz, len(spec.channels)) == (recording.fs_hz, recording.channels)


def fine_tuned(
    base: Path,
    name: str,
    sources: Sequence[Source],
    poses: Sequence[LabelledPose],
    repetitions: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> tuple[Network, ModelSpec]:
    """Trains the base's network further on these repetitions of the recordings; returns it with its metadata.

    Raises:
        UserError: the base cannot be used, or the recordings do not suffice.
    """
    recipe = CALIBRATION
    torch.manual_seed(recipe.seed)
    network, spec = restore(base, recipe.dropout)
    sections = spec.prefilter_sos  # the detectors have learnt behind it
    takes = training_takes(sources, poses, sections, repetitions)
    scale = channel_scale(takes)
    network = train(scaled(takes, scale), network, recipe, progress=progress)
    family = spec.family
    return network, metadata_of(name, family, network, sources, poses, takes, sections, scale, recipe, base=spec.name)


class Chosen(NamedTuple):
    """The better of two trainings; `trial` holds its figures on an unseen repetition, if there are two repetitions."""

    network: Network
    spec: ModelSpec
    trial: Figures | None
    from_base: bool


def better_training(
    base: Path,
    name: str,
    source: Source,
    poses: Sequence[LabelledPose],
    repetitions: Sequence[int],
    bar: Bar = lambda _title, _steps: nullcontext(),
) -> Chosen:
    """Trains from the base or from the start, whichever is better on the last of the repetitions, then on all of them.

    A single repetition leaves nothing to judge on; then the base is taken if it fits the recording.

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

    def trial_figures(from_base: bool) -> Figures:
        with TemporaryDirectory() as folder:
            trial = Path(folder) / "trial.onnx"
            export(*trained(from_base, others, "trial"), trial)
            return evaluate(trial, recording, path, judged_on)

    choices = (True, False) if fits(base_spec, recording) else (False,)
    trials = {from_base: trial_figures(from_base) for from_base in choices} if others else {}
    best = max(trials, key=lambda from_base: _worth(trials[from_base])) if others else choices[0]
    return Chosen(*trained(best, repetitions, name), trials.get(best), best)


def calibrate(
    base: Path,
    source: Source,
    poses: Sequence[LabelledPose],
    out: Path,
    bar: Bar = lambda _title, _steps: nullcontext(),
) -> Calibration:
    """Writes the calibrated model to `out` and returns the figures before and after; each training shows its own `bar`.

    Raises:
        UserError: the base cannot be used, or the recording does not suffice.
    """
    repetitions = moving_repetitions(source)
    chosen = better_training(base, out.stem, source, poses, repetitions, bar)
    assert chosen.trial is not None
    of_base = open_model(base).spec
    kept = {"skin_range_uv": of_base.skin_range_uv, "oversampling": of_base.oversampling}
    export(chosen.network, structs.replace(chosen.spec, **kept), out)
    add_statistics(out, [source], repetitions)
    known = fits(open_model(base).spec, source[1])
    before = evaluate_base(base, source, poses, repetitions[-1]) if known else None
    return Calibration(before, chosen.trial, repetitions[-1], chosen.from_base)


def _worth(figures: Figures) -> tuple[float, float]:
    """Orders figures by balanced accuracy first, as `myobridge calibrate` judges a model; then by the error."""
    return figures.balanced_accuracy or 0.0, -figures.mae_deg


def evaluate_base(base: Path, source: Source, poses: Sequence[LabelledPose], repetition: int) -> Figures:
    """Computes the figures of the base on the new recording, with the new recording's poses."""
    path, recording = source
    return evaluate(base, replace(recording, poses=tuple(poses)), path, repetition)
