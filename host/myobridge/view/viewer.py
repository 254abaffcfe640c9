"""One browser with the page open: its queue of messages, and its orders."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from myobridge.view import page

QUEUE_MESSAGES: Final = 64
"""About a second; a slower viewer gets the newest messages only."""
SLOW_S: Final = 10.0
"""A viewer that takes nothing for this long is disconnected."""
ORDER_BYTES: Final = 64
ORDERS_PER_S: Final = 10

_encode = msgspec.json.Encoder().encode
understand_order = msgspec.json.Decoder(page.Order).decode
_decode_choice = msgspec.json.Decoder(page.Choice).decode
_decode_press = msgspec.json.Decoder(page.Press).decode
Said = page.Order | page.Choice | page.Press


def encode(message: msgspec.Struct) -> str:
    """Encodes a message for the page."""
    return _encode(message).decode()


def understand(said: str | bytes) -> page.Order | page.Choice:
    """A message of the view's page.

    Raises:
        DecodeError: it is neither an order nor a choice.
    """
    try:
        return understand_order(said)
    except msgspec.ValidationError:
        return _decode_choice(said)


def understand_demo(said: str | bytes) -> Said:
    """A message of the demo's page.

    Raises:
        DecodeError: it is neither an order, nor a choice, nor a fault.
    """
    try:
        return understand(said)
    except msgspec.ValidationError:
        return _decode_press(said)


class Viewer:
    """Never delays others: `put` returns at once, and what a slow browser misses is dropped and counted."""

    def __init__(self, connection: ServerConnection, *, sees_emg: bool = True) -> None:
        self._connection = connection
        self.sees_emg = sees_emg
        self._waiting: asyncio.Queue[str] = asyncio.Queue(QUEUE_MESSAGES)
        self._dropped = 0

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
            self._connection.transport.abort()

    async def listen(
        self,
        pass_on: Callable[[Said], object],
        *,
        control: bool,
        understand: Callable[[str | bytes], Said] = understand,
    ) -> None:
        """Passes the viewer's messages on until it leaves; it is disconnected if it sends others, or too many.

        With `control`, no limit applies to ESTOP.
        """
        second, said = 0, 0
        try:
            async for text in self._connection:
                order = understand(text)
                if control and isinstance(order, page.Order) and order.do == "estop":
                    pass_on(order)
                    continue
                now = int(time.monotonic())
                second, said = now, said + 1 if now == second else 1
                if said > ORDERS_PER_S:
                    await self._connection.close(CloseCode.POLICY_VIOLATION, "too many messages")
                    return
                pass_on(order)
        except (msgspec.DecodeError, UnicodeDecodeError):
            await self._connection.close(CloseCode.INVALID_DATA, "not an order")
        except ConnectionClosed:
            return
