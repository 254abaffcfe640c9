"""The thread that listens to the daemon's feed and turns what it hears into messages for the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from myobridge.errors import UserError
from myobridge.feed import Chunk, FeedClient
from myobridge.view import page
from myobridge.view.traces import Traces

PERIOD_S: Final = 0.03
"""The page interpolates between pieces of EMG; the fewer wake-ups, the less the daemon notices."""
SPECTRUM_PERIOD_S: Final = 0.25
RETRY_S: Final = 0.5

Publish = Callable[[page.Message], None]


class Watch(threading.Thread):
    """Publishes all there is to see of the daemon on a port; comes back by itself when the daemon does."""

    def __init__(self, port: str, publish: Publish) -> None:
        super().__init__(name="watch", daemon=True)
        self._port = port
        self._publish = publish
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopping.set()
        self.join()

    def run(self) -> None:
        """Follows one daemon after the other."""
        while not self._stopping.is_set():
            try:
                with FeedClient(self._port) as feed:
                    self._follow(feed)
            except UserError as away:
                self._away(str(away))
            except Exception as error:  # whatever it is, viewers are told, and the view goes on
                self._away(f"The view failed ({type(error).__name__}: {error}) and begins again.")

    def _away(self, text: str) -> None:
        with suppress(Exception):  # the next one may get through
            self._publish(page.Link(up=False, text=text))
        self._stopping.wait(RETRY_S)

    def _follow(self, feed: FeedClient) -> None:
        """Until the daemon ends."""
        about = feed.subscribe("bytes", "snapshots")
        listener = Listener(Traces(len(about.spec.channels), about.spec.fs_hz), self._publish)
        self._publish(page.Link(up=True, text=f"The daemon on {self._port} is heard; it waits for the hand."))
        while not self._stopping.is_set():
            began_s = time.monotonic()
            listener.listen(feed, began_s)
            self._stopping.wait(max(0.0, began_s + PERIOD_S - time.monotonic()))


class Listener:
    """Takes what one daemon says, and publishes what is due."""

    def __init__(self, traces: Traces, publish: Publish) -> None:
        self._traces = traces
        self._publish = publish
        self._spectrum_s = 0.0

    def listen(self, feed: FeedClient, now_s: float) -> None:
        """All that has arrived.

        Raises:
            NoDaemon: the daemon has ended.
        """
        look = None
        while (heard := feed.receive(0)) is not None:
            if isinstance(heard, Chunk):
                self._traces.feed(heard.data)
            else:
                look = heard
        if look is not None:
            self._publish(page.Look(snapshot=look))
        elif feed.misunderstood:
            self._publish(page.Link(up=False, text=feed.misunderstood))
            feed.misunderstood = ""
        columns = self._traces.columns()
        if columns is None:
            return
        self._publish(page.emg(columns, self._traces.columns_per_s))
        if now_s >= self._spectrum_s and (spectrum := self._traces.spectrum()) is not None:
            self._spectrum_s = now_s + SPECTRUM_PERIOD_S
            self._publish(page.lines(spectrum))
