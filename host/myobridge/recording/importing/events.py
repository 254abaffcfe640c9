"""Texts of events. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from myobridge.recording.log_frames import LABELS

REPETITION: Final = re.compile(r"(.+)/(\d{1,3})")
"""Pose and repetition, as `myobridge export` writes them."""
NUMBER: Final = re.compile(r"(?:label )?(\d{1,3})")
"""A label without a name, as `myobridge export` and many marker streams write it."""
REST: Final = "rest"


class Said(NamedTuple):
    """What the text of an event says."""

    text: str
    label: int | None
    repetition: int | None


def said_by(text: str) -> Said:
    """Takes the text apart; None: the text does not say it."""
    found = REPETITION.fullmatch(text)
    pose, repetition = (found[1], int(found[2]) % LABELS) if found else (text, None)
    number = NUMBER.fullmatch(pose)
    label = int(number[1]) if number and int(number[1]) < LABELS else 0 if pose.casefold() == REST else None
    return Said(pose, label, repetition)
