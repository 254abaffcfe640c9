"""Plays a recording to a simulated hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from myobridge.recording import Recording


class RecordedSource:
    """An EmgSource that plays a recording from its start, with `loop` again and again."""

    def __init__(self, recording: Recording, *, loop: bool = False) -> None:
        self.fs_hz, self.channels, self.adc_bits = recording.fs_hz, recording.channels, recording.adc_bits
        self._recording = recording
        self._loop = loop
        self._next_sample = 0

    def read(self, samples: int) -> tuple[NDArray[np.int16], NDArray[np.float32] | None]:
        """Next samples: counts (samples, channels) and the true angles in degrees (samples, 5); None: not recorded.

        Raises:
            EOFError: the recording has fewer samples left.
        """
        length = len(self._recording.counts)
        end = self._next_sample + samples
        if end > length and not self._loop:
            raise EOFError(f"the recording has only {length} samples")
        index = np.arange(self._next_sample, end) % length
        self._next_sample = end
        truth_deg = self._recording.angles_deg
        return self._recording.counts[index], None if truth_deg is None else truth_deg[index]
