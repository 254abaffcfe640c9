"""Where a simulated hand gets its EMG from."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class EmgSource(Protocol):
    """A stream of ADC samples that starts at sample 0 and is the same however it is cut into reads."""

    @property
    def fs_hz(self) -> float:
        """Samples per second of each channel."""

    @property
    def channels(self) -> int:
        """Number of electrodes."""

    @property
    def adc_bits(self) -> int:
        """A sample spans -2^(adc_bits-1) .. 2^(adc_bits-1)-1."""

    def read(self, samples: int) -> tuple[NDArray[np.int16], NDArray[np.float32] | None]:
        """Next samples: counts (samples, channels) and, where known, the fingers' true angles in degrees (samples, 5).

        Raises:
            EOFError: the stream has fewer samples left than asked for.
        """
