"""Opens a view as its page does, and as strangers do."""

import json
import re
import socket
from contextlib import contextmanager
from urllib.parse import urlsplit

from websockets.sync.client import connect

from processes import running


def address_in(stream) -> str:
    """The address that a view prints, perhaps after other sentences."""
    for line in stream:
        if found := re.search(r"View: (\S+)", line):
            return found[1]
    raise AssertionError("the view printed no address")


@contextmanager
def view(port, *arguments):
    """The address of a running view, which must not print a complaint."""
    with running("view", "--port", port, "--view-port", 0, *arguments) as process:
        yield address_in(process.stdout)
    assert not process.stderr.read()


def get(url: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
    """Status, headers and body for a client that sends exactly these bytes."""
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, **headers}
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as client:
        client.sendall("\r\n".join(lines).encode())
        answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), head, body


def answers(url: str) -> bool:
    """Whether a view still serves its page; a view that ends refuses, resets or closes connections."""
    try:
        return get(url)[0] == 200
    except (ConnectionError, IndexError):
        return False


def watch(url: str, origin: str | None = "same", **options):
    """A viewer's connection; use it in a with block."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    if origin == "same":
        origin = f"http://{parts.netloc}"
    return connect(f"ws://{parts.netloc}/socket{query}", origin=origin, **options)


def until(viewer, kind: str, where=lambda message: True, most: int = 2000) -> dict:
    """The next message of a kind for which `where` holds."""
    for _ in range(most):
        message = json.loads(viewer.recv(timeout=60))
        if message["kind"] == kind and where(message):
            return message
    raise AssertionError(f"no {kind} came")
