"""The worth of each choice: the default network, trained with one choice changed at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

from myobridge.model.file import LabelledPose
from myobridge_models.data.training_set import Source
from myobridge_models.evaluation.evaluate import Figures
from myobridge_models.experiments.compare import mean_figures, train_family
from myobridge_models.experiments.parallel import Workers
from myobridge_models.network.families.registry import DEFAULT_FAMILY
from myobridge_models.training.recipe import Recipe
from myobridge_models.training.train import Progress


class Variant(NamedTuple):
    """A network by name, and the changed values of the recipe."""

    network: str = DEFAULT_FAMILY
    changes: Mapping[str, float | bool] = {}  # never written to

    def recipe(self, recipe: Recipe) -> Recipe:
        """Returns the recipe with the changes."""
        return replace(recipe, **self.changes)  # type: ignore[arg-type]


VARIANTS: Final[Mapping[str, Variant]] = {
    "as it is": Variant(),
    "the notes' network with channel correlation": Variant("cnn_mlp"),
    "the notes' network": Variant("cnn_mlp/no_likeness"),
    "the notes' full form": Variant("cnn_mlp_full"),
    "five means a map": Variant("cnn_mlp_log/five_means"),
    "three layers": Variant("cnn_mlp_log/three_layers"),
    "three layers, dilation doubling": Variant("cnn_mlp_log/doubling"),
    "silence kernel 5": Variant("cnn_mlp_log/silence_5"),
    "no history": Variant("cnn_mlp_log/no_history"),
    "no noise on the features": Variant("cnn_mlp_log/no_noise"),
    "no change of the gains": Variant(changes={"gain_jitter": 0.0}),
    "windows every 50 ms": Variant(changes={"random_phase": False}),
    "the cue's labels, settled parts": Variant(changes={"follow": False}),
    "no probe": Variant(changes={"probe_weight": 0.0}),
    "altered copies": Variant(changes={"copies": 1}),
}

TrainingSet = tuple[list[Source], Sequence[LabelledPose]]


def ablated(
    recordings: Sequence[TrainingSet], held_out: int, recipe: Recipe, workers: Workers, progress: Progress | None = None
) -> Iterator[dict[str, object]]:
    """Trains every variant on each recording by itself; yields a variant's mean figures on the held-out repetition.

    Raises:
        UserError: the recordings do not suffice, or a cluster cannot be used.
    """
    pieces = [(name, one) for name in VARIANTS for one in recordings]
    own = progress if workers.alone(len(pieces)) else None
    judged = workers.spread(partial(_judge, held_out=held_out, recipe=recipe, progress=own), pieces)
    for name in VARIANTS:
        found = [next(judged) for _ in recordings]
        yield {"variant": name, **mean_figures(found)._asdict()}


def _judge(piece: tuple[str, TrainingSet], held_out: int, recipe: Recipe, progress: Progress | None) -> Figures:
    name, (sources, poses) = piece
    variant = VARIANTS[name]
    return train_family(variant.network, sources, poses, held_out, variant.recipe(recipe), progress).figures
