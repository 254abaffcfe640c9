"""The checks that all targets share, and a format in which the fuzzer writes frames with a correct CRC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from myobridge.errors import UserError
from myobridge.wire.frame import encode
from myobridge.wire.messages import MAX_FRAME_BYTES

MOST_WORDS = 2000
"""Limit of an error in characters: a person has to read it, whatever the file holds."""


def in_a_sentence(what: Callable[..., Any], *arguments: Any) -> Any:
    """The result of the call, or None if it refused with one printable sentence. Any other exception is a failure."""
    try:
        return what(*arguments)
    except UserError as error:
        text = str(error)
        assert text.endswith(".") and text.isprintable() and len(text) <= MOST_WORDS, repr(text)
        return None


def pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(kind, content) of each piece of `kind u8 | length u8 | content`; the last may be cut off."""
    at = 0
    while at + 2 <= len(data):
        kind, length = data[at], data[at + 1]
        yield kind, data[at + 2 : at + 2 + length]
        at += 2 + length


def piece(kind: int, content: bytes) -> bytes:
    """One piece, for the seeds."""
    assert len(content) < 256
    return bytes((kind, len(content))) + content


def on_the_wire(data: bytes) -> Iterator[bytes]:
    """Each piece as a good frame of its kind; kind 0, which no message has, stands for the bytes themselves."""
    for seq, (kind, content) in enumerate(pieces(data)):
        fits = len(content) + len(encode(0, 0, b"")) <= MAX_FRAME_BYTES
        yield encode(kind, seq & 0xFF, content) if kind and fits else content
