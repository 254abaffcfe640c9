"""How often a page gets a snapshot, and at once when something happens: the daemon makes 25 a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from myobridge.feed import Snapshot

EVERY_S: Final = 0.08
"""The hand and its bars glide between two snapshots."""
LIGHT_S: Final = 0.2
"""For the wearer's page."""


class Pace:
    """Decides for each snapshot of a daemon. every_s: shortest time between two, unless something happens."""

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._every_s = clock, every_s
        self._last_s = -every_s
        self._before: object = None

    def is_due(self, look: Snapshot) -> bool:
        """Whether pages get this snapshot."""
        now_s = self._clock()
        news = (look.state, look.note, look.blocked, look.estop, look.calibration.step, look.calibration.index)
        if news == self._before and now_s - self._last_s < self._every_s:
            return False
        self._before, self._last_s = news, now_s
        return True
