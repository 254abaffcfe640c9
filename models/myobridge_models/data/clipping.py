"""Refuses recordings whose amplifier gain was too high."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from myobridge.errors import UserError
from myobridge.recording import Recording

MAX_SHARE: Final = 0.01
"""Share of a channel's samples at the ADC's limits; only the strongest contractions clip, so a little is much."""


def check_unclipped(recording: Recording, source: Path) -> None:
    """Checks how many counts lie at the ADC's limits.

    Raises:
        UserError: a channel has too many of them; the sentence names the channel.
    """
    top = (1 << (recording.adc_bits - 1)) - 1
    share = np.mean((recording.counts >= top) | (recording.counts <= -top - 1), axis=0)
    worst = int(share.argmax())
    if share[worst] > MAX_SHARE:
        raise UserError(
            f"{source}: channel EMG {worst + 1} is clipped in {100 * share[worst]:.0f} % of its samples; lower the "
            "amplifier's gain for the next recording, or train without this channel."
        )
