"""The wearer's morning in the running daemon, with the simulated hand, in lock-step."""

import shutil

import onnx
import pytest

from morning import POSES, write_morning_model
from morning_run import MorningRun, held_out
from myobridge.calibration.beside_messages import Found
from myobridge.calibration.judge import ADVICE
from myobridge.calibration.morning import calibrator
from myobridge.daemon.connection import Connection
from myobridge.daemon.diary.store import diary_of
from myobridge.feed.calibration_state import PoseScore
from myobridge.feed.messages import Request
from myobridge.feed.server import OpenRequest
from myobridge.model.file import STATISTICS_KEY
from myobridge.model.generations import Generations
from myobridge.wire.messages import Permission, State

NAMES = [pose.name for pose in POSES]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return write_morning_model(tmp_path_factory.mktemp("morning") / "mine.onnx")


@pytest.fixture
def morning(trained, tmp_path, monkeypatch):
    """Makes runs of a daemon in a folder of its own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def make(**options):
        model = tmp_path / "mine.onnx"
        if not model.exists():
            shutil.copy(trained, model)
        return MorningRun(model, tmp_path, **options)

    return make


def without_statistics(data):
    model = onnx.load_model_from_string(data)
    kept = [entry for entry in model.metadata_props if entry.key != STATISTICS_KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    return model.SerializeToString()


def test_a_long_press_lets_the_hand_act_the_poses_and_then_follow_a_shifted_ring(morning):
    run = morning(seed=11, seat=3)
    run.wearer.own = held_out(3)
    run.when_streaming.append(lambda: run.press(1.0, 2.5))
    run.run(60.0)
    released_s = run.streams_s + 3.5
    print(run.said, run.acted())
    first_s = next(row.t_s for row in run.rows if row.calibration.step == "acting")
    assert first_s - released_s <= 1.0
    assert set(run.acted()) == set(NAMES)
    assert run.followed_s - released_s <= 35.0
    accuracy = run.balanced_accuracy()
    state = run.calibration
    print(f"before {state.before}, after {state.after}, on the hand {accuracy:.3f}")
    assert state.before < 0.6
    assert accuracy >= 0.9
    assert [one.pose for one in state.scores] == NAMES
    assert len(Generations(run.model).kept()) == 2


# ---- bad input ----

BEGIN_S = 0.5
LONG_S = 2.2
RELEASED_S = BEGIN_S + LONG_S


def begun(run):
    """A calibration that a long press starts as soon as the hand streams."""
    run.when_streaming.append(lambda: run.press(BEGIN_S, LONG_S))
    return run


def old_model_stays(run, trained):
    assert run.model.read_bytes() == trained.read_bytes()
    assert not run.model.with_suffix(".generations").exists()


def never_followed(run):
    return all(row.permission is not Permission.DECODER for row in run.rows)


def test_a_wearer_who_lets_go_holds_the_pose_again_and_a_clock_of_1970_harms_nothing(morning, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 60.0)
    run, texts, let_go = begun(morning(seed=12, seat=4)), set(), []

    def does(pose):
        held = run.calibration
        if held.pose == "Fist" and held.step == "hold" and not let_go:
            return POSES[0].angles_deg
        return pose

    def watch(row):
        texts.add(row.calibration.text)
        if row.calibration.text.startswith(("You let go of Fist", "Fist looks like rest")):
            let_go.append(True)

    run.watch, run.wearer.does = watch, does
    run.run(34.0)
    assert let_go, texts
    assert run.calibration.step == "done", run.said
    assert run.followed_s is not None
    assert Generations(run.model).kept()[-1].date == "date unknown"


def test_a_tired_wearer_whose_electrodes_sit_elsewhere_is_followed_and_asked_for_no_more_force(morning):
    run, texts = begun(morning(seed=11, seat=3, fatigue=1.0)), set()
    run.watch = lambda row: texts.add(row.calibration.text)
    run.wearer.own = held_out(3)
    run.run(50.0)
    state = run.calibration
    assert state.step == "done", run.said
    assert state.before < 0.6
    assert run.balanced_accuracy() >= 0.9
    assert not any("firmer" in text for text in texts), texts


def test_a_wearer_who_is_only_tired_keeps_the_old_model_unless_the_new_one_is_better(morning, trained):
    run = begun(morning(seed=11, fatigue=1.0))
    run.run(27.0)
    state = run.calibration
    assert state.step == "done", run.said
    is_kept = run.model.read_bytes() == trained.read_bytes()
    assert is_kept == state.text.startswith("The old model is as good")
    assert is_kept or state.after >= state.before
    assert run.followed_s is not None


def test_a_muscle_too_tired_for_a_pose_is_asked_for_force_a_few_times_and_the_old_model_stays(morning, trained):
    run, texts = begun(morning(seed=11, seat=3, fatigue=1.0)), set()
    run.watch = lambda row: texts.add(row.calibration.text)
    rest = POSES[0].angles_deg
    run.wearer.does = lambda pose: tuple(at + 0.15 * (to - at) for at, to in zip(rest, pose, strict=True))
    run.run(35.0)
    assert run.calibration.step == "failed"
    assert any("looks like rest; hold it firmer" in text for text in texts), texts
    assert not any("let go" in text for text in texts), texts
    assert run.calibration.text.endswith("The old model stays; try again.")
    assert never_followed(run)
    old_model_stays(run, trained)


def test_a_wearer_who_does_nothing_keeps_the_old_model_and_a_hand_at_rest(morning, trained):
    run = begun(morning())
    run.wearer.does = lambda _pose: POSES[0].angles_deg
    run.run(26.0)
    assert run.calibration.step == "failed"
    assert "looks like rest" in run.calibration.text
    assert "The old model stays" in run.calibration.text
    assert never_followed(run)
    assert run.rows[-1].state is State.DISARMED
    old_model_stays(run, trained)


def test_a_wearer_who_makes_the_wrong_poses_keeps_the_old_model(morning, trained):
    run = begun(morning(seed=13))
    fist, point = (next(pose.angles_deg for pose in POSES if pose.name == name) for name in ("Fist", "Point"))
    run.wearer.does = lambda pose: {fist: point, point: fist}.get(pose, pose)
    run.run(30.0)
    assert run.calibration.step == "failed"
    assert "look exchanged" in run.calibration.text
    assert never_followed(run)
    old_model_stays(run, trained)


class NoBetter:
    """An arithmetic that finds no better model."""

    keeping = False

    def __init__(self, _base, mine, before):
        self.mine, self._before, self._given = mine, before, False

    def begin(self):
        pass

    def cancel(self):
        pass

    def give(self, _recording):
        self._given = True

    def over(self):
        scores = (PoseScore("Fist", 9), PoseScore("Point", 6, ADVICE))
        found = Found(before=self._before, after=self._before, scores=scores, words="Fist 9 of 10.")
        return found if self._given else None


@pytest.mark.parametrize("before", [0.9, 0.4])
def test_a_model_that_is_not_better_leaves_the_old_one_which_is_followed_only_if_it_recognises_enough(
    morning, trained, before
):
    run = begun(morning(seed=14))
    run.when_streaming.append(
        lambda: setattr(run.daemon._desk.calibrator, "computation", lambda *paths: NoBetter(*paths, before))
    )
    run.run(27.0)
    assert run.calibration.step == "done"
    assert run.calibration.text.startswith("The old model is as good")
    assert [(one.pose, one.of_ten, one.advice) for one in run.calibration.scores] == [
        ("Fist", 9, ""),
        ("Point", 6, ADVICE),
    ]
    assert (run.followed_s is not None) is (before == 0.9)
    old_model_stays(run, trained)


def test_a_calibration_that_ends_long_after_the_last_pose_arms_nothing_and_says_so(morning, monkeypatch):
    monkeypatch.setattr(calibrator, "FRESH_S", -1.0)
    run = begun(morning(seed=14))
    run.when_streaming.append(
        lambda: setattr(run.daemon._desk.calibrator, "computation", lambda *paths: NoBetter(*paths, 0.9))
    )
    run.run(27.0)
    assert run.calibration.step == "done"
    assert run.calibration.text.endswith("The hand stays at rest; arm it when you want it to follow.")
    assert never_followed(run)
    assert any("Fist 9 of 10" in line.note for line in diary_of(str(run.port)).read()[0])


def test_a_disarm_while_the_new_model_is_taken_over_keeps_the_model_and_arms_nothing(morning, trained):
    run = begun(morning(seed=17, seat=7))

    def disarm_then():
        swap = run.daemon._desk.calibrator._swap
        take_over = swap.begin

        def begin(opened, connection):
            take_over(opened, connection)
            run.daemon._late.append(OpenRequest(Request(id=9, do="disarm", asked_s=1.0), lambda _ok, _text: None))

        swap.begin = begin

    run.when_streaming.append(disarm_then)
    run.run(27.0)
    assert run.calibration.step == "done"
    assert run.model.read_bytes() != trained.read_bytes()
    assert never_followed(run)
    assert run.rows[-1].state is State.DISARMED


def test_an_electrode_that_is_off_is_named_before_anything_moves(morning, trained):
    run = begun(morning())
    run.source.suffer({"electrode"})
    run.run(5.0)
    assert run.calibration.step == "failed"
    assert "electrode E2" in run.calibration.text
    assert all(row.state is State.DISARMED for row in run.rows)
    old_model_stays(run, trained)


def test_an_electrode_that_comes_off_in_the_middle_is_named_and_the_calibration_gives_up(morning, trained):
    run = begun(morning())
    run.when_streaming.append(lambda: run.world.at(run.world.now_s + 6, lambda: run.source.suffer({"electrode"})))
    run.run(28.0)
    assert run.calibration.step == "failed"
    assert "electrode E2" in run.calibration.text
    assert never_followed(run)
    old_model_stays(run, trained)


@pytest.mark.parametrize("held_s", [0.2, 3.0, 7.0])
def test_a_press_while_the_hand_acts_ends_it_at_once_and_asks_for_nothing_at_its_release(morning, trained, held_s):
    run = begun(morning())
    run.when_streaming.append(lambda: run.press(RELEASED_S + 3.0, held_s))
    run.run(RELEASED_S + 3.0 + held_s + 2.0)
    pressed_s = run.streams_s + RELEASED_S + 3.0
    assert any(row.permission is Permission.GUIDE for row in run.rows)
    assert all(row.state is State.DISARMED for row in run.rows if row.t_s > pressed_s + 0.2)
    assert "stopped by the button" in run.calibration.text
    old_model_stays(run, trained)


@pytest.mark.parametrize("do", ["disarm", "estop", "stop"])
def test_a_page_ends_the_calibration_and_nothing_moves_again(morning, trained, do):
    run, answers = begun(morning()), []
    run.when_streaming.append(lambda: answers.append(run.order(RELEASED_S + 3.0, do)))
    run.run(RELEASED_S + 6.0)
    assert answers[0][0][0], answers
    after = [row for row in run.rows if row.t_s > run.streams_s + RELEASED_S + 3.3]
    assert {row.state for row in after} == {State.ESTOP if do == "estop" else State.DISARMED}
    assert run.calibration.step == "failed"
    old_model_stays(run, trained)


def test_what_a_page_asks_for_meanwhile_is_refused_and_disturbs_nothing(morning):
    run, answers = begun(morning(seed=15, seat=5)), {}
    for do in ("arm", "calibrate", "undo", "model"):
        run.when_streaming.append(lambda do=do: answers.update({do: run.order(RELEASED_S + 3.0, do)}))
    run.run(28.0)
    assert {do: [ok for ok, _ in said] for do, said in answers.items()} == {do: [False] for do in answers}
    assert run.calibration.step == "done"
    assert run.followed_s is not None


def test_an_arm_of_the_page_is_refused_while_the_button_is_down(morning):
    run, answers = morning(), []
    run.when_streaming.append(lambda: run.press(2.0, 1.0))
    run.when_streaming.append(lambda: answers.append(run.order(2.1, "arm")))
    run.run(2.9)
    assert [ok for ok, _ in answers[0]] == [False]
    assert "button" in answers[0][0][1]
    assert all(row.state is State.DISARMED for row in run.rows)


def test_an_arm_that_waits_is_over_when_a_calibration_begins_and_does_not_arm_when_it_is_stopped(morning, monkeypatch):
    run, answers = morning(), {}
    monkeypatch.setattr(Connection, "decided", property(lambda _: run.world.now_s > run.streams_s + 1.5))
    for do, at_s in (("arm", 0.1), ("calibrate", 0.2), ("stop", 1.6)):
        run.when_streaming.append(lambda do=do, at_s=at_s: answers.update({do: run.order(at_s, do)}))
    run.run(4.0)
    assert [(do, said[0][0]) for do, said in answers.items()] == [("arm", False), ("calibrate", True), ("stop", True)]
    assert any(row.permission is Permission.GUIDE for row in run.rows)
    assert never_followed(run)
    assert run.rows[-1].state is State.DISARMED


def test_pause_disarms_and_keeps_the_poses_and_redo_repeats_one(morning):
    run, answers = begun(morning(seed=16, seat=6)), {}
    for do, at_s in (("redo", 5.0), ("pause", 8.0), ("calibrate", 11.0)):
        run.when_streaming.append(lambda do=do, at_s=at_s: answers.update({do: run.order(RELEASED_S + at_s, do)}))
    run.run(RELEASED_S + 38.0)
    assert all(said[0][0] for said in answers.values()), answers
    paused = [row for row in run.rows if row.calibration.step == "paused"]
    assert paused[-1].state is State.DISARMED
    assert run.calibration.step == "done", run.said
    assert run.followed_s is not None


def test_a_lost_link_ends_the_calibration_and_a_hand_that_comes_back_stays_at_rest(morning, trained):
    run = begun(morning())

    def cut():
        run.world.plug(False)
        run.world.at(run.world.now_s + 1.0, lambda: run.world.plug(True))

    run.when_streaming.append(lambda: run.world.at(run.world.now_s + RELEASED_S + 3.0, cut))
    run.run(RELEASED_S + 12.0)
    assert "link to the hand was lost" in run.calibration.text
    back = [row for row in run.rows if row.t_s > run.streams_s + RELEASED_S + 9.0]
    assert back and all(row.permission is Permission.NONE for row in back)
    old_model_stays(run, trained)


def test_the_table_of_the_button(morning):
    """Short: ARM; a press while the hand moves: DISARM; past 10 s: nothing."""
    run = morning()
    for at_s, held_s in ((1.0, 0.1), (2.5, 0.1), (4.0, 10.5)):
        run.when_streaming.append(lambda at_s=at_s, held_s=held_s: run.press(at_s, held_s))
    run.run(17.0)
    at = [next(row.state for row in run.rows if row.t_s > run.streams_s + t_s) for t_s in (0.9, 2.0, 3.5, 16.5)]
    assert at == [State.DISARMED, State.ARMED, State.DISARMED, State.DISARMED]
    assert run.calibration.step == "idle"


def test_the_longest_press_brings_the_model_before_back(morning, trained):
    run = morning()
    renamed = without_statistics(trained.read_bytes())
    Generations(run.model).keep(renamed, "Fist 9 of 10", "test")
    run.when_streaming.append(lambda: run.press(1.0, 6.3))
    run.run(9.0)
    assert any("is back" in text for text in run.said), run.said
    assert run.model.read_bytes() == trained.read_bytes()
    assert all(row.state is State.DISARMED for row in run.rows)


def test_undo_leads_from_a_chosen_shipped_model_back_to_the_wearers_own(morning, trained, tmp_path, monkeypatch):
    shipped = tmp_path / "shipped.onnx"
    shutil.copy(trained, shipped)
    monkeypatch.setattr("myobridge.calibration.morning.morning.is_shipped", lambda path: path == shipped)
    run, answers = morning(), []
    for at_s, do, path in ((1.0, "model", str(shipped)), (3.0, "undo", "")):
        run.when_streaming.append(lambda at_s=at_s, do=do, path=path: answers.append(run.order(at_s, do, path)))
    run.run(5.0)
    assert [said[0] for said in answers] == [(True, "The model is now morning."), (True, "Your own model is back.")]
    assert run.daemon._model_path == run.model
    old_model_stays(run, trained)


def test_no_press_lifts_an_emergency_stop(morning):
    run = morning()
    run.when_streaming.append(lambda: run.order(0.5, "estop"))
    for at_s, held_s in ((1.0, 0.1), (1.5, 2.2), (4.5, 6.2)):
        run.when_streaming.append(lambda at_s=at_s, held_s=held_s: run.press(at_s, held_s))
    run.run(12.0)
    assert {row.state for row in run.rows if row.t_s > run.streams_s + 0.8} == {State.ESTOP}


def test_a_model_without_class_statistics_is_refused_in_a_sentence(morning):
    run = begun(morning())
    run.model.write_bytes(without_statistics(run.model.read_bytes()))
    run.run(8.0)
    assert run.calibration.step == "failed"
    assert "no class statistics" in run.calibration.text
    assert run.rows[-1].state is State.DISARMED
