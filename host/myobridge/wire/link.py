"""The serial port: opened by pyserial, read and written without blocking on its file descriptor."""

from __future__ import annotations

import errno
import grp
import os
import select
import termios
import time
from contextlib import suppress
from pathlib import Path

import serial

from myobridge.errors import UserError
from myobridge.wire.messages import BAUD

READ_BYTES = 65536
PIECE_BYTES = 64
"""Linux returns at most this many bytes in one read while VMIN is larger."""
DTR_S = 0.05
"""DTR stays off for this long before the edge that resets the board, so that the board's capacitor discharges."""
CFLAG, CC = 2, 6
"""Positions of the control flags and the control characters in the attributes of termios."""
MOST_AT_ONCE = 255
"""The most bytes that the kernel can wait for: VMIN is one byte."""


class LinkLost(Exception):
    """The port is gone: the cable was unplugged, or the other end of a pty was closed."""


class PortInUse(UserError):
    """Another program holds the port."""


class SerialLink:
    """An open port. Reads the bytes that have arrived; writes whole frames, and counts those that it drops."""

    def __init__(self, port: str, baud: int = BAUD) -> None:
        """Opens `port` for this process alone and discards old input.

        Raises:
            UserError: no such port, no permission, busy, or not a serial port.
        """
        self.port = port
        self.write_drops = 0
        self._unsent = b""
        try:
            self._serial = serial.Serial(port, baud, timeout=0, write_timeout=0, exclusive=True)
        except (OSError, ValueError, termios.error) as error:
            raise _explained(port, baud, error) from error
        self._fd: int = self._serial.fileno()
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._both = self._poll
        self.called = False
        """The descriptor given to `heed` ended the last wait."""
        self._wake_at = 1
        _request_low_latency(self._serial)
        _set_hupcl(self._fd, on=False)

    def fileno(self) -> int:
        """The port's file descriptor."""
        return self._fd

    def heed(self, caller: int) -> None:
        """Watches another file descriptor, `caller`: while it is readable, it ends every wait that is not `deaf`."""
        self._both = select.poll()
        self._both.register(self._fd, select.POLLIN)
        self._both.register(caller, select.POLLIN)

    def wait(self, timeout_s: float, *, deaf: bool = True) -> bool:
        """Sleeps until bytes can be read or the time is over; True if bytes can be read."""
        ready = {fd for fd, _ in (self._poll if deaf else self._both).poll(max(0.0, timeout_s * 1000))}
        self.called = bool(ready - {self._fd})
        return self._fd in ready

    def wake_at(self, waiting: int) -> None:
        """Makes `wait` sleep until `waiting` bytes can be read, or until any can if `waiting` exceeds MOST_AT_ONCE.

        Linux counts the bytes (VMIN of termios(3), which its poll respects), so that a program which needs all of them
        wakes once. Other systems wake the program for any byte.
        """
        waiting = waiting if waiting <= MOST_AT_ONCE else 1
        if waiting != self._wake_at:
            self._wake_at = waiting
            with suppress(termios.error):  # the port is gone; the next read raises LinkLost
                attributes = termios.tcgetattr(self._fd)
                attributes[CC][termios.VMIN] = waiting
                termios.tcsetattr(self._fd, termios.TCSANOW, attributes)

    def read(self) -> bytes:
        """All bytes that have arrived; empty if there are none.

        Raises:
            LinkLost: the port is gone.
        """
        data = b""
        try:
            data = piece = os.read(self._fd, READ_BYTES)
            while piece and (len(piece) == PIECE_BYTES or len(data) < self._wake_at):
                piece = os.read(self._fd, READ_BYTES)
                data += piece
        except BlockingIOError:
            return data
        except OSError as error:
            raise LinkLost(os.strerror(error.errno or 0)) from error
        if not data and any(events & ~select.POLLIN for _, events in self._poll.poll(0)):
            raise LinkLost("the port was closed at the other end")
        return data

    def write(self, frame: bytes) -> bool:
        """Hands a whole frame to the port; False if the port takes nothing now, which `write_drops` counts.

        Raises:
            LinkLost: the port is gone.
        """
        try:
            if self._unsent:
                self._unsent = self._unsent[os.write(self._fd, self._unsent) :]
                if self._unsent:
                    self.write_drops += 1
                    return False
            self._unsent = frame[os.write(self._fd, frame) :]
        except BlockingIOError:
            self.write_drops += 1
            return False
        except OSError as error:
            raise LinkLost(os.strerror(error.errno or 0)) from error
        return True

    def reset_board(self) -> bool:
        """Resets the board as an Arduino is reset, by DTR; False if the port has no such line."""
        try:
            self._serial.dtr = False
            time.sleep(DTR_S)
            self._serial.dtr = True
        except (OSError, termios.error):
            return False
        return True

    def close(self) -> None:
        """Closes the port. DTR stays on, so the next opening does not reset the board."""
        self._serial.close()

    def hang_up(self) -> None:
        """Closes the port with DTR off, so the next opening resets an Arduino."""
        _set_hupcl(self._fd, on=True)
        self._serial.close()


def _request_low_latency(port: serial.Serial) -> None:
    """Asks FTDI adapters not to hold bytes back for 16 ms; ptys and some drivers do not have this flag."""
    try:
        port.set_low_latency_mode(True)
    except (ValueError, OSError, AttributeError, NotImplementedError):
        return


def group_of(port: str) -> str:
    """Name, or number, of the group that owns the port; empty if the port does not exist."""
    try:
        gid = Path(port).stat().st_gid
    except (OSError, ValueError):
        return ""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _forbidden(port: str) -> str:
    group, gift = group_of(port) or "dialout", ""
    if group == "root":
        group, gift = "dialout", f"give it to a group with `sudo chgrp dialout {port} && sudo chmod g+rw {port}`, "
    joining = f"add yourself to its group with `sudo usermod -aG {group} $USER`, then log in again"
    return f"No permission to open {port}; {gift}{joining}."


def _set_hupcl(fd: int, *, on: bool) -> None:
    """Sets whether DTR falls when the port is closed. When DTR rises at the next opening, an Arduino is reset.

    The driver remembers the setting until the board is unplugged.
    """
    with suppress(termios.error):  # the port is gone; the next read raises LinkLost
        attributes = termios.tcgetattr(fd)
        attributes[CFLAG] = attributes[CFLAG] | termios.HUPCL if on else attributes[CFLAG] & ~termios.HUPCL
        termios.tcsetattr(fd, termios.TCSANOW, attributes)


def _explained(port: str, baud: int, error: Exception) -> UserError:
    code = getattr(error, "errno", None)
    if code is None and error.args and isinstance(error.args[0], int):
        code = error.args[0]
    if code == errno.ENOENT or not Path(port).exists():
        return UserError(f"There is no port {port}; plug the hand in, or list the ports with `myobridge devices`.")
    if code in (errno.EACCES, errno.EPERM):
        return UserError(_forbidden(port))
    if code == errno.EBUSY or "exclusively lock" in str(error):
        return PortInUse(f"{port} is in use by another program; close that program or choose another port.")
    if isinstance(error, ValueError) and "baud" in str(error).lower():
        return UserError(f"{port} cannot run at {baud} baud; set another rate in the config's [link] baud.")
    why = os.strerror(code) if code else error
    return UserError(f"{port} is not a serial port that can be used ({why}); choose another one.")
