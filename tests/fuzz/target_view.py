"""Bytes from a browser, or from a page of another origin, to the view → an order, a refusal, or nothing."""

from __future__ import annotations

import asyncio
from functools import cache
from http import HTTPStatus
from typing import Any

from promises import piece, pieces
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.frames import CloseCode
from websockets.http11 import Request

from myobridge.view.access import Access
from myobridge.view.page import Order
from myobridge.view.site import PAGE, SOCKET, Site, site_files
from myobridge.view.viewer import ORDER_BYTES, Viewer

ORDERS = ("arm", "disarm", "estop", "lift")
TOKEN = "the-token"
TARGET, HOST, ORIGIN, TEXT, BINARY = range(5)


def as_http(content: bytes) -> str:
    """The text of a request, as the WebSocket library reads it."""
    return content.decode("ascii", "surrogateescape")


class Browser:
    """The part of a connection that a Viewer uses."""

    def __init__(self, messages: list[str | bytes]) -> None:
        self._messages = iter(messages)
        self.closed: CloseCode | None = None

    def __aiter__(self) -> Browser:
        return self

    async def __anext__(self) -> str | bytes:
        for message in self._messages:
            return message
        raise StopAsyncIteration

    async def close(self, code: CloseCode, _reason: str) -> None:
        self.closed = code


@cache
def site() -> Site:
    return Site(Access(TOKEN), site_files("index.html"))


def seeds() -> list[bytes]:
    local = piece(HOST, b"localhost:8080") + piece(ORIGIN, b"http://localhost:8080")
    orders = [piece(TEXT, f'{{"do":"{do}"}}'.encode()) for do in ORDERS]
    targets = [f"{SOCKET}?token={TOKEN}", PAGE, "/app.js", f"{SOCKET}?token=wrong", "//[", "/%00"]
    asked = [piece(TARGET, target.encode()) + local + b"".join(orders) for target in targets]
    return [
        *asked,
        piece(TEXT, b'{"do":"arm","x":1}'),
        piece(TEXT, b'{"do":"arm","seen_s":1.5}'),
        piece(BINARY, b'{"do":"arm"}') * 12,
        piece(HOST, b"[::1]:80"),
    ]


def fuzz(data: bytes) -> None:
    said = list(pieces(data))
    headers = Headers()
    try:
        for kind, content in said:
            if kind in (HOST, ORIGIN):
                headers["Host" if kind == HOST else "Origin"] = as_http(content)
    except InvalidHeader:  # the library itself refuses it
        return
    target = next((as_http(content) for kind, content in said if kind == TARGET), PAGE)
    connection: Any = None
    answer = site().admit(connection, Request(target, headers))
    if answer is None:
        assert TOKEN in target and len(headers.get_all("Host")) == len(headers.get_all("Origin")) == 1
    else:
        assert HTTPStatus(answer.status_code) in (HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    talk([content if kind == BINARY else content.decode("utf-8", "replace") for kind, content in said if kind >= TEXT])


def talk(messages: list[str | bytes]) -> None:
    """The socket closes at the first message that is not one of the four orders."""
    browser: Any = Browser([message[:ORDER_BYTES] for message in messages])
    taken: list[Order] = []
    asyncio.run(_listen(browser, taken))
    assert {order.do for order in taken} <= set(ORDERS)
    assert all(0 <= order.seen_s < float("inf") for order in taken)
    assert len(taken) == len(messages) or browser.closed in (CloseCode.INVALID_DATA, CloseCode.POLICY_VIOLATION)


async def _listen(browser: Any, taken: list[Order]) -> None:
    await Viewer(browser).listen(taken.append, control=True)
