"""Who else is shown the prompts of a guided recording: the view in a browser, a simulated wearer, lab streaming."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from pathlib import Path
from typing import Final

from myobridge.feed.place import feed_path, feed_paths
from myobridge.feed.prompts import NO_PROMPT, Prompt, PromptInbox, inbox_path, send_prompt
from myobridge.model.file import Pose

WEARER: Final = ".wearer"
LABORATORY: Final = ".lab"


def wearers_feed(port: str | Path) -> Path:
    """Beside it the simulated wearer of the hand on `port` takes prompts, as a view does beside the daemon's feed."""
    return feed_path(port).with_suffix(WEARER)


def laboratorys_feed(port: str | Path) -> Path:
    """Beside it the lab streaming of the hand on `port` takes prompts, to send them on as markers."""
    return feed_path(port).with_suffix(LABORATORY)


def follow(port: str | Path) -> Callable[[], Pose | None]:
    """The simulated wearer's eyes: each call gives the newest pose that was asked for, None if none was."""
    inbox = PromptInbox(inbox_path(wearers_feed(port)))
    atexit.register(inbox.close)

    def asked() -> Pose | None:
        prompt = inbox.newest()
        return None if prompt is None else prompt.angles_deg

    return asked


class Audience:
    """Tells whoever is there, and does not mind if nobody is."""

    def __init__(self, port: str) -> None:
        feeds = feed_paths(port)
        self._feeds = [feed.with_suffix(suffix) for feed in feeds for suffix in (feed.suffix, WEARER, LABORATORY)]

    def tell(self, prompt: Prompt) -> None:
        """Shows a prompt; it fades if it is not told again within seconds."""
        for feed in self._feeds:
            send_prompt(feed, prompt)

    def leave(self) -> None:
        """Takes the prompt down."""
        self.tell(NO_PROMPT)
