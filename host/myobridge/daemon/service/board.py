"""Identifies the board's serial port by the hardware, not by the order in which ports were plugged in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from serial.tools.list_ports import comports

from myobridge.daemon.permission.estop_memory import SHORTEST_SERIAL
from myobridge.errors import UserError

ARDUINOS: Final = {"2341": "0001|0010|0042|0043|0210|0242|0243", "2a03": "0010|0042|0043"}
"""USB vendor → products that are a Mega 2560 or an Uno, from the Arduino IDE's boards.txt (AVR core 1.8)."""
TTY: Final = re.compile(r"tty[A-Za-z]+(?=\d+$)")
PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""The characters that a serial number may have in a rule: a board could otherwise write into the rule."""
SOCKET: Final = re.compile(r"\d+-\d+(\.\d+)*")
"""A USB socket in Linux's notation: bus, port of the root hub, ports of the hubs between."""


@dataclass(frozen=True)
class Board:
    """How a udev rule recognises the board's port, and the driver of that port."""

    matches: tuple[str, ...]
    driver: str
    socket: str = ""
    """The USB socket that identifies a board without a serial number of its own."""


def any_arduino() -> Board:
    """Every Mega 2560 and Uno with Arduino's own USB numbers."""
    return Board(tuple(_usb(vendor, products) for vendor, products in ARDUINOS.items()), "ttyACM")


def board_on(port: str) -> Board:
    """The board that is on `port` now: by its USB numbers and serial number, or by the port's name if it is not USB.

    Raises:
        UserError: there is no such port, or no rule can recognise it.
    """
    path, driver, usb = _found_on(port)
    if usb is None:
        return Board((f'KERNEL=="{path.name}"',), driver)
    return Board((_usb(f"{usb.vid:04x}", f"{usb.pid:04x}", usb.serial_number),), driver)


def one_board_on(port: str) -> Board:
    """The board on `port`, distinguished from others of its kind by its serial number or its USB socket.

    Raises:
        UserError: as `board_on`, or nothing distinguishes the board.
    """
    path, driver, usb = _found_on(port)
    if usb is None:
        return Board((f'KERNEL=="{path.name}"',), driver)
    match = _usb(f"{usb.vid:04x}", f"{usb.pid:04x}")
    serial, socket = usb.serial_number or "", (usb.location or "").partition(":")[0]
    if len(serial) >= SHORTEST_SERIAL and PLAIN.fullmatch(serial):
        return Board((f'{match}, ATTRS{{serial}}=="{serial}"',), driver)
    if SOCKET.fullmatch(socket):
        return Board((f'{match}, KERNELS=="{socket}"',), driver, socket)
    raise UserError(
        f"The board on {port} cannot be distinguished from others of its kind; use a board with a USB serial number."
    )


def known_by(port: str) -> str:
    """How `install-service` would recognise the board on a port, in words; empty if nothing distinguishes it."""
    try:
        board = one_board_on(port)
    except UserError:
        return ""
    if board.socket:
        return f"known by its USB socket {board.socket}, so always use that socket"
    return "known by its USB serial number" if "serial" in board.matches[0] else "known by the name of its port"


def _found_on(port: str) -> tuple[Path, str, Any]:
    """The port's path without links, its driver, and pyserial's entry of its USB device; None if it is not USB."""
    path = Path(port).resolve()
    if not path.is_char_device():
        raise UserError(f"There is no port {port}; plug the board in and list the ports with `myobridge devices`.")
    driver = TTY.match(path.name)
    if path.parent != Path("/dev") or not driver:
        raise UserError(f"{port} is not a board's serial port; list those ports with `myobridge devices`.")
    usb = next((found for found in comports() if found.device == str(path) and found.vid is not None), None)
    return path, driver.group(), usb


def _usb(vendor: str, products: str, serial: str | None = None) -> str:
    match = f'ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{products}"'
    if serial and PLAIN.fullmatch(serial):
        match += f', ATTRS{{serial}}=="{serial}"'
    return match
