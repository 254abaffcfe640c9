"""What the wearer reads and hears during a calibration."""

from __future__ import annotations

from typing import Final

from myobridge.calibration.morning.guide import Guide, Stage

BEGINS: Final = "The hand shows the poses; do what it does."
RUNS_ALREADY: Final = "A calibration runs already; stop it first."
OWN_BACK: Final = "Your own model is back."
UNDOES: Final = "The model before is being brought back; try again in a moment."
NO_CALIBRATION: Final = "No calibration runs."
NO_POSES: Final = (
    "The model {} names no poses, so the hand cannot show them; choose a model that was trained with poses."
)
TOO_MANY: Final = (
    "The model {} names {} poses, and the hand has time to show {}; choose a model that was trained with fewer poses."
)
BAD_CONTACT: Final = "The calibration did not begin, because {}; press the electrodes on and try again."
PRESSED: Final = "The calibration was stopped by the button; the old model stays."
TAKEN_BACK: Final = "The calibration was stopped, because somebody disarmed or stopped the hand; the old model stays."
NOT_BEGUN: Final = "The calibration was paused or stopped before the hand could begin."
STOPPED: Final = "The calibration was stopped; the old model stays."
TOO_LATE: Final = "The new model is in place already; undo brings the old one back."
LOST: Final = "The calibration was stopped, because the link to the hand was lost; the old model stays."
IN_PLACE: Final = "The new model is in place for the next start; undo brings the old one back."
LOST_LATE: Final = f"The link to the hand was lost. {IN_PLACE}"
ENDED_BY_BOARD: Final = "The calibration was stopped ({}); the old model stays."
TOO_OFTEN: Final = "{} The old model stays; try again."
PAUSED: Final = "The calibration is paused, and the hand is disarmed."
AGAIN: Final = "The pose comes again."
NOT_AGAIN: Final = "No pose can be repeated now; if the time is too short for more poses, pause and go on."
ASKING: Final = "The electrodes are checked."
REST_BEFORE: Final = "Rest. Next: {}."
REST_AT_END: Final = "Rest."
TAKE: Final = "{}: do what the hand does."
HOLD: Final = "Hold {}."
COMPUTING: Final = "The new model is computed."
BETTER: Final = "The new model is in place. {}"
KEPT: Final = "The old model is as good as a new one, so it stays. {}"
POOR: Final = "The model recognises too little to follow you; move the electrodes and calibrate again."
NOT_ARMED: Final = "The hand stays at rest; arm it when you want it to follow."
MUST_DISARM: Final = "The hand may be moving; disarm it first, then undo."
LEAST_TO_FOLLOW: Final = 0.5
"""Balanced accuracy below which the hand stays disarmed after a calibration."""


def of_stage(guide: Guide) -> str:
    """What goes on now."""
    name = guide.pose.name if guide.pose is not None else ""
    match guide.stage:
        case Stage.REST:
            return REST_BEFORE.format(name) if name else REST_AT_END
        case Stage.ACTING:
            return TAKE.format(name)
        case Stage.HOLD:
            return HOLD.format(name)
        case Stage.OVER:
            return COMPUTING
        case Stage.PAUSED:
            return PAUSED
        case Stage.CONTACT:
            return ASKING
