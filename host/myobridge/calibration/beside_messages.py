"""What the daemon and the arithmetic beside its loop say to each other. Light, because the daemon's start loads it."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from myobridge.feed.calibration_state import PoseScore
from myobridge.model.file import LabelledPose

READY: Final = b"ready\n"


class Taken(NamedTuple):
    """The EMG that counts: counts int16 (samples, channels), label and run uint8 (samples,)."""

    counts: NDArray[np.int16]
    fs_hz: float
    adc_bits: int
    label: NDArray[np.uint8]
    run: NDArray[np.uint8]
    poses: tuple[LabelledPose, ...]


class Given(msgspec.Struct, frozen=True):
    """The model to begin with, and the name of the new one."""

    base: str
    name: str


class Emg(msgspec.Struct, frozen=True):
    """What the bytes behind it hold: counts int16 (samples, channels), label and run uint8 (samples,)."""

    samples: int
    channels: int
    fs_hz: float
    adc_bits: int
    poses: tuple[LabelledPose, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome; the bytes of the model follow, if there is one.

    refusal: a sentence that says why there is no model. words: the scores of the poses in words.
    """

    refusal: str = ""
    before: float | None = None
    after: float | None = None
    better: bool = False
    scores: tuple[PoseScore, ...] = ()
    words: str = ""
    doubts: tuple[str, ...] = ()
    model_bytes: int = 0


def pack(taken: Taken) -> bytes:
    """The EMG for the standard input of the arithmetic."""
    samples, channels = taken.counts.shape
    head = Emg(samples, channels, taken.fs_hz, taken.adc_bits, taken.poses)
    parts = (taken.counts.astype("<i2").tobytes(), taken.label.tobytes(), taken.run.tobytes())
    return msgspec.json.encode(head) + b"\n" + b"".join(parts)
