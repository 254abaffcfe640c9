"""The arithmetic of a calibration in a process of its own, so that it takes no time from the daemon's loop.

`calibration/morning/compute.py` starts this process when the calibration begins, so that all is loaded by the time the
last pose is held, and talks to it by pipes (`beside_messages.py`): a `Given`, then READY or a refusing `Found`; then
an `Emg` with its samples, then a `Found` with the model.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

from myobridge.decoder.stand_back import stand_back

NICE: Final = 10


def main() -> None:
    """Talks by standard input and output, as the module says."""
    stand_back()
    with suppress(OSError):  # the unit of the service forbids it; the loop comes first in any case
        os.nice(NICE)
    from myobridge.calibration.arithmetic import talk  # noqa: PLC0415 - loading disturbs the loop, too

    talk(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
