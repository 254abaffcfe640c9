"""A movement that is shown to the wearer: the angles of the shown hand as a function of time. Pure.

A movement is a row of strokes, one for each depth. A stroke leads from rest a share of the way to a pose, the depth,
and back to rest. A sine goes and comes smoothly; a trapezoid goes, holds and comes, each for a third of the stroke.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from myobridge.model.file import PRINTED, REST_DEG, Pose

MOST_STROKES: Final = 20

Depth = Annotated[float, msgspec.Meta(ge=0.05, le=1)]


class Movement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One movement.

    label: marks the movement in the recording.
    angles_deg: the pose at depth 1, thumb to little finger.
    depths: of the strokes, in order.
    stroke_s: seconds of a stroke.
    how: an instruction for the wearer.
    """

    label: Annotated[int, msgspec.Meta(ge=1, le=255)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=PRINTED)]
    angles_deg: Pose
    shape: Literal["sine", "trapezoid"]
    depths: Annotated[tuple[Depth, ...], msgspec.Meta(min_length=1, max_length=MOST_STROKES)]
    stroke_s: Annotated[float, msgspec.Meta(ge=0.5, le=60)]
    how: Annotated[str, msgspec.Meta(max_length=100, pattern=PRINTED)] = ""

    @property
    def seconds(self) -> float:
        """Length of the movement."""
        return len(self.depths) * self.stroke_s

    @property
    def fastest_deg_per_s(self) -> float:
        """The highest speed of a finger."""
        way_deg = max(self.depths) * np.abs(np.subtract(self.angles_deg, REST_DEG)).max()
        return float(way_deg * (np.pi if self.shape == "sine" else 3) / self.stroke_s)

    def slowed(self, deg_per_s: float) -> Movement:
        """The movement, so slow that no finger is faster than this."""
        slower = max(1.0, self.fastest_deg_per_s / deg_per_s)
        return msgspec.structs.replace(self, stroke_s=self.stroke_s * slower)

    def shown_deg(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Angles (n, 5) of the shown hand at the times t_s (n,) in seconds; rest before and after the movement."""
        t_s = np.asarray(t_s, dtype=np.float64)
        stroke, phase = np.divmod(t_s / self.stroke_s, 1)
        inside = (stroke >= 0) & (stroke < len(self.depths))
        depth = np.where(inside, np.array(self.depths)[np.where(inside, stroke, 0).astype(np.intp)], 0.0)
        way = depth * (
            np.sin(np.pi * phase) ** 2 if self.shape == "sine" else np.clip(1.5 - abs(3 * phase - 1.5), 0, 1)
        )
        rest_deg = np.array(REST_DEG)
        return np.asarray(rest_deg + way[:, None] * (np.array(self.angles_deg) - rest_deg))
