"""`myobridge record --follow` in virtual time: the shown hand, the file, and a recording that is broken off."""

import numpy as np
import pytest
from test_recorder import FS_HZ, IDENT, POSES, Fingers, Wearer

from myobridge.calibration.plan import Stage, Timing, Walk, schedule_movements
from myobridge.calibration.recorder import GuidedRecording
from myobridge.calibration.session import how_followed, sum_up
from myobridge.model.file import REST_DEG
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.recording.following import followed
from myobridge.recording.movement import Movement

TIMING = Timing(repetitions=1, rest_s=2, ready_s=1)
THUMB = (180.0, 40.0, 40.0, 40.0, 40.0)
MOVEMENTS = (
    Movement(label=4, name="Fist", angles_deg=(180.0,) * 5, shape="sine", depths=(0.5, 1.0), stroke_s=3.0),
    Movement(label=9, name="Thumb", angles_deg=THUMB, shape="trapezoid", depths=(1.0,), stroke_s=4.5),
)


class Session:
    """A followed recording that has ended; the wearer follows the prompts at once."""

    def __init__(self, folder, keys=lambda _look: ""):
        self.path = folder / "f.myo"
        self.wearer, self.fingers = Wearer(), Fingers(keys)
        header = Header(ident=IDENT, config=self.wearer.config, movements=MOVEMENTS)
        walk = Walk(schedule_movements(MOVEMENTS, TIMING.repetitions, seed=1), TIMING)
        with RecordingWriter(self.path, header) as writer:
            self.outcome = GuidedRecording(
                self.wearer, writer, walk, POSES[0], self.fingers, self.wearer, clock=lambda: self.wearer.now_s
            ).run()
        self.recording = Recording.load(self.path)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return Session(tmp_path_factory.mktemp("follow"))


def test_the_shown_hand_moves_smoothly_in_terminal_and_page(session):
    shown = np.array([look.coming_deg for look in session.fingers.looks if look.stage is Stage.HOLD])
    assert shown[:, 0].max() > 170
    assert np.abs(np.diff(shown, axis=0)).max() < 12
    told = np.array([prompt.angles_deg for prompt in session.wearer.prompts if prompt.title in {"Fist", "Thumb"}])
    assert np.abs(np.diff(told, axis=0)).max() < 12
    resting = [look.coming_deg for look in session.fingers.looks if look.stage is Stage.REST]
    assert set(resting) == {REST_DEG}


def test_the_labels_are_the_shown_angles(session):
    recording = session.recording
    assert recording.shown
    assert set(np.unique(recording.label)) == {0, 4, 9}
    for movement in MOVEMENTS:
        rows = np.flatnonzero(recording.label == movement.label)
        assert len(rows) == pytest.approx(movement.seconds * FS_HZ, abs=0.05 * FS_HZ)
        shown = movement.shown_deg((rows - rows[0]) / FS_HZ)
        assert recording.angles_deg[rows] == pytest.approx(shown, abs=0.01)
    assert np.all(recording.angles_deg[recording.label == 0] == REST_DEG)


def test_the_recording_says_how_it_was_followed(session):
    assert not followed(session.recording, session.path)[1].left_out
    assert how_followed(session.path)[-1].startswith("The EMG lags the shown hand by 0.0")
    assert sum_up(session.outcome, session.path)[-1].startswith("Movements shown: 2 of 2;")


def test_an_npz_keeps_the_angles_and_that_they_were_shown(session, tmp_path):
    session.recording.save(tmp_path / "f.npz")
    kept = Recording.load(tmp_path / "f.npz")
    assert kept.shown
    assert np.array_equal(kept.angles_deg, session.recording.angles_deg)


def test_a_movement_that_is_repeated_counts_once(tmp_path):
    pressed = iter("r")
    redone = Session(
        tmp_path, lambda look: next(pressed, "") if look.stage is Stage.HOLD and look.progress > 0.6 else ""
    )
    assert redone.outcome.redone == 1
    label = redone.recording.label
    last = MOVEMENTS[0] if redone.fingers.titles[-3] == "Fist" else MOVEMENTS[1]
    assert np.sum(label == last.label) == pytest.approx(last.seconds * FS_HZ, abs=0.05 * FS_HZ)


def test_what_was_done_is_kept_when_the_wearer_stops(tmp_path):
    stopped = Session(tmp_path, lambda look: "q" if look.stage is Stage.HOLD and look.progress > 0.7 else "")
    assert stopped.outcome.stopped
    assert stopped.outcome.holds_kept == 1
    assert followed(stopped.recording, stopped.path)[1].movements == 2
