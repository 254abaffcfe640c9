"""The firmware's images in this package, which `python firmware/images.py` makes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from myobridge.errors import UserError

FOLDER: Final = Path(__file__).with_name("images")
INDEX: Final = "images.json"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the index."""

    file: str
    sha256: str
    build: int
    """What IDENT says of it."""
    family: str
    avrdude: str = ""
    """Options of avrdude; a board without them shows a drive."""


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What images.json holds."""

    version: str
    compilers: dict[str, str]
    """By family: the first line of what the compiler says of itself."""
    boards: dict[str, Entry]


@dataclass(frozen=True)
class Image:
    """The firmware of one board."""

    board: str
    version: str
    build: int
    family: str
    avrdude: tuple[str, ...]
    path: Path
    data: bytes

    @property
    def described(self) -> str:
        """A few words for people."""
        return f"{self.board}, firmware {self.version}, build {self.build:08x}"


@cache
def index() -> Index:
    """What images there are.

    Raises:
        UserError: the package was installed without them.
    """
    try:
        return msgspec.json.decode((FOLDER / INDEX).read_bytes(), type=Index)
    except (OSError, msgspec.DecodeError) as error:
        raise UserError("This installation of myobridge holds no firmware; install myobridge again.") from error


def image_of(board: str) -> Image:
    """The image of a board, whole.

    Raises:
        UserError: there is none, or the file was damaged.
    """
    known = index()
    if board not in known.boards:
        raise UserError(f"There is no firmware for {board}; choose one of {', '.join(sorted(known.boards))}.")
    entry = known.boards[board]
    path = FOLDER / entry.file
    data = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise UserError(f"The firmware in {path} is damaged; install myobridge again.")
    return Image(board, known.version, entry.build, entry.family, tuple(entry.avrdude.split()), path, data)
