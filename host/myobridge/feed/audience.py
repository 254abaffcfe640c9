"""Sends the prompts of a guided recording to the view in a browser, to a simulated wearer and to lab streaming."""

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
    """A path for `inbox_path`: the simulated wearer of the hand on `port` takes prompts beside it."""
    return feed_path(port).with_suffix(WEARER)


def laboratorys_feed(port: str | Path) -> Path:
    """A path for `inbox_path`: the lab streaming of the hand on `port` takes prompts beside it, for its markers."""
    return feed_path(port).with_suffix(LABORATORY)


def follow(port: str | Path) -> Callable[[], Pose | None]:
    """For the simulated wearer: each call returns the newest pose that a prompt asks for, None without a prompt."""
    inbox = PromptInbox(inbox_path(wearers_feed(port)))
    atexit.register(inbox.close)

    def asked() -> Pose | None:
        prompt = inbox.newest()
        return None if prompt is None else prompt.angles_deg

    return asked


class Audience:
    """Sends prompts to every listener; there may be none."""

    def __init__(self, port: str) -> None:
        feeds = feed_paths(port)
        self._feeds = [feed.with_suffix(suffix) for feed in feeds for suffix in (feed.suffix, WEARER, LABORATORY)]

    def tell(self, prompt: Prompt) -> None:
        """Shows a prompt, which disappears unless it is sent again within `prompts.LIFE_S`."""
        for feed in self._feeds:
            send_prompt(feed, prompt)

    def leave(self) -> None:
        """Takes the prompt down."""
        self.tell(NO_PROMPT)
