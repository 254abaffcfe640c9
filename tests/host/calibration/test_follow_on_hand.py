"""`myobridge record --follow --on-the-hand` in virtual time: a simulated board, its button, a wearer who watches."""

import numpy as np
import pytest

from acted_recording import ActedRecording
from myobridge.calibration.follow_on_hand import ActingHand, for_the_hand
from myobridge.calibration.movements import load_movements
from myobridge.calibration.plan import Stage, Timing
from myobridge.channels import spec_for
from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.errors import UserError
from myobridge.recording import Recording
from myobridge.recording.following import followed
from myobridge.recording.movement import Movement
from myobridge.settings import Settings
from myobridge.simulator.script import CuedScript, HandWatcher
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.wire.messages import GUIDE_MAX_MS, Result, State
from twin_board import TwinBoard
from virtual_hand import ConstantSource, board_config

TIMING = Timing(repetitions=1, rest_s=2, ready_s=3)
CLOSED = (180.0,) * 5
THUMB = (180.0, 40.0, 40.0, 40.0, 40.0)
FIST = Movement(label=4, name="Fist", angles_deg=CLOSED, shape="sine", depths=(0.5, 1.0), stroke_s=3.0)
MOVEMENTS = (
    FIST,
    Movement(label=9, name="Thumb", angles_deg=THUMB, shape="trapezoid", depths=(1.0, 0.6), stroke_s=4.0),
    Movement(label=11, name="To and fro", angles_deg=CLOSED, shape="sine", depths=(1, 0.4, 0.7, 1), stroke_s=4.0),
)


@pytest.fixture
def session(tmp_path, monkeypatch):
    """A recording that `run` starts."""
    return ActedRecording(TwinBoard(ConstantSource()), tmp_path, monkeypatch)


def safety(session):
    return session.wire.board.firmware.safety


def test_the_hand_shows_all_movements_in_parts_that_one_press_each_permits(session):
    session.run(MOVEMENTS, TIMING)
    assert (session.outcome.holds_kept, session.outcome.problem, session.outcome.redone) == (3, "", 0)
    assert session.presses == len(session.armed_s) == 2, "three movements of 10 to 20 s take two permissions"
    assert max(session.armed_s) < GUIDE_MAX_MS / 1000
    assert safety(session).state is State.DISARMED


def test_the_hand_moves_as_the_labels_say_and_never_faster_than_a_guide_may(session):
    applied = []
    session.each_turn = lambda: applied.append((safety(session).state is State.ARMED, *safety(session).applied))
    session.run(MOVEMENTS, TIMING)
    moves = np.diff([angles for armed, *angles in applied if armed], axis=0)
    assert np.abs(moves).max() <= 180, "90°/s in a servo period of 20 ms"
    shown, hand = np.array(session.seen).transpose(1, 0, 2)
    assert shown.max() == pytest.approx(180, abs=2)
    assert np.abs(shown - hand).max() < 8
    recording = Recording.load(session.path)
    assert recording.angles_deg[recording.label == FIST.label].max() == pytest.approx(180, abs=1)


def test_a_wearer_who_watches_the_hand_can_be_followed(tmp_path, monkeypatch):
    watched = HandWatcher()
    source = SynthSource(SynthOptions(wearer=0, seed=1, script=CuedScript(watched, seed=1)))
    session = ActedRecording(board := TwinBoard(source), tmp_path, monkeypatch)
    watched.safety = board.firmware.safety
    session.run(MOVEMENTS[:1], TIMING)
    _, following = followed(Recording.load(session.path), session.path)
    assert (following.movements, following.left_out) == (1, ())
    assert 0 < following.delay_s < 0.6


def test_a_press_stops_the_hand_at_once_and_the_movement_comes_again_after_another_press(session):
    pressed_s = []

    def press_once():
        if not pressed_s and session.seen and session.seen[-1][1][0] > 100:
            pressed_s.append(session.wire.now_s)
            session.wire.press()

    session.each_turn = press_once
    session.run(MOVEMENTS, TIMING)
    off_s = next(row.t_s for row in session.rows if row.t_s > pressed_s[0] and row.state is State.DISARMED)
    assert off_s - pressed_s[0] < 0.05
    assert (session.outcome.holds_kept, session.outcome.redone) == (3, 1)
    assert session.presses == len(session.armed_s) == 3


def test_a_paused_walk_disarms_the_hand_and_only_the_button_goes_on(session):
    wanted = [Stage.HOLD, Stage.PAUSED]

    def keys(look):
        if wanted and look.stage is wanted[0] and look.holds_done:
            wanted.pop(0)
            return "p"
        return ""

    session.keys = keys
    session.run(MOVEMENTS, TIMING)
    assert not wanted
    assert session.outcome.redone == 1
    assert session.presses == len(session.armed_s) == 2


def test_a_hand_that_the_board_refuses_to_arm_says_why_and_is_armed_once_the_cause_is_over(session):
    def weak():
        safety(session).supply_low = session.presses < 3

    session.each_turn = weak
    session.run(MOVEMENTS[:1], TIMING)
    refused = [look.text for look in session.looks if look.text.startswith("The board does not let the hand move: ")]
    assert "the servo supply is low" in refused[0]
    assert (session.outcome.holds_kept, session.presses) == (1, 3)


def test_a_hand_that_is_silent_for_too_long_opens_and_moves_again_after_a_press(session):
    silent = []

    def stall():
        if not silent and session.seen and session.seen[-1][1][0] > 100:
            silent.append(session.hand.show)
            session.hand.show = lambda _pose, _now_s: None
        elif silent and safety(session).state is State.RELAX:
            session.hand.show = silent[0]

    session.each_turn = stall
    session.run(MOVEMENTS[:1], TIMING)
    assert (session.outcome.holds_kept, session.outcome.redone, session.presses) == (1, 1, 2)


def test_an_emergency_stop_by_command_stops_the_hand_and_ends_the_recording(session):
    def stop():
        if session.seen and safety(session).state is not State.ESTOP:
            EstopMemory("P").remember()

    session.each_turn = stop
    session.run(MOVEMENTS, TIMING)
    assert "The emergency stop of the hand on P is in force" in session.outcome.problem
    assert safety(session).state is State.ESTOP
    with pytest.raises(UserError, match="is in force; make the hand safe"):
        ActingHand("P", spec_for(2000.0, 4), Settings())


def test_a_board_that_does_not_confirm_that_the_pulses_are_off_is_told(session):
    def deaf():
        if session.seen:
            safety(session).disarm = safety(session).stop = lambda: Result.OK
            session.keys = lambda _look: "q"

    session.each_turn = deaf
    session.run(MOVEMENTS[:1], TIMING)
    assert session.hand.pulses_on
    assert not session.outcome.holds_kept


def test_the_fifteen_movements_are_slowed_down_for_the_hand():
    movements = for_the_hand(load_movements(), board_config(), TIMING)
    assert len(movements) == 15
    assert all(movement.fastest_deg_per_s <= 90.001 for movement in movements)
    assert movements[14] == load_movements()[14], "one that is slow enough stays as it is"
    at_s = np.linspace(0, movements[1].seconds, 20000)
    speed = np.abs(np.diff(movements[1].shown_deg(at_s), axis=0)) / np.diff(at_s)[:, None]
    assert speed.max() == pytest.approx(90, abs=0.1)


@pytest.mark.parametrize(
    ("movement", "config", "sentence"),
    [
        (FIST, board_config(servo_max_cdeg=(17000,) * 5), "The movement Fist leaves the range of a servo"),
        (
            Movement(label=1, name="Long", angles_deg=THUMB, shape="sine", depths=(1.0,) * 10, stroke_s=3.0),
            board_config(),
            "The movement Long takes the hand 49 s, and a movement may take 40 s; give it fewer depths",
        ),
    ],
)
def test_a_movement_that_the_hand_cannot_show_is_refused(movement, config, sentence):
    with pytest.raises(UserError, match=sentence):
        for_the_hand([movement], config, TIMING)
