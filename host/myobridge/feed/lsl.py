"""Publishes a running daemon's hand as streams of the lab streaming layer (LSL): EMG, angles and markers.

This process is a client of the feed, so the daemon's loop never waits for a network. The metadata follow XDF's
conventions for EMG and markers (github.com/sccn/xdf/wiki/Specifications). Needs the extra `lsl`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Final

import numpy as np
import pylsl
from numpy.typing import NDArray

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.feed import About, Chunk, FeedClient, Snapshot, feed_path
from myobridge.feed.audience import laboratorys_feed
from myobridge.feed.messages import ConnectedBoard
from myobridge.feed.ports import name_of
from myobridge.feed.prompts import Prompt, PromptInbox, inbox_path
from myobridge.wire import messages as m
from myobridge.wire.clock import SampleClock
from myobridge.wire.emg import index_step, parse_emg, sample_bits
from myobridge.wire.frame import FrameDecoder

RECEIVE_S: Final = 0.2
BATCH_S: Final = 0.01
LOOK_FOR_HAND_S: Final = 0.2
FASTEST: Final = 0.5
"""Least distance between two time stamps, in sample periods, while the clock is being set back."""


class StampedEmg:
    """Turns frames into samples and the host times at which they were taken.

    Lost samples leave a gap in the times. Times never go back: where the sample clock finds that it was late, stamps
    move closer together until they are right.
    """

    def __init__(self, channels: int, fs_hz: float) -> None:
        self.lost = 0
        """Samples lost so far."""
        self._channels = channels
        self._clock = SampleClock(fs_hz)
        self._fs_hz = fs_hz
        self._newest: int | None = None
        self._stamp_s = 0.0

    def take(self, frame: bytes, read_s: float) -> tuple[NDArray[np.int16], NDArray[np.float64]] | None:
        """Counts int16 (n, channels) and times (n,) of an EMG frame read at `read_s`; None for other frames."""
        if frame[0] != m.Emg.TYPE or (parsed := parse_emg(frame, self._channels)) is None:
            return None
        first, _, counts = parsed
        n = len(counts)
        self._newest = self._unwrapped(first) + n - 1
        self._clock.arrived(self._newest, read_s)
        ages = np.arange(n - 1, -1, -1)
        wanted_s = self._clock.sampled_s(self._newest) - ages / self._fs_hz
        times_s = np.maximum(wanted_s, self._stamp_s + np.arange(1, n + 1) * FASTEST / self._fs_hz)
        self._stamp_s = float(times_s[-1])
        return counts, times_s

    def _unwrapped(self, first: int) -> int:
        """The frame's first index without the wrap; an index that goes back begins a new stream."""
        if self._newest is None:
            return first
        ahead = index_step(first, self._newest + 1)
        if ahead < 0:
            return first
        self.lost += ahead
        return self._newest + 1 + ahead


class LabOutlets:
    """The three streams. Times are the host's monotonic times, and are mapped to LSL's own clock here."""

    def __init__(self, about: About, board: ConnectedBoard) -> None:
        self._to_lsl_s = pylsl.local_clock() - time.monotonic()
        source = f"{socket.gethostname()}-{feed_path(about.port).stem}"
        names = about.spec.channels
        emg = _info("EMG", "EMG", len(names), board.fs_hz, pylsl.cf_int16, source)
        _add_channels(emg, names, "EMG", "counts")
        _add_acquisition(emg, board.ident, sample_bits(board.ident, board.config))
        angles = _info("angles", "Angles", 2 * len(SERVOS), pylsl.IRREGULAR_RATE, pylsl.cf_float32, source)
        _add_channels(
            angles, [f"{what} {servo}" for what in ("predicted", "applied") for servo in SERVOS], "Angle", "deg"
        )
        markers = _info("markers", "Markers", 1, pylsl.IRREGULAR_RATE, pylsl.cf_string, source)
        self._emg, self._angles, self._markers = (pylsl.StreamOutlet(info) for info in (emg, angles, markers))

    def emg(self, counts: NDArray[np.int16], times_s: NDArray[np.float64]) -> None:
        """Sends counts (n, channels) taken at the times (n,)."""
        self._emg.push_chunk(counts, (times_s + self._to_lsl_s).tolist())

    def angles(self, predicted_deg: Sequence[float], applied_deg: Sequence[float], t_s: float) -> None:
        """Sends predicted and applied angles; NaN where they are not known yet."""
        nothing = [float("nan")] * len(SERVOS)
        self._angles.push_sample([*(predicted_deg or nothing), *(applied_deg or nothing)], t_s + self._to_lsl_s)

    def marker(self, text: str, t_s: float) -> None:
        """Sends an event."""
        self._markers.push_sample([text], t_s + self._to_lsl_s)

    @property
    def anyone_listens(self) -> bool:
        """Somebody receives the markers."""
        return bool(self._markers.have_consumers())


class Events:
    """Notices what changes from one snapshot to the next."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self._cue = ""

    def changes(self, look: Snapshot, anyone_listens: bool) -> list[str]:
        """`name value` of everything that changed; everything for the first listener."""
        if not anyone_listens:
            self._last = {}
            return []
        now = {"state": look.state, "reason": look.reason, "withheld": look.withheld, "model": look.model}
        changed = [f"{what} {value}" for what, value in now.items() if value and self._last.get(what) != value]
        self._last = now
        return changed

    def cue(self, prompt: Prompt | None) -> list[str]:
        """`cue TITLE` when a guided recording or the doctor shows a new prompt."""
        if prompt is None or prompt.title == self._cue:
            return []
        self._cue = prompt.title
        return [f"cue {prompt.title or 'none'}"]


def stream(port: str, say: Callable[[str], None]) -> None:
    """Streams the bytes and snapshots of the daemon on `port` until that daemon ends.

    Raises:
        NoDaemon: no daemon runs, or it has ended.
    """
    with FeedClient(port) as feed, closing(PromptInbox(inbox_path(laboratorys_feed(port)))) as prompts:
        about, board = _connected_hand(feed, say)
        fs_hz = board.fs_hz
        outlets = LabOutlets(about, board)
        say(
            f"Streaming EMG ({len(about.spec.channels)} channels, {fs_hz:g} Hz), angles and markers; "
            "press Ctrl-C to stop."
        )
        feed.subscribe("bytes", "snapshots")
        frames, emg, events, told = FrameDecoder(), StampedEmg(len(about.spec.channels), fs_hz), Events(), 0
        while True:
            taken = []
            for message in _messages(feed):
                if isinstance(message, Chunk):
                    taken += [t for frame in frames.feed(message.data) if (t := emg.take(frame, message.t_s))]
                    continue
                now_s = time.monotonic()
                outlets.angles(message.predicted_deg, message.applied_deg, now_s)
                for change in events.changes(message, outlets.anyone_listens):
                    outlets.marker(change, now_s)
            if taken:
                outlets.emg(np.concatenate([counts for counts, _ in taken]), np.concatenate([t_s for _, t_s in taken]))
            for cue in events.cue(prompts.newest()):
                outlets.marker(cue, time.monotonic())
            if emg.lost > told:
                outlets.marker(f"lost {emg.lost - told} samples", time.monotonic())
                told = emg.lost


def _messages(feed: FeedClient) -> Iterator[Chunk | Snapshot]:
    """The messages that arrived, after a short sleep: one push of many frames is far cheaper than many pushes."""
    time.sleep(BATCH_S)
    message = feed.receive(RECEIVE_S)
    while message is not None:
        yield message
        message = feed.receive(0.0)


def _connected_hand(feed: FeedClient, say: Callable[[str], None]) -> tuple[About, ConnectedBoard]:
    """What the daemon runs, and its board, once the board is configured."""
    told = False
    while True:
        about = feed.request("about").about
        if about is None:
            raise UserError("The daemon is a different version; end it and start the daemon of this version.")
        if about.board is not None:
            return about, about.board
        if not told:
            say("The daemon is not connected to a board yet; waiting.")
            told = True
        time.sleep(LOOK_FOR_HAND_S)


def _info(name: str, kind: str, channels: int, fs_hz: float, form: int, source: str) -> pylsl.StreamInfo:
    return pylsl.StreamInfo(f"myobridge {name}", kind, channels, fs_hz, form, f"{source}-{name}")


def _add_channels(info: pylsl.StreamInfo, labels: Sequence[str], kind: str, unit: str) -> None:
    channels = info.desc().append_child("channels")
    for label in labels:
        channel = channels.append_child("channel")
        for name, value in (("label", label), ("unit", unit), ("type", kind)):
            channel.append_child_value(name, value)


def _add_acquisition(info: pylsl.StreamInfo, ident: m.Ident, adc_bits: int) -> None:
    """Adds XDF's `acquisition`. Counts span ± 2^(adc_bits - 1); the gain before the ADC is unknown here."""
    acquisition = info.desc().append_child("acquisition")
    facts = {
        "manufacturer": "myobridge",
        "model": name_of(m.Board, ident.board),
        "firmware": ".".join(map(str, ident.firmware_version)),
        "adc_bits": str(adc_bits),
    }
    for name, value in facts.items():
        acquisition.append_child_value(name, value)
