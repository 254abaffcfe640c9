"""myobridge: surface EMG in over a serial port, five servo angles of a prosthetic hand out."""

from typing import Final

SERVOS: Final = ("thumb", "index", "middle", "ring", "little")
