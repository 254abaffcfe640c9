"""What the files of a port are called, and which other names the same port goes by.

A port is known to its daemon by one name, such as /dev/myobridge, and to a person by another, such as /dev/ttyACM0. The
daemon's name stays when the board comes back as /dev/ttyACM1, so the files are called after the name. Beside them,
`NAME.port` is a link to the port: whoever comes with another name follows the links to the same device.
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
    """Short, whatever the port is called, and another one for each name of a port."""
    port = os.path.abspath(port)  # noqa: PTH100 - a link to the port keeps its name when the port changes
    stem = re.sub(r"[^A-Za-z0-9]+", "-", os.path.basename(port))[:STEM_LETTERS]  # noqa: PTH119
    return f"{stem}-{crc32(os.fsencode(port)):08x}"


def names(port: str | Path, folders: Iterable[Path]) -> list[str]:
    """The port's own name, then the other ones under which `claim` noted its device in these folders."""
    found, device = [own_name(port)], _device(port)
    if device is not None:
        for folder in folders:
            with suppress(OSError):
                links = sorted(path for path in folder.iterdir() if path.suffix == LINK and _device(path) == device)
                found += [path.stem for path in links]
    return list(dict.fromkeys(found))


def claim(feed: Path, port: str | Path) -> None:
    """Notes, beside the feed of a port, which port it is."""
    link = feed.with_suffix(LINK)
    with suppress(OSError):
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.abspath(port))  # noqa: PTH100 - the link that is given, not its target


def release(feed: Path) -> None:
    """The feed is over."""
    with suppress(OSError):
        feed.with_suffix(LINK).unlink(missing_ok=True)


def _device(port: str | Path) -> int | None:
    """The number of the device behind a name; None if there is none now."""
    with suppress(OSError, ValueError):
        found = os.stat(port)  # noqa: PTH116 - a name that is no path at all is none either
        if stat.S_ISCHR(found.st_mode):
            return found.st_rdev
    return None
