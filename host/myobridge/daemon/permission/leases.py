"""Which views answer for the hand, because a page of theirs has control. Pure; times on the host's monotonic clock.

A view disarms the hand when it loses the page that has control (`view/keeper.py`). These leases disarm the hand when
the process of the view itself ends or hangs: the view renews its lease while a page has control, and gives it up when
none has.
"""

from __future__ import annotations

from typing import NamedTuple

from myobridge.feed.messages import LEASE_S


class _Lease(NamedTuple):
    page: str
    until_s: float


class Leases:
    """The lease of each view whose page has control."""

    def __init__(self) -> None:
        self._held: dict[str, _Lease] = {}

    def renew(self, view: str, page: str, now_s: float) -> bool:
        """Notes which page of a view has control; empty: none. Returns whether this is another page than before."""
        before = self._held.pop(view, None)
        if page:
            self._held[view] = _Lease(page, now_s + LEASE_S)
        return page != (before.page if before else "")

    def lost(self, now_s: float) -> bool:
        """Whether a view has not renewed its lease in time; tells so once."""
        gone = [view for view, lease in self._held.items() if now_s >= lease.until_s]
        for view in gone:
            del self._held[view]
        return bool(gone)
