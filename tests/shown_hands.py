"""Shown hands for the tests of trials: a hand that goes from place to place, 25 times a second."""

from myobridge.recording.trial_records import Begun, Shown, Target

STEP_S = 0.04
REST = (40.0,) * 5
FIST = (180.0,) * 5


def hands(*legs, start=REST, from_s=100.0, follows=True):
    """Shown hands of legs (seconds, pose): the hand moves straight, and each leg ends at its pose."""
    shown, here, t_s = [], list(start), from_s
    for seconds, pose in legs:
        steps = round(seconds / STEP_S)
        for step in range(1, steps + 1):
            part = step / steps
            angles = [a + part * (b - a) for a, b in zip(here, pose, strict=True)]
            shown.append(Shown.of(round(t_s + step * STEP_S, 6), follows, angles))
        here, t_s = list(pose), round(t_s + steps * STEP_S, 6)
    return shown


def target(**changes):
    fields = {
        "number": 0, "name": "Fist", "depth": 1.0, "angles_deg": FIST, "judged": "hand", "tolerance_deg": 15.0,
        "dwell_s": 1.0, "timeout_s": 10.0, "t_s": 100.0, **changes,
    }  # fmt: skip
    return Target(**fields)


def begun(**changes):
    fields = {
        "task": "reach", "measured": "commanded", "model": "tiny", "proportional": True, "rest_deg": REST, "seed": 1,
        "targets": 1, **changes,
    }  # fmt: skip
    return Begun(**fields)


def still(pose=REST, at_s=100.0, follows=True):
    return Shown.of(at_s, follows, list(pose))
