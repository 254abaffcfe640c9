"""Payload → message → the same payload, or a refusal because of the length."""

from __future__ import annotations

import struct

from myobridge.wire import messages as m


def seeds() -> list[bytes]:
    return [bytes((kind,)) + bytes(range(size)) for kind, size in m.PAYLOAD_BYTES.items()]


def fuzz(data: bytes) -> None:
    kind, payload = m.BY_TYPE.get(int.from_bytes(data[:1], "little")), data[1:]
    if kind is None:
        return
    try:
        message = kind.unpack(payload)
    except struct.error:
        assert len(payload) != m.PAYLOAD_BYTES[kind.TYPE]
    else:
        assert message.pack() == payload
        assert kind.unpack(message.pack()) == message
