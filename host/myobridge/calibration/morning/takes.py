"""The EMG of a calibration: labelled stretches of what the daemon's own pipeline takes, judged pose by pose. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from myobridge.calibration.beside_messages import Taken
from myobridge.calibration.quality import MIN_RMS_COUNTS, measure_quality, settled
from myobridge.decoder.acquisition import Hop
from myobridge.decoder.contact import MIN_TO_REST, Contact
from myobridge.model.file import REST, LabelledPose
from myobridge.settings import SafetySettings

END_S: Final = 0.4
"""A wearer who is back at rest this long before the end has let go."""
STEP_S: Final = 0.1
LEAST_APART: Final = 2.0
"""Distance of two poses, in standard deviations of what their loudness scatters, below which they are said to look
alike. A hint and no verdict, because the network sees more than loudness."""
MOST_RUNS: Final = 256
"""A run is a byte of a recording."""

Counts = NDArray[np.int16]
Floats = NDArray[np.float64]

_SAYS: Final = {
    Contact.FLAT: "electrode {} gives no signal",
    Contact.SATURATED: "electrode {} is overdriven",
    Contact.MAINS: "electrode {} picks up mains hum",
    Contact.REPEATING: "electrode {} repeats the same samples",
    Contact.IDENTICAL: "electrode {} gives the signal of another one",
}


def contact_words(names: Sequence[str], verdicts: Sequence[Contact]) -> str:
    """What is wrong with the electrodes, as a phrase; empty: nothing."""
    return " and ".join(_SAYS[one].format(name) for name, one in zip(names, verdicts, strict=True) if one in _SAYS)


@dataclass
class _Stretch:
    pose: LabelledPose
    run: int
    blocks: list[Counts] = field(default_factory=list)
    filled: int = 0

    @property
    def counts(self) -> Counts:
        return np.concatenate(self.blocks) if self.blocks else np.empty((0, 0), np.int16)


class Takes:
    """Collects stretches; `held` judges the newest one."""

    def __init__(self, names: Sequence[str], fs_hz: float, adc_bits: int, limits: SafetySettings) -> None:
        self._names, self._fs_hz, self._adc_bits, self._limits = names, fs_hz, adc_bits, limits
        self._kept: list[_Stretch] = []
        self._open: _Stretch | None = None
        self._run = 0
        self._rest_rms: Floats | None = None
        self._rest_loud: Floats | None = None
        """Of the quietest rest: `rms_counts` of its quality, and `_loudness`."""
        self._shapes: dict[str, Floats] = {}
        """Per pose: logarithms of loudness (steps, channels)."""

    def asked(self, pose: LabelledPose) -> None:
        """Samples from now on belong to this pose."""
        self._close()
        self._open = _Stretch(pose, self._run)

    def take(self, hop: Hop) -> None:
        """Takes a hop of the daemon's stream."""
        if self._open is not None:
            if hop.starts_stream:
                self.broken()
                return
            self._open.blocks.append(hop.counts)
            self._open.filled += hop.filled

    def broken(self) -> None:
        """The open stretch does not count, and the next one begins a new take."""
        self._open = None
        self._run += 1

    def forget(self, pose: LabelledPose) -> None:
        """What was kept of a pose does not count any more."""
        self._kept = [stretch for stretch in self._kept if stretch.pose.label != pose.label]
        self._shapes.pop(pose.name, None)
        self._run += 1
        if self._open is not None:
            self._open = _Stretch(self._open.pose, self._run)

    def held(self, name: str) -> str:
        """Why the pose that has just been held is of no use, as a sentence; empty: it is."""
        stretch = self._open
        if stretch is None:
            return f"The signal was interrupted during {name}."
        counts = stretch.counts
        quality = measure_quality(settled(counts, self._fs_hz), self._fs_hz, self._adc_bits, self._limits)
        if quality is None or stretch.filled > 0.1 * len(counts):
            return self._useless(f"The signal was interrupted during {name}.")
        if bad := contact_words(self._names, quality.contact):
            return self._useless(f"During {name}, {bad}; press the electrodes on.")
        if self._rest_rms is not None and self._rest_loud is not None:
            louder = quality.rms_counts / self._rest_rms
            whole = _loudness(settled(counts, self._fs_hz)) / self._rest_loud
            at_end = _loudness(counts[-round(END_S * self._fs_hz) :]) / self._rest_loud
            if min(louder.max(), whole.max()) < MIN_TO_REST:  # a weak or tired muscle has not let go
                return self._useless(f"{name} looks like rest; hold it firmer.")
            if at_end.max() < MIN_TO_REST:
                return self._useless(f"You let go of {name} too early; hold it until the tone.")
        return ""

    def looks_like(self) -> str:
        """A sentence if the pose that has just been held looks like an earlier one; empty: it does not."""
        assert self._open is not None, "a pose is held"
        name, own = self._open.pose.name, self._steps(self._open)
        near = [other for other, shape in self._shapes.items() if other != name and _apart(own, shape) < LEAST_APART]
        self._shapes[name] = own
        return f"{name} looks like {near[0]}; make these two more different." if near else ""

    def taken(self, poses: tuple[LabelledPose, ...]) -> Taken:
        """Everything that counts."""
        self._close()
        parts = [stretch for stretch in self._kept if stretch.blocks]
        lengths = [len(stretch.counts) for stretch in parts]
        return Taken(
            counts=np.concatenate([stretch.counts for stretch in parts]),
            fs_hz=self._fs_hz,
            adc_bits=self._adc_bits,
            label=np.repeat(np.array([stretch.pose.label for stretch in parts], np.uint8), lengths),
            run=np.repeat(np.array([stretch.run % MOST_RUNS for stretch in parts], np.uint8), lengths),
            poses=poses,
        )

    def _useless(self, why: str) -> str:
        self._open = None
        self._run += 1
        return why

    def _close(self) -> None:
        if self._open is None:
            return
        if self._open.pose.label == REST:
            self._rested(self._open)
        self._kept.append(self._open)
        self._open = None

    def _rested(self, stretch: _Stretch) -> None:
        quality = measure_quality(settled(stretch.counts, self._fs_hz), self._fs_hz, self._adc_bits, self._limits)
        if quality is not None:
            rms = np.maximum(quality.rms_counts, MIN_RMS_COUNTS)
            loud = _loudness(settled(stretch.counts, self._fs_hz))
            self._rest_rms = rms if self._rest_rms is None else np.minimum(self._rest_rms, rms)
            self._rest_loud = loud if self._rest_loud is None else np.minimum(self._rest_loud, loud)

    def _steps(self, stretch: _Stretch) -> Floats:
        counts = settled(stretch.counts, self._fs_hz)
        step = round(STEP_S * self._fs_hz)
        return np.log([_loudness(counts[at : at + step]) for at in range(0, len(counts) - step + 1, step)])


def _loudness(counts: Counts) -> Floats:
    """Root mean square of each channel without its slow drift, in counts; MIN_RMS_COUNTS at least."""
    fast = np.diff(counts.astype(np.float64), axis=0)
    loud: Floats = np.maximum(np.sqrt(np.mean(np.square(fast), axis=0)), MIN_RMS_COUNTS)
    return loud


def _apart(one: Floats, other: Floats) -> float:
    """Distance of two sets (steps, channels), in standard deviations of their scatter."""
    scatter = np.maximum((one.var(axis=0) + other.var(axis=0)) / 2, 1e-3)
    return float(np.sqrt(np.sum(np.square(one.mean(axis=0) - other.mean(axis=0)) / scatter)))
