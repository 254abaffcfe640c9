"""Programs that take a board's port away from everybody else: brltty, for braille displays, and ModemManager.

Both are services of the system: what they hold is hidden from its users, so they are known by their processes and their
rules. `root` is the file system's root, so that a test can bring its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from myobridge.doctor.files import read

RULE_FOLDERS: Final = ("etc/udev/rules.d", "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d")
"""A file in an earlier one replaces that of the same name in a later one."""
ADAPTERS: Final = {"1a86:7523": "CH340", "10c4:ea60": "CP210x", "403:6001": "FT232", "67b:2303": "PL2303"}
"""USB numbers, as udev's PRODUCT has them, that boards share with braille displays."""
MODEM_PORTS: Final = re.compile(r"tty(ACM|USB)\d+")
MODEM_IGNORED: Final = re.compile(r"^E:ID_MM_(PORT_IGNORE|DEVICE_IGNORE|TTY_BLACKLIST)=1$", re.MULTILINE)


def brltty_takes(port: Path, root: Path) -> str:
    """The adapter that brltty takes or would take: the port's, or, where the port is not there, one without a port."""
    running, rules = _runs("brltty", root), "".join(_rules("brltty", root))
    if not running and not rules:
        return ""
    for usb in _usb_of(port, root):
        if usb in ADAPTERS and (running or usb.replace(":", "/") in rules):
            return ADAPTERS[usb]
    return ""


def modem_manager_asks(port: Path, root: Path) -> bool:
    """Whether ModemManager runs and was not told to leave this port alone."""
    if not MODEM_PORTS.fullmatch(port.name) or not _runs("ModemManager", root):
        return False
    return not any(MODEM_IGNORED.search(text) for text in _udev_says(root / "sys/class/tty" / port.name, root))


def _runs(program: str, root: Path) -> bool:
    return any(read(process / "comm") == program for process in (root / "proc").glob("[0-9]*"))


def _rules(program: str, root: Path) -> Iterator[str]:
    """The program's rules that are in force, without comments, in small letters."""
    seen = set()
    for folder in RULE_FOLDERS:
        for path in sorted((root / folder).glob(f"*{program}*.rules")):
            if path.name not in seen:
                seen.add(path.name)
                lines = read(path).lower().splitlines()
                yield "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def _usb_of(port: Path, root: Path) -> Iterator[str]:
    """USB numbers of the device behind a port, or of all devices without a port where there is no such port."""
    tty = root / "sys/class/tty" / port.name
    if tty.exists():
        device = tty.resolve()
        yield from (_numbers(folder) for folder in device.parents if (folder / "idVendor").is_file())
        return
    for device in sorted((root / "sys/bus/usb/devices").glob("*")):
        if (device / "idVendor").is_file() and not any(device.glob("*:*/tty*")):
            yield _numbers(device)


def _numbers(device: Path) -> str:
    return ":".join(read(device / name).lstrip("0") for name in ("idVendor", "idProduct"))


def _udev_says(tty: Path, root: Path) -> Iterator[str]:
    """What the rules have made of a port and of the devices that it belongs to."""
    real = tty.resolve()
    for folder in (real, *real.parents):
        if number := read(folder / "dev"):
            yield read(root / f"run/udev/data/c{number}")
