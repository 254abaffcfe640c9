"""The arithmetic of a calibration in a process of its own, so that it takes no time from the daemon's loop.

`calibration/morning/compute.py` starts this process when the calibration begins, so that all is loaded by the time the
last pose is held, and talks to it by pipes: a `Given`, then READY or a `Found` that refuses; then an `Emg` with its
samples, then a `Found` with the model.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import msgspec
import numpy as np

from myobridge.calibration.judge import PoseScore, words
from myobridge.calibration.quick import base_of, calibrated
from myobridge.decoder.trial_process import stand_back
from myobridge.errors import UserError
from myobridge.model.file import LabelledPose
from myobridge.recording import Recording

READY: Final = b"ready\n"
NICE: Final = 10
NO_STATISTICS: Final = (
    "{} holds no class statistics, so seconds do not suffice; run `myobridge calibrate` with it, or choose a model "
    "that was trained with this version."
)


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


def pack(recording: Recording) -> bytes:
    """A recording for the standard input of this process."""
    assert recording.label is not None and recording.run is not None
    samples, channels = recording.counts.shape
    head = Emg(samples, channels, recording.fs_hz, recording.adc_bits, recording.poses)
    parts = (recording.counts.astype("<i2").tobytes(), recording.label.tobytes(), recording.run.tobytes())
    return msgspec.json.encode(head) + b"\n" + b"".join(parts)


def unpack(given: IO[bytes]) -> Recording | None:
    """The recording; None: there is none, because the calibration was stopped."""
    line = given.readline()
    if not line:
        return None
    head = msgspec.json.decode(line, type=Emg)
    size = head.samples * head.channels
    counts = np.frombuffer(given.read(2 * size), "<i2").astype(np.int16).reshape(head.samples, head.channels)
    label, run = (np.frombuffer(given.read(head.samples), np.uint8) for _ in range(2))
    nothing = np.zeros(head.samples, np.uint8)
    return Recording(counts, head.fs_hz, head.adc_bits, label, nothing, run, None, head.poses)


def main() -> None:
    """Talks by standard input and output, as the module says."""
    stand_back()
    with suppress(OSError):  # the unit of the service forbids it; the loop comes first in any case
        os.nice(NICE)
    given, said = sys.stdin.buffer, sys.stdout.buffer
    task = msgspec.json.decode(given.readline(), type=Given)
    path, model = Path(task.base), b""
    try:
        base = base_of(path)
        if base is None:
            raise UserError(NO_STATISTICS.format(path))
        said.write(READY)
        said.flush()
        recording = unpack(given)
        if recording is None:
            return
        quick = calibrated(base, recording, Path("this calibration"), task.name)
        model, scores = quick.model, quick.scores
        found = Found(
            before=None if scores.before is None else scores.before.balanced_accuracy,
            after=scores.after.balanced_accuracy,
            better=scores.better,
            scores=tuple(quick.poses),
            words=words(quick.poses),
            doubts=tuple(quick.doubts),
            model_bytes=len(model),
        )
    except (UserError, OSError) as error:
        found = Found(refusal=str(error))
    said.write(msgspec.json.encode(found) + b"\n" + model)
    said.flush()


if __name__ == "__main__":
    main()
