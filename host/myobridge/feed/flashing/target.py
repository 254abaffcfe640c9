"""Which board is to be flashed, and what is on it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from myobridge.errors import UserError
from myobridge.feed import FeedClient, NoDaemon
from myobridge.feed.flashing import drive
from myobridge.feed.flashing.images import Image, image_of, index
from myobridge.feed.ports import ask, list_ports, name_of
from myobridge.wire import messages as m

UDEV_RULE: Final = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="1209", ATTRS{idProduct}=="000a", TAG+="uaccess"'
"""In /etc/udev/rules.d: who sits at the computer may open the port of a board with an RP2040."""


class DaemonRuns(UserError):
    """A daemon holds the port."""


@dataclass(frozen=True)
class Target:
    """A board and the firmware that it gets. `port` is None while the board is in its boot loader and shows a drive."""

    image: Image
    port: str | None
    ident: m.Ident | None
    """What is on it; None if it does not say."""

    @property
    def up_to_date(self) -> bool:
        """It has this very build."""
        return self.ident is not None and self.ident.build == self.image.build

    @property
    def now(self) -> str:
        """A few words about what is on it."""
        if self.ident is None:
            return "no firmware that answers"
        version = ".".join(map(str, self.ident.firmware_version))
        return f"{name_of(m.Board, self.ident.board)}, firmware {version}, build {self.ident.build:08x}"


def find_target(board: str | None, port: str | None) -> Target:
    """The board on a port, or the only one there is.

    Raises:
        UserError: there is none, there are two, or it is another board than the one that was named.
    """
    if board is not None:
        image_of(board)  # refuses an unknown name before any port is opened
    if port is None:
        port, ident = _only_port(board)
    else:
        ident = _ask(port)
    if ident is not None:
        return Target(image_of(_agreed(board, ident, str(port))), port, ident)
    if board is None:
        where = f"on {port}" if port else "in the boot loader whose drive RPI-RP2 is there"
        raise UserError(
            f"The board {where} does not say which it is; name it with --board ({', '.join(index().boards)})."
        )
    image = image_of(board)
    if port is None and image.family == "avr":
        raise UserError(f"No board answers, and a {board} shows no drive; plug it in and name its port with --port.")
    return Target(image, port, None)


def _agreed(board: str | None, ident: m.Ident, port: str) -> str:
    """The board's own name, if nobody says otherwise."""
    says = name_of(m.Board, ident.board)
    if board is None or board == says:
        return says
    hint = "" if image_of(board).family == "avr" else f"; if it really is one, {drive.BY_HAND}"
    raise UserError(
        f"The board on {port} says that it is {says}, and the firmware of {board} would move other pins; leave out "
        f"--board{hint}."
    )


def forbidden_ports() -> list[str]:
    """The serial ports that the user may not open."""
    return [port for port in list_ports() if not os.access(port, os.R_OK | os.W_OK)]


def allow(forbidden: Sequence[str]) -> str:
    """What is wrong with such ports, and what to do."""
    return (
        f"you may not open {' and '.join(forbidden)}; run `sudo usermod -aG dialout $USER` and log in again, or add "
        f"the udev rule `{UDEV_RULE}`"
    )


def _only_port(board: str | None) -> tuple[str | None, m.Ident | None]:
    found, held, forbidden = {}, [], forbidden_ports()
    for port in list_ports():
        try:
            if port not in forbidden and (ident := _ask(port)) is not None:
                found[port] = ident
        except DaemonRuns as reason:
            held.append(reason)
        except UserError:
            continue  # no board of ours, or another program's
    wanted = {port: ident for port, ident in found.items() if board in (None, name_of(m.Board, ident.board))}
    if len(wanted) > 1:
        raise UserError(f"Boards answer on {' and '.join(wanted)}; name the one to be flashed with --port.")
    if wanted:
        return next(iter(wanted.items()))
    if drive.find() is not None:
        return None, None
    if held:
        raise held[0]
    if forbidden:
        raise UserError(f"No board answers, and {allow(forbidden)}.")
    raise UserError(
        "No myobridge board answers and no drive RPI-RP2 is there; plug the board in, or name its --port and --board."
    )


def _ask(port: str) -> m.Ident | None:
    """Raises: DaemonRuns if a daemon holds the port, UserError if it cannot be opened."""
    try:
        with FeedClient(port):
            raise DaemonRuns(f"A myobridge daemon runs on {port}; stop it (Ctrl-C in its terminal) before you flash.")
    except NoDaemon:
        return ask(port)
