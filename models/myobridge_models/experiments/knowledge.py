"""What a decoder knows of a new session, and the interface of decoders that learn from several sessions."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from myobridge_models.evaluation.decisions import Decisions
from myobridge_models.experiments.sessions import Session


class Knowledge(StrEnum):
    """Of the new session: nothing, the first seconds of each movement, or these seconds and their labels."""

    NONE = "none"
    UNLABELLED = "unlabelled"
    LABELLED = "labelled"


class LearntDays(Protocol):
    """A decoder that has learnt from earlier sessions."""

    def __call__(self, session: Session, knowledge: Knowledge) -> Decisions:
        """Decides on a whole session.

        Raises:
            UserError: the session does not suffice.
        """
