"""A movement that the hand itself shows to the wearer, on the flashed firmware in its simulator, in virtual time."""

import numpy as np
import pytest

from acted_recording import ActedRecording
from lockstep_board import LockStepBoard
from myobridge.calibration.plan import Timing
from myobridge.recording import Recording
from myobridge.recording.movement import Movement
from myobridge.wire.messages import State
from virtual_hand import ConstantSource

SECONDS = 14
PINCH = Movement(
    label=4, name="Pinch", angles_deg=(120.0, 120.0, 40.0, 40.0, 40.0), shape="trapezoid", depths=(1.0,), stroke_s=3.0
)


@pytest.mark.slow
def test_a_press_lets_the_flashed_hand_show_a_movement_and_its_end_disarms_it(tmp_path, monkeypatch):
    with LockStepBoard("mega2560", ConstantSource(), SECONDS) as board:
        session = ActedRecording(board, tmp_path, monkeypatch)
        session.run((PINCH,), Timing(repetitions=1, rest_s=1, ready_s=1))
        seen = board.summary()
    assert (session.outcome.holds_kept, session.outcome.problem, session.presses) == (1, "", 1)
    assert len(session.armed_s) == 1
    shown, hand = np.array(session.seen).transpose(1, 0, 2)
    assert hand[:, 0].max() == pytest.approx(120, abs=0.1)
    assert np.abs(shown - hand).max() < 12
    assert (seen["state"], seen["range_rejects"], seen["stale_rejects"]) == (State.DISARMED.name, 0, 0)
    assert Recording.load(tmp_path / "f.myo").angles_deg.max() == pytest.approx(120, abs=0.1)
