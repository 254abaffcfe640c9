"""From samples to decisions: the one pipeline of the daemon, of replay and of evaluation.

acquisition → pre-filter → window → inference → postprocess, with the contact check beside it. The pipeline knows no
time and no port: the same samples give the same decisions to the bit, however they were delivered.
"""

from __future__ import annotations

from enum import IntEnum
from math import isfinite
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myobridge.decoder.acquisition import Acquisition, AcquisitionCounters, Hop
from myobridge.decoder.contact import Contact, ContactCheck
from myobridge.decoder.inference import decoder_of
from myobridge.decoder.postprocess import Postprocessor
from myobridge.decoder.prefilter import Prefilter
from myobridge.decoder.window import Window
from myobridge.model.file import ModelSpec
from myobridge.model.load import Model
from myobridge.settings import Settings

LEVEL_S: Final = 0.2


class Withheld(IntEnum):
    """Why a decision must not move the hand; NO if it may."""

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
    """The result of one hop.

    sample_index: index of the newest sample, unwrapped.
    raw_deg: the network's angles; empty while the window is filling.
    angles_deg: the angles for a setpoint, after gate, smoothing and limits; empty without angles from the network.
    withheld: why the decision must not move the hand.
    """

    sample_index: int
    raw_deg: tuple[float, ...]
    angles_deg: tuple[float, ...]
    withheld: Withheld


class Pipeline:
    """Decides on the samples of one stream.

    The daemon calls `decide` for each hop, sends the setpoint, and then calls `settle`. `push` does all this at once.
    """

    def __init__(
        self, model: Model, config: Settings, adc_bits: int, counters: AcquisitionCounters | None = None
    ) -> None:
        """Takes all sizes from the model; `adc_bits` is the board's; `counters` are those of an earlier pipeline."""
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
        self._postprocess = Postprocessor(spec, config.servo.min_deg, config.servo.max_deg)
        self._unsettled: Hop | None = None

    def push(self, index: int, counts: NDArray[np.int16], lead_off: bool = False) -> list[Decision]:
        """Takes counts int16 (n, channels) whose first index is `index`; returns a decision for each completed hop."""
        decisions = []
        for hop in self.acquisition.push(index, counts, lead_off):
            decisions.append(self.decide(hop))
            self.settle()
        return decisions

    def decide(self, hop: Hop) -> Decision:
        """Decides on a hop of `acquisition`."""
        if self._unsettled is not None:
            self.settle()
        if hop.starts_stream:
            self._restart(hop)
        self._window.append(self._prefilter(hop.counts), hop.filled)
        decoded = self._decoder(self._window)
        self._unsettled = hop
        if decoded is None:
            return Decision(hop.end_index, (), (), Withheld.WARMING_UP)
        raw = tuple(decoded.tolist())
        if not isfinite(sum(raw)):
            self._postprocess.reset()
            return Decision(hop.end_index, raw, (), Withheld.NOT_A_NUMBER)
        return Decision(hop.end_index, raw, self._postprocess(raw), self._withheld(hop))

    def settle(self) -> None:
        """Deferred work: updates the network's history and checks the contact after the setpoint is sent.

        The next `decide` does this if it is due. The verdict of the contact check applies from the next hop on.
        """
        hop, self._unsettled = self._unsettled, None
        if hop is not None:
            self._decoder.settle()
            self.contact.push(hop.counts, hop.filled)

    def follow(self, other: Pipeline) -> None:
        """Continues the stream of another pipeline for the same channels, and keeps its verdicts on the electrodes."""
        self.acquisition.follow(other.acquisition)
        self.contact.follow(other.contact)

    def reset(self) -> None:
        """Forgets the stream and the verdicts: the next sample starts a new stream, from rest."""
        self.restart()
        self.contact.reset()

    def restart(self) -> None:
        """Starts from rest with the next sample of this stream; a bad electrode stays bad until the next verdict."""
        self._unsettled = None
        self.acquisition.reset()

    def terminate(self) -> None:
        """Asks the current decision to end, from another thread; `decide` then raises the exception of the network."""
        self._decoder.terminate()

    @property
    def newest(self) -> NDArray[np.float32]:
        """The newest 200 ms or less of the filtered and scaled samples, float32 (channels, samples)."""
        return self._window.newest(int(LEVEL_S * self.spec.fs_hz))

    def _restart(self, hop: Hop) -> None:
        self._prefilter.reset(hop.counts[0])
        self._window.reset()
        self.contact.jump()
        self._decoder.reset()
        self._postprocess.reset()

    def _withheld(self, hop: Hop) -> Withheld:
        if self._window.filled_share > self._max_gap_share:
            return Withheld.SAMPLES_LOST
        if hop.lead_off:
            return Withheld.LEAD_OFF
        worst = max(self.contact.verdicts)
        return _BY_CONTACT[worst] if worst else Withheld.NO
