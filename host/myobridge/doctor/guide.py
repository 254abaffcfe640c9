"""Guides the wearer through rest and a fist: at the terminal, and in the view if one is open."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from select import select
from typing import Final

from myobridge.doctor.stream import Source
from myobridge.feed.audience import Audience
from myobridge.feed.prompts import Prompt
from myobridge.model.file import REST_DEG, Pose

FIST_DEG: Final[Pose] = (180, 180, 180, 180, 180)
CLENCH_S: Final = 3.0
REACTION_S: Final = 1.5
"""Time from the prompt until the wearer holds a fist."""
SETTLE_S: Final = 0.5
"""Pressing a key also shakes the other arm."""
REMIND_S: Final = 0.5
"""A prompt disappears unless it is sent again."""
SILENT_S: Final = 1.0

Stretch = tuple[int, int]
"""Two marks of a Listener: start and end."""


def listen(source: Source, seconds: float, attend: Callable[[], None] = lambda: None) -> Stretch:
    """Listens for `seconds`, and calls `attend` on every turn. Ends early if the stream falls silent."""
    start, began_s = source.listener.mark(), time.monotonic()
    while (now_s := time.monotonic()) - began_s < seconds:
        source.turn()
        attend()
        if now_s - max(began_s, source.listener.newest_s) > SILENT_S:
            break
    return start, source.listener.mark()


class Guide:
    """Asks for rest and for a fist. Without a terminal it waits a fixed time for the wearer."""

    def __init__(self, say: Callable[[str], None], port: str) -> None:
        self._say = say
        self._audience = Audience(port)
        self._asks = sys.stdin is not None and sys.stdin.isatty()
        self._prompt = Prompt(title="")
        self._remind_s = 0.0

    def rest(self, source: Source, seconds: float) -> Stretch:
        """Samples of a relaxed arm."""
        return self._measure(source, "Relax the arm and hold it still", "the resting arm", REST_DEG, seconds)

    def fist(self, source: Source) -> Stretch:
        """Samples of a fist."""
        return self._measure(source, "Make a firm fist and hold it", "the fist", FIST_DEG, CLENCH_S)

    def done(self) -> None:
        """Tells the wearer that the measurement is over."""
        self._say("Done; relax your hand.")

    def leave(self) -> None:
        """Removes the prompts."""
        self._audience.leave()

    def _measure(self, source: Source, ask: str, what: str, pose: Pose, seconds: float) -> Stretch:
        self._show(ask, "The doctor is about to measure.", pose)
        if self._asks:
            self._say(f"{ask}, then press Enter with the other hand.")
            while not select([sys.stdin], [], [], 0)[0]:
                source.turn()
                self._remind()
            sys.stdin.readline()
            listen(source, SETTLE_S, self._remind)
        else:
            self._say(f"{ask}; measuring in {REACTION_S:g} s, because there is no terminal to press Enter at.")
            listen(source, REACTION_S, self._remind)
        self._say(f"Measuring {what} for {seconds:g} s…")
        self._show(ask, f"Measuring {what}.", pose)
        return listen(source, seconds, self._remind)

    def _show(self, title: str, text: str, pose: Pose) -> None:
        self._prompt, self._remind_s = Prompt(title=title, text=text, angles_deg=pose), 0.0
        self._remind()

    def _remind(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._remind_s:
            self._remind_s = now_s + REMIND_S
            self._audience.tell(self._prompt)
