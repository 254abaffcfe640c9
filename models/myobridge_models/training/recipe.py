"""Every number of a training, in one place; models/README.md gives the reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from myobridge.model.file import usual_hop_samples

HISTORY_STEP_S: Final = 0.05
"""Time from A(n-1) to A(n) to now, rounded to whole hops."""


def history_hops(fs_hz: float) -> int:
    """Returns the hops from one history value to the next."""
    return round(HISTORY_STEP_S * fs_hz / usual_hop_samples(fs_hz))


def history_samples(fs_hz: float) -> int:
    """Returns the samples from one history value to the next."""
    return history_hops(fs_hz) * usual_hop_samples(fs_hz)


@dataclass(frozen=True)
class Recipe:
    """How to train.

    A network with a feature cache is trained in two stages: first the detectors together with a first MLP; then, with
    fixed detectors, a fresh MLP on cached features. Other networks are trained as a whole.
    """

    steps: int = 3600
    """Steps of both stages together."""
    detector_share: float = 0.58
    """Share of the steps in which the detectors learn, in batches of half the size; 0: keep the network's detectors."""
    segments: int = 16
    """Segments per step, each from another place."""
    head_segments: int = 64
    """Segments per step while only the MLP learns, which takes hardly any time."""
    unroll: int = 4
    """Windows of a segment, one history step apart."""
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    dropout: float = 0.15
    follow: bool = True
    """Align the labels with the muscle (`label_alignment`); if not, leave out the samples around the cue's changes."""
    random_phase: bool = True
    """Windows end at any sample; if not, at every history step."""
    rest_share: float = 0.3
    """Share of the segments that end at rest; the other poses share the remainder equally."""
    angles_share: float = 0.5
    """Share of the segments from takes with angles, where other takes have poses."""
    probe_weight: float = 0.3
    """Weight of the cross-entropy by which the detectors also learn to tell all movements apart, the wrist's too."""
    copies: int = 0
    """Altered copies of the takes beside the takes themselves; they improve robustness and cost accuracy."""
    gain_jitter: float = 0.2
    """Standard deviation of the log of each channel's gain: electrodes never sit the same way twice."""
    angles_gain_jitter: float = 0.05
    """The same for segments from takes with angles: the strength of the EMG tells the depth of a movement."""
    level_jitter: float = 0.0
    """Standard deviation of the log of a gain common to all channels: the EMG of some people is stronger."""
    history_noise_deg: float = 15.0
    past_share: float = 0.7
    """Share of the segments from takes with angles that begin at their own past: depths change slowly, and a network
    that trusts its last answers is steady."""
    past_noise_deg: float = 10.0
    pose_slack_deg: float = 25.0
    """An error of a pose that costs nothing beside takes with angles: a wearer who is asked for a fist makes most of a
    fist, and only takes with angles tell how much."""
    average: float = 0.995
    """Decay per step of the running average of the weights; the trained network has the average."""
    seed: int = 0

    @property
    def detector_steps(self) -> int:
        """Steps of the first stage."""
        return round(self.steps * self.detector_share)


OF_ANGLES: Final = ("angles_share", "angles_gain_jitter", "past_share", "past_noise_deg", "pose_slack_deg")
"""The numbers that matter only where a take has angles."""
CALIBRATION: Final = Recipe(steps=600, detector_share=0.0, learning_rate=1e-3)
"""From a trained network to another person or another day."""
FROM_THE_START: Final = Recipe(steps=2400, detector_share=0.29)
"""Calibration without a base, in a time for which a wearer waits: the detectors take most of the time."""
POPULATION: Final = Recipe(steps=6000, level_jitter=0.3)
"""One network for many people."""


def recipe(seed: int, steps: int | None, base: Recipe | None = None) -> Recipe:
    """Returns a recipe (default: the usual one) with this seed, and with this number of steps if it is given."""
    chosen = replace(base or Recipe(), seed=seed)
    return chosen if steps is None else replace(chosen, steps=steps)
