"""Writes an image into a board, verifies, and greets what then runs."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import Final

from myobridge.errors import UserError
from myobridge.feed.flashing import drive
from myobridge.feed.flashing.target import Target
from myobridge.feed.ports import ask, list_ports
from myobridge.wire import messages as m

START_S: Final = 15.0
"""From the end of writing until the board answers; a computer may take seconds to know a new USB device."""
AVRDUDE_S: Final = 180.0
AGAIN: Final = "its boot loader is whole, so run this command again"


def program(target: Target) -> m.Ident:
    """Flashes; the IDENT of the new firmware.

    Raises:
        UserError: it failed; the sentence says how to recover.
    """
    if target.image.family == "avr":
        _by_avrdude(target)
    else:
        _by_drive(target)
    return _greet(target)


def _by_avrdude(target: Target) -> None:
    avrdude = shutil.which("avrdude")
    if avrdude is None:
        raise UserError(
            "avrdude is not installed; install it (`sudo apt-get install avrdude`), then run this command again."
        )
    write = f"flash:w:{target.image.path}:i"
    command = [avrdude, *target.image.avrdude, "-P", str(target.port), "-U", write]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=AVRDUDE_S)
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"avrdude got no further on {target.port}; unplug the board, plug it in, and {AGAIN}."
        ) from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower() or "not in sync" in line.lower()]
        why = (
            (said or done.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("avrdude: ").rstrip(".")
        )
        raise UserError(f"avrdude could not flash the board on {target.port} ({why}); check --board, and {AGAIN}.")


def _by_drive(target: Target) -> None:
    place = drive.find()
    if place is None and target.port is not None:
        drive.touch(target.port)
        place = drive.wait_for(drive.find)
    if place is None:
        raise UserError(f"The board shows no drive RPI-RP2; {drive.BY_HAND}.")
    drive.copy(target.image.data, place)
    if drive.wait_for(lambda: None if place in drive.mounted() else place) is None:
        raise UserError(f"The board did not restart, so the copy was not whole; {drive.BY_HAND}.")


def _greet(target: Target) -> m.Ident:
    """Asks the board's port, or where that has another name by now, every one."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        for port in [target.port] if target.port in list_ports() or target.image.family == "avr" else list_ports():
            try:
                ident = ask(str(port))
            except UserError:
                continue  # not there yet
            if ident is not None and ident.build == target.image.build:
                return ident
        time.sleep(drive.LOOK_S)
    how = AGAIN if target.image.family == "avr" else drive.BY_HAND
    raise UserError(f"The board does not answer with the new firmware; unplug it, plug it in, and {how}.")
