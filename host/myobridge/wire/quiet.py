"""The host sends nothing to a silent board: a boot loader that hears bytes does not start the firmware.

Opening the port resets most Arduinos, and their boot loader listens first. The boot loader of a Mega stays for 5 s
after each byte that it hears, even at another speed. The firmware sends STATUS ten times a second from its start, so
the host does not have to ask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

STALE_S: Final = 0.03
"""Bytes that arrive sooner after the opening were waiting in the USB bridge; the board may have been reset since."""
SILENT_S: Final = 0.3
"""A board is silent if it has sent nothing for this long: three STATUS are missing."""
LISTEN_S: Final = 2.5
"""The host asks a silent board once, this long after the opening; by then every boot loader has ended."""
AGAIN_S: Final = 8.0
"""The host asks a silent board again only after this time. By then a boot loader that heard the last question has
ended, and its board has sent STATUS."""


@dataclass
class Quiet:
    """Decides whether the host may send. began_s: when the port was opened or the board was reset."""

    began_s: float
    _heard_s: float = -math.inf
    _asked_s: float = -math.inf

    def hear(self, now_s: float) -> None:
        """Notes that a good frame arrived."""
        if now_s - self.began_s >= STALE_S:
            self._heard_s = now_s

    def board_speaks(self, now_s: float) -> bool:
        """Whether the board runs its firmware."""
        return now_s - self._heard_s < SILENT_S

    def may_ask(self, now_s: float) -> bool:
        """Whether the host may ask now; if so, the question counts as asked."""
        due_s = max(self.began_s + LISTEN_S, self._asked_s + AGAIN_S)
        if not self.board_speaks(now_s) and now_s < due_s:
            return False
        self._asked_s = now_s
        return True
