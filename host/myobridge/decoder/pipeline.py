"""From samples to decisions: the one pipeline of the daemon, of replay and of evaluation.

acquire → prefilter → window → decode → execute, with the contact check beside it. Nothing here knows the time
or a port: the same samples give the same decisions to the bit, however they were delivered.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from math import isfinite
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.acquisition import Acquisition, AcquisitionCounters, Hop
from myobridge.decoder.contact import Contact, ContactCheck
from myobridge.decoder.inference import decoder_of
from myobridge.decoder.postprocess import Executor
from myobridge.decoder.prefilter import Prefilter
from myobridge.decoder.window import Window
from myobridge.model.file import ModelSpec
from myobridge.model.load import Model
from myobridge.settings import Settings

LEVEL_S: Final = 0.2


class Withheld(IntEnum):
    """Why a decision must not move the hand."""

    NO = 0
    WARMING_UP = 1
    SAMPLES_LOST = 2
    LEAD_OFF = 3
    CHANNEL_FLAT = 4
    CHANNEL_SATURATED = 5
    CHANNEL_MAINS = 6
    NOT_A_NUMBER = 7
    FAILED = 8
    CHANNEL_REPEATING = 9
    CHANNELS_IDENTICAL = 10
    RATE_OFF = 11
    STALE = 12


_BY_CONTACT = {
    Contact.FLAT: Withheld.CHANNEL_FLAT,
    Contact.SATURATED: Withheld.CHANNEL_SATURATED,
    Contact.MAINS: Withheld.CHANNEL_MAINS,
    Contact.REPEATING: Withheld.CHANNEL_REPEATING,
    Contact.IDENTICAL: Withheld.CHANNELS_IDENTICAL,
}


class Decision(NamedTuple):
    """What the pipeline says at the end of a hop.

    sample_index: newest sample that it saw, unwrapped.
    raw_deg: the network's angles; empty while the window is filling.
    angles_deg: after smoothing and limits; what a setpoint may say if nothing is withheld.
    withheld: why it must not be acted on; NO if it may.
    """

    sample_index: int
    raw_deg: tuple[float, ...]
    angles_deg: tuple[float, ...]
    withheld: Withheld


class Pipeline:
    """State of one stream; `push` samples, get decisions."""

    def __init__(
        self, model: Model, config: Settings, adc_bits: int, counters: AcquisitionCounters | None = None
    ) -> None:
        """Sizes everything from the model; `adc_bits` is the device's; `counters` go on counting from earlier ones."""
        spec = model.spec
        self.spec: ModelSpec = spec
        channels, hop = len(spec.channels), spec.hop_samples
        self._max_gap_share = config.acquisition.max_gap_share
        self.acquisition = Acquisition(channels, hop, spec.window_samples, counters or AcquisitionCounters())
        gain = 1 / ((1 << (adc_bits - 1)) * np.array(spec.scale_fs))
        self._prefilter = Prefilter(spec.prefilter_sos, gain, hop)
        self._window = Window(channels, spec.window_samples, hop)
        self.contact = ContactCheck(channels, spec.fs_hz, hop, adc_bits, config.safety)
        self._decoder = decoder_of(model)
        self._executor = Executor(spec, config.servo.min_deg, config.servo.max_deg)
        self._lead_off = False

    def push(self, index: int, counts: NDArray[np.int16], lead_off: bool = False) -> Iterator[Decision]:
        """Takes counts int16 (n, channels) from device index `index` on; yields a decision for each hop they end.

        What the next hop needs and the contact check of this one run when the caller asks for the next decision, so
        that they cost the setpoint no time; the check's verdict counts from the next hop on.
        """
        for hop in self.acquisition.push(index, counts, lead_off):
            yield self._decide(hop)
            self._decoder.settle()
            self.contact.push(hop.counts)

    def follow(self, other: Pipeline) -> None:
        """Takes the stream over from a pipeline of the same channels, with what that one knows of the electrodes."""
        self.acquisition.follow(other.acquisition)
        self.contact.follow(other.contact)

    def reset(self) -> None:
        """Forgets the stream: the next sample starts a new one, from rest."""
        self.restart()
        self.contact.reset()

    def restart(self) -> None:
        """Starts from rest with the next sample of this stream. A bad electrode stays bad until it is judged anew."""
        self.acquisition.reset()

    def terminate(self) -> None:
        """Asks a decision that is under way to end, from another thread; `push` then raises what the network raises."""
        self._decoder.terminate()

    @property
    def newest(self) -> NDArray[np.float32]:
        """The newest 200 ms or less of the filtered and scaled samples, float32 (channels, samples)."""
        return self._window.newest(int(LEVEL_S * self.spec.fs_hz))

    def _decide(self, hop: Hop) -> Decision:
        if self.acquisition.restarted:
            self._restart(hop)
        self._window.append(self._prefilter(hop.counts), hop.filled)
        self._lead_off = hop.lead_off
        decoded = self._decoder(self._window)
        if decoded is None:
            return Decision(hop.end_index, (), (), Withheld.WARMING_UP)
        raw = tuple(decoded.tolist())
        if not isfinite(sum(raw)):
            self._executor.reset()
            return Decision(hop.end_index, raw, (), Withheld.NOT_A_NUMBER)
        return Decision(hop.end_index, raw, self._executor(raw), self._withheld())

    def _restart(self, hop: Hop) -> None:
        self.acquisition.restarted = False
        self._prefilter.reset(hop.counts[0])
        self._window.reset()
        self.contact.jump()
        self._decoder.reset()
        self._executor.reset()

    def _withheld(self) -> Withheld:
        if self._window.filled_share > self._max_gap_share:
            return Withheld.SAMPLES_LOST
        if self._lead_off:
            return Withheld.LEAD_OFF
        worst = max(self.contact.verdicts)
        return _BY_CONTACT[worst] if worst else Withheld.NO
