"""The files of the diary: lines of JSON, appended to small numbered files, the oldest of which is removed.

The numbers give the order, never the clock. A line is written in one piece. After a power cut or a kill, the last line
may be cut short: a reader skips it, and the next writer begins a new line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from myobridge.daemon.permission.estop_memory import state_folder
from myobridge.errors import UserError
from myobridge.feed.names import claim, names, own_name

MOST_BYTES: Final = 64_000
"""Size from which on a new file begins."""
MOST_FILES: Final = 64
"""4 MB; a hand that is worn for 8 hours a day writes 30 kB."""
FOLDER: Final = "diary"
NAME: Final = re.compile(r"\d{6,9}\.jsonl")


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened in some minutes of a run of the daemon; all numbers count from the previous line on.

    run: a random number of the run. at_s: seconds since 1970, by the clock of that moment; up_s: on the monotonic one.
    port, model: as given; only where they begin or change. origin: of the model, if it is a generation.
    on_s, armed_s: connected; armed. holds, faults: how many, by reason. opened: by itself. lost: connections.
    stops: emergency stops. bad_s: seconds of bad contact, by channel and by verdict. note: a sentence.
    """

    run: int
    at_s: float
    up_s: float
    port: str = ""
    model: str = ""
    origin: str = ""
    on_s: float = 0.0
    armed_s: float = 0.0
    holds: dict[str, int] = {}
    faults: dict[str, int] = {}
    opened: int = 0
    lost: int = 0
    stops: int = 0
    bad_s: dict[str, dict[str, float]] = {}
    note: str = ""


_decode: Final = msgspec.json.Decoder(Line).decode


class Store:
    """The files of one hand's diary in a private folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, line: Line, port: str = "") -> None:
        """Appends a line; with `port`, the folder is found by every name of this port.

        Raises:
            OSError: the disk refuses the line; what was written before is unchanged.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if port:
            claim(self.folder, port)
        files = self.files()
        number = int(files[-1].stem) if files else 1
        if files and files[-1].stat().st_size >= MOST_BYTES:
            number += 1
        path = self.folder / f"{number:06d}.jsonl"
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            size = os.fstat(fd).st_size
            cut = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            text = b"\n" * cut + msgspec.json.encode(line) + b"\n"
            if os.write(fd, text) < len(text):
                raise OSError(28, "No space left on device")
        finally:
            os.close(fd)
        for old in files[: max(0, len(files) + 1 - MOST_FILES)]:
            with suppress(OSError):
                old.unlink()

    def read(self) -> tuple[list[Line], int]:
        """All lines in their order, and how many lines are damaged.

        Raises:
            UserError: the folder or a file cannot be read.
        """
        lines, damaged = list[Line](), 0
        try:
            for text in self._texts():
                try:
                    lines.append(_decode(text))
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    damaged += 1
        except OSError as error:
            raise UserError(
                f"The diary in {self.folder} cannot be read ({error.strerror}); use the account that runs the daemon."
            ) from error
        return lines, damaged

    def _texts(self) -> Iterator[bytes]:
        for path in self.files():
            with path.open("rb") as file:
                yield from file.read(2 * MOST_BYTES).splitlines()

    def files(self) -> list[Path]:
        """The files of the diary, the oldest first."""
        try:
            found = [path for path in self.folder.iterdir() if NAME.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda path: int(path.stem))


def diary_of(port: str) -> Store:
    """The diary of the hand on a port, by any name of the port; it may be empty."""
    folder = state_folder() / FOLDER
    known = names(port, [folder])
    return Store(folder / next((name for name in known if (folder / name).is_dir()), own_name(port)))


def all_diaries() -> list[Store]:
    """The diaries of all hands of this user."""
    with suppress(OSError):
        return [Store(path) for path in sorted((state_folder() / FOLDER).iterdir()) if path.is_dir()]
    return []
