"""How far a calibration is: what the daemon tells the page, the LED and the ear, as a part of each snapshot."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Step = Literal["idle", "contact", "acting", "hold", "rest", "computing", "done", "failed", "paused"]
"""idle: no calibration since the daemon's start. contact: the electrodes are checked, and the hand gets its permission.
acting: the hand moves to the pose, and the wearer follows. hold: the EMG of the pose counts. rest: between two poses.
computing: the new model is made and loaded. done: a model is in force, new or kept. failed: the old model stays.
paused: a person paused; `calibrate` goes on. done and failed stay until the next calibration."""


class PoseScore(msgspec.Struct, frozen=True):
    """In how many of ten windows of a pose the pose is recognised; advice is empty where the pose is firm."""

    pose: str
    of_ten: int
    advice: str = ""


class CalibrationState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the calibration, once in every snapshot.

    pose: name of the pose that is asked for, or comes next during rest; empty outside of the poses.
    index, of: number of that pose, counted from 1, and how many poses there are, rest not counted; 0 outside.
    remaining_s: time left of this step; of `computing` it is not known and 0.
    text: the step as a sentence for the wearer, for a screen reader as well.
    scores: of each pose, once the model is computed.
    before, after: balanced accuracy of the old and the new model on EMG that neither has learnt from; None: not known.
    acted_deg: the pose that the hand shows, thumb to little; empty while it shows none.
    """

    step: Step = "idle"
    pose: str = ""
    index: int = 0
    of: int = 0
    remaining_s: float = 0.0
    text: str = ""
    scores: tuple[PoseScore, ...] = ()
    before: float | None = None
    after: float | None = None
    acted_deg: tuple[float, ...] = ()

    @property
    def running(self) -> bool:
        """A calibration is under way; a paused one, too."""
        return self.step not in ("idle", "done", "failed")


IDLE: Final = CalibrationState()
