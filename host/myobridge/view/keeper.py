"""Watches over the page that has control: the hand is disarmed when the connection of that page is gone for 2 s.

If this process ends or hangs, the daemon disarms the hand, because the lease of the view is no longer renewed
(`daemon/permission/leases.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Set
from contextlib import suppress
from functools import partial
from secrets import token_hex
from typing import Final

from myobridge.view import page
from myobridge.view.control import LOST_S, Control, Seat
from myobridge.view.viewer import Viewer

PING_S: Final = 0.5
"""A browser answers a ping itself, also while its page is in the background."""
LOOK_S: Final = 0.1
END_S: Final = 1.0
"""How long the end of the view waits for a daemon that is stuck; the board then opens the hand by its own rules."""


class Keeper:
    """Grants control, and takes it from a page that is lost.

    disarm: disarms the hand and returns the daemon's answer. tell: says a sentence to all pages.
    renew: tells the daemon which page has control (`control`), and that this view is there.
    """

    def __init__(
        self,
        viewers: Set[Viewer],
        disarm: Callable[[], Awaitable[page.Answer]],
        tell: Callable[[page.Answer], None],
        renew: Callable[[], None],
    ) -> None:
        self._viewers, self._disarm, self._tell, self._renew = viewers, disarm, tell, renew
        self._name = token_hex(8)
        self._control = Control()
        self._ping_s = 0.0
        self._pings = set[asyncio.Task[None]]()

    async def run(self) -> None:
        """Watches until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = time.monotonic()
            lost = self._control.lost(now_s)
            if lost is not None:
                await self._end(lost)
            elif self._control.holder is not None and now_s - self._ping_s >= PING_S:
                self._ping_s = now_s
                self._ping(self._control.holder)
                self._renew()

    def control(self) -> tuple[str, str]:
        """The name of this view for the daemon, and of the page that has control; empty: none has it."""
        holder = self._control.holder
        return self._name, str(holder.number) if holder else ""

    def may_order(self, viewer: Viewer) -> bool:
        """Whether this page may move the hand; takes control if it is free."""
        was_free = self._control.holder is None
        may = self._control.may_order(viewer.seat, time.monotonic())
        if was_free:
            self.show()
        return may

    def wish(self, viewer: Viewer, wish: page.Wish) -> None:
        """Changes who has control, as a page wishes."""
        seat, now_s = viewer.seat, time.monotonic()
        seat.page = wish.page
        match wish.control:
            case "take":
                self._control.take(seat, now_s)
            case "back":
                self._control.back(seat, now_s)
            case "ask":
                self._control.ask(seat)
            case "give":
                self._control.give(seat, now_s)
        self.show()

    def left(self, viewer: Viewer) -> None:
        """A page's connection has ended. The page counts as heard until now, because its system has said goodbye."""
        self._control.heard(viewer.seat, time.monotonic())
        self._control.left(viewer.seat)

    async def end(self) -> None:
        """Disarms the hand if a page has control, because the view ends and that page with it."""
        if self._control.holder is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    self._control = Control()
                    self._renew()
                    await self._disarm()

    def show(self) -> None:
        """Tells each page and the daemon who has control."""
        self._renew()
        for viewer in self._viewers:
            viewer.put(page.encode(self.holder(viewer)))

    def holder(self, viewer: Viewer) -> page.Holder:
        """Who has control, as this page sees it."""
        holder, asker = self._control.holder, self._control.asker
        return page.Holder(
            name=holder.name if holder else "",
            you=holder is viewer.seat,
            asker=asker.name if asker else "",
            lost_s=LOST_S,
        )

    def _ping(self, seat: Seat) -> None:
        viewer = self._of(seat)
        if viewer is not None:
            task = asyncio.create_task(viewer.ping(partial(self._heard, seat)))
            self._pings.add(task)
            task.add_done_callback(self._pings.discard)

    def _heard(self, seat: Seat) -> None:
        self._control.heard(seat, time.monotonic())

    async def _end(self, lost: Seat) -> None:
        viewer = self._of(lost)
        if viewer is not None:
            viewer.abort()  # otherwise the page would believe that it has control when its connection works again
        self.show()
        answer = await self._disarm()
        why = f"The connection of {lost.name} was gone for {LOST_S:.0f} s while it had control"
        said = f"{why}, so the hand was disarmed." if answer.ok else f"{why}. {answer.text}"
        self._tell(page.Answer(do="disarm", ok=answer.ok, text=said))

    def _of(self, seat: Seat) -> Viewer | None:
        return next((viewer for viewer in self._viewers if viewer.seat is seat), None)
