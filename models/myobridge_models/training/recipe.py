"""How networks are trained: every number that a training has, in one place. models/README.md says why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from myobridge.model.file import usual_hop_samples

HISTORY_STEP_S: Final = 0.05
"""From A(n-1) to A(n) to now, as nearly as whole hops allow."""


def history_hops(fs_hz: float) -> int:
    """Hops from one history value to the next."""
    return round(HISTORY_STEP_S * fs_hz / usual_hop_samples(fs_hz))


@dataclass(frozen=True)
class Recipe:
    """How to train.

    A network with a memory of its features is trained in two stages: the detectors together with a first MLP, then,
    the detectors kept, a fresh MLP on features that are computed once. Others are trained whole.
    """

    steps: int = 3600
    """Of both stages together."""
    detector_share: float = 0.58
    """Share of the steps in which the detectors learn, in batches of half the size; 0: the network is trained on."""
    segments: int = 16
    """Segments a step, each from another place."""
    head_segments: int = 64
    """The same where only the MLP learns: it takes hardly any time then."""
    unroll: int = 4
    """Windows of a segment, one history step apart."""
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    dropout: float = 0.15
    follow: bool = True
    """Labels change with the muscle (`following`); if not, what lies around the cue's changes is left out."""
    random_phase: bool = True
    """Windows end at any sample; if not, every history step."""
    rest_share: float = 0.3
    """Share of the segments that end at rest; the other poses share what is left equally."""
    probe_weight: float = 0.3
    """Of the cross-entropy by which the detectors also learn to tell all movements apart, wrist movements too."""
    copies: int = 0
    """Altered copies of the takes beside the takes themselves; they buy robustness with accuracy."""
    gain_jitter: float = 0.2
    """Standard deviation of the log of each channel's gain: electrodes never sit the same way twice."""
    level_jitter: float = 0.0
    """The same of all channels together: people differ in how strong their EMG is at the skin."""
    history_noise_deg: float = 15.0
    average: float = 0.995
    """Memory of the running average of the weights, which is what is kept."""
    seed: int = 0

    @property
    def detector_steps(self) -> int:
        """Steps of the first stage."""
        return round(self.steps * self.detector_share)


CALIBRATION: Final = Recipe(steps=600, detector_share=0.0, learning_rate=1e-3)
"""From a trained network to another person or another day."""
FROM_THE_START: Final = Recipe(steps=2400, detector_share=0.29)
"""The same without a network to begin from, in a time that somebody waits for: detectors are what takes long."""
POPULATION: Final = Recipe(steps=6000, level_jitter=0.3)
"""One network for many people."""


def recipe(seed: int, steps: int | None, base: Recipe | None = None) -> Recipe:
    """A recipe (the usual one) with a seed, and with another number of steps if one is given."""
    chosen = replace(base or Recipe(), seed=seed)
    return chosen if steps is None else replace(chosen, steps=steps)
