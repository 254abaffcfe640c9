"""Finds programs that take a board's port: brltty, for braille displays, and ModemManager.

Both are system services, whose open files are hidden from users; their processes and udev rules reveal them. `root` is
the root of the file system, so that a test can provide its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from myobridge.doctor.files import read

RULE_FOLDERS: Final = ("etc/udev/rules.d", "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d")
"""A file in an earlier folder replaces a file of the same name in a later folder."""
ADAPTERS: Final = {"1a86:7523": "CH340", "10c4:ea60": "CP210x", "403:6001": "FT232", "67b:2303": "PL2303"}
"""USB numbers that boards share with braille displays, in the form of udev's PRODUCT."""
MODEM_PORTS: Final = re.compile(r"tty(ACM|USB)\d+")
MODEM_IGNORED: Final = re.compile(r"^E:ID_MM_(PORT_IGNORE|DEVICE_IGNORE|TTY_BLACKLIST)=1$", re.MULTILINE)


def brltty_takes(port: Path, root: Path) -> str:
    """The adapter that brltty takes: the port's own, or, if the port does not exist, an adapter without a port."""
    running, rules = _runs("brltty", root), "".join(_rules("brltty", root))
    if not running and not rules:
        return ""
    for usb in _usb_of(port, root):
        if usb in ADAPTERS and (running or usb.replace(":", "/") in rules):
            return ADAPTERS[usb]
    return ""


def modem_manager_asks(port: Path, root: Path) -> bool:
    """Whether ModemManager runs and no rule keeps it away from this port."""
    if not MODEM_PORTS.fullmatch(port.name) or not _runs("ModemManager", root):
        return False
    return not any(MODEM_IGNORED.search(text) for text in _udev_says(root / "sys/class/tty" / port.name, root))


def _runs(program: str, root: Path) -> bool:
    return any(read(process / "comm") == program for process in (root / "proc").glob("[0-9]*"))


def _rules(program: str, root: Path) -> Iterator[str]:
    """The program's active rules, without comments, in lower case."""
    seen = set()
    for folder in RULE_FOLDERS:
        for path in sorted((root / folder).glob(f"*{program}*.rules")):
            if path.name not in seen:
                seen.add(path.name)
                lines = read(path).lower().splitlines()
                yield "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def _usb_of(port: Path, root: Path) -> Iterator[str]:
    """USB numbers of the device behind a port; if there is no such port, of all devices without a port."""
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
    """The properties that udev's rules gave a port and its parent devices."""
    real = tty.resolve()
    for folder in (real, *real.parents):
        if number := read(folder / "dev"):
            yield read(root / f"run/udev/data/c{number}")
