"""All decoders by name: each learns from a fold, and then decides on recordings of the same board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from myobridge.calibration.class_statistics import HELD_S
from myobridge.errors import UserError
from myobridge.model.file import ModelSpec
from myobridge.recording import Recording
from myobridge_models.evaluation.decisions import Decisions
from myobridge_models.evaluation.evaluate import closed_loop
from myobridge_models.experiments.baselines import BASELINES
from myobridge_models.experiments.folds import Context, Decoder, Fold, Learnt
from myobridge_models.experiments.population import model_for
from myobridge_models.experiments.strangers import calibrated_in_seconds
from myobridge_models.export.export import export
from myobridge_models.network.families.base import Network
from myobridge_models.network.families.registry import FAMILIES
from myobridge_models.training.build import build
from myobridge_models.training.calibrate import better_training
from myobridge_models.training.train import fastest_device


@dataclass(frozen=True)
class LearntNetwork:
    """A trained network with its metadata; it decides as an exported file in the daemon's pipeline."""

    network: Network
    spec: ModelSpec

    def __call__(self, recording: Recording, source: Path) -> Decisions:
        """Decides on a whole recording.

        Raises:
            UserError: network and recording do not fit, or the recording is too short.
        """
        with TemporaryDirectory() as folder:
            model = Path(folder) / "model.onnx"
            export(self.network, self.spec, model)
            return closed_loop(model, recording, source)


def own_network(fold: Fold, context: Context, family: str) -> Learnt:
    """Trains a network on the person's other repetitions only."""
    sources, device = [(fold.source, fold.recording)], fastest_device()
    return LearntNetwork(
        *build("own", sources, fold.poses, context.recipe, fold.others, device, context.progress, family)
    )


def unseen_network(fold: Fold, context: Context) -> Learnt:
    """Takes the network of other people, unchanged: it has never seen the person."""
    return partial(closed_loop, model_for(fold, context))


def calibrated_network(fold: Fold, context: Context, repetitions: int | None) -> Learnt:
    """Calibrates other people's network on so many of the person's other repetitions, or on all."""
    base, source = model_for(fold, context), (fold.source, fold.recording)
    chosen = better_training(base, "own", source, fold.poses, fold.others[:repetitions])
    return LearntNetwork(chosen.network, chosen.spec)


DECODERS: Final[Mapping[str, Decoder]] = {
    **BASELINES,
    **{family: partial(own_network, family=family) for family in FAMILIES},
    "population_unseen": unseen_network,
    "population_seconds": partial(calibrated_in_seconds, seconds=HELD_S),
    "population_minute": partial(calibrated_in_seconds, seconds=None),
    "population_one": partial(calibrated_network, repetitions=1),
    "population": partial(calibrated_network, repetitions=None),
}
"""`population_one` is trained further on one repetition, a minute of BioPatRec's recordings; `population_minute` and
`population_seconds` are calibrated in seconds, on that minute and on two seconds of each of its movements."""


def checked_decoders(names: Sequence[str], known: Sequence[str] = tuple(DECODERS)) -> list[str]:
    """Returns the names, each once.

    Raises:
        UserError: a name is unknown.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"There is no decoder '{unknown[0]}'; choose from {', '.join(known)}.")
    return list(dict.fromkeys(names))
