"""Generations of a model: each calibration makes one, and no accident loses the model in place."""

import os
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from myobridge.errors import UserError
from myobridge.model import generations as module
from myobridge.model.generations import Generations
from myobridge.model.load import open_model
from tiny_model import tiny_spec, write_tiny_model


def model(folder, name):
    """The bytes of a model with this name."""
    path = write_tiny_model(folder / "made.onnx", tiny_spec(name=name))
    data = path.read_bytes()
    path.unlink()
    return data


@pytest.fixture(autouse=True)
def no_wait_for_the_disk(monkeypatch):
    """The tests kill processes; the disk of a machine that keeps its power forgets nothing."""
    monkeypatch.setattr("myobridge.files.force", lambda _path: None)


@pytest.fixture
def hand(tmp_path):
    return Hand(tmp_path)


class Hand:
    """A folder with `mine.onnx` and its generations; `keep` keeps models by their names."""

    def __init__(self, folder):
        self.folder, self.mine = folder, folder / "mine.onnx"
        self.generations = Generations(self.mine)

    def keep(self, *names, when_s=None):
        for name in names:
            self.generations.keep(model(self.folder, name), f"{name} 9 of 10", "calibrated in seconds", when_s=when_s)

    @property
    def in_place(self):
        return open_model(self.mine).spec.name

    @property
    def kept(self):
        return [open_model(one.path).spec.name for one in self.generations.kept()]


def test_each_undo_goes_back_by_one_generation(hand):
    hand.keep("monday", "tuesday", "wednesday")
    assert hand.in_place == "wednesday"
    assert [hand.generations.undo().facts.score for _ in range(2)] == ["tuesday 9 of 10", "monday 9 of 10"]
    assert hand.in_place == "monday"
    with pytest.raises(UserError, match="nothing to undo"):
        hand.generations.undo()
    assert hand.in_place == "monday"
    assert hand.kept == ["monday", "tuesday", "wednesday"], "an undo loses nothing"


def test_an_undo_after_a_new_calibration_leads_to_the_model_that_it_replaced(hand):
    hand.keep("monday", "bad")
    hand.generations.undo()
    hand.keep("better")
    hand.generations.undo()
    assert hand.in_place == "monday"


def test_the_same_model_again_is_a_generation_of_its_own(hand):
    hand.keep("a", "b", "a")
    assert hand.kept == ["a", "b", "a"]
    hand.generations.undo()
    assert hand.in_place == "b"
    hand.generations.undo()
    assert [one.number for one in hand.generations.kept() if one.in_place] == [1]


def test_the_list_gives_date_score_and_origin(hand, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    hand.keep("fist", when_s=1_800_000_000.0)
    (one,) = hand.generations.kept()
    assert str(one) == "1: 2027-01-15 08:00, calibrated in seconds; fist 9 of 10"
    assert one.in_place


def test_a_clock_that_is_wrong_by_years_changes_no_order(hand):
    for name, when_s in (("a", 1.8e9), ("b", 0.0), ("c", 9e18), ("d", -5.0), ("e", 1.7e9)):
        hand.keep(name, when_s=when_s)
    assert hand.kept == ["a", "b", "c", "d", "e"]
    assert [one.date for one in hand.generations.kept()][1:] == ["date unknown"] * 4
    hand.generations.undo()
    assert hand.in_place == "d"


def test_the_first_calibration_keeps_its_base_model_for_undo(hand):
    base = write_tiny_model(hand.folder / "base.onnx", tiny_spec(name="base"))
    hand.generations.keep(model(hand.folder, "new"), "good", "trained", base=base)
    hand.generations.undo()
    assert hand.in_place == "base"


def test_a_model_that_was_copied_into_place_becomes_a_generation(hand):
    hand.keep("monday")
    hand.mine.write_bytes(model(hand.folder, "sent"))
    assert not any(one.in_place for one in hand.generations.kept())
    hand.generations.undo()
    assert hand.in_place == "monday"
    assert hand.kept == ["monday", "sent"]
    hand.generations.use(2)
    assert hand.in_place == "sent"


def test_a_model_in_place_that_was_removed_comes_back(hand):
    hand.keep("monday", "tuesday")
    hand.mine.unlink()
    hand.generations.undo()
    assert hand.in_place == "tuesday"


def test_any_generation_can_be_used_and_unknown_numbers_are_refused(hand):
    hand.keep("a", "b", "c")
    hand.generations.use(1)
    assert hand.in_place == "a"
    hand.generations.use(3)
    assert hand.in_place == "c"
    with pytest.raises(UserError, match="no generation 7"):
        hand.generations.use(7)


def test_number_and_size_are_bounded_and_the_newest_stay(hand, monkeypatch):
    monkeypatch.setattr(module, "MOST", 4)
    names = [f"m{number}" for number in range(6)]
    hand.keep(*names)
    assert hand.kept == names[-4:]
    monkeypatch.setattr(module, "MOST_BYTES", 3 * hand.mine.stat().st_size + 50)
    hand.keep("last")
    assert hand.kept == [*names[-2:], "last"]
    files = {path.suffix for path in hand.generations.folder.iterdir()}
    assert len([*hand.generations.folder.iterdir()]) == 7, files


def test_the_model_that_was_in_place_survives_the_bounds(hand, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    hand.keep("m0", "m1", "m2")
    hand.generations.use(1)
    hand.keep("new")
    hand.generations.undo()
    assert hand.in_place == "m0"


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff" * 100, b'{"made_s": "x"}', b"[" * 9000])
def test_damaged_facts_cost_the_words_alone(hand, damage):
    hand.keep("a", "b", "c")
    (hand.generations.folder / "000002.json").write_bytes(damage)
    (hand.generations.folder / "in-place").write_bytes(damage)
    assert "000002.json cannot be read; score unknown" in str(hand.generations.kept()[1])
    assert hand.in_place == "c"
    hand.generations.undo()
    assert hand.in_place == "b"
    hand.generations.undo()
    assert hand.in_place == "a"


def test_a_damaged_model_is_skipped(hand):
    hand.keep("a", "b", "c")
    path = hand.generations.folder / "000002.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="is damaged"):
        hand.generations.use(2)
    hand.generations.undo()
    assert hand.in_place == "a"


def test_facts_that_point_to_each_other_end(hand):
    hand.keep("a", "b")
    facts = hand.generations.folder / "000001.json"
    facts.write_bytes(facts.read_bytes().replace(b'"before":0', b'"before":2'))
    hand.generations.undo()
    with pytest.raises(UserError, match="nothing to undo"):
        hand.generations.undo()


def test_a_history_that_cannot_be_read_says_so_and_the_model_still_works(hand, monkeypatch):
    hand.keep("a", "b")

    def refused(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(UserError, match=r"cannot be read .* still works"):
        hand.generations.kept()
    assert hand.in_place == "b"


def test_a_file_in_the_place_of_the_history_changes_no_model(hand):
    hand.mine.write_bytes(model(hand.folder, "mine"))
    hand.generations.folder.write_text("in the way")
    for change in (lambda: hand.keep("new"), hand.generations.undo, hand.generations.kept):
        with pytest.raises(UserError):
            change()
    assert hand.in_place == "mine"


def test_the_history_is_private(hand):
    hand.keep("a")
    assert hand.generations.folder.stat().st_mode & 0o777 == 0o700


CHANGES = {
    "keep": lambda generations, new: generations.keep(new, "s", "h"),
    "undo": lambda generations, _new: generations.undo(),
    "use": lambda generations, _new: generations.use(1),
}


def dies_at(step, change):
    """Runs the change in a process that dies before this step on the disk; whether the process died."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = step

    def audited(event, arguments):
        nonlocal left
        writes = event in {"os.rename", "os.remove"} or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if writes and "/hand/" in str(arguments[0]):
            left -= 1
            if left < 0:
                os._exit(9)

    sys.addaudithook(audited)
    change()
    os._exit(0)


@pytest.mark.parametrize("change", CHANGES)
def test_power_cut_at_any_moment_leaves_the_old_model_or_the_new_one(tmp_path, change):
    models = {name: model(tmp_path, name) for name in ("a", "b", "c", "new", "after")}
    for step in range(100):
        hand = Hand(tmp_path / str(step) / "hand")
        hand.folder.mkdir(parents=True)
        for name in "abc":
            hand.generations.keep(models[name], name, "calibrated in seconds")
        died = dies_at(step, partial(CHANGES[change], hand.generations, models["new"]))
        assert hand.mine.read_bytes() in {models["c"], models[{"keep": "new", "undo": "b", "use": "a"}[change]]}
        assert [one.facts.score for one in hand.generations.kept()][:3] == ["a", "b", "c"]
        assert sum(one.in_place for one in hand.generations.kept()) == 1
        hand.generations.keep(models["after"], "after", "calibrated in seconds")
        assert hand.mine.read_bytes() == models["after"]
        assert not [*hand.folder.rglob(".myobridge-draft-*")], "the next writer removes drafts"
        if not died:
            break
    assert not died
    assert step > 5
