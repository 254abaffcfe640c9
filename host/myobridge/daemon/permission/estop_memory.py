"""The memory of an emergency stop: kept for each board, over reconnects, restarts and power cuts.

A board forgets its own ESTOP when it is reset, and opening the port of an Arduino resets it. So the host remembers.

Two small files stand for a board: `NAME.known` says that the board was used here before, and `NAME.clear` says that no
emergency stop is remembered. To remember one, NAME.clear is removed: that works on a full disk, too. A file that cannot
be read, or that is missing after the first use, counts as an emergency stop.
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
"""Characters of a USB serial number that names one board; many adapters share a short one, such as 0001."""
SYSFS: Final = Path("/sys/class/tty")


def state_folder() -> Path:
    """Where this user's memory is; the service's user has the service's folder, in the service and beside it."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.partition(":")[0])
    if SERVICE_STATE.is_dir() and SERVICE_STATE.stat().st_uid == os.getuid():
        return SERVICE_STATE
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # noqa: PTH117 - as the XDG specification says of a relative one: ignore it
        base = os.path.expanduser("~/.local/state")  # noqa: PTH111 - `Path.expanduser` fails where there is no home
    return Path(base) / "myobridge"


def usb_name(port: str | Path, sysfs: Path = SYSFS) -> str | None:
    """The board behind a port: by its USB serial number, else by the USB socket it is plugged into; None: not USB."""
    device = (sysfs / Path(port).resolve().name / "device").resolve()
    for folder in (device, *device.parents):
        if (folder / "idVendor").is_file():
            vendor, product, serial = (_line(folder / name) for name in ("idVendor", "idProduct", "serial"))
            which = f"serial-{serial}" if len(serial) >= SHORTEST_SERIAL else f"socket-{device.name}"
            return _plain(f"usb-{vendor}-{product}-{which}")
    return None


def plain_name(port: str | Path) -> str:
    """A port by the very name that is given."""
    return _plain(f"port-{os.path.abspath(port)}")  # noqa: PTH100 - `Path.absolute` keeps `..`


def port_name(port: str | Path) -> str:
    """A port by its name. The name of a pseudo-terminal is used again by the next one, so its link stays its name."""
    named = os.path.abspath(port)  # noqa: PTH100 - `Path.absolute` keeps `..`, and `resolve` follows links
    real = os.path.realpath(named)
    return _plain(f"port-{named if real.startswith('/dev/pts/') else real}")


class EstopMemory:
    """What is remembered about the board on a port."""

    def __init__(self, port: str | Path) -> None:
        self._folder = state_folder()
        self._port = port
        named = plain_name(port)  # of a link, too, whose device was unplugged when a stop was said
        self._names = list(dict.fromkeys(name for name in (usb_name(port), port_name(port), named) if name))

    @property
    def said(self) -> bool:
        """An emergency stop was said for this board, and no person has lifted it. The first use of a board is noted.

        Raises:
            UserError: nothing can be remembered here; then nothing may move either.
        """
        try:
            if not any(self._path(self._names[0], kind).exists() for kind in ("known", "clear")):
                self._write(self._names[0])
            return any(self._stopped(name) for name in self._names)
        except OSError as error:
            raise self._failed(error) from error

    def remember(self) -> None:
        """Remembers an emergency stop, before anything else is done that could fail.

        Raises:
            UserError: it cannot be remembered.
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
        """Forgets the emergency stop, by the order of a person.

        Raises:
            UserError: it cannot be forgotten, so it stays.
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
        """Known first: what breaks off between the two files counts as an emergency stop."""
        self._note(name)
        self._settle()
        write_text(self._path(name, "clear"), CLEAR)

    def _settle(self) -> None:
        """Waits until the folder's entries are on the disk."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _failed(self, error: OSError) -> UserError:
        return UserError(
            f"The emergency stop of the board on {self._port} cannot be kept in {self._folder} "
            f"({error.strerror or error}); make room there, or set XDG_STATE_HOME to a folder of yours."
        )


def _line(path: Path) -> str:
    """What a file of sysfs says; empty if there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _plain(name: str) -> str:
    """A file name: readable, short, and another one for each name."""
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:80]
    return f"{readable}-{crc32(os.fsencode(name)):08x}"
