"""The file names of a port, and its other names.

The daemon may know a port as /dev/myobridge, and a person as /dev/ttyACM0. The daemon's name stays when the board comes
back as /dev/ttyACM1, so the daemon's files are named after it. Beside them, `NAME.port` links to the port: a program
that knows another name follows the links to the same device.
"""

from __future__ import annotations

import os
import re
import stat
from binascii import crc32
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

LINK: Final = ".port"
STEM_LETTERS: Final = 32


def own_name(port: str | Path) -> str:
    """A short and unique file name for the name of a port."""
    port = os.path.abspath(port)  # noqa: PTH100 - keeps links: a link to the port keeps its name when the port changes
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(port).name)[:STEM_LETTERS]
    return f"{stem}-{crc32(os.fsencode(port)):08x}"


def names(port: str | Path, folders: Iterable[Path]) -> list[str]:
    """The port's own name, then the other names that `claim` noted for its device in these folders."""
    found, device = [own_name(port)], _device(port)
    if device is not None:
        for folder in folders:
            with suppress(OSError):
                links = sorted(path for path in folder.iterdir() if path.suffix == LINK and _device(path) == device)
                found += [path.stem for path in links]
    return list(dict.fromkeys(found))


def claim(feed: Path, port: str | Path) -> None:
    """Makes the link from the feed to its port."""
    link = feed.with_suffix(LINK)
    with suppress(OSError):
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.abspath(port))  # noqa: PTH100 - keeps links, and drops `..`


def release(feed: Path) -> None:
    """Removes the link from the feed to its port."""
    with suppress(OSError):
        feed.with_suffix(LINK).unlink(missing_ok=True)


def _device(port: str | Path) -> int | None:
    """The device number behind a name; None if there is no device."""
    with suppress(OSError, ValueError):
        found = os.stat(port)  # noqa: PTH116 - takes any name, also one that no Path can be
        if stat.S_ISCHR(found.st_mode):
            return found.st_rdev
    return None
