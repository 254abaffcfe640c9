"""Recognises the boot loader of old Nanos, which never returns from a watchdog reset.

ATmegaBOOT leaves the watchdog running at its shortest period, which is shorter than the loader: the board resets itself
until its power is switched off. Neither the reset button nor DTR helps.
"""

from __future__ import annotations

import time
from typing import Final

from myobridge.wire.link import DTR_S, LinkLost, SerialLink

BAUD: Final = 57600
"""The speed of ATmegaBOOT alone; the harmless loaders use 115 200."""
GET_SYNC, IN_SYNC = b"0 ", b"\x14\x10"
"""Question and answer of STK500, the loader's protocol."""
ANSWER_S: Final = 0.5
TRY_S: Final = 0.05


def is_old_nanos(port: str) -> bool:
    """Whether the board on `port` starts in ATmegaBOOT. Resets the board; no other program may have the port open.

    Raises:
        UserError: the port cannot be opened.
    """
    SerialLink(port).hang_up()
    time.sleep(DTR_S)
    link, heard = SerialLink(port, BAUD), b""
    until_s = time.monotonic() + ANSWER_S
    try:
        while time.monotonic() < until_s and IN_SYNC not in heard:
            link.write(GET_SYNC)
            if link.wait(TRY_S):
                heard += link.read()
    except LinkLost:
        return False
    finally:
        link.close()
    return IN_SYNC in heard
