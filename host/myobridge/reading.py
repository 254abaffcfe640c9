"""What a path may lead to before it is opened for reading."""

from __future__ import annotations

import stat
from pathlib import Path

from myobridge.errors import UserError


def check_file(path: Path) -> None:
    """Refuses what is there and is no file: a folder, or a pipe, at which a reader would wait for ever.

    Raises:
        UserError: it is a folder, a pipe, a socket or a device.
        OSError: nothing is there, or its folder cannot be searched.
    """
    kind = path.stat().st_mode
    if not stat.S_ISREG(kind):
        what = "Is a directory" if stat.S_ISDIR(kind) else "it is a pipe, a device or a socket"
        raise UserError(f"{path} cannot be read ({what}); give the path of a file.")
