"""Fitts's law after ISO/TS 9241-411:2012, with effective measures: throughput in bits per second. Pure.

For each condition (a direction, a distance D and a width W of the target):

    IDe = log2(De / We + 1)        De: mean distance moved along the axis from rest to the target
    We  = 4.133 · SDx              SDx: standard deviation of the end points along this axis
    TP  = IDe / MT                 MT: mean time until the hand came into the target for good

The throughput is the mean of TP over the conditions (the mean of means of Soukoreff and MacKenzie, Int. J.
Human-Computer Studies 61, 2004). Its 95 % confidence interval is Student's, over the conditions.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Final

import msgspec

from myobridge.calibration.trial.attempt import Attempt, place
from myobridge.model.file import Pose
from myobridge.recording.trial_records import Target

ENTROPY_WIDTH: Final = 4.133
"""sqrt(2·pi·e): a normal distribution of this width has as much entropy as a uniform one."""
LEAST_WIDTH: Final = 0.5089
"""Least We as a share of W (MacKenzie, Human-Computer Interaction 7, 1992). Without it, a decoder whose poses never
vary would have an endless throughput."""
LEAST_S: Final = 0.1
"""Least time of a movement: nobody reacts faster, so the hand lay in the target by chance."""
T_975: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201)
"""97.5 % points of Student's distribution for 1 to 11 degrees of freedom; a trial has at most eight conditions."""


class Condition(msgspec.Struct, frozen=True):
    """What one kind of target gave. id_bits: nominal index of difficulty, log2(D / W + 1)."""

    name: str
    distance_deg: float
    width_deg: float
    id_bits: float
    targets: int
    reached: int
    effective_distance_deg: float
    effective_width_deg: float
    effective_id_bits: float
    time_s: float
    throughput_bits_s: float


class Throughput(msgspec.Struct, frozen=True):
    """Mean of means over the conditions, and its 95 % confidence interval; None with fewer than two conditions."""

    bits_s: float
    low_bits_s: float | None
    high_bits_s: float | None


def conditions(attempts: Sequence[Attempt], rest_deg: Pose) -> list[Condition]:
    """The conditions that have at least two attempts; a missed attempt counts with its end and its timeout.

    A target at rest, which no trial of ours has, has no direction and is no condition.
    """
    kinds: dict[tuple[str, Pose, float], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        target = attempt.target
        if place(target.judged, target.angles_deg) != place(target.judged, rest_deg):
            kinds[target.name, target.angles_deg, target.tolerance_deg].append(attempt)
    return [_condition(kinds[kind], rest_deg) for kind in sorted(kinds) if len(kinds[kind]) > 1]


def throughput(measured: Sequence[Condition]) -> Throughput | None:
    """The mean of means; None without a condition."""
    values = [condition.throughput_bits_s for condition in measured]
    if not values:
        return None
    mean = fmean(values)
    if len(values) < 2:
        return Throughput(mean, None, None)
    half = T_975[min(len(values) - 1, len(T_975)) - 1] * stdev(values) / math.sqrt(len(values))
    return Throughput(mean, max(0.0, mean - half), mean + half)


def nominal_bits(target: Target, rest_deg: Pose) -> float:
    """Index of difficulty of a target that is reached from rest."""
    distance = math.dist(place(target.judged, rest_deg), place(target.judged, target.angles_deg))
    return math.log2(distance / (2 * target.tolerance_deg) + 1)


def _condition(attempts: Sequence[Attempt], rest_deg: Pose) -> Condition:
    target = attempts[0].target
    home, goal = place(target.judged, rest_deg), place(target.judged, target.angles_deg)
    distance, width = math.dist(home, goal), 2 * target.tolerance_deg
    axis = [(g - h) / distance for g, h in zip(goal, home, strict=True)]
    moved = [_along(axis, attempt.start, attempt.end) for attempt in attempts]
    ends = [_along(axis, goal, attempt.end) for attempt in attempts]
    effective_distance = max(0.0, fmean(moved))
    effective_width = max(ENTROPY_WIDTH * stdev(ends), LEAST_WIDTH * width)
    bits = math.log2(effective_distance / effective_width + 1)
    time_s = fmean(_time_s(attempt) for attempt in attempts)
    return Condition(
        name=target.name,
        distance_deg=distance,
        width_deg=width,
        id_bits=nominal_bits(target, rest_deg),
        targets=len(attempts),
        reached=sum(attempt.outcome == "reached" for attempt in attempts),
        effective_distance_deg=effective_distance,
        effective_width_deg=effective_width,
        effective_id_bits=bits,
        time_s=time_s,
        throughput_bits_s=bits / time_s,
    )


def _time_s(attempt: Attempt) -> float:
    """Duration of the movement; of a missed target, the whole time."""
    moved_s = attempt.movement_s
    return max(LEAST_S, attempt.over_s - attempt.target.t_s if moved_s is None else moved_s)


def _along(axis: Sequence[float], start: Sequence[float], end: Sequence[float]) -> float:
    return sum(unit * (e - s) for unit, s, e in zip(axis, start, end, strict=True))
