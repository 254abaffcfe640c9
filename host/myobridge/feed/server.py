"""The daemon's end of the feed (`messages.py`): sends to subscribers, takes requests, waits for nobody.

Only the user's own processes reach it. Even so, no client can delay the loop, and none can block another client's
ESTOP:

- The feed accepts every new client. If there are too many, it disconnects the idlest client without a subscription.
- A poll reads the messages of all clients, MESSAGES_A_POLL together. It passes on `estop` and `disarm` at once, however
  many other requests came before them, and refuses every waiting `arm` and `lift`. It passes on a few of the other
  requests; the rest waits.
- Messages for a client that does not read are dropped. A client that exceeds MAX_REQUEST is disconnected. Messages that
  make no sense are counted and ignored.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, cast

import msgspec

from myobridge.feed.messages import (
    BYTES,
    HEAD,
    REPLY,
    SNAPSHOT,
    TIME,
    UNDOES,
    UNDOING,
    About,
    Do,
    Reply,
    Request,
    Snapshot,
    encode,
    pack,
)
from myobridge.feed.names import release
from myobridge.feed.peer import Peer
from myobridge.feed.place import feed_path, listen
from myobridge.feed.room import Room

POLL_S: Final = 0.02
"""Between two polls while no client sends anything."""
SPACE_S: Final = 0.004
"""Between two polls while clients send requests, so that a crowd costs the loop an eighth of its time at most."""
SNAPSHOT_S: Final = 0.04
MAX_LISTENERS: Final = 16
BACKLOG_BYTES: Final = 1 << 17
"""Beyond the kernel's buffer: three seconds of 4 channels at 2 kHz, because an SD card may pause that long."""
MESSAGES_A_POLL: Final = 512
"""Of all clients together: half a millisecond."""
CLIENTS_A_POLL: Final = 4
"""How many clients are served in one poll, the longest waiting first."""
REQUESTS_A_POLL: Final = 2
"""Of each client, without the urgent ones; a client that waits for its answers, as FeedClient does, sends one."""
MAX_WAITING: Final = 256
"""Requests of one client that may wait; further ones are refused."""


class OpenRequest(NamedTuple):
    """A request that the daemon must answer exactly once, now or later."""

    request: Request
    answer: Callable[[bool, str], None]


class _Id(msgspec.Struct):
    """The field that a request of every version has."""

    id: int


class Feed:
    """The listening socket and its clients."""

    def __init__(self, port: str, about: Callable[[], About]) -> None:
        """Opens the feed of `port`.

        Raises:
            UserError: another daemon serves the port, or the socket cannot be made.
        """
        self.drops = 0
        """Messages that slow clients missed."""
        self.refused = 0
        """Requests that made no sense or were too many, and clients that were disconnected."""
        self._about = about
        self._clients: dict[int, Peer] = {}
        self._path = feed_path(port)
        self._listener = listen(self._path, port)
        self._room = Room(self._listener)
        self._poll = selectors.DefaultSelector()
        self._poll.register(self._listener, selectors.EVENT_READ)
        self._decode = msgspec.json.Decoder(Request).decode
        self._decode_id = msgspec.json.Decoder(_Id).decode
        self._subscribed: dict[str, list[Peer]] = {"bytes": [], "snapshots": []}
        self._polls = 0

    def fileno(self) -> int:
        """A file descriptor that is readable while a client waits for the next `poll`."""
        return cast("selectors.EpollSelector", self._poll).fileno()

    def close(self) -> None:
        """Disconnects everyone and removes the socket."""
        self._path.unlink(missing_ok=True)
        release(self._path)
        self._listener.close()
        self._room.close()
        for client in list(self._clients.values()):
            self._disconnect(client)
        self._poll.close()

    # --- to the clients -----------------------------------------------------------------------------------

    def tell_bytes(self, t_s: float, data: bytes) -> None:
        """Sends bytes that were read from the port at `t_s` to their subscribers."""
        if self._subscribed["bytes"]:
            message = HEAD.pack(TIME.size + len(data), BYTES) + TIME.pack(t_s) + data
            for client in self._subscribed["bytes"]:
                self._send(client, message, BACKLOG_BYTES)

    @property
    def wants_snapshots(self) -> bool:
        """Somebody subscribes to snapshots."""
        return bool(self._subscribed["snapshots"])

    def tell_snapshot(self, look: Snapshot) -> None:
        """Sends a snapshot to the clients that took everything before it: an old snapshot is worthless."""
        message = pack(SNAPSHOT, encode(look))
        for client in self._subscribed["snapshots"]:
            self._send(client, message, room=0)

    def _send(self, client: Peer, message: bytes, room: int) -> None:
        try:
            if not client.send(message, room):
                self.drops += 1
        except OSError:
            self._deafen(client)

    def _deafen(self, client: Peer) -> None:
        """Stops sending to a client that closed its end; its last requests, maybe an ESTOP, are still to be read."""
        client.unsent.clear()
        self._subscribe(client, set())

    def _subscribe(self, client: Peer, wants: set[str]) -> None:
        if wants != client.wants:
            client.wants = wants
            self._subscribed = {
                want: [client for client in self._clients.values() if want in client.wants] for want in self._subscribed
            }

    def _disconnect(self, client: Peer) -> None:
        if self._clients.pop(client.socket.fileno(), None) is not None:
            self._poll.unregister(client.socket)
            client.socket.close()
            self._subscribe(client, set())

    # --- from the clients ---------------------------------------------------------------------------------

    def poll(self) -> list[OpenRequest]:
        """Takes new clients and requests; returns the requests that are for the daemon."""
        for client in [client for client in self._clients.values() if client.unsent]:
            try:
                client.flush()
            except OSError:
                self._deafen(client)
        ready = {key.fd for key, _ in self._poll.select(0)}
        self._polls += 1
        if self._listener.fileno() in ready:
            ready |= self._accept()
        heard = [client for fd, client in self._clients.items() if fd in ready or client.has_more]
        opened: list[OpenRequest] = []
        for client in heard:
            self._receive(client, max(1, MESSAGES_A_POLL // len(heard)))
            opened += self._urgent(client)
        if opened:
            self._overtake(heard)
        waiting = sorted((client for client in heard if client.later), key=lambda client: client.heard)
        for client in waiting[:CLIENTS_A_POLL]:
            for _ in range(min(REQUESTS_A_POLL, len(client.later))):
                opened += self._take(client, self._understood(client, *client.later.popleft()))
        return opened

    def _accept(self) -> set[int]:
        new = set()
        for connection in self._room.newcomers(self._clients.values(), self._polls, self._disconnect_idle):
            new.add(connection.fileno())
            self._clients[connection.fileno()] = Peer(connection, heard=self._polls)
            self._poll.register(connection, selectors.EVENT_READ)
        return new

    def _disconnect_idle(self, client: Peer) -> None:
        self.refused += 1
        self._disconnect(client)

    def _overtake(self, clients: list[Peer]) -> None:
        """Refuses requests that would undo a DISARM or an ESTOP that came with them."""
        for client in clients:
            for later in [later for later in client.later if any(word in later[1] for word in UNDOING)]:
                request = self._understood(client, *later)
                if request is None or request.do in UNDOES:
                    client.later.remove(later)
                if request is not None and request.do in UNDOES:
                    text = f"{request.do.upper()} was refused, because a DISARM or ESTOP came with it; try again."
                    self._reply(client, [request.id], False, text)

    def _receive(self, client: Peer, most: int) -> None:
        try:
            self.refused += client.receive(most, time.monotonic())
        except OSError:
            self._disconnect(client)
        except ValueError:
            self.refused += 1
            self._disconnect(client)
        excess = [self._understood(client, *client.later.pop()) for _ in range(len(client.later) - MAX_WAITING)]
        if refused := [request.id for request in excess if request is not None]:
            self.refused += len(refused)
            self._reply(client, refused, False, "Too many requests are waiting; this one was ignored.")

    def _understood(self, client: Peer, read_s: float, payload: bytes) -> Request | None:
        """Decodes a request that was read at `read_s`; answers one of another version with a refusal."""
        try:
            request = self._decode(payload)
        except ValueError as error:  # msgspec's errors are ValueErrors, too
            self.refused += 1
            try:
                of = self._decode_id(payload).id
            except ValueError:
                return None
            self._reply(client, [of], False, f"The daemon does not know this request ({error}).")
            return None
        client.heard, client.spoke = self._polls, True
        request.asked_s = request.asked_s or read_s  # it may have waited here, and grows old
        return request

    def _urgent(self, client: Peer) -> Iterator[OpenRequest]:
        """One request for each kind of urgent request of a client, which stands for all of that kind; ESTOP first."""
        alike: dict[Do, list[Request]] = {"estop": [], "disarm": []}
        now_s = time.monotonic()
        for payload in client.urgent:
            request = self._understood(client, now_s, payload)
            if request is not None and request.do in alike:
                alike[request.do].append(request)
            elif request is not None:
                client.later.append((now_s, payload))
        client.urgent.clear()
        for requests in alike.values():
            if requests:
                yield self._open(client, requests)

    def _open(self, client: Peer, requests: list[Request]) -> OpenRequest:
        client.unanswered += 1

        def answer(ok: bool, text: str) -> None:
            client.unanswered -= 1
            self._reply(client, [request.id for request in requests], ok, text)

        return OpenRequest(requests[0], answer)

    def _take(self, client: Peer, request: Request | None) -> Iterator[OpenRequest]:
        """Handles a request of the feed itself; yields any other."""
        match request:
            case None:
                return
            case Request(do="subscribe"):
                if not client.wants and self._is_full:
                    self.refused += 1
                    self._reply(client, [request.id], False, "The daemon has too many listeners; close some of them.")
                    return
                self._subscribe(client, client.wants | set(request.want))
                self._tell_about(client, request)
            case Request(do="unsubscribe"):
                self._subscribe(client, client.wants - set(request.want))
                self._tell_about(client, request)
            case Request(do="about"):
                self._tell_about(client, request)
            case _:
                yield self._open(client, [request])

    @property
    def _is_full(self) -> bool:
        """Whether one more listener would take a place that is reserved for orders."""
        listeners = sum(bool(client.wants) for client in self._clients.values())
        return listeners >= MAX_LISTENERS or not self._room.keeps_one_back()

    def _tell_about(self, client: Peer, request: Request) -> None:
        wants = " and ".join(sorted(client.wants)) or "nothing"
        try:
            self._reply(client, [request.id], True, f"You receive {wants}.", self._about())
        except Exception as error:  # the loop continues after any error, and the client gets an answer
            self._reply(client, [request.id], False, f"The daemon cannot describe its run ({error}).")

    def _reply(self, client: Peer, to: list[int], ok: bool, text: str, about: About | None = None) -> None:
        if client.socket.fileno() >= 0:
            replies = [pack(REPLY, encode(Reply(of, ok, text, about))) for of in to]
            self._send(client, b"".join(replies), BACKLOG_BYTES)
