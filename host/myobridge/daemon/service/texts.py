"""The texts of the unit and of the udev rule. Pure."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from myobridge.daemon.service.board import Board
from myobridge.daemon.service.hand import ONLY, Hand
from myobridge.errors import UserError

TEMPLATE: Final = "myobridge.service"
VIEW_TEMPLATE: Final = "myobridge-view.service"
RULE: Final = """\
# Made by `myobridge install-service`; `myobridge install-service{option} --uninstall` removes it. See host/SERVICE.md.
# This rule names the board's port {link}, keeps ModemManager away from it, and starts the service when it appears.
# stty keeps DTR on when the port is closed; otherwise each program that opens the port resets the board.
"""
TAKEN: Final = "MYOBRIDGE_HAND"
"""udev sets it for the board of a named hand, so that the rule for any board skips that board."""


def unit_text(user: str, command: list[str], board: Board, fifo_priority: int, hand: Hand = ONLY) -> str:
    """The unit that runs `command` as `user` for a hand.

    Raises:
        UserError: a unit cannot hold a path or the name.
    """
    values = {
        **_common(user, command, hand),
        "PORT": hand.link,
        "DRIVER": board.driver,
        "RTPRIO": str(fifo_priority),
    }
    return _filled(TEMPLATE, values)


def view_unit_text(user: str, command: list[str], hand: Hand = ONLY) -> str:
    """The unit that runs the page of a hand.

    Raises:
        UserError: a unit cannot hold a path or the name.
    """
    return _filled(VIEW_TEMPLATE, _common(user, command, hand))


def rule_text(board: Board, hand: Hand = ONLY) -> str:
    """The udev rule for the board of a hand."""
    mine = f'ENV{{{TAKEN}}}="{hand.name}"' if hand.name else ""
    free = "" if hand.name else f'ENV{{{TAKEN}}}!="?*"'
    does = f"""SYMLINK+="{hand.link.removeprefix("/dev/")}", GROUP="dialout", MODE="0660", \
ENV{{ID_MM_PORT_IGNORE}}="1", TAG+="systemd", ENV{{SYSTEMD_WANTS}}+="{hand.unit}", \
RUN+="/bin/stty -F $devnode -hupcl\""""
    lines = (['ACTION!="remove"', 'SUBSYSTEM=="tty"', free, match, mine, does] for match in board.matches)
    head = RULE.format(option=_option(hand), link=hand.link)
    return head + "".join(", ".join(filter(None, line)) + "\n" for line in lines)


def _common(user: str, command: list[str], hand: Hand) -> dict[str, str]:
    return {
        "OPTION": _option(hand),
        "HAND": f", {hand.name} hand" if hand.name else "",
        "COMMAND": " ".join(_quoted(word) for word in command),
        "USER": _plain(user).replace("%", "%%"),
    }


def _filled(template: str, values: dict[str, str]) -> str:
    text = (files("myobridge.daemon.service") / template).read_text(encoding="utf-8")
    return re.sub("@([A-Z]+)@", lambda name: values[name[1]], text)


def _option(hand: Hand) -> str:
    return f" --name {hand.name}" if hand.name else ""


def _quoted(word: str) -> str:
    """One word of ExecStart: systemd expands % and $ and reads backslashes, even within quotes."""
    for mark, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(mark, escaped)
    return f'"{_plain(word)}"'


def _plain(word: str) -> str:
    if not word.isprintable():
        raise UserError(f"{word!r} cannot be used in a systemd unit; use a name without line breaks.")
    return word
