"""The drive RPI-RP2, which an RP2040 shows while its boot loader runs."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from myobridge.errors import UserError
from myobridge.wire.link import SerialLink

LABEL: Final = Path("/dev/disk/by-label/RPI-RP2")
MOUNTS: Final = Path("/proc/self/mounts")
INFO: Final = "INFO_UF2.TXT"
BOARD_ID: Final = "Board-ID: RPI-RP2"
TOUCH_BAUD: Final = 1200
WAIT_S: Final = 15.0
LOOK_S: Final = 0.2
WITHOUT_PORT: Final = "run `myobridge flash --board …` without --port"
"""A board in its boot loader has no port, and does not say which board it is."""
BY_HAND: Final = f"hold BOOTSEL on the board while you plug in its USB cable, then {WITHOUT_PORT}"


def mounted() -> list[Path]:
    """Where such drives are mounted."""
    fields = (line.split() for line in MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines())
    places = [
        Path(field[1].replace("\\040", " ")) for field in fields if len(field) > 2 and field[2] in ("vfat", "msdos")
    ]
    return [place for place in places if _is_drive(place)]


def _is_drive(place: Path) -> bool:
    try:
        return BOARD_ID in (place / INFO).read_text(encoding="ascii", errors="replace")
    except OSError:
        return False


def find() -> Path | None:
    """The one drive; None if no board shows any.

    Raises:
        UserError: a drive is not mounted, or there are two.
    """
    places = mounted()
    if len(places) > 1:
        raise UserError(
            f"Two boards are in their boot loaders ({', '.join(map(str, places))}); "
            "unplug all but the one to be flashed."
        )
    if not places and LABEL.exists():
        raise UserError(
            "The board's drive RPI-RP2 is not mounted; mount it, for instance with `udisksctl mount -b "
            f"{LABEL}`, then {WITHOUT_PORT}."
        )
    return places[0] if places else None


def touch(port: str) -> None:
    """Asks the board for its boot loader: opens the port at 1200 baud and closes it.

    Raises:
        UserError: the port cannot be opened.
    """
    SerialLink(port, TOUCH_BAUD).hang_up()


def wait() -> Path | None:
    """The one drive, as soon as it is mounted; a desktop mounts it a second after it has come.

    Raises:
        UserError: the drive is not mounted, or there are two.
    """
    until = time.monotonic() + WAIT_S
    while not mounted() and time.monotonic() < until:
        time.sleep(LOOK_S)
    return find()


def copy(image: bytes, drive: Path) -> None:
    """Writes the image; with its last block the board restarts, so that the end of the copy may be an error.

    Raises:
        UserError: the drive took no file.
    """
    target = drive / "myobridge.uf2"
    written = 0
    try:
        with target.open("wb", buffering=0) as file:
            while written < len(image):
                written += file.write(image[written : written + 4096]) or 0
            os.fsync(file.fileno())
    except OSError as error:
        if written < len(image):
            raise UserError(
                f"The copy to {drive} broke off ({error.strerror}), so the board has no whole firmware; {BY_HAND}."
            ) from error
