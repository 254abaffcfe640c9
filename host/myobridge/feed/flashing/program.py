"""Writes an image into a board, verifies, and greets what then runs."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Final

from myobridge.errors import UserError
from myobridge.feed import boot_loader
from myobridge.feed.flashing import drive
from myobridge.feed.flashing.images import Image
from myobridge.feed.flashing.target import Target, allow, forbidden_ports
from myobridge.feed.ports import ident_of, list_ports, name_of
from myobridge.wire import messages as m

START_S: Final = 15.0
"""From the end of writing until the board answers; a computer may take seconds to know a new USB device."""
AVRDUDE_S: Final = 180.0
UNHEARD: Final = ("not in sync", "not responding")
"""avrdude's words for a boot loader that does not answer, perhaps because it has another speed."""
AGAIN: Final = "its boot loader is whole, so run this command again"


def program(target: Target) -> m.Ident:
    """Flashes; the IDENT of the new firmware.

    Raises:
        UserError: it failed; the sentence says how to recover.
    """
    avr = target.image.family == "avr"
    how = f"unplug it, plug it in, and {AGAIN}" if avr else drive.BY_HAND
    try:
        (_by_avrdude if avr else _by_drive)(target)
        ident = _greet(target)
    except KeyboardInterrupt as stopped:
        raise UserError(f"The writing was stopped, so the board may have no whole firmware; {how}.") from stopped
    if ident is not None:
        return ident
    if not avr and drive.mounted():
        raise UserError(f"The board did not restart, so the copy was not whole; {how}.")
    if forbidden := forbidden_ports():
        raise UserError(f"The firmware is written, but the board could not be asked, because {allow(forbidden)}.")
    raise UserError(f"The board does not answer with the new firmware; {how}.")


def _by_avrdude(target: Target) -> None:
    avrdude = shutil.which("avrdude")
    if avrdude is None:
        raise UserError(
            "avrdude is not installed; install it (`sudo apt-get install avrdude`), then run this command again."
        )
    write, said = f"flash:w:{target.image.path}:i", ""
    for options in _speeds(target.image.avrdude):
        command = [avrdude, *options, "-P", str(target.port), "-U", write]
        try:
            done = subprocess.run(command, capture_output=True, errors="replace", check=False, timeout=AVRDUDE_S)
        except subprocess.TimeoutExpired as error:
            raise UserError(
                f"avrdude got no further on {target.port}; unplug the board, plug it in, and {AGAIN}."
            ) from error
        if not done.returncode:
            return
        said = said or done.stderr
        if not any(sign in done.stderr for sign in UNHEARD):
            break
    raise UserError(f"avrdude could not flash the board on {target.port} ({_why(said)}); check --board, and {AGAIN}.")


def _speeds(options: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """avrdude's options, and where an old Nano's boot loader may be there, the same at its speed."""
    yield options
    if "arduino" in options:
        yield (*options, "-b", str(boot_loader.BAUD))


def _why(said: str) -> str:
    """avrdude's reason."""
    lines = [line for line in said.splitlines() if "error" in line.lower() or "not in sync" in line.lower()]
    return (lines or said.strip().splitlines() or ["no reason given"])[-1].removeprefix("avrdude: ").rstrip(".")


def _by_drive(target: Target) -> None:
    place = drive.find()
    if place is not None and target.ident is not None:
        raise UserError(
            f"One board answers on {target.port}, and another is in its boot loader ({place}); unplug the one that is "
            "not to be flashed."
        )
    if place is None and target.port is not None:
        drive.touch(target.port)
        place = drive.wait()
    if place is None:
        raise UserError(f"The board shows no drive RPI-RP2; {drive.BY_HAND}.")
    drive.copy(target.image.data, place)


def _greet(target: Target) -> m.Ident | None:
    """What the board says of its new firmware; None if it does not answer with that.

    Asks the board's port, or where that has another name by now, every one. A service may be quicker to open the port:
    then its daemon is asked.
    """
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        for port in [target.port] if target.port in list_ports() or target.image.family == "avr" else list_ports():
            try:
                ident, _ = ident_of(str(port))
            except UserError:
                continue  # not there yet
            if ident is not None and _is_new(ident, target.image):
                return ident
        time.sleep(drive.LOOK_S)
    return None


def _is_new(ident: m.Ident, image: Image) -> bool:
    """Whether a board has the image; boards of one family share the build."""
    return ident.build == image.build and name_of(m.Board, ident.board) == image.board
