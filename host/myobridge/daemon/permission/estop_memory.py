"""The memory of an emergency stop: one for each board, which survives reconnects, restarts and power cuts.

A board forgets its own ESTOP at a reset, and opening an Arduino's port resets it. So the host remembers the stop.

Each board has two small files: `NAME.known` means that the board was used here before, and `NAME.clear` means that no
emergency stop is remembered. Remembering a stop removes NAME.clear, which works on a full disk, too. A NAME.clear that
cannot be read, or is missing after the first use, counts as an emergency stop.
"""

from __future__ import annotations

import os
import re
from binascii import crc32
from pathlib import Path
from typing import Final

from myobridge.errors import UserError
from myobridge.files import write_text

SERVICE_STATE: Final = Path("/var/lib/myobridge")
"""StateDirectory of the service."""
CLEAR: Final = "No emergency stop is remembered for this board.\n"
SHORTEST_SERIAL: Final = 6
"""Least length of a USB serial number that identifies a board; many adapters share a short one, such as 0001."""
SYSFS: Final = Path("/sys/class/tty")


def state_folder() -> Path:
    """The folder of this user's memory. The service's user has the service's folder, also outside the service."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.partition(":")[0])
    if SERVICE_STATE.is_dir() and SERVICE_STATE.stat().st_uid == os.getuid():
        return SERVICE_STATE
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # noqa: PTH117 - the XDG specification says: ignore a relative path
        base = os.path.expanduser("~/.local/state")  # noqa: PTH111 - `Path.expanduser` raises without a home
    return Path(base) / "myobridge"


def usb_name(port: str | Path, sysfs: Path = SYSFS) -> str | None:
    """A name for the board on a port, from its USB serial number, else from its USB socket; None: not USB."""
    device = (sysfs / Path(port).resolve().name / "device").resolve()
    for folder in (device, *device.parents):
        if (folder / "idVendor").is_file():
            vendor, product, serial = (_line(folder / name) for name in ("idVendor", "idProduct", "serial"))
            which = f"serial-{serial}" if len(serial) >= SHORTEST_SERIAL else f"socket-{device.name}"
            return _plain(f"usb-{vendor}-{product}-{which}")
    return None


def plain_name(port: str | Path) -> str:
    """A name for a port, from the path as given."""
    return _plain(f"port-{os.path.abspath(port)}")  # noqa: PTH100 - `Path.absolute` keeps `..`


def port_name(port: str | Path) -> str:
    """A name for a port, from its path without links; of a pseudo-terminal, whose path is reused, from its link."""
    named = os.path.abspath(port)  # noqa: PTH100 - `Path.absolute` keeps `..`, and `resolve` follows links
    real = os.path.realpath(named)
    return _plain(f"port-{named if real.startswith('/dev/pts/') else real}")


class EstopMemory:
    """The memory of the board on a port."""

    def __init__(self, port: str | Path) -> None:
        self._folder = state_folder()
        self._port = port
        named = plain_name(port)  # a stop may come while a link's device is unplugged
        self._names = list(dict.fromkeys(name for name in (usb_name(port), port_name(port), named) if name))

    @property
    def said(self) -> bool:
        """Whether an emergency stop of this board is remembered. Notes the first use of a board.

        Raises:
            UserError: the memory cannot be used; then the hand must not move either.
        """
        try:
            if not any(self._path(self._names[0], kind).exists() for kind in ("known", "clear")):
                self._write(self._names[0])
            return any(self._stopped(name) for name in self._names)
        except OSError as error:
            raise self._failed(error) from error

    def remember(self) -> None:
        """Remembers an emergency stop.

        Raises:
            UserError: the stop cannot be remembered.
        """
        name = self._names[0]
        try:
            self._path(name, "clear").unlink(missing_ok=True)
            if not self._path(name, "known").exists():
                self._note(name)
            self._settle()
        except OSError as error:
            raise self._failed(error) from error

    def lift(self) -> None:
        """Forgets the emergency stop. Only a person may order this.

        Raises:
            UserError: the memory cannot be written, so the stop stays.
        """
        try:
            for name in self._names:
                if name == self._names[0] or self._stopped(name):
                    self._write(name)
        except OSError as error:
            raise self._failed(error) from error

    def _path(self, name: str, kind: str) -> Path:
        return self._folder / f"{name}.{kind}"

    def _stopped(self, name: str) -> bool:
        clear = self._path(name, "clear")
        if not clear.exists():
            return self._path(name, "known").exists()
        try:
            return not clear.is_file() or clear.stat().st_size != len(CLEAR) or clear.read_bytes() != CLEAR.encode()
        except OSError:
            return True

    def _note(self, name: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path(name, "known").touch()

    def _write(self, name: str) -> None:
        """Writes `known` first: an interruption between the two files then counts as an emergency stop."""
        self._note(name)
        self._settle()
        write_text(self._path(name, "clear"), CLEAR)

    def _settle(self) -> None:
        """Waits until the disk holds the folder's entries."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _failed(self, error: OSError) -> UserError:
        return UserError(
            f"The emergency stop of the board on {self._port} cannot be stored in {self._folder} "
            f"({error.strerror or error}); free some space there, or set XDG_STATE_HOME to a folder of your own."
        )


def _line(path: Path) -> str:
    """The text of a sysfs file; empty if there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _plain(name: str) -> str:
    """A readable, short and unique file name for a name."""
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:80]
    return f"{readable}-{crc32(os.fsencode(name)):08x}"
