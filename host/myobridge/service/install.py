"""What installing and removing the service does: steps as data, which a dry run shows and the real one takes."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myobridge.errors import UserError
from myobridge.service.texts import UNIT

UNIT_PATH: Final = Path("/etc/systemd/system") / UNIT
RULE_PATH: Final = Path("/etc/udev/rules.d/70-myobridge.rules")
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
        new = self.path.with_name(f".{self.path.name}.new")
        try:
            new.write_text(self.text, encoding="utf-8")
            new.chmod(0o644)
            new.replace(self.path)
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be written ({error.strerror}); is this a system with systemd?"
            ) from error


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


def install_steps(unit: str, rule: str) -> list[Step]:
    """Both files, then the start; a service that runs is started anew, so that it runs what was just installed."""
    start = Run(("systemctl", "restart", UNIT), f"`journalctl -u {UNIT.removesuffix('.service')} -n 20` says why")
    return [Write(UNIT_PATH, unit), Write(RULE_PATH, rule), *TAKE_UP, start]


def uninstall_steps(*, installed: bool) -> list[Step]:
    """The way back; the service is stopped first, which disarms the hand."""
    stop = [Run(("systemctl", "stop", UNIT), "stop it by hand, then try again")] if installed else []
    return [*stop, Remove(RULE_PATH), Remove(UNIT_PATH), *TAKE_UP]


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
