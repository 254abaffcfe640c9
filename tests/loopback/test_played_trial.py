"""A simulated wearer who sees the hand plays trials, in lock-step time; a replay gives the same result to the bit.

Wearer and judge have one author here, so these tests show that the parts fit together, and not how a person would fare.
"""

import csv
import json
import os

import pytest
from click.testing import CliRunner

from myobridge.calibration.trial.curve import read_session
from myobridge.calibration.trial.session import Plan, encode
from myobridge.calibration.trial.targets import Rules
from myobridge.commands.command_line import commands
from myobridge.errors import UserError
from myobridge.model.shipped import find_model
from myobridge.recording.log import read_log
from myobridge.recording.trial_records import Answer, Begun, Ended, Shown, Target
from myobridge.settings import ServoSettings
from played_trial import FlashedBoard, play, synth
from seeing_wearer import SeeingWearer
from twin_board import TwinBoard

SYNTH, FOLLOW = find_model("synth"), find_model("follow")
EASY = Rules(tolerance_deg=30.0, dwell_s=0.5, timeout_s=8.0)
QUICK = Rules(timeout_s=1.0)


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def played(folder, plan, *, lazy=False, model=SYNTH, **options):
    wearer = SeeingWearer(1, lazy=lazy)
    return play(TwinBoard(synth(wearer)), wearer, plan, folder, model, **options)


def called(*arguments):
    result = CliRunner().invoke(commands, ["trial", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_wearer_with_human_delays_reaches_targets_and_the_replay_is_the_same_to_the_bit(tmp_path):
    recording, live = played(tmp_path, Plan("reach", 4, EASY, seed=2))
    assert (live.measured, live.completion, live.finished) == ("applied", 1.0, True)
    assert all(0.4 < target.time_s < EASY.timeout_s for target in live.targets), "nobody is faster than the delays"
    assert encode(read_session(recording).result) == encode(live)
    kinds = [type(record) for _, record in read_log(recording).trial]
    assert [kinds.count(kind) for kind in (Begun, Target, Answer, Ended)] == [1, 4, 4, 1]
    assert kinds.count(Shown) > 25 * 10, "25 hands a second"

    csv_file = tmp_path / "targets.csv"
    replayed = json.loads(called("--replay", recording, "--json", "-", "--csv", csv_file))
    assert replayed["targets"] == json.loads(encode(live))["targets"]
    rows = list(csv.DictReader(csv_file.open(encoding="utf-8")))
    assert [row["outcome"] for row in rows] == ["reached"] * 4
    assert "100%" in called("--replay", recording)


def test_the_same_trial_on_the_flashed_firmware(tmp_path):
    wearer = SeeingWearer(1)
    with FlashedBoard("mega2560", synth(wearer), tmp_path) as board:
        recording, live = play(board, wearer, Plan("reach", 2, EASY, seed=2), tmp_path, SYNTH)
    assert (live.measured, live.completion) == ("applied", 1.0)
    assert encode(read_session(recording).result) == encode(live)


def test_the_model_that_follows_holds_partial_closings_within_15_degrees_for_a_second(tmp_path):
    _, live = played(tmp_path, Plan("reach", 3, Rules(), seed=3), model=FOLLOW)
    assert (live.measured, live.proportional, live.completion) == ("applied", True, 1.0)
    assert any(target.depth < 1 for target in live.targets)


@pytest.mark.slow
def test_the_model_that_follows_reaches_a_partial_closing_on_the_flashed_firmware(tmp_path):
    wearer = SeeingWearer(1)
    with FlashedBoard("mega2560", synth(wearer), tmp_path) as board:
        recording, live = play(board, wearer, Plan("reach", 2, Rules(), seed=3), tmp_path, FOLLOW)
    assert (live.measured, live.proportional, live.completion) == ("applied", True, 1.0)
    assert any(target.depth < 1 for target in live.targets)
    assert encode(read_session(recording).result) == encode(live)


def test_a_wearer_who_does_nothing_gets_a_table_of_failures(tmp_path):
    recording, live = played(tmp_path, Plan("reach", 2, QUICK, seed=2), lazy=True)
    assert [target.outcome for target in live.targets] == ["missed", "missed"]
    assert (live.completion, live.time_s) == (0.0, None)
    assert called("--replay", recording).count("missed") == 2


def test_without_permission_the_trial_judges_what_the_daemon_commands_and_arms_nothing(tmp_path):
    board = TwinBoard(synth(wearer := SeeingWearer(1)))
    recording, live = play(board, wearer, Plan("fitts", 2, EASY, seed=1), tmp_path, SYNTH, arm=False, break_off=first)
    assert (live.measured, live.finished, len(live.targets)) == ("commanded", False, 1)
    assert not board.firmware.safety.pulses_on
    assert "ended early, after 1 of 8 targets" in called("--replay", recording)


def first(live):
    return live.course.done == 1


def test_the_trials_of_several_days_are_a_curve(tmp_path):
    (tmp_path / "a").mkdir()
    recording, _ = played(tmp_path / "a", Plan("reach", 1, QUICK, seed=2), lazy=True)
    again = tmp_path / "b.myo"
    os.link(recording, again)
    lines = called("--curve", recording, again, "--plot", tmp_path / "c.png").splitlines()
    assert len(lines) == 3
    assert "% reached" in lines[1]
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_a_target_outside_of_the_servo_range_is_refused_before_the_trial_begins(tmp_path):
    with pytest.raises(UserError, match="servo range"):
        played(tmp_path, Plan("reach", 30, EASY, seed=2), servo=ServoSettings(min_deg=(0, 20, 0, 0, 0)))
