"""A host says nothing to a board that says nothing: a boot loader that hears bytes keeps the board.

Opening the port resets most Arduinos, and their boot loader listens first. The Mega's stays for 5 s after each byte
that it hears, even at another speed. Firmware says STATUS ten times a second from its start, so a host need not ask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

STALE_S: Final = 0.03
"""What comes sooner after the opening waited in the USB bridge, and the board may be reset by now."""
SILENT_S: Final = 0.3
"""A board that has said nothing for so long is silent: three STATUS are missing."""
LISTEN_S: Final = 2.5
"""A board that is silent for so long after the opening is asked once: by then, every boot loader has ended."""
AGAIN_S: Final = 8.0
"""A silent board is not asked again sooner than this. A loader that heard the last question has ended by then, and its
board has spoken."""


@dataclass
class Quiet:
    """Whether a host may speak. began_s: when the port was opened, or the board was reset."""

    began_s: float
    _heard_s: float = -math.inf
    _asked_s: float = -math.inf

    def hear(self, now_s: float) -> None:
        """A good frame came."""
        if now_s - self.began_s >= STALE_S:
            self._heard_s = now_s

    def board_speaks(self, now_s: float) -> bool:
        """The board runs its firmware."""
        return now_s - self._heard_s < SILENT_S

    def may_ask(self, now_s: float) -> bool:
        """A question, which then counts as asked, may be sent."""
        due_s = max(self.began_s + LISTEN_S, self._asked_s + AGAIN_S)
        if not self.board_speaks(now_s) and now_s < due_s:
            return False
        self._asked_s = now_s
        return True
