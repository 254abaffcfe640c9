"""Which serial ports there are, and what answers on them."""

from __future__ import annotations

import time
from typing import Any, Final

from serial.tools.list_ports import comports

from myobridge.errors import UserError
from myobridge.wire import messages as m
from myobridge.wire.frame import PAYLOAD, FrameDecoder, encode
from myobridge.wire.link import LinkLost, SerialLink

PATIENCE_S: Final = 2.5
"""An Arduino resets when its port is opened; its boot loader takes up to two seconds."""
ASK_EVERY_S: Final = 0.1


def list_ports() -> list[str]:
    """Serial ports of this machine that have hardware behind them."""
    return sorted(port.device for port in comports() if port.hwid != "n/a")


def ask(port: str) -> m.Ident | None:
    """IDENT of the device on a port; None if nothing of ours answers.

    Raises:
        UserError: the port cannot be opened.
    """
    link, frames = SerialLink(port), FrameDecoder()
    until_s, ask_s = time.monotonic() + PATIENCE_S, 0.0
    try:
        while (now_s := time.monotonic()) < until_s:
            if now_s >= ask_s:
                link.write(b"\0" + encode(m.Hello.TYPE, 0, m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH).pack()))
                ask_s = now_s + ASK_EVERY_S
            if link.wait(ASK_EVERY_S):
                for frame in frames.feed(link.read()):
                    if frame[0] == m.Ident.TYPE and len(frame[PAYLOAD]) == m.Ident.STRUCT.size:
                        return m.Ident.unpack(frame[PAYLOAD])
    except LinkLost:
        return None
    finally:
        link.close()
    return None


def name_of(kind: type[m.Board] | type[m.ResetCause], value: int) -> str:
    """An enumeration's name, or its number where a newer device has one that we do not know."""
    return kind(value).name.lower() if value in set(kind) else str(value)


def probe(port: str) -> dict[str, Any]:
    """One row of `myobridge devices`: the port, a sentence, and the facts where a hand answered."""
    try:
        ident = ask(port)
    except UserError as error:
        return {"port": port, "answer": str(error)}
    if ident is None:
        return {"port": port, "answer": "nothing of ours answers; if it is the hand, flash its firmware."}
    board, reset = name_of(m.Board, ident.board), name_of(m.ResetCause, ident.reset_cause)
    version = ".".join(map(str, ident.firmware_version))
    note = "" if ident.proto_hash == m.PROTO_HASH else "; another protocol revision: flash the firmware of this version"
    return {
        "port": port,
        "answer": f"{board}, firmware {version}, {ident.max_channels} channels of {ident.adc_bits} bits, "
        f"last reset: {reset.replace('_', ' ')}{note}",
        "board": board,
        "firmware": version,
        "channels": ident.max_channels,
        "adc_bits": ident.adc_bits,
        "reset_cause": reset,
        "protocol_matches": ident.proto_hash == m.PROTO_HASH,
    }
