"""A client of the feed that never waits: it sends requests and takes the answers as they arrive."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from predicates import Command, Predicate, Violated, Watch

from myobridge.feed import Reply, feed_path
from myobridge.feed.messages import REPLY, REQUEST, Do, Request, Splitter, pack

MAX_MESSAGE: Final = 1 << 20


class Caller:
    """A client. reads: it takes what the daemon sends."""

    def __init__(self, port: Path, watch: Watch, here: list[Caller]) -> None:
        """Connects.

        Raises:
            OSError: no daemon is there, or its queue is full.
        """
        self.reads = True
        self._watch, self._here = watch, here
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect(str(feed_path(port)))
        except OSError:
            self._socket.close()
            raise
        self._splitter = Splitter(MAX_MESSAGE)
        self._commands: dict[int, Command] = {}
        self._last_id = 0
        here.append(self)

    def ask(self, *wishes: Do, path: str = "", by: str = "feed") -> None:
        """Sends requests in one write."""
        data = b""
        for do in wishes:
            self._last_id += 1
            want = ("bytes", "snapshots") if do == "subscribe" else ()
            data += pack(REQUEST, msgspec.json.encode(Request(self._last_id, do, want, path, self._watch.now_s)))
            if do in ("arm", "disarm", "estop", "lift", "model"):
                command = self._watch.command(do, by, answerable=self.reads)
                if self.reads:  # a client that does not read gets no answer
                    self._commands[self._last_id] = command
        try:
            self._socket.send(data)
        except OSError:
            self.put_out()

    def say(self, data: bytes) -> None:
        """Sends something that is not a request."""
        with suppress(OSError):
            self._socket.send(data)

    @property
    def asks(self) -> bool:
        """The client waits for an answer."""
        return bool(self._commands)

    def hear(self) -> None:
        """Takes what has arrived."""
        if not self.reads:
            return
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.put_out()
            return
        for kind, payload in self._splitter.push(data):
            if kind == REPLY:
                self._hear(msgspec.json.decode(payload, type=Reply))

    def _hear(self, reply: Reply) -> None:
        if (command := self._commands.pop(reply.id, None)) is not None:
            self._watch.answered(command, reply.ok, reply.text)

    def put_out(self) -> None:
        """The daemon closed the connection, as it may if nobody waits for the answer to an ESTOP."""
        for command in self._commands.values():
            if command.do == "estop":
                raise Violated(Predicate.COMMANDS_ARE_ANSWERED, f"{command}: the daemon closed the connection")
            self._watch.unheard(command)
        self.close()

    def close(self) -> None:
        """Leaves without waiting for the answers."""
        for command in self._commands.values():
            self._watch.unanswerable(command)
        self._commands.clear()
        self._socket.close()
        if self in self._here:
            self._here.remove(self)
