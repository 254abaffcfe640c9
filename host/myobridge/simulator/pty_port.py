"""A virtual serial port: the master end of a pty, with a stable link to its slave."""

from __future__ import annotations

import os
import select
import tty
from pathlib import Path
from termios import TCSANOW

from myobridge.errors import UserError


class PtyPort:
    """The board's end of the port. path: the port that a host opens."""

    def __init__(self, link: Path | None) -> None:
        """Opens a pty, and makes the symbolic link `link` to it, unless `link` is None.

        Raises:
            UserError: `link` exists and is not a symbolic link, or cannot be made.
        """
        self._link = link
        self.plug()

    def plug(self) -> None:
        """Opens the port, for the first time or again."""
        self._unsent = b""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave, TCSANOW)  # at once, because the default would flush the first frame
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        if self._link is not None:
            self._point(self._link)

    def unplug(self) -> None:
        """Closes the port; a host that has it open loses it."""
        os.close(self._master)
        os.close(self._slave)
        if self._link is not None and self._leads_to(self._link) == self.path:  # not another program's by now
            self._link.unlink(missing_ok=True)

    def _point(self, link: Path) -> None:
        leads_to = self._leads_to(link)
        if leads_to is not None and Path(leads_to).parent != Path(self.path).parent and link.exists():
            raise UserError(f"The link {link} leads to {leads_to}, which is no port of ours; choose another path.")
        try:
            if leads_to is not None:
                link.unlink()
            link.symlink_to(self.path)
        except OSError as error:
            raise UserError(f"The link {link} cannot be made ({error.strerror}); choose another path.") from error

    @staticmethod
    def _leads_to(link: Path) -> str | None:
        """Where a symbolic link leads; None: it is none."""
        return str(link.readlink()) if link.is_symlink() else None

    def fileno(self) -> int:
        """The file descriptor of the board's end."""
        return self._master

    def wait(self, timeout_s: float) -> None:
        """Waits until the host has written something, at most `timeout_s`."""
        select.select([self._master], [], [], max(0.0, timeout_s))

    def read(self, most: int = 65536) -> bytes:
        """Bytes that the host has written, at most so many."""
        try:
            return os.read(self._master, most)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> None:
        """Gives whole frames to the host; drops them if the buffer is full, because the host does not read.

        Data that the buffer took only in part go first, because a line never drops half a frame.
        """
        try:
            self._unsent = self._unsent[os.write(self._master, self._unsent) :] if self._unsent else b""
            if not self._unsent:
                self._unsent = data[os.write(self._master, data) :]
        except BlockingIOError:
            return
