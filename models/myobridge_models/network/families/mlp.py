"""MLP on short-window features: the notes' "old" family.

    emg (N, C, W) → frames of log energy (N, 3·C, 16) → flattened, with A(n) and A(n-1) → 128 → 64 → 5 angles

The field calls this time-domain features and a classifier (Hudgins, Parker and Scott, IEEE Trans. Biomed. Eng. 40,
1993); here the graph itself computes the features.
"""

from __future__ import annotations

from torch import Tensor

from myobridge_models.network.families.frames import usual_frames
from myobridge_models.network.families.head import FrameNetwork


class Mlp(FrameNetwork):
    """The whole decoder; see the module's docstring."""

    def __init__(self, fs_hz: float, channels: int, dropout: float) -> None:
        shape = usual_frames(fs_hz, channels)
        super().__init__(shape, shape.maps * shape.frames, (128, 64), dropout)

    def features(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, 3·C·16)."""
        return self.frames(emg).flatten(1)  # type: ignore[no-any-return]

    def frame_macs(self) -> int:
        """Returns 0: the frames go straight to the MLP."""
        return 0
