"""The service of a hand: a single hand needs no name; several hands have names such as left and right."""

from __future__ import annotations

import re
from binascii import crc32
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myobridge.daemon.permission.estop_memory import SERVICE_STATE
from myobridge.errors import UserError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,15}")
UNITS: Final = Path("/etc/systemd/system")
RULES: Final = Path("/etc/udev/rules.d")
VIEW_PORT: Final = 8765
"""TCP port of the page of the only hand; the pages of named hands follow."""
VIEW_PORTS: Final = {"": VIEW_PORT, "left": VIEW_PORT + 1, "right": VIEW_PORT + 2}
FREE_PORTS: Final = range(VIEW_PORT + 3, VIEW_PORT + 203)


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
    def view_unit(self) -> str:
        """Name of the service of the hand's page."""
        return self.unit.replace("myobridge", "myobridge-view")

    @property
    def view_unit_path(self) -> Path:
        """Path of the unit of the hand's page."""
        return UNITS / self.view_unit

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
    def model(self) -> Path:
        """The wearer's model. The service may write there, so that a calibration can keep its result."""
        return SERVICE_STATE / "models" / (self.name or "hand") / "mine.onnx"

    @property
    def view_port(self) -> int:
        """TCP port of the hand's page, the same after every installation."""
        return VIEW_PORTS.get(self.name) or FREE_PORTS[crc32(self.name.encode()) % len(FREE_PORTS)]

    @property
    def _suffix(self) -> str:
        return f"-{self.name}" if self.name else ""


ONLY: Final = Hand()


def hand_on(port: str) -> str:
    """Which installed hand has this port, in words; empty if none has."""
    device = Path(port).resolve()
    for link in sorted(Path(ONLY.link).parent.glob(f"{Path(ONLY.link).name}*")):
        if link.is_symlink() and link.resolve() == device:
            name = link.name.removeprefix(Path(ONLY.link).name).removeprefix("-")
            return f"the {name} hand, {link}" if name else f"the only hand, {link}"
    return ""
