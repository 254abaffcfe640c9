"""How steady a decoder is: false activations at rest, onset delay after a cue, jitter of a held pose.

Everything is computed from holds: what a decoder commanded while one cue lasted. These figures, unlike accuracy, are
what the wearer of a hand feels; the field hardly publishes them.

- A *false activation*: a servo leaves rest by more than 20° while the cue is rest and has been for 1 s. It lasts until
  all servos are back within 10°, so a servo that trembles at 20° counts once. A hand that has not come back from the
  last movement by then has left nothing: it is a *late release*, which is counted by itself. A false activation that
  lasts to the next cue is counted as *early* too: who knows the rhythm often moves before it.
- *Onset delay*: from a cue to move the fingers to the first decision that is nearer to the cue's pose than to any
  other. A hold without one is *missed* and enters median and 90th percentile with its whole length, so that it cannot
  hide.
- *Jitter*: root mean square of the speeds of all servos between neighbouring decisions, in the settled part of a
  movement's hold, when the muscle has followed and has not yet let go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.quality import FOLLOWED_S
from myobridge_models.data.takes import EARLY_RELEASE_S

REST_LABEL: Final = 0
RESTED_S: Final = 1.0
"""So long after the cue to relax the muscle has."""
LEAVES_DEG: Final = 20.0
RETURNS_DEG: Final = 10.0
HOUR_S: Final = 3600.0

Angles = NDArray[np.float32]


@dataclass(frozen=True)
class Hold:
    """What was commanded while one cue lasted. All times are in seconds after the cue.

    label: what the cue said; 0 is rest.
    from_s, to_s: the part of the cue's time that is judged; from_s > 0 where its beginning is not.
    at_s: float64 (decisions,), rising.
    angles_deg: float32 (decisions, 5).
    """

    label: int
    from_s: float
    to_s: float
    at_s: NDArray[np.float64]
    angles_deg: Angles


class Steadiness(NamedTuple):
    """Figures of one decoder; None where no hold tells."""

    false_activations_per_hour: float | None
    early_movements_per_hour: float | None
    """Those of the false activations that last to the next cue."""
    late_releases_per_hour: float | None
    onset_delay_s: float | None
    onset_delay_p90_s: float | None
    missed_onsets: float | None
    """Share of the cues."""
    jitter_deg_per_s: float | None


def nearest_pose(angles_deg: Angles, poses_deg: Angles) -> NDArray[np.int64]:
    """Index of the nearest row of poses_deg (P, 5) for each row of angles_deg (N, 5)."""
    apart = ((angles_deg[:, None] - poses_deg[None]) ** 2).sum(axis=2)
    return np.asarray(apart.argmin(axis=1), np.int64)


def steadiness(holds: Sequence[Hold], pose_of: dict[int, Angles]) -> Steadiness:
    """All figures of these holds; `pose_of` gives the pose (5,) in degrees of each label, rest among them."""
    rest_deg = pose_of[REST_LABEL]
    false, early, late, rested_s = _activations(holds, rest_deg)
    delays_s, missed = _onsets(holds, pose_of)
    return Steadiness(
        HOUR_S * false / rested_s if rested_s else None,
        HOUR_S * early / rested_s if rested_s else None,
        HOUR_S * late / rested_s if rested_s else None,
        float(np.median(delays_s)) if delays_s else None,
        float(np.quantile(delays_s, 0.9)) if delays_s else None,
        missed / len(delays_s) if delays_s else None,
        _jitter_deg_per_s(holds),
    )


def _activations(holds: Sequence[Hold], rest_deg: Angles) -> tuple[int, int, int, float]:
    """False activations, those of them that are early, late releases, and the seconds of rest that were judged."""
    false = early = late = 0
    rested_s = 0.0
    for hold in holds:
        counted = hold.at_s >= RESTED_S
        if hold.label != REST_LABEL or not counted.any():
            continue
        away_deg = np.abs(hold.angles_deg[counted] - rest_deg).max(axis=1)
        not_back = bool(away_deg[0] > LEAVES_DEG)
        left = excursions(away_deg) - not_back
        false += left
        early += left > 0 and bool(away_deg[-1] > RETURNS_DEG)
        late += not_back
        rested_s += hold.to_s - float(hold.at_s[counted][0])
    return false, early, late, rested_s


def excursions(away_deg: NDArray[np.floating]) -> int:
    """How often the distance from rest (decisions,) rises above 20°, once until it is below 10° again."""
    away, count = False, 0
    for distance in away_deg.tolist():
        if not away and distance > LEAVES_DEG:
            count += 1
        away = distance > (RETURNS_DEG if away else LEAVES_DEG)
    return count


def _onsets(holds: Sequence[Hold], pose_of: dict[int, Angles]) -> tuple[list[float], int]:
    """Delay of every cue to move the fingers, and how many of them were never followed."""
    poses = np.unique(np.stack(list(pose_of.values())), axis=0)
    delays_s, missed = [], 0
    for hold in holds:
        meant = pose_of[hold.label]
        if hold.from_s > 0 or np.array_equal(meant, pose_of[REST_LABEL]):
            continue
        there = nearest_pose(hold.angles_deg, poses) == nearest_pose(meant[None], poses)
        missed += not there.any()
        delays_s.append(float(hold.at_s[there][0]) if there.any() else hold.to_s)
    return delays_s, missed


def _jitter_deg_per_s(holds: Sequence[Hold]) -> float | None:
    """Root mean square speed of the servos in the settled part of the movements."""
    squares = []
    for hold in holds:
        settled = (hold.at_s >= FOLLOWED_S) & (hold.at_s <= hold.to_s - EARLY_RELEASE_S)
        if hold.label != REST_LABEL and settled.sum() > 1:
            speed = np.diff(hold.angles_deg[settled], axis=0) / np.diff(hold.at_s[settled])[:, None]
            squares.append(np.square(speed).ravel())
    return float(np.sqrt(np.concatenate(squares).mean())) if squares else None
