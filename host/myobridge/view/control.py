"""Which page may move the hand. Pure; times on the host's monotonic clock.

Control is free until a page takes it; the first ARM takes it, too. A page that has control is responsible for the hand:
once nothing has been heard from it for LOST_S, the hand is disarmed. A page may give control back before it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Final

from myobridge.feed.messages import LEASE_S

LOST_S: Final = LEASE_S
"""A page that has control and is not heard for this long is lost."""


_numbers = count(1)


@dataclass(eq=False)
class Seat:
    """An open page. name: of the phone, or of this computer; page: the number that the page gave itself, or empty."""

    name: str
    page: str = ""
    number: int = field(default_factory=lambda: next(_numbers))


class Control:
    """Who has control, who asks for it, and when the page that has it was last heard."""

    def __init__(self) -> None:
        self.holder: Seat | None = None
        self.asker: Seat | None = None
        self._heard_s = 0.0

    def may_order(self, seat: Seat, now_s: float) -> bool:
        """Whether a page may move the hand; takes control if it is free."""
        if self.holder is None:
            self.take(seat, now_s)
        return self.holder is seat

    def take(self, seat: Seat, now_s: float) -> None:
        """Gives control to a page, whoever has it."""
        self.holder, self._heard_s = seat, now_s
        if self.asker is seat:
            self.asker = None

    def ask(self, seat: Seat) -> None:
        """Notes that a page wants control; the newest wish counts."""
        if self.holder is not None and self.holder is not seat:
            self.asker = seat

    def give(self, seat: Seat, now_s: float) -> None:
        """Takes control from the page that has it: the page that asked gets it, otherwise control is free."""
        if self.holder is seat:
            heir, self.holder, self.asker = self.asker, None, None
            if heir is not None:
                self.take(heir, now_s)

    def back(self, seat: Seat, now_s: float) -> None:
        """Gives control again to a page that had it, and has a new connection."""
        if self.holder is not None and seat.page and seat.page == self.holder.page and seat.name == self.holder.name:
            self.take(seat, now_s)

    def left(self, seat: Seat) -> None:
        """A page's connection has ended; the page keeps control until it is lost."""
        if self.asker is seat:
            self.asker = None

    def heard(self, seat: Seat, now_s: float) -> None:
        """A sign of life of a page."""
        if self.holder is seat:
            self._heard_s = now_s

    def lost(self, now_s: float) -> Seat | None:
        """The page that had control until now, if it is lost; control is then free."""
        gone = self.holder
        if gone is None or now_s - self._heard_s < LOST_S:
            return None
        self.holder = self.asker = None
        return gone
