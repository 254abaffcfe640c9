"""The path of a port's feed: a Unix stream socket that only its user can open."""

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
"""Connections that may wait to be accepted; more than a crowd of clients needs."""
CONNECT_S: Final = 2.0
"""A daemon whose queue is full for this long is stopped or hangs."""
RETRY_S: Final = 0.01
ADDRESS_BYTES: Final = 100
"""Longest address of a Unix socket on any system."""
NAME_BYTES: Final = 60
"""Longest name of a feed's socket within its folder."""
BY_DESCRIPTOR: Final = Path("/proc/self/fd")
"""Linux: a path through an open folder is short, however long the folder's name is."""
SERVICE: Final = Path("/run/myobridge")
"""RuntimeDirectory of the service."""


def folders() -> tuple[Path, ...]:
    """The folders of the user's feeds; a daemon uses the first. A daemon of the system has no XDG_RUNTIME_DIR."""
    if os.environ.get("RUNTIME_DIRECTORY") == str(SERVICE):
        return (SERVICE,)
    base, temporary = (os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "TMPDIR"))  # `tempfile` imports in 6 ms
    own = f"myobridge-{os.getuid()}"
    wanted = ((base, "myobridge"), (temporary, own), ("/tmp", own))
    usable = [Path(parent).absolute() / name for parent, name in wanted if parent and Path(parent).is_dir()]
    return (*dict.fromkeys(filter(_is_reachable, usable)), SERVICE)


def _is_reachable(folder: Path) -> bool:
    return BY_DESCRIPTOR.is_dir() or len(os.fsencode(folder)) + NAME_BYTES < ADDRESS_BYTES


def feed_path(port: str | Path) -> Path:
    """The path of the socket of a daemon on `port`."""
    return folders()[0] / f"{own_name(port)}.sock"


def feed_paths(port: str | Path) -> list[Path]:
    """`feed_path` under each known name of the device on `port`; the given name comes first."""
    return [folders()[0] / f"{name}.sock" for name in names(port, folders())]


def connect(port: str | Path) -> socket.socket:
    """A connection to the daemon on `port`; waits only while the daemon's queue is full.

    Raises:
        OSError: there is no daemon, or it belongs to another user.
        TimeoutError: the daemon accepts no connections.
    """
    until_s = time.monotonic() + CONNECT_S
    while True:
        try:
            return connect_now(port)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                raise TimeoutError(errno.ETIMEDOUT, "it accepts no connections") from None
            time.sleep(RETRY_S)


def connect_now(port: str | Path) -> socket.socket:
    """A non-blocking connection to the daemon on `port`, under any name of the port.

    Raises:
        OSError: there is no daemon, or it belongs to another user.
        BlockingIOError: the daemon's queue is full.
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
    """A listening socket at `path`; replaces the socket of a killed daemon.

    Raises:
        UserError: another daemon listens there, or the socket cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with address(path) as reachable, _alone_in(path.parent):  # daemons may start at the same time
            if any(map(_alive, {path, *feed_paths(port)})):
                raise UserError(f"{port} is in use by another program, a myobridge daemon; end that daemon first.")
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
            f"The feed {path} cannot be opened ({error.strerror or error}); "
            "set XDG_RUNTIME_DIR to a folder of your own."
        ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Holds the lock with which a daemon opens its feed in `folder`.

    Raises:
        TimeoutError: another daemon does not release the lock.
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
                    raise TimeoutError(errno.ETIMEDOUT, "another daemon does not finish its start") from None
                time.sleep(RETRY_S)
        yield
    finally:
        os.close(lock)


@contextmanager
def address(path: Path) -> Iterator[str]:
    """An address of the socket at `path`, valid within the block.

    Raises:
        OSError: the folder does not exist, or others can open it.
    """
    folder = open_folder(path.parent)
    try:
        is_short = len(os.fsencode(path)) < ADDRESS_BYTES
        yield os.fspath(path if is_short else BY_DESCRIPTOR / str(folder) / path.name)
    finally:
        os.close(folder)


def open_folder(path: Path) -> int:
    """Opens the folder of the feeds if it is the user's alone: anybody can make a folder in a temporary folder.

    Raises:
        OSError: the folder does not exist, or others can open it.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    owned = os.fstat(folder)
    if owned.st_uid != os.getuid() or owned.st_mode & 0o077:
        os.close(folder)
        raise PermissionError(errno.EPERM, "its folder is open to others")
    return folder


def _alive(path: Path) -> bool:
    """Whether a daemon listens at `path`."""
    try:
        _connect(path).close()
    except BlockingIOError:
        return True  # the daemon's queue is full
    except OSError:
        return False
    return True
