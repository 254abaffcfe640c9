"""Installs and removes the service: steps as data, which a dry run shows and a real run takes."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myobridge.daemon.permission.estop_memory import SERVICE_STATE
from myobridge.daemon.service.board import Board
from myobridge.daemon.service.hand import ONLY, Hand
from myobridge.daemon.service.texts import TAKEN
from myobridge.errors import UserError
from myobridge.files import draft

PATIENCE_S: Final = 60.0
"""Longer than a start may take (TimeoutStartSec in the unit)."""


@dataclass(frozen=True)
class Write:
    """Writes a file that belongs to root and that everybody may read; replaces an existing file."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"write {self.path}:\n" + "".join(f"    {line}".rstrip() + "\n" for line in self.text.splitlines())

    def take(self) -> None:
        """Writes the whole file or nothing."""
        if not self.path.parent.is_dir():
            raise UserError(f"There is no folder {self.path.parent}; the service needs a system with systemd and udev.")
        with draft(self.path) as half:
            half.write_text(self.text, encoding="utf-8")
            half.chmod(0o644)


@dataclass(frozen=True)
class Remove:
    """Removes a file, which may be gone already."""

    path: Path

    def __str__(self) -> str:
        return f"remove {self.path}"

    def take(self) -> None:
        """Removes the file."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"{self.path} cannot be removed ({error.strerror}); remove it yourself.") from error


@dataclass(frozen=True)
class Run:
    """Runs a system command."""

    words: tuple[str, ...]
    otherwise: str
    """What to do if the command fails."""

    def __str__(self) -> str:
        return f"run {' '.join(self.words)}"

    def take(self) -> None:
        """Runs the command and waits for it."""
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
    Run(
        ("udevadm", "trigger", "--settle", "--action=add", "--subsystem-match=tty"),
        "unplug the board and plug it in",
    ),
)
"""systemd and udev read their folders again, and apply the rules to the present ports."""


def model_steps(user: str, model: Path, hand: Hand) -> list[Step]:
    """Makes the folder of the hand's models, and puts the model there; a model that was there before is kept."""
    folders = [str(folder) for folder in (SERVICE_STATE, hand.model.parent.parent, hand.model.parent)]
    group = str(pwd.getpwnam(user).pw_gid)
    add = (sys.executable, "-m", "myobridge", "generations", str(hand.model), "--add", str(model))
    return [
        Run(("install", "-d", "-m", "700", "-o", user, "-g", group, *folders), f"look at {SERVICE_STATE}"),
        Run(("runuser", "-u", user, "--", *add), f"{user} must be able to read {model}"),
    ]


def install_steps(unit: str, rule: str, hand: Hand = ONLY, models: Sequence[Step] = ()) -> list[Step]:
    """Both files and the models, then the start; a running service restarts, so that it uses the new files."""
    start = Run(
        ("systemctl", "restart", hand.unit), f"`journalctl -u {hand.unit.removesuffix('.service')} -n 20` says why"
    )
    return [Write(hand.unit_path, unit), Write(hand.rule_path, rule), *models, *TAKE_UP, start]


def view_steps(text: str, hand: Hand = ONLY) -> list[Step]:
    """The unit of the page, which starts now and with the computer; a running page restarts with the new unit."""
    name = hand.view_unit.removesuffix(".service")
    return [
        Write(hand.view_unit_path, text),
        Run(("systemctl", "daemon-reload"), "the service needs a system that runs systemd"),
        Run(("systemctl", "enable", hand.view_unit), "the service needs a system that runs systemd"),
        Run(("systemctl", "restart", hand.view_unit), f"`journalctl -u {name} -n 20` says why"),
    ]


def no_view_steps(*, installed: bool, hand: Hand = ONLY) -> list[Step]:
    """The steps that remove the page of a hand."""
    if not installed:
        return []
    return [
        Run(("systemctl", "disable", "--now", hand.view_unit), "stop the page's service yourself, then try again"),
        Remove(hand.view_unit_path),
    ]


def uninstall_steps(*, installed: bool, hand: Hand = ONLY, view: bool = False) -> list[Step]:
    """The steps that undo an installation; stopping the service first disarms the hand. view: a page is installed."""
    stop = [Run(("systemctl", "stop", hand.unit), "stop the service yourself, then try again")] if installed else []
    page = no_view_steps(installed=view, hand=hand)
    return [*stop, *page, Remove(hand.rule_path), Remove(hand.unit_path), *TAKE_UP]


def check_beside_others(hand: Hand, board: Board, user: str) -> None:
    """Checks that a hand does not conflict with the installed hands.

    Raises:
        UserError: another hand has the board, its rule matches the board, or it belongs to another user.
    """
    for path in sorted(hand.rule_path.parent.glob("70-myobridge*.rules")):
        rule = path.read_text(encoding="utf-8", errors="replace")
        if path == hand.rule_path or not hand.name:
            continue
        if path == ONLY.rule_path and TAKEN not in rule:
            raise UserError(
                f"An older version wrote {path}, which also matches this board; install the service without --name "
                "again, or remove it with --uninstall, then install this hand."
            )
        if path != ONLY.rule_path and any(match in rule for match in board.matches):
            raise UserError(f"{path} gives this board to another hand; remove that hand first.")
    for path in sorted(hand.unit_path.parent.glob("myobridge*.service")):
        other = re.search(r"^User=(.*)$", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        if path != hand.unit_path and other and other[1] != user:
            raise UserError(
                f"The hand of {path} belongs to {other[1]}; run this command from that account, because all hands "
                "share /run/myobridge."
            )


def owner() -> str:
    """Name of the hand's user: the caller, or the caller of sudo.

    Raises:
        UserError: the only caller is root.
    """
    name = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    try:
        person = pwd.getpwnam(name)
    except KeyError:
        raise UserError(
            f"There is no user {name}; run this command with sudo from the account of the hand's user."
        ) from None
    if person.pw_uid == 0:
        raise UserError(
            "The daemon must not run as root; run this command with sudo from the account of the hand's user."
        )
    return name


def need_root() -> None:
    """Raises UserError without the right to change the system."""
    if os.geteuid():
        raise UserError("Only root can install or remove a service; run this command with sudo, or try --dry-run.")
