"""Watches from its own thread how long a decision takes: a network that hangs must not leave the hand without control.

The guard counts the age of a decision in its own ticks, not in wall-clock time: a process that was stopped or starved
has not spent that time on a decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread
from typing import Final

TICK_S: Final = 0.1
TERMINATE_TICKS: Final = 10
"""After one second the guard asks onnxruntime to end the run, which it does between two nodes of the graph only."""
GIVE_UP_TICKS: Final = 20
"""After two seconds only the end of the process helps."""


class DecisionGuard:
    """The loop marks when it decides; the guard's thread acts when a decision takes long.

    under_way: number of the decision in progress; 0 between decisions. Only the loop writes it.
    """

    def __init__(self, stuck: Callable[[], None], terminate: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Calls `stuck` on each tick of a long decision, then `terminate`, and finally `give_up`."""
        self.under_way = 0
        self._count = 0
        self._stuck, self._terminate, self._give_up = stuck, terminate, give_up

    @classmethod
    def idle(cls) -> DecisionGuard:
        """A guard that never starts: a decision may take any time."""
        return cls(lambda: None, lambda: None, lambda: None)

    def start(self) -> None:
        """Starts the thread.

        Raises:
            RuntimeError: the system has no thread left.
        """
        Thread(target=self._watch, name="decision-guard", daemon=True).start()

    def begin(self) -> None:
        """The loop begins a decision."""
        self._count += 1
        self.under_way = self._count

    def end(self) -> None:
        """The loop has ended its decision."""
        self.under_way = 0

    def _watch(self) -> None:
        seen, ticks = 0, 0
        while True:
            time.sleep(TICK_S)
            now = self.under_way
            ticks = ticks + 1 if now and now == seen else 0
            seen = now
            self.tick(ticks)

    def tick(self, ticks: int) -> None:
        """Acts on a decision that has lasted for `ticks` ticks."""
        if ticks:
            self._stuck()
        if ticks == TERMINATE_TICKS:
            self._terminate()
        if ticks == GIVE_UP_TICKS:
            self._give_up()
