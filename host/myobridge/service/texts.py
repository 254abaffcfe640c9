"""The unit and the udev rule as texts: pure."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from myobridge.errors import UserError
from myobridge.service.board import LINK, Board

UNIT: Final = "myobridge.service"
RULE: Final = """\
# Made by `myobridge install-service`; `myobridge install-service --uninstall` removes it. See host/SERVICE.md.
# The hand's port is called /dev/myobridge, is left alone by ModemManager, and starts the service when it appears.
"""


def unit_text(user: str, command: list[str], board: Board, fifo_priority: int) -> str:
    """The unit that runs `command` as `user`.

    Raises:
        UserError: a path or the name cannot stand in a unit.
    """
    values = {
        "PORT": LINK,
        "COMMAND": " ".join(_quoted(word) for word in command),
        "USER": _plain(user).replace("%", "%%"),
        "DRIVER": board.driver,
        "RTPRIO": str(fifo_priority),
    }
    text = (files("myobridge.service") / UNIT).read_text(encoding="utf-8")
    return re.sub("@([A-Z]+)@", lambda name: values[name[1]], text)


def rule_text(board: Board) -> str:
    """The udev rule that knows `board`."""
    does = f"""SYMLINK+="{LINK.removeprefix("/dev/")}", GROUP="dialout", MODE="0660", \
ENV{{ID_MM_PORT_IGNORE}}="1", TAG+="systemd", ENV{{SYSTEMD_WANTS}}+="{UNIT}"\n"""
    return RULE + "".join(f'ACTION!="remove", SUBSYSTEM=="tty", {match}, {does}' for match in board.matches)


def _quoted(word: str) -> str:
    """One word of ExecStart: systemd expands % and $ and reads backslashes, even within quotes."""
    for mark, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(mark, escaped)
    return f'"{_plain(word)}"'


def _plain(word: str) -> str:
    if not word.isprintable():
        raise UserError(f"{word!r} cannot stand in a systemd unit; use a name without line breaks.")
    return word
