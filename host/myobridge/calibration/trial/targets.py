"""Chooses the targets of a trial from a seed, and refuses targets that the servos cannot reach. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from myobridge import SERVOS
from myobridge.calibration.trial.attempt import gap_deg
from myobridge.errors import UserError
from myobridge.model.file import LabelledPose, Pose
from myobridge.recording.trial_records import Judged, Target, Task
from myobridge.wire.messages import Config

DEPTHS: Final = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of the way to a pose that a target of a proportional model asks for."""
CLEAR: Final = 2.0
"""A target lies further from rest than this many tolerances, so that a resting hand does not reach it."""
TARGETS: Final[dict[Task, int]] = {"reach": 20, "fitts": 20, "rest": 1, "practice": 8}
"""How many targets a trial has by default."""
EASY: Final = {"tolerance_deg": 25.0, "dwell_s": 0.5, "timeout_s": 10.0}
"""The rules of practice."""
REST_TEST_S: Final = 60.0
FITTS_DEG: Final = (60.0, 120.0)
FITTS_WIDTHS_DEG: Final = (20.0, 40.0)
"""Distances from rest and widths of the targets: indices of difficulty of 1.3 to 2.8 bits."""
FIST_DEG: Final[Pose] = (180, 180, 180, 180, 180)
POINT_DEG: Final[Pose] = (180, 0, 180, 180, 180)


class Rules(NamedTuple):
    """When a target counts as reached: within so many degrees, for so long, before so long."""

    tolerance_deg: float = 15.0
    dwell_s: float = 1.0
    timeout_s: float = 15.0


def choose(
    task: Task,
    poses: Sequence[LabelledPose],
    rest_deg: Pose,
    seed: int,
    *,
    targets: int,
    rules: Rules,
    proportional: bool,
    freedoms: int,
) -> tuple[Target, ...]:
    """The targets of a trial, in their order.

    Args:
        task: what the trial measures.
        poses: the poses of the model, rest included.
        rest_deg: the pose in which the hand rests.
        seed: determines the targets and their order.
        targets: how many targets; a Fitts trial has at least two of each kind, a rest test has one.
        rules: for target achievement and for Fitts's law.
        proportional: ask for partial closings, too.
        freedoms: for Fitts's law, 1 (grip) or 2 (grip and point).

    Raises:
        UserError: no pose lies far enough from rest.
    """
    draw = random.Random(seed)
    if task == "rest":
        rules = Rules(rules.tolerance_deg, REST_TEST_S, REST_TEST_S)
        return (_target(0, "Rest", 0.0, rest_deg, rest_deg, "hand", rules),)
    if task == "fitts":
        return _fitts(rest_deg, draw, targets, rules, freedoms)
    rules = Rules(**EASY) if task == "practice" else rules
    wanted = [pose for pose in poses if _clear(pose.angles_deg, rest_deg, rules)]
    if not wanted:
        raise UserError(
            f"No pose of the model lies more than {CLEAR * rules.tolerance_deg:g}° from rest, so there is no target; "
            "choose a smaller --tolerance, or other poses with --poses."
        )
    chosen: list[Target] = []
    while len(chosen) < targets:
        pose = draw.choice([p for p in wanted if not chosen or p.name != chosen[-1].name] or wanted)
        depths = [d for d in DEPTHS if _clear(part(d, pose.angles_deg, rest_deg), rest_deg, rules)]
        depth = draw.choice(depths) if proportional else 1.0
        chosen.append(_target(len(chosen), pose.name, depth, pose.angles_deg, rest_deg, "hand", rules))
    return tuple(chosen)


def part(depth: float, pose_deg: Pose, rest_deg: Pose) -> Pose:
    """The hand that is `depth` of the way from rest to a pose."""
    thumb, index, middle, ring, little = (r + depth * (p - r) for p, r in zip(pose_deg, rest_deg, strict=True))
    return (thumb, index, middle, ring, little)


def check_range(targets: Sequence[Target], config: Config) -> None:
    """Refuses targets that the servos must not reach.

    Raises:
        UserError: names the target, the finger and the range.
    """
    for target in targets:
        limits = zip(target.angles_deg, config.servo_min_cdeg, config.servo_max_cdeg, SERVOS, strict=True)
        for angle, low, high, servo in limits:
            if not low / 100 <= round(angle, 2) <= high / 100:
                raise UserError(
                    f"The target '{target.name}' at {target.depth:.0%} needs the {servo} at {angle:.0f}°, and the "
                    f"servo range is {low / 100:g}° to {high / 100:g}°; choose other poses with --poses, or "
                    "widen [servo] in the daemon's settings."
                )


def _target(
    number: int, name: str, depth: float, pose_deg: Pose, rest_deg: Pose, judged: Judged, rules: Rules
) -> Target:
    return Target(
        number=number,
        name=name,
        depth=depth,
        angles_deg=part(depth, pose_deg, rest_deg),
        judged=judged,
        tolerance_deg=rules.tolerance_deg,
        dwell_s=rules.dwell_s,
        timeout_s=rules.timeout_s,
    )


def _clear(angles_deg: Pose, rest_deg: Pose, rules: Rules) -> bool:
    target = _target(0, "", 1.0, angles_deg, rest_deg, "hand", rules)
    return gap_deg(target, rest_deg) > CLEAR * rules.tolerance_deg


def _fitts(rest_deg: Pose, draw: random.Random, targets: int, rules: Rules, freedoms: int) -> tuple[Target, ...]:
    """Targets of each direction, distance and width, equally often, in an order of chance."""
    judged: Judged = "grip" if freedoms == 1 else "grip and point"
    directions = {"Fist": FIST_DEG} if freedoms == 1 else {"Fist": FIST_DEG, "Point": POINT_DEG}
    kinds = []
    for name, pose in directions.items():
        whole = _target(0, name, 1.0, pose, rest_deg, judged, rules)
        length = gap_deg(whole, rest_deg)
        if length < FITTS_DEG[0]:
            raise UserError(
                f"'{name}' lies {length:.0f}° from the model's rest, and Fitts's law needs {FITTS_DEG[0]:g}°; choose "
                "another model."
            )
        for distance in FITTS_DEG:
            for width in FITTS_WIDTHS_DEG:
                halved = rules._replace(tolerance_deg=width / 2)
                kinds.append(_target(0, name, min(1.0, distance / length), pose, rest_deg, judged, halved))
    chosen = [kind for _ in range(max(2, round(targets / len(kinds)))) for kind in kinds]
    draw.shuffle(chosen)
    return tuple(replace(target, number=number) for number, target in enumerate(chosen))
