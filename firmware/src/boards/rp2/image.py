"""Makes of a flat binary what the boot ROM takes: the CRC of its second stage is added, and the same as UF2 blocks.

    python image.py RAW BIN UF2

Python 3.11 or newer, standard library only.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Final

FLASH_AT: Final = 0x10000000
BOOT2_BYTES: Final = 252
"""The boot ROM reads 256 bytes, the last four of which are their CRC."""
BLOCK_BYTES: Final = 256
UF2_MAGIC: Final = (0x0A324655, 0x9E5D5157)
UF2_END: Final = 0x0AB16F30
UF2_HAS_FAMILY: Final = 0x2000
RP2040_FAMILY: Final = 0xE48BFF56


def boot_crc(data: bytes) -> int:
    """CRC-32 as the boot ROM computes it: polynomial 04C11DB7, from the highest bit on, not inverted."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def with_boot_crc(raw: bytes) -> bytes:
    """The image with its CRC in the place that boot2.S leaves free."""
    place = slice(BOOT2_BYTES, BOOT2_BYTES + 4)
    if any(raw[place]):
        raise SystemExit("boot2.S is longer than the 252 bytes that the boot ROM takes; make it shorter.")
    return raw[:BOOT2_BYTES] + struct.pack("<I", boot_crc(raw[:BOOT2_BYTES])) + raw[place.stop :]


def uf2(image: bytes) -> bytes:
    """The image in blocks of 512 bytes, each with its address, for the drive RPI-RP2."""
    parts = [image[at : at + BLOCK_BYTES].ljust(BLOCK_BYTES, b"\0") for at in range(0, len(image), BLOCK_BYTES)]
    blocks = []
    for number, part in enumerate(parts):
        at = FLASH_AT + number * BLOCK_BYTES
        head = struct.pack("<8I", *UF2_MAGIC, UF2_HAS_FAMILY, at, BLOCK_BYTES, number, len(parts), RP2040_FAMILY)
        blocks.append(head + part.ljust(476, b"\0") + struct.pack("<I", UF2_END))
    return b"".join(blocks)


def main(raw: str, binary: str, blocks: str) -> None:
    """Reads RAW, writes BIN and UF2."""
    image = with_boot_crc(Path(raw).read_bytes())
    Path(binary).write_bytes(image)
    Path(blocks).write_bytes(uf2(image))


if __name__ == "__main__":
    main(*sys.argv[1:4])
