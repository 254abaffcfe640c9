"""What the rules of permission see of a connected hand, and what they ask of it. Pure."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from myobridge.wire.messages import State


class Action(Enum):
    """What the session must do for the hand now."""

    ARM = auto()
    ACT = auto()
    """Arm the hand to show poses; it does not follow."""
    DISARM = auto()
    WITHDRAW = auto()
    """Withdraw an ARM that was sent: repeat DISARM until the board confirms it."""
    ESTOP = auto()
    RESET = auto()
    """Reset the board."""


class Hand(Protocol):
    """The state of a connected hand."""

    @property
    def streaming(self) -> bool:
        """The session is up and takes requests."""
        ...

    @property
    def state(self) -> State | None:
        """The state in the board's last STATUS; None if that STATUS is old."""
        ...

    @property
    def may_move(self) -> bool:
        """The board granted an ARM and has not withdrawn it."""
        ...

    @property
    def acting(self) -> bool:
        """It may move, to show poses and not to follow."""
        ...

    @property
    def busy(self) -> bool:
        """A request awaits the board's answer."""
        ...

    @property
    def decided(self) -> bool:
        """The newest decision may move the hand."""
        ...

    @property
    def refusal(self) -> str:
        """Why the newest ARM failed; empty while it is pending and after a success."""
        ...

    def explain(self) -> str:
        """A sentence about the state of the hand."""
        ...

    def explain_withheld(self) -> str:
        """A sentence about why no setpoints are sent; may be empty."""
        ...
