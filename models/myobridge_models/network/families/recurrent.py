"""LSTM and GRU: recurrent units read the frames of the window from the oldest to the newest.

    emg (N, C, W) → frames of log energy (N, 3·C, 16) → 64 units → the last state, with A(n) and A(n-1) → 64 → 5 angles

Hochreiter and Schmidhuber, Neural Computation 9, 1997; Cho et al., EMNLP 2014. The state starts at zero in each window:
the daemon keeps no state for it, and a damaged window has no effect beyond itself.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from myobridge_models.network.families.base import weights
from myobridge_models.network.families.frames import usual_frames
from myobridge_models.network.families.head import FrameNetwork

UNITS: Final = 64


class _Recurrent(FrameNetwork):
    memory: nn.LSTM | nn.GRU
    """The recurrent units; model files and checkpoints hold their weights under this name."""

    def __init__(self, units: type[nn.LSTM] | type[nn.GRU], fs_hz: float, channels: int, dropout: float) -> None:
        shape = usual_frames(fs_hz, channels)
        super().__init__(shape, UNITS, (64,), dropout)
        self.memory = units(shape.maps, UNITS, batch_first=True)

    def features(self, emg: Tensor) -> Tensor:
        """Maps emg (N, C, W) to (N, 64)."""
        states: Tensor = self.memory(self.frames(emg).transpose(1, 2))[0]  # (N, 16, 64)
        return states[:, -1]

    def frame_macs(self) -> int:
        """Counts one step of a state that continues from window to window, in a decoder that is trained for that.

        The state continues from the last hop whose frames align with this one, so several states take turns: five if a
        frame is five hops.
        """
        return weights(self.memory)


class Lstm(_Recurrent):
    """With input, forget and output gates, and a cell beside the state."""

    def __init__(self, fs_hz: float, channels: int, dropout: float) -> None:
        super().__init__(nn.LSTM, fs_hz, channels, dropout)


class Gru(_Recurrent):
    """With update and reset gates; it does three quarters of the LSTM's work."""

    def __init__(self, fs_hz: float, channels: int, dropout: float) -> None:
        super().__init__(nn.GRU, fs_hz, channels, dropout)
