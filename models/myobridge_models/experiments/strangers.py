"""A stranger's model after a calibration in seconds, as `myobridge calibrate` would make it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from myobridge.calibration.quality import FOLLOWED_S
from myobridge.calibration.quick import base_of, calibrated
from myobridge.errors import UserError
from myobridge.recording import Recording
from myobridge_models.evaluation.decisions import Decisions, stretches
from myobridge_models.evaluation.evaluate import closed_loop
from myobridge_models.experiments.folds import Context, Fold, Learnt
from myobridge_models.experiments.population import model_for


@dataclass(frozen=True)
class ModelFile:
    """The bytes of a model file, as a decoder."""

    data: bytes

    def __call__(self, recording: Recording, source: Path) -> Decisions:
        """Decides on a whole recording.

        Raises:
            UserError: model and recording do not fit, or the recording is too short.
        """
        with TemporaryDirectory() as folder:
            model = Path(folder) / "model.onnx"
            model.write_bytes(self.data)
            return closed_loop(model, recording, source)


def calibrated_in_seconds(fold: Fold, context: Context, seconds: float | None) -> Learnt:
    """Calibrates other people's model on one of the person's other repetitions, or on `seconds` of each movement of it.

    Where the calibration is refused or brings nothing, other people's model stays, as with the command.

    Raises:
        UserError: other people's model holds no class statistics.
    """
    path = model_for(fold, context)
    base = base_of(path)
    if base is None:
        raise UserError(f"{path} holds no class statistics; remove the file, and the benchmark trains it again.")
    try:
        found = calibrated(base, known_part(fold.recording, fold.others[0], seconds), fold.source, "own")
    except UserError:
        return partial(closed_loop, path)
    return ModelFile(found.model) if found.scores.better else partial(closed_loop, path)


def known_part(recording: Recording, repetition: int, seconds: float | None) -> Recording:
    """Cuts out a repetition, or the time of each hold until the muscle has followed for `seconds`."""
    assert recording.label is not None
    assert recording.repetition is not None
    keep = recording.repetition == repetition
    if seconds is not None:
        length = round((FOLLOWED_S + seconds) * recording.fs_hz)
        for take in recording.takes():
            for start, end in stretches(recording.label[take]):
                keep[take.start + start + length : take.start + end] = False
    return replace(
        recording,
        counts=recording.counts[keep],
        label=recording.label[keep],
        repetition=recording.repetition[keep],
        run=None if recording.run is None else recording.run[keep],
        angles_deg=None if recording.angles_deg is None else recording.angles_deg[keep],
    )
