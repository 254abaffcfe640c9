"""There is a sentence for each state, and for each reason for withheld setpoints."""

import pytest

from myobridge.daemon.explain import explain_state, explain_withheld
from myobridge.decoder.contact import Contact
from myobridge.decoder.pipeline import Withheld
from myobridge.wire.messages import Reason, State


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("may_move", [False, True])
def test_each_state_and_reason_is_a_sentence(state, reason, may_move):
    text = explain_state(state, reason, may_move=may_move)
    assert text.startswith("The hand ")
    assert text.endswith(".")
    assert "{" not in text
    assert ("follows" in text) == (state is State.ARMED and may_move)


def test_a_hand_that_has_opened_is_not_said_to_open():
    assert "opens" in explain_state(State.RELAX, Reason.SILENT_TOO_LONG, may_move=False)
    assert "opens" not in explain_state(State.RELAX, Reason.RELAXED, may_move=False)


def test_a_hand_whose_permission_has_just_ended_is_still_armed_for_a_moment():
    """As after each ESTOP: nobody armed the hand without permission."""
    said = explain_state(State.ARMED, Reason.HOST_ARMED, may_move=False)
    assert said == "The hand is still armed, and the daemon is disarming it."


def test_a_bad_channel_is_named_with_a_remedy():
    text = explain_withheld(Withheld.CHANNEL_FLAT, ("ulnar", "radial"), (Contact.GOOD, Contact.FLAT))
    assert text == "No setpoints: channel radial is flat: check that its electrode and amplifier are connected."


@pytest.mark.parametrize("withheld", [w for w in Withheld if w is not Withheld.WARMING_UP])
def test_each_reason_for_withheld_setpoints_is_a_sentence(withheld):
    assert explain_withheld(withheld, ("a",), (Contact.SATURATED,)).endswith(".")
