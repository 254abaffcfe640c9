"""Where the feed of a port is: a Unix stream socket that only its user can open."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from myobridge.errors import UserError
from myobridge.feed.names import claim, names, own_name

QUEUE: Final = 128
"""Clients that wait to be let in; a crowd has come and gone before it is full."""
CONNECT_S: Final = 2.0
"""A daemon that has not made room in its queue by then is stopped, or hangs."""
RETRY_S: Final = 0.01
ADDRESS_BYTES: Final = 100
"""Longest name of a Unix socket, on any system."""
NAME_BYTES: Final = 60
"""Longest name of a socket of ours, within its folder."""
BY_DESCRIPTOR: Final = Path("/proc/self/fd")
"""Linux: a path through an open folder has few letters, however long the folder's name is."""
SERVICE: Final = Path("/run/myobridge")
"""RuntimeDirectory of the service."""


def folders() -> tuple[Path, ...]:
    """Where the user's feeds may be; a daemon makes the first. One that the system started has no XDG_RUNTIME_DIR."""
    if os.environ.get("RUNTIME_DIRECTORY") == str(SERVICE):
        return (SERVICE,)
    base, temporary = (os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "TMPDIR"))  # tempfile takes 6 ms to import
    own = f"myobridge-{os.getuid()}"
    wanted = ((base, "myobridge"), (temporary, own), ("/tmp", own))
    usable = [Path(parent).absolute() / name for parent, name in wanted if parent and Path(parent).is_dir()]
    return (*dict.fromkeys(filter(_is_reachable, usable)), SERVICE)


def _is_reachable(folder: Path) -> bool:
    return BY_DESCRIPTOR.is_dir() or len(os.fsencode(folder)) + NAME_BYTES < ADDRESS_BYTES


def feed_path(port: str | Path) -> Path:
    """Where a daemon on `port` makes its socket."""
    return folders()[0] / f"{own_name(port)}.sock"


def feed_paths(port: str | Path) -> list[Path]:
    """`feed_path`, under each name that programs of ours know the device on `port` by; the name that is given first."""
    return [folders()[0] / f"{name}.sock" for name in names(port, folders())]


def connect(port: str | Path) -> socket.socket:
    """A connection to the daemon on `port`; it is waited for only while the daemon's queue is full.

    Raises:
        OSError: there is none, or it is another user's.
        TimeoutError: there is one, and it lets nobody in.
    """
    until_s = time.monotonic() + CONNECT_S
    while True:
        try:
            return connect_now(port)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                raise TimeoutError(errno.ETIMEDOUT, "it lets nobody in") from None
            time.sleep(RETRY_S)


def connect_now(port: str | Path) -> socket.socket:
    """A connection to the daemon on `port`, by whatever name that daemon knows it; the socket does not block.

    Raises:
        OSError: there is none, or it is another user's.
        BlockingIOError: there is one, and its queue is full.
    """
    paths = [folder / f"{name}.sock" for name in names(port, folders()) for folder in folders()]
    for path in paths[:-1]:
        try:
            return _connect(path)
        except BlockingIOError:
            raise
        except OSError:
            continue
    return _connect(paths[-1])


def _connect(path: Path) -> socket.socket:
    with address(path) as reachable:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.setblocking(False)
        try:
            client.connect(reachable)
        except OSError:
            client.close()
            raise
        return client


def listen(path: Path, port: str) -> socket.socket:
    """A listening socket at `path`, which replaces what a killed daemon left there.

    Raises:
        UserError: another daemon listens there, or nobody can.
    """
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with address(path) as reachable, _alone_in(path.parent):  # of several that start at once, one finds it stale
            if any(map(_alive, {path, *feed_paths(port)})):
                raise UserError(f"{port} is in use by another program, a daemon of ours; end that one first.")
            path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(reachable)
            path.chmod(0o600)
            listener.listen(QUEUE)
            listener.setblocking(False)
            claim(path, port)
            return listener
    except OSError as error:
        raise UserError(
            f"The feed {path} cannot be opened ({error.strerror or error}); set XDG_RUNTIME_DIR to a folder of yours."
        ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """While no other daemon opens its feed there.

    Raises:
        TimeoutError: another one does not come to an end with it.
    """
    lock = open_folder(folder)
    until_s = time.monotonic() + CONNECT_S
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until_s:
                    raise TimeoutError(errno.ETIMEDOUT, "another daemon's start does not come to an end") from None
                time.sleep(RETRY_S)
        yield
    finally:
        os.close(lock)


@contextmanager
def address(path: Path) -> Iterator[str]:
    """What to bind, connect or send to for the socket at `path`, while the block lasts.

    Raises:
        OSError: its folder is not there, or not the user's alone.
    """
    folder = open_folder(path.parent)
    try:
        is_short = len(os.fsencode(path)) < ADDRESS_BYTES
        yield os.fspath(path if is_short else BY_DESCRIPTOR / str(folder) / path.name)
    finally:
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
    try:
        _connect(path).close()
    except BlockingIOError:
        return True  # its queue is full
    except OSError:
        return False
    return True
