"""Where the feed of a port is: a Unix stream socket that only its user can open."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from myobridge.errors import UserError
from myobridge.feed.names import claim, names, own_name

QUEUE: Final = 16
SERVICE: Final = Path("/run/myobridge")
"""RuntimeDirectory of the service."""


def folders() -> tuple[Path, ...]:
    """Where the user's feeds may be; a daemon makes the first. One that the system started has no XDG_RUNTIME_DIR."""
    if os.environ.get("RUNTIME_DIRECTORY") == str(SERVICE):
        return (SERVICE,)
    base, temporary = (os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "TMPDIR"))  # tempfile takes 6 ms to import
    temporary = temporary if temporary and Path(temporary).is_dir() else "/tmp"
    own = (Path(base) / "myobridge",) if base and Path(base).is_dir() else ()
    return (*own, Path(temporary).absolute() / f"myobridge-{os.getuid()}", SERVICE)


def feed_path(port: str | Path) -> Path:
    """Where a daemon on `port` makes its socket."""
    return folders()[0] / f"{own_name(port)}.sock"


def feed_paths(port: str | Path) -> list[Path]:
    """`feed_path`, under each name that programs of ours know the device on `port` by; the name that is given first."""
    return [folders()[0] / f"{name}.sock" for name in names(port, folders())]


def connect(port: str | Path) -> socket.socket:
    """A connection to the daemon on `port`, by whatever name that daemon knows it.

    Raises:
        OSError: there is none, or it is another user's.
    """
    paths = [folder / f"{name}.sock" for name in names(port, folders()) for folder in folders()]
    for path in paths[:-1]:
        with suppress(OSError):
            return _connect(path)
    return _connect(paths[-1])


def _connect(path: Path) -> socket.socket:
    os.close(open_folder(path.parent))
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.connect(os.fspath(path))
    except OSError:
        client.close()
        raise
    return client


def listen(path: Path, port: str) -> socket.socket:
    """A listening socket at `path`, which replaces what a killed daemon left there.

    Raises:
        UserError: another daemon listens there, or nobody can.
    """
    folder = -1
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        folder = open_folder(path.parent)
        fcntl.flock(folder, fcntl.LOCK_EX)  # of several that start at once, one finds the socket stale
        if any(_alive(other) for other in {path, *feed_paths(port)}):
            raise UserError(f"{port} is in use by another program, a daemon of ours; end that one first.")
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(os.fspath(path))
        path.chmod(0o600)
        listener.listen(QUEUE)
        listener.setblocking(False)
        claim(path.parent, port)
        return listener
    except OSError as error:
        raise UserError(
            f"The feed {path} cannot be opened ({error.strerror or error}); set XDG_RUNTIME_DIR to a folder of yours."
        ) from error
    finally:
        if folder >= 0:
            os.close(folder)


def open_folder(path: Path) -> int:
    """The folder of the feeds, once it has been seen to be the user's alone: in a temporary folder anybody makes one.

    Raises:
        OSError: it is not there, or not the user's alone.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    owned = os.fstat(folder)
    if owned.st_uid != os.getuid() or owned.st_mode & 0o077:
        os.close(folder)
        raise PermissionError(errno.EPERM, "its folder is open to others")
    return folder


def _alive(path: Path) -> bool:
    """Somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except BlockingIOError:
            return True  # its queue is full
        except OSError:
            return False
        return True
