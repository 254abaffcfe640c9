"""The worth of each choice: the default network, trained with one choice changed at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from myobridge_models.network.families.registry import DEFAULT_FAMILY
from myobridge_models.training.recipe import Recipe


class Variant(NamedTuple):
    """A network by name, and the changed values of the recipe."""

    network: str = DEFAULT_FAMILY
    changes: Mapping[str, float | bool] = {}  # never written to

    def recipe(self, recipe: Recipe) -> Recipe:
        """Returns the recipe with the changes."""
        return replace(recipe, **self.changes)  # type: ignore[arg-type]


VARIANTS: Final[Mapping[str, Variant]] = {
    "as it is": Variant(),
    "the notes' form": Variant("cnn_mlp_full"),
    "without channel correlation": Variant("cnn_mlp/no_likeness"),
    "five means a map": Variant("cnn_mlp/five_means"),
    "three layers": Variant("cnn_mlp/three_layers"),
    "three layers, dilation doubling": Variant("cnn_mlp/doubling"),
    "silence kernel 5": Variant("cnn_mlp/silence_5"),
    "no unit gain on the EMG": Variant("cnn_mlp/no_gain"),
    "no history": Variant("cnn_mlp/no_history"),
    "windows every 50 ms": Variant(changes={"random_phase": False}),
    "the cue's labels, settled parts": Variant(changes={"follow": False}),
    "no probe": Variant(changes={"probe_weight": 0.0}),
    "altered copies": Variant(changes={"copies": 1}),
}
