"""Bytes from a client of a running daemon → known requests or refusals; the daemon goes on."""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import suppress
from functools import cache
from typing import get_args

import msgspec
from promises import pieces

from myobridge.feed import About, Do
from myobridge.feed.client import MAX_MESSAGE
from myobridge.feed.messages import HEAD, MORNING, REPLY, REQUEST, Command, Reply, Request, Splitter, pack
from myobridge.feed.peer import MAX_REQUEST
from myobridge.feed.place import connect
from myobridge.feed.server import Feed
from tiny_model import tiny_spec

PORT = "/dev/fuzzed"
FRAMED = 1
ABOUT = About(port=PORT, model_path="m", spec=tiny_spec(), ident=None, config=None, wall_minus_monotonic_s=0.0)
FOR_THE_DAEMON = (*get_args(Command), *MORNING, "model", "control")


FOLDER = tempfile.TemporaryDirectory()
"""Holds the socket until the process ends."""


@cache
def feed() -> Feed:
    os.environ["XDG_RUNTIME_DIR"] = FOLDER.name
    return Feed(PORT, lambda: ABOUT)


def seeds() -> list[bytes]:
    requests = [msgspec.json.encode(Request(k + 1, do, ("bytes",), "synth")) for k, do in enumerate(get_args(Do))]
    framed = b"".join(bytes((REQUEST, len(text))) + text for text in requests)
    raw = b"".join(pack(REQUEST, text) for text in requests)
    return [bytes((FRAMED,)) + framed, b"\0" + raw, b"\0" + raw[:-3], b"\0" + HEAD.pack(1 << 31, REQUEST)]


def fuzz(data: bytes) -> None:
    framed = data[:1] == bytes((FRAMED,))
    said = b"".join(pack(kind, content) for kind, content in pieces(data[1:])) if framed else data[1:]
    requests, is_whole = understood(said)
    feed()  # listens from here on
    with connect(PORT) as client:
        client.sendall(said)
        asks = feed().poll()
        while any(peer.has_more for peer in feed()._clients.values()):
            asks += feed().poll()
        for ask in asks:
            assert ask.request.do in FOR_THE_DAEMON
            ask.answer(True, "done")
        replies = heard(client)
    feed().poll()
    assert not feed()._clients
    for do in ("estop", "disarm"):
        assert (do in {request.do for request in requests}) == (do in {ask.request.do for ask in asks})
    if is_whole:
        assert {request.id for request in requests} <= {reply.id for reply in replies}


def understood(said: bytes) -> tuple[list[Request], bool]:
    """The requests of a client, and whether none of them is announced as too long."""
    requests = []
    try:
        for kind, payload in Splitter(MAX_REQUEST).push(said):
            with suppress(ValueError):
                if kind == REQUEST:
                    requests.append(msgspec.json.decode(payload, type=Request))
    except ValueError:
        return requests, False
    return requests, True


def heard(client: socket.socket) -> list[Reply]:
    """All replies that have arrived."""
    client.setblocking(False)
    splitter, replies = Splitter(MAX_MESSAGE), []
    while True:
        try:
            data = client.recv(1 << 16)
        except (BlockingIOError, ConnectionResetError):
            return replies
        if not data:
            return replies
        for kind, payload in splitter.push(data):
            assert kind == REPLY
            replies.append(msgspec.json.decode(payload, type=Reply))
