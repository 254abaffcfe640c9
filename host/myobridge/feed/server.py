"""The daemon's end of the feed (`messages.py`): tells subscribers, takes requests, waits for nobody.

Only the user's own processes reach it. Even so no client can hold the loop up: a poll takes one new client and a few
requests from each; the rest, and whatever is malformed, is ignored; who says a longer message than any is put out. What
a client that does not read would have got is dropped.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec

from myobridge.feed.messages import (
    BYTES,
    HEAD,
    NOT_LET_IN,
    REPLY,
    REQUEST,
    SNAPSHOT,
    TIME,
    About,
    Reply,
    Request,
    Snapshot,
    pack,
)
from myobridge.feed.peer import Peer
from myobridge.feed.place import feed_path, listen

POLL_S: Final = 0.02
SNAPSHOT_S: Final = 0.04
MAX_CLIENTS: Final = 16
BACKLOG_BYTES: Final = 1 << 17
"""Beyond what the kernel holds: three seconds of 4 channels at 2 kHz, as an SD card may pause a recorder so long."""
CLIENTS_A_POLL: Final = 4
"""Who has not been heard for longest comes first, so that a crowd delays an emergency stop by a few polls at most."""
REQUESTS_A_POLL: Final = 2
"""Of each client; who waits for his answers, as FeedClient does, sends one."""


class Ask(NamedTuple):
    """A request that the daemon has to answer, once, now or later."""

    request: Request
    answer: Callable[[bool, str], None]


class Feed:
    """The listening socket and its clients."""

    def __init__(self, port: str, about: Callable[[], About]) -> None:
        """Opens the feed of `port`.

        Raises:
            UserError: another daemon serves it, or the socket cannot be made.
        """
        self.drops = 0
        """Messages that slow clients did not take."""
        self.refused = 0
        """Requests that were ignored, and clients that were put out or not let in."""
        self._about = about
        self._clients: dict[int, Peer] = {}
        self._path = feed_path(port)
        self._listener = listen(self._path, port)
        self._poll = select.poll()
        self._poll.register(self._listener, select.POLLIN)
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(Request).decode
        self._subscribed: dict[str, list[Peer]] = {"bytes": [], "snapshots": []}
        self._polls = 0

    def close(self) -> None:
        """Says goodbye to everyone."""
        self._path.unlink(missing_ok=True)
        self._listener.close()
        for client in list(self._clients.values()):
            self._put_out(client)

    # --- to the clients -----------------------------------------------------------------------------------

    def tell_bytes(self, t_s: float, data: bytes) -> None:
        """Sends what was read from the port at `t_s` to those who want it."""
        if self._subscribed["bytes"]:
            message = HEAD.pack(TIME.size + len(data), BYTES) + TIME.pack(t_s) + data
            for client in self._subscribed["bytes"]:
                self._send(client, message, BACKLOG_BYTES)

    @property
    def wants_snapshots(self) -> bool:
        """Somebody looks."""
        return bool(self._subscribed["snapshots"])

    def tell_snapshot(self, look: Snapshot) -> None:
        """Sends a look; who has not taken what was sent before gets none, as an old look is worth nothing."""
        message = pack(SNAPSHOT, self._encode(look))
        for client in self._subscribed["snapshots"]:
            self._send(client, message, room=0)

    def _send(self, client: Peer, message: bytes, room: int) -> None:
        try:
            if not client.send(message, room):
                self.drops += 1
        except OSError:
            self._put_out(client)

    def _put_out(self, client: Peer) -> None:
        if self._clients.pop(client.socket.fileno(), None) is not None:
            self._poll.unregister(client.socket)
            client.socket.close()
            client.wants.clear()
            self._sort()

    def _sort(self) -> None:
        self._subscribed = {
            want: [client for client in self._clients.values() if want in client.wants] for want in self._subscribed
        }

    # --- from the clients ---------------------------------------------------------------------------------

    def poll(self) -> list[Ask]:
        """Takes a new client and requests; returns the requests that are for the daemon."""
        for behind in [client for client in self._clients.values() if client.unsent]:
            try:
                behind.flush()
            except OSError:
                self._put_out(behind)
        ready = [fd for fd, _ in self._poll.poll(0)]
        if not ready:
            return []
        if self._listener.fileno() in ready:
            self._accept()
        self._polls += 1
        clients = sorted([self._clients[fd] for fd in ready if fd in self._clients], key=lambda client: client.heard)
        asks: list[Ask] = []
        for client in clients[:CLIENTS_A_POLL]:
            client.heard = self._polls
            asks += self._read(client)
        return asks

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        client = Peer(connection)
        if len(self._clients) == MAX_CLIENTS:
            self.refused += 1
            self._send(client, self._reply(NOT_LET_IN, False, "The daemon has too many clients; close some."), 0)
            connection.close()
            return
        self._clients[connection.fileno()] = client
        self._poll.register(connection, select.POLLIN)

    def _read(self, client: Peer) -> Iterator[Ask]:
        try:
            messages = client.receive()
        except (OSError, ValueError) as error:
            self.refused += isinstance(error, ValueError)
            self._put_out(client)
            return
        self.refused += max(0, len(messages) - REQUESTS_A_POLL)
        for kind, payload in messages[:REQUESTS_A_POLL]:
            try:
                if kind != REQUEST:
                    raise ValueError(f"kind {kind}")
                request = self._decode(payload)
            except ValueError:  # of msgspec, too
                self.refused += 1
            else:
                yield from self._take(client, request)

    def _take(self, client: Peer, request: Request) -> Iterator[Ask]:
        """Does what concerns the feed alone."""

        def answer(ok: bool, text: str, about: About | None = None) -> None:
            self._send(client, self._reply(request.id, ok, text, about), BACKLOG_BYTES)

        match request.do:
            case "subscribe" | "unsubscribe":
                if request.do == "subscribe":
                    client.wants |= set(request.want)
                else:
                    client.wants -= set(request.want)
                self._sort()
                wants = " and ".join(sorted(client.wants)) or "nothing"
                answer(True, f"You get {wants}.", self._about())
            case "about":
                answer(True, "This is what runs.", self._about())
            case _:
                yield Ask(request, answer)

    def _reply(self, to: int, ok: bool, text: str, about: About | None = None) -> bytes:
        return pack(REPLY, self._encode(Reply(to, ok, text, about)))
