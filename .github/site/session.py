"""Records what the page of the demo's view is told, so that the site can play it without a view."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from typing import Any, Final

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

SESSION_S: Final = 24
SHOWN_FROM_S: Final = 2.0
"""The newest note is then no longer about the start."""
PATIENCE_S: Final = 30
SOURCE: Final = "a recorded session of the simulated wearer"

Message = tuple[float, dict[str, Any]]
"""When the page got a message, in seconds, and the message."""


def start_demo() -> subprocess.Popen[str]:
    """Runs the demo with its view, for SESSION_S."""
    options = ("--view", "--view-port", "0", "--headless", "--seconds", str(SESSION_S))
    return subprocess.Popen(
        [sys.executable, "-m", "myobridge", "demo", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def record(demo: subprocess.Popen[str]) -> list[Message]:
    """The messages of the demo's view to a page, each with its time in seconds."""
    assert demo.stdout is not None
    url = next((found[1] for line in demo.stdout if (found := re.search(r"View: http://(\S+?)/? ", line))), None)
    if url is None:
        raise SystemExit("The demo printed no address of its view; run `myobridge demo --view` to see why.")
    messages: list[Message] = []
    began_s = time.monotonic()
    with connect(f"ws://{url}/socket", origin=Origin(f"http://{url}")) as view:
        while time.monotonic() - began_s < SESSION_S + PATIENCE_S:
            try:
                message = json.loads(view.recv())
            except ConnectionClosed:
                break
            if message["kind"] == "link" and not message["up"] and any(m["kind"] == "emg" for _, m in messages):
                break
            messages.append((round(time.monotonic() - began_s, 3), message))
    return messages


def session(messages: list[Message]) -> list[Message]:
    """What the page plays: a greeting, then the armed part of the recording from time 0 on."""
    start = next(
        (at for at, message in messages if message["kind"] == "look" and message["snapshot"]["state"] == "ARMED"), None
    )
    if start is None:
        raise SystemExit("The hand of the demo was never armed while its view was recorded; build the site again.")
    start += SHOWN_FROM_S
    kept = [(round(at - start, 3), message) for at, message in messages if at >= start]
    armed = [
        (at, message)
        for at, message in kept
        if message["kind"] != "faults"  # the site's page has no demo behind its buttons
        and (message["kind"] != "look" or message["snapshot"]["state"] == "ARMED")
    ]
    return [(0.0, {"kind": "hello", "port": SOURCE, "control": False, "emg": True}), *armed]
