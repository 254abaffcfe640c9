"""Texts of events. Pure."""

from __future__ import annotations

import re
from typing import Final

REPETITION: Final = re.compile(r"(.+)/(\d{1,3})")
"""Pose and repetition, as `myobridge export` writes them."""


def split_repetition(text: str) -> tuple[str, int | None, int | None]:
    """Text, label (unknown) and repetition of an annotation."""
    found = REPETITION.fullmatch(text)
    return (found[1], None, int(found[2]) & 255) if found else (text, None, None)
