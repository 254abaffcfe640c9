"""The postprocessing that the daemon runs behind the network: the gate at rest and the filter of the angles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from myobridge.model.file import REST, LabelledPose, RestGate, Smoothing
from myobridge_models.data.labels import rest_pose
from myobridge_models.data.takes import Take

SMOOTHING: Final = Smoothing(min_cutoff_hz=4.0, beta_hz_per_deg_s=0.05)
"""Mild: this removes the differences between neighbouring hops and hardly delays a movement."""
ANGLES_SMOOTHING: Final = Smoothing(min_cutoff_hz=0.6, beta_hz_per_deg_s=0.002, calm_deg_per_s=1500.0)
"""For a network that learnt angles: a held depth wavers as the muscle does. Decision 0054 has the figures."""
ANGLES_GATE: Final = RestGate(leave_deg=6.0, after_ms=60.0)
"""For a network that learnt angles: a small movement passes, and a hand that twitches at rest is worse than a hand that
moves 60 ms later."""
POSES_GATE: Final = RestGate(leave_deg=30.0, after_ms=60.0, settling_ms=800.0, again_after_ms=150.0)
"""For a network that learnt poses. Most twitches follow the end of a movement, but a wearer may grip again in 1 s.

Chosen on persons 2, 3, 5, 9 and 13 of BioPatRec; decision 0035 has the figures."""
LEAVES_AT: Final = 0.75
"""The gate opens at this share of the way to the nearest pose if that pose is near rest."""


def follows(takes: Sequence[Take]) -> bool:
    """Returns whether a network that learns from these takes learns angles, beside poses or alone."""
    return any((take.movement < REST).any() for take in takes)


def smoothing(takes: Sequence[Take]) -> Smoothing:
    """Returns the stronger filter for a network that learnt angles."""
    return ANGLES_SMOOTHING if follows(takes) else SMOOTHING


def rest_gate(poses: Sequence[LabelledPose], takes: Sequence[Take]) -> RestGate:
    """Returns the wide gate for a network that learnt poses from cues, or the narrow gate if it learnt angles."""
    if follows(takes):
        return ANGLES_GATE
    rest = rest_pose(poses)
    away_deg = [max(abs(a - r) for a, r in zip(pose.angles_deg, rest, strict=True)) for pose in poses]
    nearest_deg = min((away for away in away_deg if away > 0), default=POSES_GATE.leave_deg)
    return structs.replace(POSES_GATE, leave_deg=min(POSES_GATE.leave_deg, LEAVES_AT * nearest_deg))
