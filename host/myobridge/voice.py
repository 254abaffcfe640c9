"""What a daemon tells people as it happens: at the terminal, and as the note in the views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from myobridge.connection import Connection
from myobridge.explain import explain_state
from myobridge.pipeline import Withheld
from myobridge.wire import messages as m

TELL_S: Final = 1.0


class Voice:
    """Says each thing once. `say` gets each sentence; `note` is the newest that still matters."""

    def __init__(self, port: str) -> None:
        self.say: Callable[[str], None] = lambda _text: None
        self.note = ""
        self._port = port
        self._lost = ""
        self._state = m.State.DISARMED
        self._withheld = Withheld.NO
        self._again_s: dict[Withheld, float] = {}

    def tell(self, text: str) -> None:
        """A sentence; empty: what was said last is over."""
        self.note = text
        if text:
            self.say(text)

    def tell_changes(self, connection: Connection, now_s: float) -> None:
        """What has changed since it was last said; each reason for no setpoints at most once a second."""
        if self._lost and connection.streaming:
            self._lost = ""
            self.tell("The hand is connected again, and disarmed.")
        status = connection.session.status
        if status is not None and status.state != self._state:
            self._state = m.State(status.state)
            self.say(explain_state(self._state, m.Reason(status.reason)))
        withheld = connection.withheld
        if withheld is not self._withheld and now_s >= self._again_s.get(withheld, now_s):
            self._withheld, self._again_s[withheld] = withheld, now_s + TELL_S
            if text := connection.explain_withheld():
                self.tell(text)

    def tell_lost(self, why: Exception) -> None:
        """The link is lost; what happens while it is looked for is told where it is something else."""
        self._withheld = Withheld.NO  # the next connection's reasons are its own
        text = f"Lost the hand on {self._port} ({why}); connecting again, and it stays disarmed until SIGUSR1."
        if text != self._lost:
            self._lost = text
            self.tell(text)
