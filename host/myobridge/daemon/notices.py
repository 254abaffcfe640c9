"""What a daemon tells people as it happens: at the terminal, and as the note in the views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from myobridge.daemon.connection import Connection
from myobridge.decoder.pipeline import Withheld
from myobridge.wire import messages as m

TELL_S: Final = 1.0


class Notices:
    """Says each thing once. `say` gets each sentence; `note` is the newest that still matters."""

    def __init__(self, port: str) -> None:
        self.say: Callable[[str], None] = lambda _text: None
        """Gets each sentence, and must not wait."""
        self.note = ""
        self._port = port
        self._missed: str | None = ""
        """What is said first when the hand streams; empty: an introduction; None: it streams."""
        self._lost = ""
        self._seen = (-1, -1, False)
        self._explained = ""
        self._withheld = Withheld.NO
        self._again_s: dict[Withheld, float] = {}

    def tell(self, text: str) -> None:
        """A sentence; empty: what was said last is over."""
        self.note = text
        if text:
            self.say(text)

    def tell_changes(self, connection: Connection, now_s: float) -> None:
        """What has changed since it was last said; each reason for no setpoints at most once a second."""
        if self._missed is not None and connection.streaming:
            began, self._missed = self._missed or connection.introduce(), None
            self._explained = connection.explain()
            self.tell(f"{began} {self._explained}")
        status = connection.session.status
        if status is not None and (seen := (status.state, status.reason, connection.may_move)) != self._seen:
            self._seen = seen
            if (explained := connection.explain()) != self._explained:
                self._explained = explained
                if status.state != m.State.DISARMED or self._missed is None:
                    self.say(explained)
        withheld = connection.withheld
        is_due = withheld is not self._withheld and now_s >= self._again_s.get(withheld, now_s)
        if is_due and (text := connection.explain_withheld()):
            self._withheld, self._again_s[withheld] = withheld, now_s + TELL_S
            self.tell(text)
            if withheld is Withheld.NO:
                self.note = ""  # good news is no news for whoever looks in later

    def tell_lost(self, why: Exception) -> None:
        """The link is lost; what happens while it is looked for is told where it is something else."""
        self._withheld = Withheld.NO  # the next connection's reasons are its own
        if self._missed is None:
            self._missed, self._lost = "The hand is connected again.", ""
        text = f"Lost the hand on {self._port} ({why}); connecting again, and it stays disarmed until somebody arms it."
        if text != self._lost:
            self._lost = text
            self.tell(text)
