"""The thread that listens to the daemon's feed and turns its messages into messages for the page."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from myobridge.errors import UserError
from myobridge.feed import About, Chunk, FeedClient
from myobridge.settings import AmplifierSettings
from myobridge.view import page
from myobridge.view.filters import Filter
from myobridge.view.traces import Traces
from myobridge.wire.emg import sample_bits

PERIOD_S: Final = 0.03
"""The page interpolates between pieces of EMG; fewer wake-ups disturb the daemon less."""
QUIET_S: Final = 0.1
"""Between two looks at the snapshots while no page shows EMG."""
SPECTRUM_PERIOD_S: Final = 0.25
RETRY_S: Final = 0.5
ADC_BITS: Final = 10
"""Of every board so far; used until the daemon knows its board."""

Publish = Callable[[page.Message], None]


class Follower(threading.Thread, ABC):
    """Publishes what is on a port, and looks for it again when it is lost."""

    def __init__(self, port: str, publish: Publish) -> None:
        super().__init__(name="watch", daemon=True)
        self._port, self._publish = port, publish
        self._stopping = threading.Event()
        self.filter: Filter = "raw"
        """What the pages look through."""
        self.shows_emg = True
        """Whether a page shows EMG. Without one, the daemon sends none, and nobody computes spectra."""

    def stop(self) -> None:
        """Ends the thread, and whatever it holds."""
        self._stopping.set()
        self.join()

    @abstractmethod
    def _follow(self) -> None:
        """Publishes until `stop`, or until what is on the port is lost.

        Raises:
            UserError: a sentence about the loss.
        """

    def run(self) -> None:
        """Follows one after another."""
        while not self._stopping.is_set():
            try:
                self._follow()
            except UserError as away:
                self._away(str(away))
            except Exception as error:  # after any error viewers are told, and the view continues
                self._away(f"The view failed ({type(error).__name__}: {error}) and is starting again.")

    def _away(self, text: str) -> None:
        with suppress(Exception):  # the next message may get through
            self._publish(page.Link(up=False, text=text))
        self._stopping.wait(RETRY_S)


class Watch(Follower):
    """Publishes the state of the daemon on a port."""

    def __init__(self, port: str, publish: Publish, amplifier: AmplifierSettings) -> None:
        super().__init__(port, publish)
        self._amplifier = amplifier

    def _follow(self) -> None:
        with FeedClient(self._port) as feed:
            self._listen(feed)

    def _listen(self, feed: FeedClient) -> None:
        about = feed.subscribe("snapshots")
        adc_bits = sample_bits(about.board.ident, about.board.config) if about.board else ADC_BITS
        self._publish(page.units(self._amplifier.skin_range_uv or about.spec.skin_range_uv, adc_bits))
        listener, gets_emg = self._listener(about), False
        self._publish(page.Link(up=True, text=f"The daemon on {self._port} runs and is waiting for the hand."))
        while not self._stopping.is_set():
            began_s = time.monotonic()
            if gets_emg != self.shows_emg:
                gets_emg = self.shows_emg
                feed.request("subscribe" if gets_emg else "unsubscribe", want=("bytes",))
                listener = self._listener(about)  # the samples between are not lost, but unwanted
            listener.look_through(self.filter)
            listener.listen(feed, began_s)
            self._stopping.wait(max(0.0, began_s + (PERIOD_S if gets_emg else QUIET_S) - time.monotonic()))

    def _listener(self, about: About) -> Listener:
        return Listener(Traces(len(about.spec.channels), about.spec.fs_hz), self._publish)


class Listener:
    """Takes the messages of one daemon, and publishes what is due."""

    def __init__(self, traces: Traces, publish: Publish) -> None:
        self._traces = traces
        self._publish = publish
        self._spectrum_s = 0.0
        self._filter: Filter = "raw"

    def look_through(self, name: Filter) -> None:
        """Shows the EMG behind this filter from now on."""
        if name != self._filter:
            self._filter = name
            self._traces.look_through(name)

    def listen(self, feed: FeedClient, now_s: float) -> None:
        """Takes everything that has arrived.

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
        self.publish_emg(now_s)

    def publish_emg(self, now_s: float) -> None:
        """Publishes the columns and the spectra that are due."""
        columns = self._traces.columns()
        if columns is None:
            return
        self._publish(page.emg(columns, self._traces.columns_per_s))
        if now_s >= self._spectrum_s and (spectrum := self._traces.spectrum()) is not None:
            self._spectrum_s = now_s + SPECTRUM_PERIOD_S
            self._publish(page.lines(spectrum))
