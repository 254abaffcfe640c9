"""The arithmetic of a calibration, as the process beside the loop (`beside.py`) runs it."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Final

import msgspec
import numpy as np

from myobridge.calibration.beside_messages import READY, Emg, Found, Given
from myobridge.calibration.judge import words
from myobridge.calibration.quick import base_of, calibrated
from myobridge.errors import UserError
from myobridge.feed.calibration_state import PoseScore
from myobridge.recording import Recording

NO_STATISTICS: Final = (
    "{} holds no class statistics, so seconds do not suffice; choose a model that was trained with this version, such "
    "as population."
)


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


def talk(given: IO[bytes], said: IO[bytes]) -> None:
    """Takes a task and its EMG from `given`, and writes what was found to `said`."""
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
            scores=tuple([PoseScore(one.name, one.of_ten, one.advice) for one in quick.poses]),
            words=words(quick.poses),
            doubts=tuple(quick.doubts),
            model_bytes=len(model),
        )
    except (UserError, OSError) as error:
        found = Found(refusal=str(error))
    said.write(msgspec.json.encode(found) + b"\n" + model)
    said.flush()
