"""Watches, from a thread of its own, how long a decision takes: a network that does not end must not end the control.

The age of a decision is counted in turns of this thread, not in time: a process that was stopped, or got no processor,
has not taken long to decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread
from typing import Final

TICK_S: Final = 0.1
TERMINATE_TICKS: Final = 10
"""After one second onnxruntime is asked to end the run. It obeys between two nodes of the graph only."""
GIVE_UP_TICKS: Final = 20
"""After two seconds nothing is left but to end the process."""


class DecisionGuard:
    """The loop says when it decides; the guard's thread acts when that takes long.

    under_way: number of the decision that the loop is in; 0 between decisions. Only the loop writes it.
    """

    def __init__(self, stuck: Callable[[], None], terminate: Callable[[], None], give_up: Callable[[], None]) -> None:
        """`stuck` is called each tick while a decision takes long; then `terminate`, and `give_up` at last."""
        self.under_way = 0
        self._count = 0
        self._stuck, self._terminate, self._give_up = stuck, terminate, give_up

    @classmethod
    def idle(cls) -> DecisionGuard:
        """One that nobody starts: a decision may take as long as it likes."""
        return cls(lambda: None, lambda: None, lambda: None)

    def start(self) -> None:
        """Starts to watch.

        Raises:
            RuntimeError: the system has no thread left.
        """
        Thread(target=self._watch, name="decision-guard", daemon=True).start()

    def begin(self) -> None:
        """The loop begins to decide."""
        self._count += 1
        self.under_way = self._count

    def end(self) -> None:
        """The loop has decided."""
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
        """One turn of the thread; the decision under way has lasted for `ticks` of them."""
        if ticks:
            self._stuck()
        if ticks == TERMINATE_TICKS:
            self._terminate()
        if ticks == GIVE_UP_TICKS:
            self._give_up()
