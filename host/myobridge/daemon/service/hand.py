"""The service of a hand: a single hand needs no name; several hands have names such as left and right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myobridge.errors import UserError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,15}")
UNITS: Final = Path("/etc/systemd/system")
RULES: Final = Path("/etc/udev/rules.d")


@dataclass(frozen=True)
class Hand:
    """The unit, rule and link of a hand; without a name, of the only hand."""

    name: str = ""

    def __post_init__(self) -> None:
        """Raises UserError for a name that a file name, a unit or a rule cannot hold."""
        if self.name and not NAME.fullmatch(self.name):
            raise UserError(f"'{self.name}' cannot be a hand's name; use up to 16 lowercase letters, digits and -.")

    @property
    def unit(self) -> str:
        """Name of the hand's service."""
        return f"myobridge@{self.name}.service" if self.name else "myobridge.service"

    @property
    def unit_path(self) -> Path:
        """Path of the hand's unit."""
        return UNITS / self.unit

    @property
    def rule_path(self) -> Path:
        """Path of the hand's udev rule; udev reads the rules of named hands before that of the only hand."""
        return RULES / f"70-myobridge{self._suffix}.rules"

    @property
    def link(self) -> str:
        """The stable name that the udev rule gives to the port."""
        return f"/dev/myobridge{self._suffix}"

    @property
    def _suffix(self) -> str:
        return f"-{self.name}" if self.name else ""


ONLY: Final = Hand()
