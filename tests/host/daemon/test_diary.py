"""The diary: what the loop counts, what the files survive, and how the days are told."""

import json
import os
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import pytest
from click.testing import CliRunner

from myobridge.commands.diary import diary
from myobridge.daemon.diary import store as module
from myobridge.daemon.diary.days import days_of, sentences
from myobridge.daemon.diary.keeper import PERIOD_S, Diary
from myobridge.daemon.diary.store import Line, Store, all_diaries, diary_of
from myobridge.decoder.contact import Contact
from myobridge.errors import UserError
from myobridge.model.generations import Generations
from myobridge.wire import messages as m
from tiny_model import write_tiny_model

NOON_S = datetime(2027, 3, 1, 12, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("myobridge.daemon.permission.estop_memory.SERVICE_STATE", tmp_path / "none")


class Run:
    """A diary with a hand of which the test says the state; time passes in whole seconds."""

    def __init__(self, folder, monkeypatch, *, estop=False, **options):
        self.told, self.now_s, self.estop = [], 1000.0, estop
        monkeypatch.setattr("myobridge.daemon.diary.keeper.time.monotonic", lambda: self.now_s)
        noon_s = datetime.now().astimezone().replace(hour=12, minute=0, second=0).timestamp()
        monkeypatch.setattr("myobridge.daemon.diary.keeper.time.time", lambda: noon_s + self.now_s)  # far from midnight
        self.may_move, self.acting, self.verdicts = False, False, [Contact.GOOD, Contact.GOOD]
        self.model = write_tiny_model(folder / "mine.onnx")
        self.diary = Diary("/dev/hand", self.model, self.told.append, **options)
        self.state(m.State.DISARMED, m.Reason.POWER_ON)

    def state(self, state, reason=m.Reason.NONE):
        self._status = SimpleNamespace(state=state, reason=reason)
        self.spend(0)

    def spend(self, seconds):
        for _ in range(seconds or 1):
            self.now_s += bool(seconds)
            stream = SimpleNamespace(pipeline=SimpleNamespace(contact=SimpleNamespace(verdicts=self.verdicts)))
            connection = SimpleNamespace(
                session=SimpleNamespace(status=self._status),
                may_move=self.may_move,
                acting=self.acting,
                channels=("EMG1", "EMG2"),
                setpoints=SimpleNamespace(stream=stream),
            )
            self.diary.look(connection, self.now_s, estop=self.estop)

    def end(self):
        self.diary.close()
        return diary_of("/dev/hand").read()[0]


@pytest.fixture
def run(tmp_path, monkeypatch):
    return Run(tmp_path, monkeypatch)


def test_the_loop_counts_time_states_contact_and_losses(run):
    run.spend(10)
    run.may_move = True
    run.state(m.State.ARMED)
    run.spend(300)
    run.state(m.State.HOLD, m.Reason.SETPOINTS_STOPPED)
    run.state(m.State.ARMED, m.Reason.SETPOINTS_RESUMED)
    run.verdicts = [Contact.GOOD, Contact.FLAT]
    run.spend(1)
    run.spend(5)
    run.state(m.State.HOLD, m.Reason.SETPOINTS_STOPPED)
    run.may_move = False
    run.state(m.State.RELAX, m.Reason.SILENT_TOO_LONG)
    run.diary.lost(run.now_s)
    run.diary.lost(run.now_s)
    run.now_s += 1000  # nothing is connected
    run.state(m.State.FAULT, m.Reason.SUPPLY_LOW)
    run.estop = True
    run.spend(3)
    (day,) = days_of(run.end())
    assert (day.sessions, day.connected_s, day.armed_s) == (1, 319, 306)
    assert (day.holds, day.opened, day.faults) == ({"setpoints_stopped": 2}, 1, {"supply_low": 1})
    assert (day.lost, day.stops) == (1, 1)
    assert (day.worst_contact.channel, day.worst_contact.verdict) == ("EMG2", "flat")
    assert day.models == ["mine"]
    assert run.told == []


def test_a_line_is_written_at_once_and_then_every_two_minutes(run):
    run.spend(int(2.5 * PERIOD_S))
    assert [bool(line.port) for line in run.end()] == [True, False, False, False]


def test_a_stop_of_an_earlier_run_is_not_counted_again(tmp_path, monkeypatch):
    run = Run(tmp_path, monkeypatch, estop=True)
    for run.estop in (True, False, True):
        run.spend(5)
    assert sum(line.stops for line in run.end()) == 1


def test_the_diary_names_the_generation_and_the_score_of_the_model(run):
    Generations(run.model).keep(run.model.read_bytes(), "Fist 9 of 10", "calibrated in seconds", when_s=NOON_S)
    run.diary.model(run.model)
    (day,) = days_of(run.end())
    assert day.models[-1].endswith("calibrated in seconds; Fist 9 of 10")


def test_a_disk_that_refuses_costs_lines_and_one_notice(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "write", full)
    run = Run(tmp_path, monkeypatch)
    run.spend(600)
    assert run.end() == []
    assert len(run.told) == 1
    assert "The diary is not written (No space left on device)" in run.told[0]


def test_a_file_in_the_place_of_the_diary_ends_nothing(monkeypatch, tmp_path):
    (tmp_path / "state" / "myobridge").mkdir(parents=True)
    (tmp_path / "state" / "myobridge" / "diary").write_text("in the way")
    run = Run(tmp_path, monkeypatch)
    run.spend(300)
    run.diary.close()
    assert len(run.told) == 1


def test_without_the_setting_nothing_is_written(tmp_path, monkeypatch):
    run = Run(tmp_path, monkeypatch, keep=False)
    run.spend(600)
    assert run.end() == []
    assert not (tmp_path / "state").exists()


def line(**fields):
    return Line(**{"run": 1, "at_s": NOON_S, "up_s": 100.0, **fields})


def test_the_files_are_private_and_bounded_and_the_oldest_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 500)
    monkeypatch.setattr(module, "MOST_FILES", 3)
    store = Store(tmp_path / "diary")
    for number in range(100):
        store.append(line(lost=number + 1))
    files = [path for path in store.folder.iterdir() if path.suffix == ".jsonl"]
    assert len(files) <= 3
    assert all(path.stat().st_size < 700 for path in files)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert store.folder.stat().st_mode & 0o777 == 0o700
    kept = [each.lost for each in store.read()[0]]
    assert kept == [*range(kept[0], 101)]


@pytest.mark.parametrize("end", [b'{"run":1,"at', b"\xff\xfe", b"[" * 5000, b'{"run":"x"}', b"\x00" * 100])
def test_a_line_that_was_cut_short_costs_itself_alone(tmp_path, end):
    store = Store(tmp_path / "diary")
    store.append(line(lost=1))
    with (store.folder / "000001.jsonl").open("ab") as file:
        file.write(end)
    store.append(line(lost=2))
    lines, damaged = store.read()
    assert [each.lost for each in lines] == [1, 2]
    assert damaged == 1


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path):
    store = Store(tmp_path / "diary")
    store.append(line())
    (tmp_path / "other").write_text("")
    (store.folder / "000001.jsonl").unlink()
    (store.folder / "000001.jsonl").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic"):
        store.append(line())
    assert (tmp_path / "other").read_text() == ""


def test_a_clock_that_is_set_during_a_run_dates_the_whole_run():
    lines = [line(at_s=60.0, up_s=10.0, on_s=5), line(at_s=NOON_S, up_s=200.0, on_s=7)]
    (day,) = days_of(lines, UTC)
    assert (day.date, day.connected_s) == ("2027-03-01", 12)


def test_a_clock_that_nobody_sets_is_said_to_be_unknown_and_keeps_the_order():
    lines = [
        line(run=1, at_s=NOON_S),
        line(run=2, at_s=100.0),
        line(run=3, at_s=NOON_S + 86400),
        line(run=4, at_s=9e18),
    ]
    assert [day.date for day in days_of(lines, UTC)] == ["2027-03-01", "date unknown", "2027-03-02"]


def test_a_day_in_sentences():
    lines = [
        line(on_s=7260, armed_s=2700, model="mine", origin="generation 7: calibrated in seconds; Fist 9 of 10"),
        line(run=2, on_s=30, holds={"setpoints_stopped": 2}, opened=1, lost=3, stops=1, faults={"supply_low": 1}),
        line(run=2, bad_s={"EMG3": {"flat": 130.0}}, note="The calibration kept the old model."),
    ]
    (day,) = days_of(lines, UTC)
    assert sentences(day) == [
        "2 sessions: 2 h 2 min connected, 45 min armed.",
        "Model mine, generation 7: calibrated in seconds; Fist 9 of 10.",
        "The hand held its pose 2 times: 2 × no setpoints reached it.",
        "The hand opened by itself once.",
        "The hand had 1 fault: 1 × the servo supply was low.",
        "There was 1 emergency stop.",
        "The connection was lost 3 times.",
        "Worst contact: channel EMG3 was flat for 2 min.",
        "The calibration kept the old model.",
    ]


def test_the_command_shows_a_week_and_exports_it(tmp_path):
    for day in range(10):
        diary_of("/dev/hand").append(line(run=day, at_s=NOON_S + 86400 * day, on_s=60, port="/dev/hand"), "/dev/hand")
    shown = CliRunner().invoke(diary, [])
    assert shown.exit_code == 0, shown.output
    assert "Hand on /dev/hand" in shown.stdout
    dates = [row.strip() for row in shown.stdout.splitlines() if row.strip().startswith("2027")]
    assert dates == [f"2027-03-{day:02d}" for day in range(10, 3, -1)]
    days = json.loads(CliRunner().invoke(diary, ["--all", "--json", "-", "--port", "/dev/hand"]).stdout)["days"]
    assert len(days) == 10
    assert days[0]["connected_s"] == 60
    assert CliRunner().invoke(diary, ["--csv", str(tmp_path / "d.csv")]).exit_code == 0
    rows = (tmp_path / "d.csv").read_text().splitlines()
    assert rows[0].startswith("hand,date,sessions,connected_s,armed_s")
    assert len(rows) == 8


def test_two_hands_have_a_diary_each():
    for name in ("left", "right"):
        diary_of(f"/dev/myobridge-{name}").append(line(), f"/dev/myobridge-{name}")
    assert len(all_diaries()) == 2
    assert diary_of("/dev/myobridge-left").folder != diary_of("/dev/myobridge-right").folder


def test_another_name_of_the_port_finds_the_diary(tmp_path):
    board, side = os.openpty()
    link = tmp_path / "myobridge-left"
    link.symlink_to(os.ttyname(side))
    diary_of(str(link)).append(line(), str(link))
    assert diary_of(os.ttyname(side)).folder == diary_of(str(link)).folder
    os.close(board)
    os.close(side)


def test_without_a_diary_the_command_says_so():
    for words, said in (([], "no diary yet"), (["--port", "/dev/none"], "no diary of /dev/none")):
        result = CliRunner().invoke(diary, words)
        assert isinstance(result.exception, UserError)
        assert said in str(result.exception)


def test_a_line_without_events_is_short():
    assert len(msgspec.json.encode(line(on_s=120.0, armed_s=120.0))) < 100


def test_a_hand_that_shows_poses_is_not_counted_as_armed_and_a_calibration_leaves_its_sentence(run):
    run.may_move = run.acting = True
    run.state(m.State.ARMED)
    run.spend(23)
    run.diary.note("Fist 9 of 10. " * 100)
    run.acting = False
    run.state(m.State.ARMED)
    run.spend(5)
    lines = run.end()
    assert sum(line.armed_s for line in lines) == 5
    assert [len(line.note) for line in lines if line.note] == [500]
