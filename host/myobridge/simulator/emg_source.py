"""The interface of everything that supplies a simulated hand with EMG."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class EmgSource(Protocol):
    """A stream of ADC samples from sample 0 on. The samples do not depend on how the stream is cut into reads."""

    @property
    def fs_hz(self) -> float:
        """Sampling rate in Hz."""

    @property
    def channels(self) -> int:
        """Number of channels."""

    @property
    def adc_bits(self) -> int:
        """A sample spans -2^(adc_bits-1) .. 2^(adc_bits-1)-1."""

    def read(self, samples: int) -> tuple[NDArray[np.int16], NDArray[np.float32] | None]:
        """Next samples: counts (samples, channels) and the fingers' true angles in degrees (samples, 5); None: unknown.

        Raises:
            EOFError: the stream has fewer samples left.
        """
