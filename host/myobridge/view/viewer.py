"""One browser with the page open: its queue of messages, and its orders."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from myobridge.view import page
from myobridge.view.control import Seat
from myobridge.view.door import Guest
from myobridge.view.page import encode
from myobridge.view.proof import Forged

QUEUE_MESSAGES: Final = 64
"""About a second; a slower viewer gets the newest messages only."""
SLOW_S: Final = 10.0
"""A viewer that takes nothing for this long is disconnected."""
ORDER_BYTES: Final = 512
"""Longest message of a page: an order, its number and its signature."""
ORDERS_PER_S: Final = 10

understand_order = msgspec.json.Decoder(page.Order).decode
_decode_press = msgspec.json.Decoder(page.Press).decode
Plain = page.Order | page.Wish | page.Ask | page.Use | page.Choice
Said = Plain | page.Press
_others: Final[tuple[Callable[[str | bytes], Plain], ...]] = (
    msgspec.json.Decoder(page.Wish).decode,
    msgspec.json.Decoder(page.Ask).decode,
    msgspec.json.Decoder(page.Use).decode,
)
_decode_choice = msgspec.json.Decoder(page.Choice).decode


def understand(said: str | bytes) -> Plain:
    """A message of the view's page.

    Raises:
        DecodeError: no page says this.
    """
    for decode in (understand_order, *_others):
        with suppress(msgspec.ValidationError):
            return decode(said)
    return _decode_choice(said)


def understand_demo(said: str | bytes) -> Said:
    """A message of the demo's page.

    Raises:
        DecodeError: it is neither a message of the view's page nor a fault.
    """
    try:
        return understand(said)
    except msgspec.ValidationError:
        return _decode_press(said)


class Viewer:
    """Never delays others: `put` returns at once, and what a slow browser misses is dropped and counted."""

    def __init__(
        self, connection: ServerConnection, guest: Guest | None = None, *, sees_emg: bool = True, is_light: bool = False
    ) -> None:
        self._connection = connection
        self.is_light = is_light
        self.guest = guest or Guest()
        self.seat = Seat(self.guest.name)
        self.sees_emg = sees_emg and not self.is_light
        self._waiting: asyncio.Queue[str] = asyncio.Queue(QUEUE_MESSAGES)
        self._dropped = 0
        self.wants = set[str]()
        """What the page has asked for, and has not got yet; the page asks for nothing twice meanwhile."""

    def put(self, text: str) -> None:
        """Queues a message; drops the oldest if the queue is full."""
        if self._waiting.full():
            self._waiting.get_nowait()
            self._dropped += 1
        self._waiting.put_nowait(text)

    async def send(self) -> None:
        """Sends the queue until the viewer leaves or takes nothing for SLOW_S."""
        told = 0
        try:
            while True:
                text = await self._waiting.get()
                async with asyncio.timeout(SLOW_S):
                    await self._connection.send(text)
                if told != self._dropped and self._waiting.empty():
                    told = self._dropped
                    self.put(encode(page.Dropped(messages=told)))
        except ConnectionClosed:
            return
        except TimeoutError:
            self.abort()

    async def ping(self, heard: Callable[[], None]) -> None:
        """Asks the browser for a sign of life; `heard` is called when it comes."""
        with suppress(ConnectionClosed):
            await (await self._connection.ping())
            heard()

    async def close(self, why: str) -> None:
        """Ends the connection, and says why."""
        await self._connection.close(CloseCode.POLICY_VIOLATION, why)

    def abort(self) -> None:
        """Ends the connection without a word."""
        self._connection.transport.abort()

    async def listen(
        self,
        pass_on: Callable[[Said], object],
        *,
        control: bool,
        understand: Callable[[str | bytes], Said] = understand,
    ) -> None:
        """Passes the viewer's messages on until it leaves; it is disconnected if it sends others, or too many.

        With `control`, no limit applies to ESTOP, and a phone need not sign it.
        """
        second, said = 0, 0
        try:
            async for text in self._connection:
                if control and _is_estop(text):
                    pass_on(page.Order("estop"))
                    continue
                order = understand(text if self.guest.seal is None else self.guest.seal.opened(text))
                now = int(time.monotonic())
                second, said = now, said + 1 if now == second else 1
                if said > ORDERS_PER_S:
                    await self._connection.close(CloseCode.POLICY_VIOLATION, "too many messages")
                    return
                pass_on(order)
        except (msgspec.DecodeError, UnicodeDecodeError):
            await self._connection.close(CloseCode.INVALID_DATA, "not an order")
        except Forged:
            await self._connection.close(CloseCode.POLICY_VIOLATION, "not signed by this phone")
        except ConnectionClosed:
            return


def _is_estop(text: str | bytes) -> bool:
    try:
        return understand_order(text).do == "estop"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def wants_little(connection: ServerConnection) -> bool:
    """Whether the page wants no EMG and few snapshots, as the wearer's page does."""
    query = connection.request.path.partition("?")[2] if connection.request else ""
    return "light" in query.split("&")
