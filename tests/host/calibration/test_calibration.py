"""`myobridge calibrate` with a stand-in for the training: the question, replacing, undo, and the running daemon."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from myobridge.calibration import calibrate as calibration
from myobridge.calibration.calibrate import Score, Scores
from myobridge.calibration.plan import schedule
from myobridge.calibration.poses import load_poses
from myobridge.commands.calibrate import calibrate
from myobridge.commands.generations import generations
from myobridge.errors import UserError
from myobridge.feed import NoDaemon, Reply
from myobridge.model.generations import Generations
from myobridge.model.load import open_model
from myobridge.recording import Recording
from tiny_model import tiny_spec, write_tiny_model

STAND_IN = """
import json, os, shutil, sys
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "calibrate" and os.nice(0) >= 10
if {fails}:
    sys.exit("myobridge-models: the recording has one pose only.")
in_mine = os.path.dirname(options["--out"]) == {mine_folder!r}
print(os.path.basename(options["--out"]), in_mine, file=sys.stderr)
shutil.copy({new!r}, options["--out"])
before, after = {scores}
json.dump({{"before": before, "after": after, "more": 1}}, open(options["--json"], "w"))
"""
BETTER = ({"mae_deg": 30.0, "balanced_accuracy": 0.5}, {"mae_deg": 9.5, "balanced_accuracy": 0.93})
WORSE = tuple(reversed(BETTER))


def named(path):
    return open_model(path).spec.name


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A base model, a recording and a stand-in trainer; `run` calls the command."""
    return Bench(tmp_path, monkeypatch)


class Bench:
    def __init__(self, folder, monkeypatch):
        self.folder, self._monkeypatch = folder, monkeypatch
        self.base = write_tiny_model(folder / "base.onnx", tiny_spec(name="base"))
        self.trained = write_tiny_model(folder / "trained.onnx", tiny_spec(name="trained"))
        self.mine = folder / "mine.onnx"
        self.recording = folder / "r.npz"
        Recording(np.zeros((2000, 2), np.int16), 1000.0, 10).save(self.recording)
        monkeypatch.setattr(calibration, "can_train", lambda: True)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        self.trainer(BETTER)

    def trainer(self, scores, *, fails=False):
        script = self.folder / "trainer.py"
        script.write_text(
            STAND_IN.format(scores=scores, fails=fails, new=str(self.trained), mine_folder=str(self.folder))
        )
        self._monkeypatch.setattr(calibration, "TRAINER", (sys.executable, str(script)))

    def run(self, *arguments, answer=None):
        runner = CliRunner()
        if answer is not None:
            self._monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True, raising=False)
        result = runner.invoke(calibrate, [*map(str, arguments), "--out", str(self.mine)], input=answer)
        self.complaint = str(result.exception) if isinstance(result.exception, UserError) else ""
        if result.exception and not self.complaint and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def calibrate(self, *arguments, answer=None):
        return self.run("--model", self.base, "--recording", self.recording, *arguments, answer=answer)

    @property
    def generations(self):
        """What made each generation."""
        return [one.facts.how for one in Generations(self.mine).kept()]

    @property
    def names(self):
        """Files that did not exist at first."""
        first = {"base.onnx", "trained.onnx", "r.npz", "trainer.py"}
        return {path.name for path in self.folder.iterdir()} - first


def test_a_better_model_is_installed_and_the_base_is_kept_for_undo(bench):
    result = bench.calibrate("--yes", "--json", bench.folder / "c.json")
    assert result.exit_code == 0, result.output
    assert named(bench.mine) == "trained"
    assert bench.generations == ["base, before the first calibration", "trained on a recording"]
    assert "0.50" in result.stderr
    assert "0.93" in result.stderr
    summary = json.loads((bench.folder / "c.json").read_text())
    assert (summary["taken"], summary["swapped"], summary["after"]["balanced_accuracy"]) == (True, False, 0.93)
    assert bench.names == {"mine.onnx", "mine.generations", "c.json"}


def test_a_base_for_other_channels_has_no_score_before(bench):
    bench.trainer((None, {"mae_deg": 9.5, "balanced_accuracy": 0.93}))
    result = bench.calibrate("--yes")
    assert result.exit_code == 0, result.output
    assert "–" in result.stderr
    assert named(bench.mine) == "trained"


def test_undo_goes_back_several_times_and_any_generation_can_be_used_again(bench):
    write_tiny_model(bench.mine, tiny_spec(name="yesterday"))
    bench.calibrate("--yes")
    write_tiny_model(bench.trained, tiny_spec(name="evening"))
    bench.calibrate("--yes")
    for name in ("trained", "yesterday"):
        result = bench.run("--undo")
        assert result.exit_code == 0
        assert named(bench.mine) == name
        assert "is generation" in result.stderr
    assert bench.run("--undo").exit_code
    assert "nothing to undo" in bench.complaint
    assert CliRunner().invoke(generations, [str(bench.mine), "--use", "3"]).exit_code == 0
    assert named(bench.mine) == "evening"
    listed = CliRunner().invoke(generations, [str(bench.mine)]).stdout.splitlines()
    assert [line[:4] for line in listed] == ["  1:", "  2:", "> 3:"]
    assert listed[2].endswith("trained on a recording; accuracy of the poses 0.93 of 1")
    assert bench.names == {"mine.onnx", "mine.generations"}


def test_the_list_of_generations_is_also_there_for_programs(bench):
    bench.calibrate("--yes")
    listed = json.loads(CliRunner().invoke(generations, [str(bench.mine), "--json", "-"]).stdout)
    assert [row["balanced_accuracy"] for row in listed["generations"]] == [None, 0.93]
    assert [row["in_place"] for row in listed["generations"]] == [False, True]


def test_yes_does_not_take_a_model_that_is_not_better(bench):
    bench.trainer(WORSE)
    assert bench.calibrate("--yes").exit_code
    assert "not better, so" in bench.complaint
    assert bench.names == set(), "no file is left behind"


@pytest.mark.parametrize(("scores", "default"), [(BETTER, True), (WORSE, False)])
@pytest.mark.parametrize("answer", ["y\n", "n\n", "\n"])
def test_the_wearer_is_asked_and_the_better_model_is_the_default(bench, scores, default, answer):
    bench.trainer(scores)
    result = bench.calibrate(answer=answer)
    assert result.exit_code == 0
    assert bench.mine.exists() == {"y": True, "n": False, "": default}[answer.strip()]


def test_without_a_terminal_calibrate_needs_yes(bench):
    assert bench.calibrate().exit_code
    assert "Without a terminal" in bench.complaint


def test_a_failed_training_changes_nothing(bench):
    bench.trainer(BETTER, fails=True)
    assert bench.calibrate("--yes").exit_code
    assert "training failed" in bench.complaint
    assert bench.names == set()


def test_without_torch_the_error_says_what_to_install_and_how_to_train_elsewhere(bench, monkeypatch):
    monkeypatch.setattr(calibration, "can_train", lambda: False)
    assert bench.calibrate("--yes").exit_code
    said = bench.complaint
    assert "`pip install 'myobridge[train]'`" in said
    assert f"myobridge calibrate --recording {bench.recording} --model {bench.base} --out {bench.mine}" in said
    assert said.count(". ") == 0, "one sentence"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--recording", "{r}"], "with --model"),
        (["--model", "{base}"], "with --port"),
        (["--model", "{base}", "--recording", "none.myo"], "cannot be read"),
        (["--model", "none.onnx", "--recording", "{r}"], "There is no model"),
        (["--undo"], "nothing to undo"),
    ],
)
def test_missing_or_wrong_arguments_are_reported_before_anything_is_done(bench, arguments, said):
    filled = [argument.format(r=bench.recording, base=bench.base) for argument in arguments]
    assert bench.run(*filled, "--yes").exit_code
    assert said in bench.complaint


def test_a_model_in_a_missing_folder_is_refused(bench):
    bench.mine = bench.folder / "none" / "mine.onnx"
    bench.calibrate("--yes")
    assert "in a folder that exists" in bench.complaint


def test_a_full_disk_leaves_the_model_unchanged(bench, monkeypatch):
    write_tiny_model(bench.mine, tiny_spec(name="yesterday"))

    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("myobridge.files.os.fsync", full)
    assert bench.calibrate("--yes").exit_code
    assert "No space left on device" in bench.complaint
    assert named(bench.mine) == "yesterday"


def test_a_model_before_its_acceptance_has_its_final_name_in_another_folder(bench, capfd):
    bench.calibrate("--yes")
    assert "mine.onnx False" in capfd.readouterr().err


class Daemon:
    """Stand-in for FeedClient."""

    def __init__(self, _port):
        self.asked = []
        Daemon.last = self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return

    def request(self, do, path):
        self.asked.append((do, path))
        return Reply(1, Daemon.ok, "The hand is armed; disarm it first.")


@pytest.mark.parametrize("ok", [True, False])
def test_a_running_daemon_gets_the_model_and_its_answer_is_printed(bench, monkeypatch, ok):
    monkeypatch.setattr(calibration, "FeedClient", Daemon)
    monkeypatch.setattr(calibration, "SWAP_AGAIN_S", (0, 0))
    Daemon.ok = ok
    result = bench.calibrate("--yes", "--port", "/dev/hand", "--json", "-")
    assert Daemon.last.asked == [("model", str(bench.mine))] * (1 if ok else 2)
    assert "disarm it first" in result.stderr
    assert json.loads(result.stdout)["swapped"] is ok
    assert named(bench.mine) == "trained", "the model is installed even without a daemon"
    bench.run("--undo", "--port", "/dev/hand")
    assert Daemon.last.asked == [("model", str(bench.mine))] * (1 if ok else 2)


def test_without_a_daemon_calibrate_says_how_to_start_one(bench, monkeypatch):
    def none(_port):
        raise NoDaemon("none")

    monkeypatch.setattr(calibration, "FeedClient", none)
    result = bench.calibrate("--yes", "--port", "/dev/hand")
    assert f"`myobridge run --port /dev/hand --model {bench.mine}`" in result.stderr


def test_the_better_model_has_the_higher_accuracy_or_at_equal_accuracy_the_smaller_error():
    def better(before, after):
        return Scores(Score(*before), Score(*after)).better

    assert better((10, 0.5), (20, 0.6))
    assert not better((20, 0.6), (10, 0.5))
    assert better((20, 0.6), (10, 0.6))
    assert better((20, None), (10, None))
    assert not better((10, None), (10, None))
    assert Scores(None, Score(90, 0.1)).better, "any model is better than one for other channels"


def test_a_calibration_records_at_most_a_minute_of_emg():
    timing = calibration.TIMING
    assert timing.recorded_s(len(schedule(load_poses(), timing.repetitions, 0))) <= 60
    assert timing.repetitions >= 2, "one repetition is needed to judge on"
