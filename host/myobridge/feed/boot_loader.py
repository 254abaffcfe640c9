"""Which boot loader a board has, where that matters: the old Nano's never comes back from a watchdog reset.

ATmegaBOOT leaves the watchdog running at its shortest period, which ends before the loader does: the board resets
itself until its power is switched off. Neither the reset button nor DTR helps.
"""

from __future__ import annotations

import time
from typing import Final

from myobridge.wire.link import DTR_S, LinkLost, SerialLink

BAUD: Final = 57600
"""Of ATmegaBOOT alone; the loaders that can be lived with speak 115 200."""
GET_SYNC, IN_SYNC = b"0 ", b"\x14\x10"
"""Question and answer of STK500, the loader's protocol."""
ANSWER_S: Final = 0.5
TRY_S: Final = 0.05


def is_old_nanos(port: str) -> bool:
    """Whether the board on `port`, which nobody has open, starts in ATmegaBOOT. Resets the board.

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
