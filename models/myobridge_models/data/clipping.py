"""Refuses recordings whose amplifier was turned up too far."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from myobridge.errors import UserError
from myobridge.recording import Recording

MAX_SHARE: Final = 0.01
"""Of a channel's samples at the ADC's ends. Clipping comes in the strongest contractions only, so little is much."""


def check_unclipped(recording: Recording, source: Path) -> None:
    """Looks for counts at the ADC's ends.

    Raises:
        UserError: a channel has too many of them; it is named.
    """
    top = (1 << (recording.adc_bits - 1)) - 1
    share = np.mean((recording.counts >= top) | (recording.counts <= -top - 1), axis=0)
    worst = int(share.argmax())
    if share[worst] > MAX_SHARE:
        raise UserError(
            f"{source}: channel EMG {worst + 1} is clipped in {100 * share[worst]:.0f} % of its samples; lower the "
            "amplifier's gain for the next recording, or train without this channel."
        )
