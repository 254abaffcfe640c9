"""What installing and removing the service does: steps as data, which a dry run shows and the real one takes."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myobridge.daemon.service.board import Board
from myobridge.daemon.service.hand import ONLY, Hand
from myobridge.daemon.service.texts import TAKEN
from myobridge.errors import UserError
from myobridge.files import draft

PATIENCE_S: Final = 60.0
"""Longer than a start may take (TimeoutStartSec of the unit)."""


@dataclass(frozen=True)
class Write:
    """A file of root's that everybody may read; replaces one that is there."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"write {self.path}:\n" + "".join(f"    {line}".rstrip() + "\n" for line in self.text.splitlines())

    def take(self) -> None:
        """Writes it whole or not at all."""
        if not self.path.parent.is_dir():
            raise UserError(f"There is no folder {self.path.parent}; the service needs a system with systemd and udev.")
        with draft(self.path) as half:
            half.write_text(self.text, encoding="utf-8")
            half.chmod(0o644)


@dataclass(frozen=True)
class Remove:
    """A file that may be gone already."""

    path: Path

    def __str__(self) -> str:
        return f"remove {self.path}"

    def take(self) -> None:
        """Removes it."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"{self.path} cannot be removed ({error.strerror}); remove it by hand.") from error


@dataclass(frozen=True)
class Run:
    """A command of the system's."""

    words: tuple[str, ...]
    otherwise: str
    """What to do where it fails."""

    def __str__(self) -> str:
        return f"run {' '.join(self.words)}"

    def take(self) -> None:
        """Runs it and waits for it."""
        command = " ".join(self.words)
        try:
            done = subprocess.run(
                self.words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UserError(f"`{command}` could not be run or did not end; {self.otherwise}.") from error
        if done.returncode:
            said = " ".join(done.stderr.split()).rstrip(".")
            raise UserError(f"`{command}` failed ({said}); {self.otherwise}.")


Step = Write | Remove | Run
TAKE_UP: Final = (
    Run(("systemctl", "daemon-reload"), "the service needs a system that runs systemd"),
    Run(("udevadm", "control", "--reload"), "the service needs a system that runs udev"),
    Run(("udevadm", "trigger", "--settle", "--action=add", "--subsystem-match=tty"), "unplug the board and plug it in"),
)
"""systemd and udev read their folders again, and look at the ports that are there."""


def install_steps(unit: str, rule: str, hand: Hand = ONLY) -> list[Step]:
    """Both files, then the start; a service that runs is started anew, so that it runs what was just installed."""
    start = Run(
        ("systemctl", "restart", hand.unit), f"`journalctl -u {hand.unit.removesuffix('.service')} -n 20` says why"
    )
    return [Write(hand.unit_path, unit), Write(hand.rule_path, rule), *TAKE_UP, start]


def uninstall_steps(*, installed: bool, hand: Hand = ONLY) -> list[Step]:
    """The way back; the service is stopped first, which disarms the hand."""
    stop = [Run(("systemctl", "stop", hand.unit), "stop it by hand, then try again")] if installed else []
    return [*stop, Remove(hand.rule_path), Remove(hand.unit_path), *TAKE_UP]


def check_beside_others(hand: Hand, board: Board, user: str) -> None:
    """May this hand have this board and this user, beside the hands that are installed already?

    Raises:
        UserError: another hand has the board, would take it, or is another person's.
    """
    for path in sorted(hand.rule_path.parent.glob("70-myobridge*.rules")):
        rule = path.read_text(encoding="utf-8", errors="replace")
        if path == hand.rule_path or not hand.name:
            continue
        if path == ONLY.rule_path and TAKEN not in rule:
            raise UserError(
                f"{path} is of an older version and would take this board, too; install the service without --name "
                "once more, or remove it with --uninstall, then install this hand."
            )
        if path != ONLY.rule_path and any(match in rule for match in board.matches):
            raise UserError(f"{path} is the rule of another hand for this very board; remove that hand first.")
    for path in sorted(hand.unit_path.parent.glob("myobridge*.service")):
        other = re.search(r"^User=(.*)$", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        if path != hand.unit_path and other and other[1] != user:
            raise UserError(
                f"The hand of {path} is used by {other[1]}; call it from that account: both share /run/myobridge."
            )


def owner() -> str:
    """Name of the person whose hand it is: who calls, or who called sudo.

    Raises:
        UserError: it is nobody but root.
    """
    name = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    try:
        person = pwd.getpwnam(name)
    except KeyError:
        raise UserError(
            f"There is no user {name}; call it with sudo from the account of whoever uses the hand."
        ) from None
    if person.pw_uid == 0:
        raise UserError("The daemon must not run as root; call it with sudo from the account of whoever uses the hand.")
    return name


def need_root() -> None:
    """Raises UserError without the right to change the system."""
    if os.geteuid():
        raise UserError("Only root can install or remove a service; call it with sudo, or look with --dry-run first.")
