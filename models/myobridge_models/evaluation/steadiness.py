"""Steadiness of a decoder: false activations at rest, onset delay after a cue, jitter of a held pose.

All figures are computed from holds; a hold is the commands while one cue lasted. A wearer feels these figures, unlike
accuracy, and the field hardly publishes them.

- A *false activation*: a servo leaves rest by more than 20° while the cue is rest and has been for 1 s. It lasts until
  all servos are back within 10°, so a servo that trembles at 20° counts once. A hand that has not yet returned from the
  last movement has not left rest: this is a *late release*, which is counted separately. A false activation that lasts
  to the next cue also counts as *early*: a wearer who knows the rhythm often moves before the cue.
- *Away from rest*: the seconds of these activations and late releases in an hour of judged rest. One long grip and one
  twitch are both one false activation; this figure tells them apart.
- *Onset delay*: from a cue to move the fingers to the first decision that is nearer to the cue's pose than to any
  other. A hold without such a decision is *missed*; its whole length enters the median and the 90th percentile, so that
  it cannot hide.
- *Jitter*: root mean square of the speeds of all servos between neighbouring decisions, in the settled part of a
  movement's hold: after the muscle has followed and before it lets go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.quality import FOLLOWED_S
from myobridge.model.file import REST
from myobridge_models.data.takes import EARLY_RELEASE_S

RESTED_S: Final = 1.0
"""The muscle has relaxed by this time after the cue to relax."""
LEAVES_DEG: Final = 20.0
RETURNS_DEG: Final = 10.0
HOUR_S: Final = 3600.0

Angles = NDArray[np.float32]


@dataclass(frozen=True)
class Hold:
    """The commands while one cue lasted. All times are in seconds after the cue.

    label: the cue's label; 0 is rest.
    from_s, to_s: the judged part of the cue's time; from_s > 0 if its beginning is not judged.
    at_s: float64 (decisions,), rising.
    angles_deg: float32 (decisions, 5).
    """

    label: int
    from_s: float
    to_s: float
    at_s: NDArray[np.float64]
    angles_deg: Angles


class Steadiness(NamedTuple):
    """Figures of one decoder; None if no hold has the figure."""

    false_activations_per_hour: float | None
    early_movements_per_hour: float | None
    """False activations that last to the next cue."""
    late_releases_per_hour: float | None
    away_s_per_hour: float | None
    """Seconds away from rest, late releases included."""
    onset_delay_s: float | None
    onset_delay_p90_s: float | None
    missed_onsets: float | None
    """Share of the cues."""
    jitter_deg_per_s: float | None


def nearest_pose(angles_deg: Angles, poses_deg: Angles) -> NDArray[np.int64]:
    """Returns the index of the nearest row of poses_deg (P, 5) for each row of angles_deg (N, 5)."""
    apart = ((angles_deg[:, None] - poses_deg[None]) ** 2).sum(axis=2)
    return np.asarray(apart.argmin(axis=1), np.int64)


def steadiness(holds: Sequence[Hold], pose_of: dict[int, Angles]) -> Steadiness:
    """Computes all figures of these holds; `pose_of` gives the pose (5,) in degrees of each label, including rest."""
    rest_deg = pose_of[REST]
    rest = [_rest(hold, rest_deg) for hold in holds if hold.label == REST and (hold.at_s >= RESTED_S).any()]
    rested_s = sum(one.rested_s for one in rest)
    false, early, late, away_s = (
        HOUR_S * sum(column) / rested_s if rested_s else None
        for column in ([one[at] for one in rest] for at in range(4))
    )
    delays_s, missed = _onsets(holds, pose_of)
    return Steadiness(
        false,
        early,
        late,
        away_s,
        float(np.median(delays_s)) if delays_s else None,
        float(np.quantile(delays_s, 0.9)) if delays_s else None,
        missed / len(delays_s) if delays_s else None,
        _jitter_deg_per_s(holds),
    )


class _Rest(NamedTuple):
    """What the hand did in the judged part of one cue to rest."""

    false: int
    early: int
    late: int
    away_s: float
    rested_s: float


def _rest(hold: Hold, rest_deg: Angles) -> _Rest:
    """Counts false activations, early ones among them, and late releases, and measures the time away from rest."""
    counted = hold.at_s >= RESTED_S
    away_deg = np.abs(hold.angles_deg[counted] - rest_deg).max(axis=1)
    not_back = bool(away_deg[0] > LEAVES_DEG)
    left = excursions(away_deg) - not_back
    lasts_s = np.diff(hold.at_s[counted], append=hold.to_s)
    return _Rest(
        left,
        int(left > 0 and away_deg[-1] > RETURNS_DEG),
        int(not_back),
        float(lasts_s[_away(away_deg)].sum()),
        float(lasts_s.sum()),
    )


def _away(away_deg: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Marks the decisions between leaving rest (by more than 20°) and coming back (within 10°)."""
    away, marked = False, []
    for distance in away_deg.tolist():
        away = distance > (RETURNS_DEG if away else LEAVES_DEG)
        marked.append(away)
    return np.array(marked, bool)


def excursions(away_deg: NDArray[np.floating]) -> int:
    """Counts how often the distance from rest (decisions,) rises above 20°, once until it is below 10° again."""
    return int(np.sum(np.diff(_away(away_deg).astype(np.int8), prepend=0) > 0))


def _onsets(holds: Sequence[Hold], pose_of: dict[int, Angles]) -> tuple[list[float], int]:
    """Returns the delay of every cue to move the fingers, and the number of missed cues."""
    poses = np.unique(np.stack(list(pose_of.values())), axis=0)
    delays_s, missed = [], 0
    for hold in holds:
        pose_deg = pose_of[hold.label]
        if hold.from_s > 0 or np.array_equal(pose_deg, pose_of[REST]):
            continue
        there = nearest_pose(hold.angles_deg, poses) == nearest_pose(pose_deg[None], poses)
        missed += not there.any()
        delays_s.append(float(hold.at_s[there][0]) if there.any() else hold.to_s)
    return delays_s, missed


def _jitter_deg_per_s(holds: Sequence[Hold]) -> float | None:
    """Returns the root mean square speed of the servos in the settled part of the movements."""
    squares = []
    for hold in holds:
        settled = (hold.at_s >= FOLLOWED_S) & (hold.at_s <= hold.to_s - EARLY_RELEASE_S)
        if hold.label != REST and settled.sum() > 1:
            speed = np.diff(hold.angles_deg[settled], axis=0) / np.diff(hold.at_s[settled])[:, None]
            squares.append(np.square(speed).ravel())
    return float(np.sqrt(np.concatenate(squares).mean())) if squares else None
