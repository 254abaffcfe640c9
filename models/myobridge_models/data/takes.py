"""Recordings as takes for the training: filtered, scaled, with a target at every sample.

A take is recorded without a break. The filter runs through a whole take, as in the daemon. The parts to train on are
cut out afterwards, so a network never sees a sample of a held-out repetition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, iirnotch, tf2sos

from myobridge import SERVOS
from myobridge.calibration.quality import FOLLOWED_S
from myobridge.decoder.prefilter import Prefilter
from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording import Recording

FILTER_BLOCK: Final = 100
"""Samples filtered at a time; the size changes nothing but the speed."""
HIGH_PASS_HZ: Final = 20.0
"""Electrode drift and cable movement lie below this frequency (SENIAM; De Luca et al., J. Biomech. 43, 2010)."""
LOW_PASS_HZ: Final = 450.0
"""Surface EMG has little above this frequency, and an amplifier's noise has as much as below it."""
MAINS_HZ: Final = (50.0, 60.0)
MAINS_Q: Final = 15.0
"""A notch takes 3 to 4 Hz out of the EMG, so one model serves both kinds of mains."""
PASSES: Final = 0.45
"""A filter can be designed up to this share of the sampling rate; the board's own filter ends above it."""
RELAXED_S: Final = 1.0
"""By this time after a cue to relax, the slowest muscle has relaxed."""
EARLY_RELEASE_S: Final = 0.2
"""Some people relax this long before the cue to relax."""
FLAT_RMS: Final = 1e-6
"""In ADC half ranges: a thirtieth of a 16-bit count is rounding, not EMG."""

Sections = tuple[tuple[float, float, float, float, float, float], ...]


@dataclass(frozen=True)
class Take:
    """A stretch of samples without a break.

    emg: float32 (channels, samples), filtered; in ADC half ranges until `scaled`.
    target_deg: float32 (samples, 5).
    movement: int64 (samples,), the cue's label, or -1 if the take has true angles only.
    repetition: int64 (samples,), -1 if unknown.
    usable: bool (samples,), a training window may end at this sample.
    """

    emg: NDArray[np.float32]
    target_deg: NDArray[np.float32]
    movement: NDArray[np.int64]
    repetition: NDArray[np.int64]
    usable: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.target_deg)

    def cut(self, part: slice) -> Take:
        """Returns the samples of `part`."""
        return Take(
            self.emg[:, part], self.target_deg[part], self.movement[part], self.repetition[part], self.usable[part]
        )


def design_prefilter(fs_hz: float) -> Sections:
    """Designs a band-pass of second order and notches at the mains frequencies, as causal second-order sections.

    Where the sampling rate ends before the band does, there is a high-pass alone, and no notch beyond the rate's end.

    Raises:
        UserError: the sampling rate is too low for EMG.
    """
    if fs_hz <= 4 * HIGH_PASS_HZ:
        raise UserError(f"At {fs_hz:g} Hz there is no EMG left above {HIGH_PASS_HZ:g} Hz; record at 500 Hz or more.")
    if PASSES * fs_hz >= LOW_PASS_HZ:
        band = butter(2, (HIGH_PASS_HZ, LOW_PASS_HZ), "bandpass", fs=fs_hz, output="sos")
    else:
        band = butter(2, HIGH_PASS_HZ, "highpass", fs=fs_hz, output="sos")
    notches = [tf2sos(*iirnotch(hz, MAINS_Q, fs=fs_hz)) for hz in MAINS_HZ if hz <= PASSES * fs_hz]
    sections = np.concatenate([band, *notches])
    return tuple(tuple(float(v) for v in row) for row in sections)  # type: ignore[misc]


def filtered(counts: NDArray[np.int16], adc_bits: int, sections: Sections) -> NDArray[np.float32]:
    """Filters counts (samples, channels) to float32 (channels, samples) in ADC half ranges.

    This runs the daemon's own filter; zeros behind the last sample fill its last block and are dropped again.
    """
    prefilter = Prefilter(sections, np.full(counts.shape[1], 1 / (1 << (adc_bits - 1))), FILTER_BLOCK)
    prefilter.reset(counts[0])
    padded = np.pad(counts, ((0, -len(counts) % FILTER_BLOCK), (0, 0)))
    blocks = [
        prefilter(padded[at : at + FILTER_BLOCK]).astype(np.float32) for at in range(0, len(padded), FILTER_BLOCK)
    ]
    return np.ascontiguousarray(np.concatenate(blocks)[: len(counts)].T)


def settled(label: NDArray[np.uint8], fs_hz: float) -> NDArray[np.bool_]:
    """Marks the samples at which the muscle does what the cue says: not just after a change, not just before a release.

    The labels change with the cue's clock, and the muscle follows 0 to 0.7 s later.
    """
    edges = [0, *(np.flatnonzero(np.diff(label)) + 1).tolist(), len(label)]
    good = np.zeros(len(label), bool)
    for start, end in pairwise(edges):
        active = label[start] != 0
        late, early = (FOLLOWED_S, EARLY_RELEASE_S) if active else (RELAXED_S, 0.0)
        good[start + round(late * fs_hz) : max(start, end - round(early * fs_hz))] = True
    return good


def takes_of(recording: Recording, source: Path, sections: Sections, poses: Sequence[LabelledPose]) -> list[Take]:
    """Returns all takes of a recording, unscaled, with targets from true angles or from labels through `poses`.

    Raises:
        UserError: the recording has neither angles nor labels that `poses` knows; the sentence names `source`.
    """
    if recording.angles_deg is None:
        if recording.label is None:
            raise UserError(f"{source} has neither finger angles nor labels; record it with cues.")
        unknown = set(np.unique(recording.label).tolist()) - {pose.label for pose in poses}
        if unknown:
            raise UserError(f"{source} has labels without a known pose ({sorted(unknown)}); leave those parts out.")
    return [_take(recording, part, sections, poses) for part in recording.takes()]


def _take(recording: Recording, part: slice, sections: Sections, poses: Sequence[LabelledPose]) -> Take:
    emg = filtered(recording.counts[part], recording.adc_bits, sections)
    n = emg.shape[1]
    unknown = np.full(n, -1, np.int64)
    repetition = unknown if recording.repetition is None else recording.repetition[part].astype(np.int64)
    if recording.angles_deg is not None:
        return Take(emg, recording.angles_deg[part], unknown, repetition, np.ones(n, bool))
    assert recording.label is not None
    label = recording.label[part]
    table = np.zeros((max(p.label for p in poses) + 1, len(SERVOS)), np.float32)
    for pose in poses:
        table[pose.label] = pose.angles_deg
    return Take(emg, table[label], label.astype(np.int64), repetition, settled(label, recording.fs_hz))


def only_repetitions(takes: Iterable[Take], repetitions: Sequence[int]) -> list[Take]:
    """Cuts out the unbroken stretches of these repetitions, each as a take of its own."""
    stretches = []
    for take in takes:
        inside = np.isin(take.repetition, repetitions).astype(np.int8)
        edges = np.flatnonzero(np.diff(inside, prepend=0, append=0)).tolist()
        stretches += [take.cut(slice(a, b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return stretches


def channel_scale(takes: Sequence[Take]) -> NDArray[np.float32]:
    """Returns the RMS of each channel over the usable samples, (channels,), in ADC half ranges.

    Raises:
        UserError: a channel is flat, or no sample is usable.
    """
    usable = sum(int(take.usable.sum()) for take in takes)
    if not usable:
        raise UserError("There is too little data: no settled samples to train on; hold each cue for 2 s or more.")
    power = sum(np.square(take.emg[:, take.usable], dtype=np.float64).sum(axis=1) for take in takes)
    rms = np.sqrt(power / usable)
    flat = np.flatnonzero(rms < FLAT_RMS)
    if len(flat):
        raise UserError(f"Channel EMG {flat[0] + 1} is flat in the training data; check its electrode or leave it out.")
    return np.asarray(rms, np.float32)


def scaled(takes: Sequence[Take], scale: NDArray[np.float32]) -> list[Take]:
    """Returns the takes with each channel divided by `scale`."""
    return [replace(take, emg=take.emg / scale[:, None]) for take in takes]
