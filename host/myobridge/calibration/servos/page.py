"""The keys in a browser: a page with buttons to press and hold. One page at a time moves the hand.

A page that is closed, hidden or silent for GONE_S counts as a person who has left: the hand is disarmed.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from myobridge.calibration.servos.keys import Key
from myobridge.calibration.servos.look import Look
from myobridge.errors import UserError
from myobridge.view.access import Access, make_token, page_urls
from myobridge.view.site import Site, site_files

GONE_S: Final = 1.0
"""The page says every quarter of this that it is still shown."""
WISH_BYTES: Final = 64
START_S: Final = 10.0


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """The only message of the page."""

    do: Key


_decode = msgspec.json.Decoder(Wish).decode
_encode = msgspec.json.Encoder().encode


class PageKeys:
    """Serves the page from a thread of its own; shows it each moment, and hands on its wishes."""

    def __init__(self, address: str, view_port: int, say: Callable[[str], None]) -> None:
        self._address, self._view_port, self._say = address, view_port, say
        self._access = Access(make_token(address))
        self._site = Site(self._access, site_files("servos.html"))
        self._wishes: deque[Key] = deque()
        self._viewer: ServerConnection | None = None
        self._newest = ""
        self._failed: UserError | None = None
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="page", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._opened.wait(START_S)
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(START_S)

    def wishes(self) -> list[Key]:
        """The page's keys since the last call."""
        return [self._wishes.popleft() for _ in range(len(self._wishes))]

    def show(self, look: Look) -> None:
        """Shows one moment."""
        text = _encode(look).decode()
        if text != self._newest:
            self._newest = text
            self._loop.call_soon_threadsafe(self._changed.set)

    # --- in the page's thread -----------------------------------------------------------------------------

    def _serve(self) -> None:
        try:
            asyncio.run(self._run())
        except UserError as error:
            self._failed = error
        finally:
            self._opened.set()

    async def _run(self) -> None:
        self._loop, self._over, self._changed = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        async with self._site.serve(self._address, self._view_port, WISH_BYTES, self._attend) as server:
            address, port = next(iter(server.sockets)).getsockname()[:2]
            urls = page_urls(self._address, address, port, self._access.token)
            self._say(f"View: {' or '.join(urls)} (the keys are on this page)")
            self._opened.set()
            await self._over.wait()

    async def _attend(self, connection: ServerConnection) -> None:
        """Takes the wishes of one page; a second page is turned away."""
        self._site.let_in(connection)
        if self._viewer is not None:
            await connection.close(CloseCode.TRY_AGAIN_LATER, "another page moves the hand")
            return
        self._viewer = connection
        showing = asyncio.create_task(self._send(connection))
        try:
            await self._listen_until_left(connection)
        except (msgspec.DecodeError, UnicodeDecodeError):
            await connection.close(CloseCode.INVALID_DATA, "not a wish")
        except ConnectionClosed:
            pass
        except TimeoutError:
            await connection.close(CloseCode.GOING_AWAY, "the page is silent")
        finally:
            self._viewer = None
            showing.cancel()

    async def _listen_until_left(self, connection: ServerConnection) -> None:
        try:
            await self._listen(connection)
        finally:
            self._wishes.append(Key.DISARM)  # at once: a page that answers nothing delays the goodbye

    async def _listen(self, connection: ServerConnection) -> None:
        while True:
            async with asyncio.timeout(GONE_S):
                text = await connection.recv()
            key = _decode(text).do
            if key is not Key.HERE:
                self._wishes.append(key)

    async def _send(self, connection: ServerConnection) -> None:
        self._changed.set()
        with suppress(ConnectionClosed):
            while True:
                await self._changed.wait()
                self._changed.clear()
                if self._newest:
                    await connection.send(self._newest)
