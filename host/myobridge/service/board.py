"""Which serial port is the hand's: found by what is plugged in, not by the order of plugging."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serial.tools.list_ports import comports

from myobridge.errors import UserError

LINK: Final = "/dev/myobridge"
"""The stable name that the udev rule gives to the hand's port."""
ARDUINOS: Final = {"2341": "0001|0010|0042|0043|0210|0242|0243", "2a03": "0010|0042|0043"}
"""USB vendor → products that are a Mega 2560 or an Uno, as the Arduino IDE's boards.txt (AVR core 1.8) has them."""
TTY: Final = re.compile(r"tty[A-Za-z]+(?=\d+$)")
PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""A board chooses its own serial number: nothing that means something in a rule may come out of it."""


@dataclass(frozen=True)
class Board:
    """What a udev rule needs to know the hand's port again, and the driver that makes it."""

    matches: tuple[str, ...]
    driver: str


def any_arduino() -> Board:
    """Every Mega 2560 and Uno with Arduino's own USB numbers."""
    return Board(tuple(_usb(vendor, products) for vendor, products in ARDUINOS.items()), "ttyACM")


def board_on(port: str) -> Board:
    """The very board that is on `port` now: by its USB numbers and serial number, or by name where it is not USB.

    Raises:
        UserError: there is no such port, or it is none that a rule can know again.
    """
    path = Path(port).resolve()
    if not path.is_char_device():
        raise UserError(f"There is no port {port}; plug the board in and list the ports with `myobridge devices`.")
    driver = TTY.match(path.name)
    if path.parent != Path("/dev") or not driver:
        raise UserError(f"{port} is not a board's serial port; `myobridge devices` lists those.")
    usb = next((found for found in comports() if found.device == str(path) and found.vid is not None), None)
    if usb is None:
        return Board((f'KERNEL=="{path.name}"',), driver.group())
    return Board((_usb(f"{usb.vid:04x}", f"{usb.pid:04x}", usb.serial_number),), driver.group())


def _usb(vendor: str, products: str, serial: str | None = None) -> str:
    match = f'ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{products}"'
    if serial and PLAIN.fullmatch(serial):
        match += f', ATTRS{{serial}}=="{serial}"'
    return match
