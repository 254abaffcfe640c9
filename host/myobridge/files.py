"""Writes files atomically: as a draft in the same folder, flushed to the disk, then renamed.

So a file is whole or absent. After a full disk, a kill or a second writer, the previous file still exists. A killed
writer leaves its draft behind, a hidden file without an owner; the next writer in that folder removes the draft.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from myobridge.errors import UserError

DRAFT: Final = ".myobridge-draft-"
"""Prefix of the name of a draft. Its suffix is that of the file, because some writers depend on the suffix."""
LOCK: Final = ".lock"
PATIENCE_S: Final = 60.0
"""Writers hold a lock briefly; a stopped writer must not block the others for ever."""
READER_S: Final = 2.0
"""Time for the reader of a pipe to start."""
POLL_S: Final = 0.02
SUFFIX_LETTERS: Final = 16
DRAFT_BYTES: Final = 8
"""Random bytes in the name of a draft: no two drafts have one name, wherever their writers run."""
TO_DO: Final = {
    errno.ENOSPC: "make room on the disk, or choose another place",
    errno.EDQUOT: "make room on the disk, or choose another place",
    errno.EFBIG: "choose a place that takes large files",
    errno.EACCES: "allow writing there, or choose another place",
    errno.EPERM: "allow writing there, or choose another place",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOENT: "make its folder first, or choose another place",
    errno.ENOTDIR: "check the path, part of which is a file, or choose another place",
    errno.ENXIO: "no program reads this pipe: start its reader first",
    errno.EISDIR: "a folder has this name: choose another name",
    errno.EEXIST: "the file exists already: choose another name",
}


@contextmanager
def draft(path: Path, *, new: bool = False) -> Iterator[Path]:
    """Yields a draft in the folder of `path`, and renames the draft to `path` if the block succeeds.

    A link is followed, and a device or pipe (`/dev/stdout`) is written directly. With `new`, an existing file is an
    error.

    Raises:
        UserError: the system refuses to write there; the draft is removed, and `path` is unchanged.
    """
    with refusals(path):
        target = Path(os.path.realpath(path))
        if new and os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if path.exists() and not path.is_file():  # behind /dev/stdout there may be a pipe without a name
            with _read_by_somebody(path):
                yield path
            return
        with unnamed(target.parent, target.suffix) as half:
            with suppress(OSError):  # no such file, or a file system without modes
                half.chmod(stat.S_IMODE(target.stat().st_mode))
            yield half
            settle(half, target, new=new)


def write_text(path: Path, text: str) -> None:
    """Writes text as UTF-8, atomically.

    Raises:
        UserError: the system refuses to write there.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Writes bytes atomically.

    Raises:
        UserError: the system refuses to write there.
    """
    with draft(path) as half:
        half.write_bytes(data)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Locks a folder against other myobridge programs. The lock ends with the block or with the process.

    Raises:
        UserError: the lock cannot be made, or another program has held it for a minute.
    """
    path = folder / LOCK
    with refusals(path):
        fd = _lock(path)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()  # a waiting program sees that the name is gone, and makes a new lock file
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


@contextmanager
def _read_by_somebody(path: Path) -> Iterator[None]:
    """Refuses a pipe without a reader: the writer would wait for ever."""
    fd, until_s = -1, time.monotonic() + READER_S
    while path.is_fifo() and fd < 0:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > until_s:
                raise
            time.sleep(POLL_S)
    try:
        yield
    finally:
        if fd >= 0:
            os.close(fd)


@contextmanager
def unnamed(folder: Path, suffix: str) -> Iterator[Path]:
    """Yields a draft whose final name is not known yet (see `settle`); removes the draft when the block ends."""
    _sweep(folder)
    half = folder / f"{DRAFT}{token_hex(DRAFT_BYTES)}{suffix[:SUFFIX_LETTERS]}"
    try:  # Ctrl-C may come as soon as the file exists, before its maker knows so
        owner = _own(half)
        try:
            yield half
        finally:
            os.close(owner)
    finally:
        half.unlink(missing_ok=True)


def settle(half: Path, path: Path, *, new: bool = False) -> None:
    """Flushes the draft to the disk and renames it to `path`, on the same disk.

    Raises:
        OSError: the disk refuses the data, or `new` is set and the file exists.
    """
    force(half)
    if new:
        _name_new(half, path)
    else:
        half.replace(path)
    with suppress(OSError):  # some file systems cannot flush a folder
        force(path.parent)


def _name_new(half: Path, path: Path) -> None:
    try:
        path.hardlink_to(half)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        if path.exists():  # a FAT file system has no links
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from error
        half.replace(path)


def force(path: Path) -> None:
    """Waits until the contents of the file or folder are on the disk.

    Raises:
        OSError: the disk refuses the data.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _own(half: Path) -> int:
    """Makes a new empty draft and returns its descriptor; the draft has an owner while the descriptor is open."""
    while True:
        fd = os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):  # some file systems have no locks; sweeping does nothing there
            fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:
            return fd
        os.close(fd)  # another writer swept it before it was locked


def _sweep(folder: Path) -> None:
    """Removes the drafts that have no owner."""
    for half in folder.glob(f"{DRAFT}*"):
        with suppress(OSError):
            fd = os.open(half, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                half.unlink()
            finally:
                os.close(fd)


def _lock(path: Path) -> int:
    """The descriptor of the locked file."""
    until_s = time.monotonic() + PATIENCE_S
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink:
                return fd
        except BlockingIOError:
            if time.monotonic() > until_s:
                os.close(fd)
                raise UserError(
                    f"Another program has been writing to {path.parent} for {PATIENCE_S:.0f} s; let it end, or end it."
                ) from None
            time.sleep(POLL_S)
        except OSError:
            os.close(fd)
            raise
        os.close(fd)


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Turns an OSError about this file into a UserError; errors about other files pass through."""
    try:
        yield
    except OSError as error:
        named = Path(os.fsdecode(error.filename or path))
        if named not in (path, path.parent, Path(os.path.realpath(path))) and not named.name.startswith(DRAFT):
            raise
        to_do = TO_DO.get(error.errno or 0, "choose another place")
        kept = "; the previous file is unchanged" if path.is_file() and error.errno != errno.EEXIST else ""
        raise UserError(f"{path} cannot be written ({error.strerror or error}): {to_do}{kept}.") from error


def check_place(path: Path) -> None:
    """Checks that a file can be written at a path, before the work whose result it will hold.

    Raises:
        UserError: there is no such folder, the folder cannot be written to, or a folder has this name.
    """
    with refusals(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        check_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Checks that files can be written into a folder.

    Raises:
        OSError: there is no such folder, or it cannot be written to.
    """
    if not stat.S_ISDIR(folder.stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)


@contextmanager
def no_pictures(folder: Path) -> Iterator[None]:
    """Turns an OSError about a folder of pictures into a UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(f"Pictures cannot be written to {folder} ({error.strerror}); choose another folder.") from error


def check_file(path: Path) -> None:
    """Refuses everything except a regular file; reading a pipe could block for ever.

    Raises:
        UserError: the path is a folder, a pipe, a socket or a device.
        OSError: the path does not exist, or its folder cannot be searched.
    """
    kind = path.stat().st_mode
    if not stat.S_ISREG(kind):
        what = "Is a directory" if stat.S_ISDIR(kind) else "it is a pipe, a device or a socket"
        raise UserError(f"{path} cannot be read ({what}); give the path of a file.")
