"""Sentences for the person at a running hand: what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from myobridge.decoder.contact import Contact
from myobridge.decoder.pipeline import Withheld
from myobridge.wire.messages import RESUME_CLEAN_MS, Reason, State

_STATES: Final = {
    State.BOOT: "The hand is starting.",
    State.DISARMED: "The hand is disarmed{why}.",
    State.ARMED: "The hand is armed and follows.",
    State.HOLD: "The hand holds its pose{why}; it moves again after "
    f"{RESUME_CLEAN_MS / 1000:g} s of setpoints near that pose.",
    State.RELAX: "The hand opens slowly{why}; arm it again in the view or with SIGUSR1.",
    State.FAULT: "The hand has a fault{why}; remove the cause, then arm it in the view or with SIGUSR1.",
    State.ESTOP: "The hand is in emergency stop; make it safe, then lift the stop in the view or "
    "with `myobridge lift-estop`.",
}
_ACTS: Final = "The hand is armed and shows poses."
_STILL_ARMED: Final = "The hand is still armed, and the daemon is disarming it."
_RELAXED: Final = "The hand is open and its servos are off; arm it again in the view or with SIGUSR1."
_REASONS: Final = {
    Reason.SETPOINTS_STOPPED: ", because no setpoints reached it",
    Reason.SETPOINTS_REJECTED: ", because setpoints were stale or out of range",
    Reason.SILENT_TOO_LONG: ", because no setpoints reached it for too long",
    Reason.SAMPLING_STALLED: ": the board has stopped sampling",
    Reason.SUPPLY_LOW: ": the servo supply is low",
    Reason.GUIDE_OVER: ", because it has shown poses for as long as it may",
    Reason.BUTTON_PRESSED: ", because the button was pressed",
}
_CONTACTS: Final = {
    Contact.FLAT: "is flat: check that its electrode and amplifier are connected",
    Contact.SATURATED: "is saturated: press its electrodes on, or lower the gain",
    Contact.MAINS: "carries little but mains hum: press its electrodes on, check the reference electrode, "
    "and run the computer on its battery",
    Contact.REPEATING: "repeats the same samples: reset the board, and flash it again if the reset does not help",
    Contact.IDENTICAL: "shows the same signal as another channel: look for gel or a wire that joins their electrodes, "
    "and check [acquisition] inputs and the wiring",
}
_WITHHELD: Final = {
    Withheld.SAMPLES_LOST: "too many samples are lost on the line: check the cable",
    Withheld.LEAD_OFF: "the board reports that an electrode is off: press the electrodes on",
    Withheld.NOT_A_NUMBER: "the network's output is not a number: use another model file",
    Withheld.FAILED: "the network failed, so the hand is disarmed: use another model file",
    Withheld.STALE: "the decisions are too late: close other programs, and run `myobridge doctor` to find the cause",
}


def explain_state(state: State, reason: Reason, *, may_move: bool, acting: bool = False) -> str:
    """A sentence about the hand's state.

    may_move: the session holds the permission that ARMED and HOLD require. acting: that permission is to show poses.
    """
    if state is State.ARMED and not may_move:
        return _STILL_ARMED
    if state is State.ARMED and acting:
        return _ACTS
    if state is State.RELAX and reason is Reason.RELAXED:
        return _RELAXED
    return _STATES[state].format(why=_REASONS.get(reason, ""))


def explain_withheld(withheld: Withheld, names: Sequence[str], verdicts: Sequence[Contact]) -> str:
    """A sentence about why no setpoints are sent; empty if no channel is bad."""
    if withheld in _WITHHELD:
        return f"No setpoints: {_WITHHELD[withheld]}."
    bad = [f"channel {name} {_CONTACTS[v]}" for name, v in zip(names, verdicts, strict=True) if v in _CONTACTS]
    if withheld is Withheld.NO:
        return "The signal is good again."
    return f"No setpoints: {'; '.join(bad)}." if bad else ""


def explain_rate(measured_hz: float, nominal_hz: float) -> str:
    """A sentence for a board that does not sample at the requested rate."""
    return (
        f"No setpoints: the board takes {measured_hz:.0f} samples a second instead of {nominal_hz:.0f}, "
        "so every frequency that the network learned is shifted: flash the firmware that was built for this board, "
        "or replace the board."
    )
