"""The view's connection to the daemon for orders only; runs in the view's event loop."""

from __future__ import annotations

import asyncio
from typing import Literal, cast

from myobridge.feed import Reply
from myobridge.feed.client import MAX_MESSAGE, ended, understood, unreachable
from myobridge.feed.messages import REPLY, REQUEST, Command, Morning, Request, Splitter, encode, pack
from myobridge.feed.place import connect_now

Sent = Command | Morning | Literal["model", "control"]


class Line(asyncio.Protocol):
    """Sends several requests at the same time: no request waits for the answer to another."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._splitter = Splitter(MAX_MESSAGE)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._last_id = 0

    async def ask(self, do: Sent, asked_s: float, control: tuple[str, str] | None, path: str = "") -> Reply:
        """Sends a request and waits for its answer while the line is open.

        asked_s: on the host's monotonic clock. control: which page has control now; None: not said. path: of a
        model.

        Raises:
            NoDaemon: the daemon has ended.
        """
        if self.is_closed:
            raise ended(self._port)
        self._last_id += 1
        number = self._last_id
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._transport.write(pack(REQUEST, encode(Request(number, do, (), path, asked_s, control))))
        try:
            return await answer
        finally:
            del self._waiting[number]

    @property
    def is_closed(self) -> bool:
        """The line takes no more requests."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Closes the line; pending requests get no answer."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102 - its protocol says it
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: D102 - its protocol says it
        try:
            replies = [understood(payload) for kind, payload in self._splitter.push(data) if kind == REPLY]
        except ValueError:  # this is not a myobridge daemon
            self.close()
            return
        for reply in replies:
            answer = self._waiting.get(reply.id)
            if answer is not None and not answer.done():
                answer.set_result(reply)

    def connection_lost(self, _error: Exception | None) -> None:  # noqa: D102 - its protocol says it
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ended(self._port))


async def open_line(port: str) -> Line:
    """Opens a line to the daemon on `port`, without waiting.

    Raises:
        NoDaemon: no daemon runs there, or it accepts no connections.
    """
    try:
        connection = connect_now(port)
    except OSError as error:
        raise unreachable(port, error) from error
    _, line = await asyncio.get_running_loop().create_connection(lambda: Line(port), sock=connection)
    return line
