"""Refuses recordings with a channel that holds no EMG: the amplifier's gain was too high, or nothing was plugged in."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from myobridge.errors import UserError
from myobridge.recording import Recording

MAX_SHARE: Final = 0.01
"""Share of a channel's samples at the ADC's limits; only the strongest contractions clip, so a little is much."""


def check_channels(recording: Recording, source: Path) -> None:
    """Checks that each channel changes, and how many of its counts lie at the ADC's limits.

    Raises:
        UserError: a channel is flat, or clipped in too many samples; the sentence names the channel.
    """
    flat = np.flatnonzero(np.ptp(recording.counts, axis=0) == 0)
    if len(flat):
        raise UserError(
            f"{source}: channel EMG {flat[0] + 1} is flat; check its electrode for the next recording, or leave this "
            "channel out of all recordings."
        )
    top = (1 << (recording.adc_bits - 1)) - 1
    share = np.mean((recording.counts >= top) | (recording.counts <= -top - 1), axis=0)
    worst = int(share.argmax())
    if share[worst] > MAX_SHARE:
        raise UserError(
            f"{source}: channel EMG {worst + 1} is clipped in {100 * share[worst]:.0f} % of its samples; lower the "
            "amplifier's gain for the next recording, or train without this channel."
        )
