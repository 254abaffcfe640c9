"""The one way in which a file of ours is written: as a draft beside it, forced onto the disk, then renamed.

So a file is whole or absent. After a full disk, a kill or a second writer, what was there before is still there. A
killed writer leaves its draft behind, a hidden file without an owner; the next writer in that folder removes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

from myobridge.errors import UserError

DRAFT: Final = ".myobridge-draft-"
"""How the name of a draft begins. Its own end is that of the file, for writers that go by it."""
LOCK: Final = ".lock"
PATIENCE_S: Final = 60.0
"""Writers hold a lock for moments; one that was stopped in the middle must not hold up the others for ever."""
READER_S: Final = 2.0
"""The reader of a pipe may be starting."""
POLL_S: Final = 0.02
SUFFIX_LETTERS: Final = 16
TO_DO: Final = {
    errno.ENOSPC: "make room on the disk, or choose another place",
    errno.EDQUOT: "make room on the disk, or choose another place",
    errno.EFBIG: "choose a place that takes large files",
    errno.EACCES: "allow writing there, or choose another place",
    errno.EPERM: "allow writing there, or choose another place",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOENT: "make its folder first, or choose another place",
    errno.ENOTDIR: "check the path, a part of which is a file, or choose another place",
    errno.ENXIO: "nobody reads that pipe: start its reader first",
    errno.EISDIR: "a folder is in its place: choose another name",
    errno.EEXIST: "there is such a file already: choose another name",
}
_numbers = count()


@contextmanager
def draft(path: Path, *, new: bool = False) -> Iterator[Path]:
    """A file to write instead of `path`, in the same folder; it becomes `path` when the block ends well.

    A link is followed, and a device or pipe (`/dev/stdout`) is written to as it is. With `new` a file that is there
    already is left alone.

    Raises:
        UserError: the system does not let us write there; the draft is gone, and `path` is as it was.
    """
    with refusals(path):
        target = Path(os.path.realpath(path))
        if new and os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if path.exists() and not path.is_file():  # a pipe that /dev/stdout leads to has no name of its own
            with _read_by_somebody(path):
                yield path
            return
        with unnamed(target.parent, target.suffix) as half:
            with suppress(OSError):  # there is none, or the file system knows no modes
                half.chmod(stat.S_IMODE(target.stat().st_mode))
            yield half
            settle(half, target, new=new)


def write_text(path: Path, text: str) -> None:
    """Writes the text as UTF-8.

    Raises:
        UserError: as `draft`.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Writes the bytes.

    Raises:
        UserError: as `draft`.
    """
    with draft(path) as half:
        half.write_bytes(data)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one program of ours at a time is in this block for this folder. A killed one leaves no lock behind.

    Raises:
        UserError: no lock can be made there, or another program has had it for a minute.
    """
    path = folder / LOCK
    with refusals(path):
        fd = _lock(path)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()  # a program that waits for this file sees that its name is gone, and makes another
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


@contextmanager
def _read_by_somebody(path: Path) -> Iterator[None]:
    """Refuses a pipe that nobody begins to read: a writer would wait for its reader for ever."""
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
    """A draft that has no name to become yet (see `settle`); it is gone when the block ends."""
    _sweep(folder)
    half, fd = _own(folder, suffix[:SUFFIX_LETTERS])
    try:
        yield half
    finally:
        half.unlink(missing_ok=True)
        os.close(fd)


def settle(half: Path, path: Path, *, new: bool = False) -> None:
    """Forces the draft onto the disk and gives it its name, on the same disk.

    Raises:
        OSError: the disk does not take it, or with `new`, there is such a file.
    """
    force(half)
    if new:
        _name_new(half, path)
    else:
        half.replace(path)
    with suppress(OSError):  # some file systems cannot
        force(path.parent)


def _name_new(half: Path, path: Path) -> None:
    try:
        path.hardlink_to(half)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        if path.exists():  # a memory stick knows no links
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from error
        half.replace(path)


def force(path: Path) -> None:
    """Waits until the disk has what is in the file or folder.

    Raises:
        OSError: it does not take it.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _own(folder: Path, suffix: str) -> tuple[Path, int]:
    """A new empty draft; as long as its descriptor is open, it has an owner."""
    while True:
        half = folder / f"{DRAFT}{os.getpid()}-{next(_numbers)}{suffix}"
        try:
            fd = os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:  # of a killed process with this number
            continue
        with suppress(OSError):  # some file systems know no locks; there nobody sweeps either
            fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:
            return half, fd
        os.close(fd)  # swept between the two lines


def _sweep(folder: Path) -> None:
    """Removes drafts without an owner."""
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
    """Says in a sentence what the system refuses about this file; other files' errors are passed on."""
    try:
        yield
    except OSError as error:
        named = Path(os.fsdecode(error.filename or path))
        if named not in (path, path.parent, Path(os.path.realpath(path))) and not named.name.startswith(DRAFT):
            raise
        to_do = TO_DO.get(error.errno or 0, "choose another place")
        kept = "; what was there before is still there" if path.is_file() and error.errno != errno.EEXIST else ""
        raise UserError(f"{path} cannot be written ({error.strerror or error}): {to_do}{kept}.") from error


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
