"""Whether a browser can be opened here, and opening it."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from typing import Final

SCREENS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""Variables of a session with a screen, or of a person who has chosen a browser."""


def has_browser() -> bool:
    """Whether a page would appear; a browser for the terminal, as lynx is, does not count unless a person chose it."""
    if sys.platform != "darwin" and not any(map(os.environ.get, SCREENS)):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def open_page(url: str) -> None:
    """Opens the page; returns at once, because some browsers keep the caller until they are closed."""
    threading.Thread(target=webbrowser.open, args=(url,), name="browser", daemon=True).start()
