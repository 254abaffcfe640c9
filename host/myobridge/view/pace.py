"""How often a light page gets a snapshot: five times a second, and at once when something happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from myobridge.feed import Snapshot

EVERY_S: Final = 0.2


class Pace:
    """Decides for each snapshot of a daemon."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_s = -EVERY_S
        self._before: object = None

    def is_due(self, look: Snapshot) -> bool:
        """Whether light pages get this snapshot."""
        now_s = self._clock()
        news = (look.state, look.note, look.blocked, look.estop, look.calibration.step, look.calibration.index)
        if news == self._before and now_s - self._last_s < EVERY_S:
            return False
        self._before, self._last_s = news, now_s
        return True
