"""What the wearer reads and hears during a calibration."""

from __future__ import annotations

from typing import Final

from myobridge.calibration.judge import FIRM
from myobridge.calibration.judge import PoseScore as Judged
from myobridge.feed.calibration_state import PoseScore

BEGINS: Final = "The hand shows the poses; do what it does."
RUNS_ALREADY: Final = "A calibration runs already; stop it first."
NO_CALIBRATION: Final = "No calibration runs."
NO_POSES: Final = (
    "The model {} names no poses, so the hand cannot show them; choose a model that was trained with poses."
)
BAD_CONTACT: Final = "The calibration did not begin, because {}; press the electrodes on and try again."
PRESSED: Final = "The calibration was stopped by the button; the old model stays."
TAKEN_BACK: Final = "The calibration was stopped, because somebody disarmed or stopped the hand; the old model stays."
STOPPED: Final = "The calibration was stopped; the old model stays."
TOO_LATE: Final = "The new model is in place already; undo brings the old one back."
LOST: Final = "The calibration was stopped, because the link to the hand was lost; the old model stays."
ENDED_BY_BOARD: Final = "The calibration was stopped ({}); the old model stays."
TOO_OFTEN: Final = "{} The old model stays; try again."
PAUSED: Final = "The calibration is paused, and the hand is disarmed."
AGAIN: Final = "The pose comes again."
ASKING: Final = "The electrodes are checked."
REST_BEFORE: Final = "Rest. Next: {}."
REST_AT_END: Final = "Rest."
TAKE: Final = "{}: do what the hand does."
HOLD: Final = "Hold {}."
COMPUTING: Final = "The new model is computed."
BETTER: Final = "The new model is in place. {}"
KEPT: Final = "The old model is as good as a new one, so it stays. {}"
POOR: Final = "The model recognises too little to follow you; move the electrodes and calibrate again."
MUST_DISARM: Final = "The hand may be moving; disarm it first, then undo."
ADVICE: Final = "hold it firmer or leave it out"
LEAST_TO_FOLLOW: Final = 0.5
"""Balanced accuracy below which the hand stays disarmed after a calibration."""


def scored(poses: tuple[Judged, ...]) -> tuple[PoseScore, ...]:
    """The scores for the page."""
    return tuple([PoseScore(one.name, one.of_ten, "" if one.of_ten >= FIRM else ADVICE) for one in poses])
