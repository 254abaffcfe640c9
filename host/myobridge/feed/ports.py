"""Lists the serial ports, and asks each for its board."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from serial.tools.list_ports import comports

from myobridge.errors import UserError
from myobridge.feed import FeedClient, NoDaemon
from myobridge.feed.boot_loader import is_old_nanos
from myobridge.wire import messages as m
from myobridge.wire.ask import answers
from myobridge.wire.frame import PAYLOAD
from myobridge.wire.link import LinkLost, SerialLink
from myobridge.wire.quiet import LISTEN_S

PATIENCE_S: Final = LISTEN_S + 0.5
"""Time for a board to start after its port was opened, and to answer the first HELLO."""
ASK_EVERY_S: Final = 0.1
NOTHING: Final = "no myobridge board answers; if this is the board, switch its power off and on, or flash its firmware."
OLD_NANO: Final = (
    "an old Nano without the myobridge firmware; flash optiboot with a programmer (ISP) first, because its own boot "
    "loader never returns from a watchdog reset."
)
NAMES: Final = ("ttyACM*", "ttyUSB*", "ttyAMA*", "serial/by-id/*", "myobridge*")
"""Possible names of a board's port below /dev; a container may have the port without its description."""
UNKNOWN: Final = "unknown"


def list_ports() -> dict[str, str]:
    """The serial ports of this computer, each with its description, or UNKNOWN.

    A port with several names is listed once.
    """
    ports = _known_ports()
    seen = {_identity(port) for port in ports}
    for port in _named_ports():
        if (identity := _identity(port)) not in seen:
            seen.add(identity)
            ports[port] = UNKNOWN
    return dict(sorted(ports.items()))


def _known_ports() -> dict[str, str]:
    """The ports that have hardware behind them, each with its description."""
    try:
        return {port.device: port.description or UNKNOWN for port in comports() if port.hwid != "n/a"}
    except (OSError, TypeError, ValueError):  # sysfs is incomplete
        return {}


def _named_ports() -> list[str]:
    return [str(port) for pattern in NAMES for port in sorted(Path("/dev").glob(pattern)) if port.is_char_device()]


def _identity(port: str) -> object:
    """A value that all names of one port share."""
    try:
        return Path(port).stat().st_rdev
    except OSError:
        return os.path.realpath(port)


def ask(port: str) -> m.Ident | None:
    """The IDENT of the board on a port; None if no myobridge board answers.

    Raises:
        UserError: the port cannot be opened.
    """
    link = SerialLink(port)
    try:
        return greet(link)
    except LinkLost:
        return None
    finally:
        link.close()


def greet(link: SerialLink) -> m.Ident | None:
    """The IDENT of the board on an open port; None if no myobridge board answers.

    Raises:
        LinkLost: the port is gone.
    """
    hello = m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH)
    for frame in answers(link, hello, every_s=ASK_EVERY_S, within_s=PATIENCE_S):
        if frame[0] == m.Ident.TYPE and len(frame[PAYLOAD]) == m.Ident.STRUCT.size:
            return m.Ident.unpack(frame[PAYLOAD])
    return None


def name_of(kind: type[m.Board] | type[m.ResetCause], value: int) -> str:
    """The name of an enumeration's value, or its number where a newer board sends an unknown one."""
    return kind(value).name.lower() if value in set(kind) else str(value)


def probe(port: str) -> dict[str, Any]:
    """One row of `myobridge devices`: the port, a sentence, and the facts if a board answered."""
    try:
        ident, has_daemon = ident_of(port)
        if ident is None:
            return {"port": port, "answer": OLD_NANO if is_old_nanos(port) else NOTHING}
        return {"port": port, **_answer(ident, has_daemon)}
    except UserError as error:
        return {"port": port, "answer": str(error)}


def ident_of(port: str) -> tuple[m.Ident | None, bool]:
    """The IDENT of the board on a port, and whether a daemon, which holds the port, gave it.

    Raises:
        UserError: the port cannot be opened, or the daemon has no board.
    """
    try:
        with FeedClient(port) as feed:
            about = feed.request("about").about
    except NoDaemon:
        return ask(port), False
    if about is None or about.ident is None:
        raise UserError("A myobridge daemon runs on this port and is looking for the board; plug the board in.")
    return about.ident, True


def _answer(ident: m.Ident, has_daemon: bool) -> dict[str, Any]:
    board, reset = name_of(m.Board, ident.board), name_of(m.ResetCause, ident.reset_cause)
    version = ".".join(map(str, ident.firmware_version))
    note = (
        ""
        if ident.proto_hash == m.PROTO_HASH
        else "; another protocol revision: flash the firmware of this version with `myobridge flash`"
    )
    note += "; a myobridge daemon runs on it" if has_daemon else ""
    return {
        "answer": f"{board}, firmware {version}, {ident.max_channels} channels of {ident.adc_bits} bits, "
        f"last reset: {reset.replace('_', ' ')}{note}",
        "board": board,
        "firmware": version,
        "channels": ident.max_channels,
        "adc_bits": ident.adc_bits,
        "reset_cause": reset,
        "protocol_matches": ident.proto_hash == m.PROTO_HASH,
    }
