"""The demo's page: the live view, with buttons that break something, and with the wearer's true fingers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import numpy as np

from myobridge.daemon.explain import explain_state
from myobridge.feed.tap import HandSnapshot
from myobridge.settings import Settings
from myobridge.simulator.demo_faults import DemoFaults
from myobridge.simulator.moments import Moment, Show
from myobridge.view.access import Access, make_token, page_urls
from myobridge.view.page import Wearer
from myobridge.view.server import Server
from myobridge.wire.messages import State

HERE: Final = "127.0.0.1"
ERROR_MEMORY: Final = 0.97
"""Weight of the earlier error at each moment: the mean of about two seconds."""


def serve_demo(
    port: str,
    view_port: int,
    faults: DemoFaults,
    moments: Iterator[Moment],
    show: Show,
    opened: Callable[[str], None],
) -> None:
    """Serves the page to this computer until the moments end, or until SIGINT or SIGTERM; `opened` gets its address.

    Raises:
        UserError: the TCP port is in use.
    """
    server = Server(port, Access(make_token(HERE)), control=True, settings=Settings(), press=faults.press)
    over = threading.Event()

    def published() -> Iterator[Moment]:
        error = MeanError()
        for moment in moments:
            if over.is_set():
                return
            if moment.hand is not None:
                server.publish(wearer(moment.hand, error.at(moment.hand), faults.causes))
            yield moment

    def follow() -> None:
        with suppress(RuntimeError):  # a person has ended the page, and its loop is closed
            try:
                show(published())
            finally:
                server.stop()

    following = threading.Thread(target=follow, name="demo")

    def began(address: str, actual_port: int) -> None:
        server.publish(faults.now)
        following.start()
        opened(page_urls(HERE, address, actual_port, None)[0])

    try:
        asyncio.run(server.run(HERE, view_port, began))
    finally:
        over.set()
        if following.is_alive():
            following.join()


class MeanError:
    """The mean difference of servos and fingers in degrees, over the last seconds in which the hand followed."""

    def __init__(self) -> None:
        self._mean_deg: float | None = None

    def at(self, hand: HandSnapshot) -> float | None:
        """The mean up to this moment; None while the hand does not follow, or where the fingers are unknown."""
        if hand.state is not State.ARMED or not hand.truth_deg:
            self._mean_deg = None
            return None
        now_deg = float(np.mean(np.abs(np.subtract(hand.truth_deg, hand.applied_deg))))
        before_deg = now_deg if self._mean_deg is None else self._mean_deg
        self._mean_deg = ERROR_MEMORY * before_deg + (1 - ERROR_MEMORY) * now_deg
        return round(self._mean_deg, 1)


def wearer(hand: HandSnapshot, error_deg: float | None, causes: str) -> Wearer:
    """A moment of the simulated hand as a message."""
    return Wearer(
        truth_deg=hand.truth_deg,
        applied_deg=hand.applied_deg,
        state=hand.state.name,
        explained=explain_state(hand.state, hand.reason, may_move=True),
        error_deg=error_deg,
        causes=causes,
    )
