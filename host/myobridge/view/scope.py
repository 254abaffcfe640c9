"""A view without a daemon and without a model: the thread that listens to a board's channels. Nothing is armed."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from myobridge.channels import channels_config
from myobridge.decoder.acquisition import Hop
from myobridge.decoder.contact import Contact, ContactCheck
from myobridge.errors import UserError
from myobridge.feed.port_stream import TURN_S, PortStream
from myobridge.model.file import ModelSpec
from myobridge.settings import Settings
from myobridge.view import page
from myobridge.view.misplaced import Misplaced
from myobridge.view.traces import COLUMN_S, Traces
from myobridge.view.watch import PERIOD_S, Follower, Listener, Publish
from myobridge.wire.emg import sample_bits
from myobridge.wire.handshake import Phase
from myobridge.wire.link import LinkLost, SerialLink

SCOPE_PERIOD_S: Final = 0.25
WRONG: Final = {
    Contact.FLAT: "flat: check electrode, amplifier and wire",
    Contact.SATURATED: "at the end of the ADC: press the electrodes on, or lower the gain",
    Contact.MAINS: "little but mains hum: press the electrodes on, and check the reference electrode",
    Contact.REPEATING: "the same samples again and again: reset the board, and flash it if that does not help",
}

BRIDGED: Final = "the same signal: look for gel or a wire that joins their electrodes"
MISPLACED: Final = "nearly the same muscle: move one pair of electrodes, or turn it along the muscle"
MOST_NAMED: Final = 8


class Scope(Follower):
    """Owns the port, and lets the board stream."""

    def __init__(self, port: str, spec: ModelSpec, settings: Settings, publish: Publish) -> None:
        super().__init__(port, publish)
        self._spec, self._settings = spec, settings

    def _follow(self) -> None:
        configure = partial(channels_config, spec=self._spec, config=self._settings)
        stream = PortStream(SerialLink(self._port, self._settings.link.baud), configure, lambda _frame, _now_s: None)
        try:
            while stream.session.phase is not Phase.STREAMING and not self._stopping.is_set():
                stream.receive(TURN_S)
            ident, config = stream.session.ident, stream.session.config
            if ident is not None and config is not None:
                self._listen(stream, sample_bits(ident, config))
        except LinkLost as lost:
            raise UserError(f"The board on {self._port} was lost ({lost}); the view looks for it.") from lost
        finally:
            stream.close()

    def _listen(self, stream: PortStream, adc_bits: int) -> None:
        names = self._spec.channels
        judge = Judge(names, self._spec.fs_hz, adc_bits, self._settings)
        traces = Traces(len(names), self._spec.fs_hz, judge.push)
        listener = Listener(traces, self._publish)
        self._publish(page.units(self._settings.amplifier.skin_range_uv, adc_bits))
        channels = "1 channel" if len(names) == 1 else f"{len(names)} channels"
        text = f"The board on {self._port} streams {channels} at {self._spec.fs_hz:g} Hz; nothing moves."
        self._publish(page.Link(up=True, text=text))
        shown_s = due_s = 0.0
        while not self._stopping.is_set():
            if (chunk := stream.receive(TURN_S)) is not None:
                traces.feed(chunk.data)
            now_s = time.monotonic()
            if now_s >= shown_s + PERIOD_S:
                shown_s = now_s
                listener.look_through(self.filter)
                listener.publish_emg(now_s)
            if now_s >= due_s:
                due_s = now_s + SCOPE_PERIOD_S
                self._publish(judge.now(traces, stream.frames.counters.crc_errors))


class Judge:
    """The contact of each channel, and sentences about channels that are wrong."""

    def __init__(self, names: tuple[str, ...], fs_hz: float, adc_bits: int, settings: Settings) -> None:
        self._names, self._fs_hz = names, fs_hz
        hop = max(1, round(COLUMN_S * fs_hz))
        self._check = ContactCheck(len(names), fs_hz, hop, adc_bits, settings.safety)
        self._misplaced = Misplaced(len(names), fs_hz)

    def push(self, hop: Hop) -> None:
        """Takes the next column of raw counts."""
        if hop.starts_stream:
            self._check.reset()
            self._misplaced.reset()
        self._check.push(hop.counts, hop.filled)
        self._misplaced.push(hop.counts)

    def now(self, traces: Traces, crc_errors: int) -> page.Scope:
        """The verdicts of now."""
        counters = traces.counters
        return page.Scope(
            channels=list(self._names),
            contact=[verdict.name.lower() for verdict in self._check.verdicts],
            findings=self.findings(),
            fs_hz=self._fs_hz,
            samples_received=counters.samples_received,
            samples_lost=counters.samples_lost,
            crc_errors=crc_errors,
        )

    def findings(self) -> list[str]:
        """A sentence for each fault, with the channels that have it."""
        verdicts = self._check.verdicts
        said = []
        for kind, what in WRONG.items():
            if bad := [name for name, verdict in zip(self._names, verdicts, strict=True) if verdict is kind]:
                said.append(f"{_listed(bad)}: {what}.")
        bridged = self._check.pairs
        near = [pair for pair in self._misplaced.pairs if pair not in bridged]
        for pairs, what in ((bridged, BRIDGED), (near, MISPLACED)):
            if pairs:
                said.append(f"{_listed([f'{self._names[i]} and {self._names[j]}' for i, j in pairs])}: {what}.")
        return said


def _listed(names: list[str]) -> str:
    """Names as text; the rest of a long list is counted."""
    return ", ".join(names[:MOST_NAMED]) + (f", {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
