"""`myobridge record --follow --on-the-hand` in virtual time: a simulated board, its button, a wearer who watches."""

from types import SimpleNamespace

import numpy as np
import pytest
from test_recorder import POSES, Fingers

from myobridge.calibration import byte_source, follow_on_hand
from myobridge.calibration.follow_on_hand import ActingHand, OnTheHand, for_the_hand
from myobridge.calibration.movements import load_movements
from myobridge.calibration.plan import Stage, Timing, Walk, schedule_movements
from myobridge.calibration.recorder import GuidedRecording
from myobridge.channels import spec_for
from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.errors import UserError
from myobridge.feed import port_stream
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.recording.following import followed
from myobridge.recording.movement import Movement
from myobridge.settings import Settings
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.script import CuedScript, HandWatcher
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.wire.messages import GUIDE_MAX_MS, Permission, State
from virtual_hand import ConstantSource, board_config

TIMING = Timing(repetitions=1, rest_s=2, ready_s=3)
THUMB = (180.0, 40.0, 40.0, 40.0, 40.0)
FIST = Movement(label=4, name="Fist", angles_deg=(180.0,) * 5, shape="sine", depths=(0.5, 1.0), stroke_s=3.0)
MOVEMENTS = (
    FIST,
    Movement(label=9, name="Thumb", angles_deg=THUMB, shape="trapezoid", depths=(1.0, 0.6), stroke_s=4.0),
    Movement(
        label=11, name="Fist to and fro", angles_deg=(180.0,) * 5, shape="sine", depths=(1, 0.4, 0.7, 1), stroke_s=4
    ),
)
PRESS_S = 0.2


class Wire:
    """A link to a simulated board in virtual time, and what its hand did."""

    def __init__(self, source):
        self.firmware, self.now_s = SimulatedFirmware(source, boot_id=1), 100.0
        self.rows, self._press_s, self.at = [], 0.0, lambda _now_s: None
        """rows: (time, state, permission, angles in degrees) of each turn."""

    def press(self):
        self._press_s = self.now_s + PRESS_S

    def monotonic(self):
        return self.now_s

    def write(self, data):
        self.firmware.receive(data, self.now_s)
        return True

    def wait(self, seconds):
        if not seconds:
            return False
        self.now_s += min(seconds, 0.005)
        self.firmware.button.contact = self.now_s < self._press_s
        self.firmware.advance(self.now_s)
        safety = self.firmware.safety
        self.rows.append((self.now_s, safety.state, safety.permission, *np.array(safety.applied) / 100))
        self.at(self.now_s)
        return True

    def read(self):
        return self.firmware.outgoing(self.now_s)

    def close(self):
        pass


class Page:
    """Nobody looks at the page."""

    def tell(self, prompt):
        pass

    def leave(self):
        pass


class Session:
    """A recording on the hand that has ended; the wearer presses the button whenever the screen asks for it."""

    def __init__(self, folder, monkeypatch, source=None, *, movements=MOVEMENTS, keys=lambda _look: "", at=None):
        monkeypatch.setenv("XDG_STATE_HOME", str(folder))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        self.path, self.wire = folder / "f.myo", Wire(source or ConstantSource())
        time = SimpleNamespace(monotonic=self.wire.monotonic)
        for module in (byte_source, follow_on_hand, port_stream):
            monkeypatch.setattr(module, "time", time)
        monkeypatch.setattr(byte_source, "SerialLink", lambda _port, _baud: self.wire)
        self.keys, self.presses, self.seen = keys, 0, []
        """seen: the shown angles and those of the hand, whenever a movement was drawn."""
        self.fingers = Fingers(self._look)
        hand = ActingHand("P", spec_for(2000.0, 4), Settings())
        if at is not None:
            self.wire.at = lambda now_s: at(self, now_s)
        shown = for_the_hand(movements, hand.config, TIMING)
        walk = Walk(schedule_movements(shown, TIMING.repetitions, seed=1), TIMING)
        header = Header(ident=hand.ident, config=hand.config, movements=shown)
        try:
            with RecordingWriter(self.path, header) as writer:
                self.outcome = GuidedRecording(
                    hand, writer, walk, POSES[0], self.fingers, Page(), self.wire.monotonic, OnTheHand(hand, walk)
                ).run()
        finally:
            hand.close()

    def _look(self, look):
        if look.stage is Stage.PAUSED and self.wire.now_s > self.wire._press_s + 1:
            assert "Press the button on the hand" in look.text
            self.presses += 1
            self.wire.press()
        if look.stage is Stage.HOLD:
            self.seen.append((look.coming_deg, self.wire.rows[-1][3:]))
        return self.keys(look)

    @property
    def armed(self):
        """(when, how long) of each permission that the board gave."""
        rows = [(at_s, permission) for at_s, state, permission, *_ in self.wire.rows if state is State.ARMED]
        assert {permission for _, permission in rows} == {Permission.GUIDE}
        times = np.array([at_s for at_s, _ in rows])
        return [part[-1] - part[0] for part in np.split(times, np.flatnonzero(np.diff(times) > 0.1) + 1)]


@pytest.fixture
def session(tmp_path, monkeypatch):
    return lambda source=None, **options: Session(tmp_path, monkeypatch, source, **options)


def test_the_hand_shows_all_movements_in_parts_that_one_press_each_permits(session):
    done = session()
    assert (done.outcome.holds_kept, done.outcome.problem, done.outcome.redone) == (3, "", 0)
    assert done.presses == len(done.armed) == 2, "three movements of 10 to 20 s take two permissions"
    assert max(done.armed) < GUIDE_MAX_MS / 1000
    assert done.wire.firmware.safety.state is State.DISARMED


def test_the_hand_moves_as_the_labels_say_and_never_faster_than_a_guide_may(session):
    done = session()
    angles = np.array([angles for _, state, _, *angles in done.wire.rows if state is State.ARMED])
    assert np.abs(np.diff(angles, axis=0)).max() <= 1.8001, "90°/s in a servo period of 20 ms"
    shown, hand = np.array(done.seen).transpose(1, 0, 2)
    assert shown.max() == pytest.approx(180, abs=2)
    assert np.abs(shown - hand).max() < 5
    recording = Recording.load(done.path)
    assert recording.angles_deg[recording.label == FIST.label].max() == pytest.approx(180, abs=1)


def test_a_wearer_who_watches_the_hand_can_be_followed(session):
    watched = HandWatcher()
    script = CuedScript(watched, seed=1)
    source = SynthSource(SynthOptions(wearer=0, seed=1, script=script))
    done = session(source, movements=MOVEMENTS[:1], at=lambda running, _now_s: watch(watched, running))
    _, following = followed(Recording.load(done.path), done.path)
    assert (following.movements, following.left_out) == (1, ())
    assert 0 < following.delay_s < 0.6


def watch(watched, running):
    watched.safety = running.wire.firmware.safety


def test_a_press_stops_the_hand_at_once_and_the_movement_comes_again_after_another_press(session):
    pressed = []

    def stops(running, now_s):
        if not pressed and running.seen and running.seen[-1][1][0] > 100:
            pressed.append(now_s)
            running.wire.press()

    done = session(at=stops)
    off = [at_s for at_s, state, *_ in done.wire.rows if at_s > pressed[0] and state is State.DISARMED]
    assert off[0] - pressed[0] < 0.05
    assert (done.outcome.holds_kept, done.outcome.redone) == (3, 1)
    assert done.presses == len(done.armed) == 3


def test_a_paused_walk_disarms_the_hand_and_only_the_button_goes_on(session):
    wanted = [Stage.HOLD, Stage.PAUSED]

    def keys(look):
        if wanted and look.stage is wanted[0] and look.holds_done:
            wanted.pop(0)
            return "p"
        return ""

    done = session(keys=keys)
    assert not wanted
    assert done.outcome.redone == 1
    assert done.presses == len(done.armed) == 2


def test_a_hand_that_the_board_refuses_to_arm_says_why(session):
    said = []

    def weak(running, now_s):
        running.wire.firmware.safety.supply_low = now_s < 105
        said.extend(look.text for look in running.fingers.looks[-1:])

    done = session(movements=MOVEMENTS[:1], at=weak)
    assert any(
        text.startswith("The board does not let the hand move: ") and "the servo supply is low" in text for text in said
    )
    assert done.outcome.holds_kept == 1


def test_an_emergency_stop_by_command_stops_the_hand_and_ends_the_recording(session):
    def stop(running, _now_s):
        if running.seen and running.wire.firmware.safety.state is not State.ESTOP:
            EstopMemory("P").remember()

    done = session(at=stop)
    assert "The emergency stop of the hand on P is in force" in done.outcome.problem
    assert done.wire.firmware.safety.state is State.ESTOP
    with pytest.raises(UserError, match="is in force; make the hand safe"):
        ActingHand("P", spec_for(2000.0, 4), Settings())


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
