"""The parts of the morning alone: the rhythm, the presses, the takes, and which file is the wearer's own."""

import itertools
import re
from importlib.resources import files
from io import BytesIO
from random import Random

import numpy as np
import pytest
from msgspec import structs

from myobridge.calibration.arithmetic import unpack
from myobridge.calibration.beside_messages import pack
from myobridge.calibration.morning.button import Mark, PressReader
from myobridge.calibration.morning.guide import (
    HELD_S,
    LEAD_S,
    MOST_POSES,
    MOST_REPEATS,
    REST_S,
    Asked,
    Broken,
    Forgotten,
    Guide,
    Held,
    Stage,
)
from myobridge.calibration.morning.own_model import newest_model, own_model
from myobridge.calibration.morning.takes import Takes
from myobridge.calibration.poses import load_poses
from myobridge.calibration.quality import FOLLOWED_S
from myobridge.decoder.acquisition import Hop
from myobridge.model.shipped import shipped_models
from myobridge.settings import ButtonSettings, SafetySettings
from myobridge.wire.messages import BUTTON_STUCK_MS, GUIDE_MAX_MS, RELAX_SLEW_CDEG_PER_S, Button
from simulated_status import status

POSES = tuple(pose.labelled for pose in load_poses())
FIST = next(pose for pose in POSES if pose.name == "Fist")
FS_HZ = 1000.0


def walked(guide, until_s=60.0, from_s=0.0):
    """All events with their times, with ticks of 10 ms."""
    events = [(from_s, event) for event in guide.permitted(from_s)]
    for tick in range(round(100 * from_s), round(100 * until_s)):
        events += [(tick / 100, event) for event in guide.tick(tick / 100)]
        if guide.stage is Stage.OVER:
            break
    return events


# ---- the rhythm ----


def test_seven_poses_are_asked_for_in_a_steady_rhythm_that_fits_into_the_time_of_a_guide():
    guide = Guide(POSES)
    events = walked(guide)
    asked = [(t_s, event.pose) for t_s, event in events if isinstance(event, Asked) and event.pose.label]
    assert [pose for _, pose in asked] == list(POSES[1:])
    assert asked[0][0] == pytest.approx(LEAD_S, abs=0.02)
    beats = [b - a for (a, _), (b, _) in itertools.pairwise(asked)]
    assert max(beats) - min(beats) < 0.03
    assert sum(isinstance(event, Held) for _, event in events) == len(POSES) - 1
    repeated_s = events[-1][0] + REST_S + MOST_REPEATS * (FOLLOWED_S + HELD_S + REST_S)
    assert repeated_s < GUIDE_MAX_MS / 1000


def test_the_hand_has_the_time_to_open_between_two_poses():
    farthest_deg = max(abs(a - r) for pose in POSES for a, r in zip(pose.angles_deg, POSES[0].angles_deg, strict=True))
    assert farthest_deg / (RELAX_SLEW_CDEG_PER_S / 100) < min(REST_S, FOLLOWED_S + HELD_S)


def test_the_hand_shows_a_pose_while_it_is_asked_for_and_rest_else():
    guide = Guide(POSES)
    guide.permitted(0.0)
    assert guide.asked == POSES[0]
    guide.tick(LEAD_S)
    assert (guide.stage, guide.asked) == (Stage.ACTING, POSES[1])
    guide.tick(LEAD_S + FOLLOWED_S)
    assert (guide.stage, guide.asked) == (Stage.HOLD, POSES[1])
    guide.tick(LEAD_S + FOLLOWED_S + HELD_S)
    assert (guide.stage, guide.asked) == (Stage.REST, POSES[0])


def test_a_pose_of_no_use_comes_again_but_not_for_ever():
    guide, again = Guide(POSES), 0
    guide.permitted(0.0)
    for tick in range(10_000):
        if any(isinstance(event, Held) for event in guide.tick(tick / 100)):
            if not guide.again():
                break
            again += 1
            assert guide.pose == POSES[1]
    assert again == MOST_REPEATS


def test_ten_movements_come_again_only_while_the_hand_may_act():
    movements = (POSES[0], *(structs.replace(FIST, label=label) for label in range(1, 11)))
    guide, again = Guide(movements), 0
    guide.permitted(0.0)
    for tick in range(10_000):
        if any(isinstance(event, Held) for event in guide.tick(tick / 100)) and again < MOST_REPEATS:
            if not guide.again():
                break
            again += 1
    assert again == 2
    assert len(movements) - 1 <= MOST_POSES


def test_redo_is_refused_when_the_time_is_too_short_and_a_pause_gives_new_time():
    guide, now_s = Guide(POSES), 0.0
    guide.permitted(now_s)
    guide.tick(LEAD_S)
    while guide.redo(now_s):
        now_s += 1.0
        guide.tick(now_s + REST_S)
    assert now_s + len(POSES[1:]) * (FOLLOWED_S + HELD_S + REST_S) < GUIDE_MAX_MS / 1000
    guide.pause()
    guide.resume()
    guide.permitted(now_s)
    guide.tick(now_s + LEAD_S)
    assert guide.redo(now_s + LEAD_S)


def test_redo_repeats_the_pose_that_is_held_or_has_just_ended_and_no_other():
    guide = Guide(POSES)
    assert guide.redo(0.0) == []
    guide.permitted(0.0)
    assert guide.redo(0.1) == [], "nothing was held yet"
    guide.tick(LEAD_S)
    assert guide.redo(1.0) == [Broken(), Asked(POSES[0])]
    assert guide.pose == POSES[1]
    walked(guide, 1.0 + REST_S + FOLLOWED_S + HELD_S + 0.1, 1.0)
    assert guide.pose == POSES[2]
    assert guide.redo(5.0) == [Forgotten(POSES[1])]
    assert guide.redo(5.1) == [], "once"
    assert guide.pose == POSES[1]


def test_a_pause_breaks_the_pose_off_and_the_rhythm_begins_anew_after_it():
    guide = Guide(POSES)
    guide.permitted(0.0)
    guide.tick(LEAD_S)
    assert guide.pause() == [Broken()]
    assert guide.tick(99.0) == [] and guide.asked == POSES[0]
    guide.resume()
    assert guide.stage is Stage.CONTACT
    assert guide.permitted(100.0) == [Asked(POSES[0])]
    assert guide.pose == POSES[1]


def test_any_orders_at_any_time_end_in_a_walk_that_holds_every_pose_once():
    for seed in range(30):
        rng, guide, kept = Random(seed), Guide(POSES), []
        events = guide.permitted(0.0)
        for tick in range(60_000):
            now_s = tick / 100
            events += guide.tick(now_s)
            if rng.random() < 0.002:
                events += guide.redo(now_s)
            elif rng.random() < 0.001:
                events += guide.pause()
                guide.resume()
                events += guide.permitted(now_s)
            for event in events:
                if isinstance(event, Held):
                    kept.append(event.pose)
                if isinstance(event, Forgotten):
                    kept.remove(event.pose)
            events = []
            if guide.stage is Stage.OVER:
                break
        assert kept == list(POSES[1:])


# ---- the button ----

P, L, LL, S, X = Button.PRESSED, Button.LONG, Button.LONGEST, Button.STUCK, Button.SPENT


def asks(*seen, table=None):
    """What a reader finds in a row of (bits, presses)."""
    reader = PressReader(table or ButtonSettings())
    found = [reader.look(status(button=int(bits), button_presses=presses)) for bits, presses in seen]
    return [one.asks for one in found if one.asks], [one.mark for one in found if one.mark], found


def test_the_release_asks_by_the_length_of_the_press():
    up = (Button(0), 4)
    assert asks(up, (P, 5), (Button(0), 5))[0] == ["arm"]
    assert asks(up, (P, 5), (P | L, 5), (L, 5))[0] == ["calibrate"]
    assert asks(up, (P, 5), (P | L, 5), (P | L | LL, 5), (L | LL, 5))[0] == ["undo"]
    assert asks(up, (P, 5), (P | L, 5))[0] == [], "not before the release"


def test_a_press_that_ended_a_motion_or_is_stuck_asks_for_nothing():
    up = (Button(0), 4)
    assert asks(up, (P | X, 5), (X, 5))[0] == []
    assert asks(up, (P, 5), (P | L | LL | S | X, 5), (L | LL | X, 5))[0] == []


def test_a_press_of_before_the_connection_asks_for_nothing():
    assert asks((P, 5), (P | L, 5), (L, 5))[0] == []
    assert asks((L, 5), (L, 5))[0] == []


def test_lost_statuses_lose_a_press_and_never_make_another_of_it():
    up = (Button(0), 4)
    assert asks(up, (L, 5))[0] == ["calibrate"], "the board has measured the press"
    assert asks(up, (P, 5), (L, 6))[0] == ["calibrate"]
    assert asks(up, (P, 6), (Button(0), 6))[0] == [], "a press was missed whole, so nobody knows what was meant"
    assert asks((Button(0), 255), (P, 0), (Button(0), 0))[0] == ["arm"], "the count wraps"


def test_each_length_is_marked_once():
    up = (Button(0), 4)
    marks = asks(up, (P, 5), (P, 5), (P | L, 5), (P | L | LL, 5), (P | L | LL | S | X, 5), (L | LL | X, 5))[1]
    assert marks == [Mark.DOWN, Mark.LONG, Mark.LONGEST, Mark.STUCK]
    assert asks(up, (P | X, 5), (P | X | L, 5), (X | L, 5))[1] == []


def test_the_table_in_the_settings_decides():
    table = ButtonSettings(short="nothing", long="arm", longest="nothing")
    up = (Button(0), 4)
    assert asks(up, (P, 5), (Button(0), 5), table=table)[0] == ["nothing"]
    assert asks(up, (P, 5), (L, 5), table=table)[0] == ["arm"]


def test_a_press_is_known_to_begin_once():
    found = asks((Button(0), 4), (P, 5), (P | L, 5), (L, 5))[2]
    assert [one.began for one in found] == [False, True, False, False]
    assert BUTTON_STUCK_MS > 6000


# ---- the takes ----


def hops(seconds, loud, rng, starts=False):
    made = []
    for at in range(round(seconds * FS_HZ / 5)):
        counts = (np.array(loud) * rng.standard_normal((5, len(loud)))).astype(np.int16)
        made.append(Hop(counts, 0, 0, False, starts and at == 0))
    return made


REST = (4.0,) * 4
LOUD = (60.0, 4.0, 4.0, 60.0)


def takes_with(rng, *stretches):
    takes = Takes("abcd", FS_HZ, 10, SafetySettings())
    for pose, parts in stretches:
        takes.asked(pose)
        for seconds, loud in parts:
            for hop in hops(seconds, loud, rng):
                takes.take(hop)
    return takes


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_pose_that_is_held_is_kept_with_its_label(rng):
    takes = takes_with(rng, (POSES[0], [(1.6, REST)]), (FIST, [(2.0, LOUD)]))
    assert takes.held("Fist") == ""
    takes.asked(POSES[0])
    recording = unpack(BytesIO(pack(takes.taken(POSES))))
    assert np.unique(recording.label).tolist() == [0, FIST.label]
    assert len(list(recording.takes())) == 1
    assert len(recording.counts) == 3600


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([(2.0, REST)], "Fist looks like rest"),
        ([(1.4, LOUD), (0.6, REST)], "You let go of Fist too early"),
        ([(2.0, (60.0, 0.0, 4.0, 4.0))], "electrode b gives no signal"),
        ([(2.0, (2000.0, 4.0, 4.0, 4.0))], "electrode a is overdriven"),
        ([], "The signal was interrupted during Fist"),
    ],
    ids=["rest", "let go", "flat", "saturated", "nothing"],
)
def test_a_pose_of_no_use_is_named_and_not_kept(rng, held, said):
    takes = takes_with(rng, (POSES[0], [(1.6, REST)]), (FIST, [(s, np.clip(loud, 0, 511)) for s, loud in held]))
    if "overdriven" in said:
        takes = takes_with(rng, (POSES[0], [(1.6, REST)]))
        takes.asked(FIST)
        for hop in hops(2.0, (2000.0, 4.0, 4.0, 4.0), rng):
            takes.take(hop._replace(counts=np.clip(hop.counts, -512, 511)))
    assert said in takes.held("Fist")
    takes.asked(POSES[0])
    assert FIST.label not in takes.taken(POSES).label


def test_a_stream_that_begins_anew_breaks_the_pose_off(rng):
    takes = takes_with(rng, (POSES[0], [(1.6, REST)]), (FIST, [(0.5, LOUD)]))
    for hop in hops(1.5, LOUD, rng, starts=True):
        takes.take(hop)
    assert "interrupted" in takes.held("Fist")


def test_a_gap_parts_the_takes_so_that_no_window_spans_it(rng):
    takes = takes_with(rng, (POSES[0], [(1.6, REST)]), (FIST, [(2.0, LOUD)]))
    takes.broken()
    takes.asked(POSES[0])
    for hop in hops(1.0, REST, rng):
        takes.take(hop)
    assert len(list(unpack(BytesIO(pack(takes.taken(POSES)))).takes())) == 2


def test_a_pose_that_a_person_repeats_is_forgotten(rng):
    takes = takes_with(rng, (POSES[0], [(1.6, REST)]), (FIST, [(2.0, LOUD)]), (POSES[0], [(1.0, REST)]))
    takes.forget(FIST)
    assert FIST.label not in takes.taken(POSES).label


def test_two_poses_that_look_alike_are_named_on_the_way(rng):
    takes = takes_with(rng, (POSES[0], [(1.6, REST)]), (FIST, [(2.0, LOUD)]))
    assert takes.looks_like() == ""
    takes.asked(POSES[4])
    for hop in hops(2.0, (62.0, 4.0, 4.0, 58.0), rng):
        takes.take(hop)
    assert takes.looks_like() == "Point looks like Fist; make these two more different."
    takes.asked(POSES[5])
    for hop in hops(2.0, (4.0, 60.0, 4.0, 4.0), rng):
        takes.take(hop)
    assert takes.looks_like() == ""


# ---- the wearer's own model ----


def test_a_shipped_model_and_one_in_a_foreign_folder_are_calibrated_into_the_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    shipped = shipped_models()["synth"]
    assert own_model(shipped) == tmp_path / "myobridge" / "models" / "synth.onnx"
    mine = tmp_path / "mine.onnx"
    assert own_model(mine) == mine
    assert newest_model(shipped) == shipped
    own_model(shipped).parent.mkdir(parents=True)
    own_model(shipped).write_bytes(b"calibrated")
    assert newest_model(shipped) == own_model(shipped), "the next start uses it"


def test_nothing_that_a_wearer_hears_names_an_option_of_a_shell():
    """A wearer has a button, a page and a loudspeaker; the command adds what a shell offers."""
    package = files("myobridge")
    names = ["judge", "quick", "arithmetic", "beside", "today_head", "fresh_head", "class_statistics", "windows"]
    texts = [package.joinpath(f"calibration/{name}.py").read_text() for name in names]
    texts += [file.read_text() for file in package.joinpath("calibration/morning").iterdir() if file.name[-3:] == ".py"]
    texts += [package.joinpath(name).read_text() for name in ("model/generations.py", "daemon/model_swap.py")]
    assert [found for text in texts for found in re.findall(r"--[a-z]+", text)] == []
