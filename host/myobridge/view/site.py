"""The files of a page, who may open them, and the server that both pages share: the live view and the servo guide."""

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from myobridge.errors import UserError
from myobridge.view.access import Access
from myobridge.view.handshakes import BACKLOG, REQUEST_S, Handshakes, let_wait

CLOSE_S: Final = 1.0
PAGE: Final = "/"
SOCKET: Final = "/socket"
TEXT: Final = "text/plain; charset=utf-8"
KINDS: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    "Connection": "close",
}
QUIET: Final = logging.getLogger("myobridge.view")
"""Keeps errors of strangers' connections from the terminal."""
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


def site_files(page: str, *others: str) -> dict[str, bytes]:
    """The files by path: `page` at /, each of the other pages at its name without suffix. No other page is served."""
    all_files = {file.name: file.read_bytes() for file in files("myobridge.view").joinpath("static").iterdir()}
    pages = {PAGE: all_files[page]} | {f"/{name.removesuffix('.html')}": all_files[name] for name in others}
    return pages | {f"/{name}": body for name, body in all_files.items() if name[-5:] != ".html"}


class Site:
    """One page, its files and its WebSocket, on one port."""

    def __init__(self, access: Access, content: dict[str, bytes]) -> None:
        self._access = access
        self._content = content
        self._handshakes = Handshakes()

    @asynccontextmanager
    async def serve(
        self, address: str, port: int, most_bytes: int, attend: Callable[[ServerConnection], Awaitable[None]]
    ) -> AsyncIterator[Server]:
        """Serves while the block runs; `attend` gets each WebSocket, whose messages have at most `most_bytes`.

        `attend` calls `let_in` once it knows that the page may stay.

        Raises:
            UserError: the port is in use, or the address does not belong to this computer.
        """

        try:
            server = await serve(
                attend,
                address,
                port,
                process_request=self.admit,
                create_connection=self._handshakes.connection_type(),
                backlog=BACKLOG,
                compression=None,  # a few kB/s are not worth a Pi's processor
                max_size=most_bytes,
                open_timeout=REQUEST_S,
                close_timeout=CLOSE_S,
                server_header=None,
                logger=QUIET,
            )
        except OSError as error:
            raise _cannot_serve(error, address, port) from error
        async with server:
            let_wait(server.sockets)
            yield server

    def let_in(self, connection: ServerConnection) -> None:
        """Ends the limits for a connection that has not said what it wants."""
        self._handshakes.end(connection)

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answers a plain request; returns None to accept a viewer."""
        path = request.path.partition("?")[0]
        origins = request.headers.get_all("Origin") if path == SOCKET else None
        if request.method != "GET":
            return _respond(HTTPStatus.METHOD_NOT_ALLOWED, TEXT, b"Only GET is answered.\n")
        refusal = self._access.refusal(request.headers.get_all("Host"), origins)
        if refusal is not None:
            return _respond(HTTPStatus.FORBIDDEN, TEXT, refusal.encode() + b"\n")
        if (path == SOCKET or "." not in path) and self._access.lacks_token(request.path):
            return _respond(HTTPStatus.FORBIDDEN, TEXT, b"Open the whole address that myobridge printed.\n")
        if path == SOCKET:
            return None
        if path not in self._content:
            return _respond(HTTPStatus.NOT_FOUND, TEXT, b"There is nothing here.\n")
        kind = KINDS[path.rpartition(".")[2] if "." in path else "html"]
        return _respond(HTTPStatus.OK, kind, self._content[path])


def _respond(status: HTTPStatus, kind: str, body: bytes) -> Response:
    headers = Headers({**HEADERS, "Content-Type": kind, "Content-Length": str(len(body))})
    return Response(status, status.phrase, headers, body)


def _cannot_serve(error: OSError, address: str, view_port: int) -> UserError:
    if error.errno == errno.EADDRINUSE:
        return UserError(
            f"The view's port {view_port} is in use; choose another with --view-port, or end the program that uses it."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return UserError(f"The view may not use port {view_port}; choose a port from 1024 up with --view-port.")
    return UserError(f"The view cannot listen on {address}; give --bind an address of this computer.")
