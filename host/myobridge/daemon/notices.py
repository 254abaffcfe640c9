"""The sentences that a daemon tells people as things happen: at the terminal, and as the note in the views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from myobridge.daemon.connection import Connection
from myobridge.decoder.pipeline import Withheld
from myobridge.wire import messages as m

TELL_S: Final = 1.0


class Notices:
    """Says each thing once. `say` gets every sentence; `note` is the newest sentence that still matters."""

    def __init__(self, port: str) -> None:
        self.say: Callable[[str], None] = lambda _text: None
        """Gets every sentence; must not block."""
        self.note = ""
        self._port = port
        self._missed: str | None = ""
        """What to say first when the hand streams; empty: an introduction; None: the hand streams already."""
        self._introduction = self._lost = ""
        self._seen = (-1, -1, False)
        self._explained = ""
        self._withheld = Withheld.NO
        self._again_s: dict[Withheld, float] = {}

    def tell(self, text: str) -> None:
        """Tells a sentence; an empty one clears the note."""
        self.note = text
        if text:
            self.say(text)

    def tell_changes(self, connection: Connection, now_s: float) -> None:
        """Tells what has changed since the last call; each reason for withheld setpoints at most once a second."""
        if self._missed is not None and connection.streaming:
            began, self._missed = self._missed or connection.introduce(), None
            self._explained = connection.explain()
            self._introduction = f"{began} {self._explained}"
            self.tell(self._introduction)
        status = connection.session.status
        if status is not None and (seen := (status.state, status.reason, connection.may_move)) != self._seen:
            self._seen = seen
            if (explained := connection.explain()) != self._explained:
                self._explained = explained
                if self.note == self._introduction:
                    self.note = ""  # it names a state that is over
                if status.state != m.State.DISARMED or self._missed is None:
                    self.say(explained)
        withheld = connection.withheld
        is_due = withheld is not self._withheld and now_s >= self._again_s.get(withheld, now_s)
        if is_due and (text := connection.explain_withheld()):
            self._withheld, self._again_s[withheld] = withheld, now_s + TELL_S
            self.tell(text)
            if withheld is Withheld.NO:
                self.note = ""  # a view that opens later need not show good news

    def tell_lost(self, why: Exception) -> None:
        """Tells that the link is lost, and again only if the reason changes while the daemon reconnects."""
        self._withheld = Withheld.NO  # the next connection has reasons of its own
        if self._missed is None:
            self._missed, self._lost = "The hand is connected again.", ""
        text = (
            f"Lost the hand on {self._port} ({why}); the daemon is reconnecting, and the hand stays disarmed until "
            "somebody arms it."
        )
        if text != self._lost:
            self._lost = text
            self.tell(text)
