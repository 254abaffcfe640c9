"""One hand on this computer has a service; two have one each, by a name such as left and right."""

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
    """What belongs to a hand; without a name, to the only one."""

    name: str = ""

    def __post_init__(self) -> None:
        """Raises UserError for a name that cannot stand in a file name, a unit and a rule."""
        if self.name and not NAME.fullmatch(self.name):
            raise UserError(f"'{self.name}' cannot be a hand's name; use up to 16 small letters, digits and hyphens.")

    @property
    def unit(self) -> str:
        """Name of its service."""
        return f"myobridge@{self.name}.service" if self.name else "myobridge.service"

    @property
    def unit_path(self) -> Path:
        """Where its service is written."""
        return UNITS / self.unit

    @property
    def rule_path(self) -> Path:
        """Where its udev rule is written; udev reads those of named hands before that of the only one."""
        return RULES / f"70-myobridge{self._suffix}.rules"

    @property
    def link(self) -> str:
        """The stable name that its udev rule gives to its port."""
        return f"/dev/myobridge{self._suffix}"

    @property
    def _suffix(self) -> str:
        return f"-{self.name}" if self.name else ""


ONLY: Final = Hand()
