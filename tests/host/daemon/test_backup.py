"""Backup and restoration: a round trip to the bit, hostile files, and nothing replaced without a word."""

import json
import stat
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from myobridge.commands.backup import backup
from myobridge.commands.restore import restore
from myobridge.daemon.backup import archive
from myobridge.daemon.backup.archive import ABOUT, packed, unpacked
from myobridge.daemon.diary.store import Line, diary_of
from myobridge.errors import UserError
from myobridge.model.generations import Generations
from myobridge.wire import messages as m
from tiny_model import tiny_spec, write_tiny_model

ABOUT_IT = {"myobridge": "0.1.0", "made_s": 1.8e9, "hand": "", "board": ""}
SETTINGS = "[servo]\nslew_deg_per_s = 100\n"
LIMITS = m.Limits(0, m.LimitsState.STORED, (0,) * 5, (9000,) * 5, (600,) * 5, (2400,) * 5, 3)


class Wearer:
    """A computer with a wearer's files; `run` calls a command."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.mine, self.config, self.file = folder / "mine.onnx", folder / "hand.toml", folder / "b.zip"
        self.monkeypatch = monkeypatch
        folder.mkdir(exist_ok=True)

    def calibrated(self, *names):
        for name in names:
            made = write_tiny_model(self.folder / "made", tiny_spec(name=name))
            Generations(self.mine).keep(made.read_bytes(), f"{name} 9 of 10", "calibrated in seconds", when_s=1.8e9)
            made.unlink()

    def run(self, command, *arguments):
        self.monkeypatch.setenv("XDG_STATE_HOME", str(self.folder / "state"))
        result = CliRunner().invoke(command, [*map(str, arguments), "--model", str(self.mine)])
        self.complaint = str(result.exception) if isinstance(result.exception, UserError) else ""
        if result.exception and not self.complaint:
            raise result.exception
        return result

    @property
    def everything(self):
        """The content of every file except locks, by its path."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and path != self.file)
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files if path.name != ".lock"}


@pytest.fixture
def wearer(tmp_path, monkeypatch):
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr("myobridge.daemon.permission.estop_memory.SERVICE_STATE", tmp_path / "none")
    return Wearer(tmp_path / "old", monkeypatch)


@pytest.fixture
def other(tmp_path, monkeypatch):
    """Another computer."""
    return Wearer(tmp_path / "new", monkeypatch)


def test_a_round_trip_gives_every_file_back_to_the_bit(wearer, other, monkeypatch):
    wearer.calibrated("monday", "tuesday", "wednesday")
    Generations(wearer.mine).undo()
    wearer.config.write_text(SETTINGS)
    wearer.monkeypatch.setenv("XDG_STATE_HOME", str(wearer.folder / "state"))
    for number in range(3):
        diary_of("/dev/myobridge").append(Line(run=number, at_s=1.8e9, up_s=1.0))
    made = wearer.run(backup, wearer.file, "--config", wearer.config, "--diary")
    assert "3 generations, the settings, no servo limits, the diary" in made.stderr
    assert "phones" in made.stderr
    assert stat.S_IMODE(wearer.file.stat().st_mode) == 0o600
    back = other.run(restore, wearer.file, "--config", other.config)
    assert f"Restored: the model to {other.mine}" in back.stderr
    assert other.everything == wearer.everything
    assert [one.in_place for one in Generations(other.mine).kept()] == [False, True, False]
    assert Generations(other.mine).folder.stat().st_mode & 0o777 == 0o700
    again = other.run(restore, wearer.file, "--config", other.config)
    assert again.exit_code == 0, "what is there already is not in the way"
    assert other.everything == wearer.everything


def test_a_model_without_generations_makes_the_round_trip(wearer, other):
    write_tiny_model(wearer.mine)
    wearer.run(backup, wearer.file)
    other.run(restore, wearer.file)
    assert other.mine.read_bytes() == wearer.mine.read_bytes()


def test_nothing_is_replaced_without_a_word_and_a_replaced_file_is_kept(wearer, other):
    wearer.calibrated("monday", "tuesday")
    wearer.config.write_text(SETTINGS)
    wearer.run(backup, wearer.file, "--config", wearer.config)
    other.calibrated("own")
    other.config.write_text("[servo]\nslew_deg_per_s = 50\n")
    before = other.everything
    other.run(restore, wearer.file, "--config", other.config)
    for name in ("mine.onnx", "mine.generations", "hand.toml", "--replace"):
        assert name in other.complaint
    assert other.everything == before
    replaced = other.run(restore, wearer.file, "--config", other.config, "--replace")
    for name in ("mine.onnx.before", "mine.generations.before", "hand.toml.before"):
        assert name in replaced.stderr
    after = other.everything
    assert after["mine.onnx.before"] == before["mine.onnx"]
    assert after["hand.toml.before"] == before["hand.toml"]
    assert after["mine.generations.before/000001.onnx"] == before["mine.generations/000001.onnx"]
    assert after["mine.onnx"] == wearer.mine.read_bytes()


def test_a_full_disk_leaves_everything_as_it_was(wearer, other, monkeypatch):
    wearer.calibrated("monday", "tuesday")
    wearer.run(backup, wearer.file)
    other.calibrated("own")
    before, left = other.everything, 3

    def full(_fd):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("myobridge.files.os.fsync", full)
    other.run(restore, wearer.file, "--replace")
    assert "No space left on device" in other.complaint
    assert other.everything == before


def test_an_existing_file_is_not_overwritten_by_a_backup(wearer):
    write_tiny_model(wearer.mine)
    wearer.file.write_text("precious")
    wearer.run(backup, wearer.file)
    assert "exists already" in wearer.complaint
    assert wearer.file.read_text() == "precious"


def test_an_existing_diary_is_kept(wearer, other):
    write_tiny_model(wearer.mine)
    for computer in (wearer, other):
        computer.monkeypatch.setenv("XDG_STATE_HOME", str(computer.folder / "state"))
        diary_of("/dev/myobridge").append(Line(run=len(computer.folder.name), at_s=1.8e9, up_s=1.0, note=str(computer)))
    wearer.run(backup, wearer.file, "--diary")
    before = {name: data for name, data in other.everything.items() if "diary" in name}
    other.run(restore, wearer.file)
    assert {name: data for name, data in other.everything.items() if "diary" in name} == before


def test_the_backup_of_one_hand_is_not_restored_to_the_other(wearer, tmp_path):
    write_tiny_model(wearer.mine)
    wearer.run(backup, wearer.file, "--name", "left")
    for words, said in ((["--name", "right"], "the left hand (--name left)"), ([], "the left hand (--name left)")):
        result = CliRunner().invoke(restore, [str(wearer.file), *words])
        assert said in str(result.exception)
    assert wearer.run(restore, wearer.file, "--name", "right").exit_code == 0, "--model says where"


@pytest.mark.parametrize(
    ("settings", "words"), [("[servo]\nnew_key = 3\n", "new_key"), ("[servo\n", "TOML"), ("\xff", "UTF-8")]
)
def test_settings_that_this_version_does_not_understand_change_nothing(wearer, other, settings, words):
    write_tiny_model(wearer.mine)
    wearer.file.write_bytes(
        packed({"model.onnx": wearer.mine.read_bytes(), "config.toml": settings.encode("latin-1")}, ABOUT_IT)
    )
    other.run(restore, wearer.file, "--config", other.config)
    assert words in other.complaint
    assert other.everything == {}


# --- hostile files ----------------------------------------------------------------------------------------


def model_bytes(folder):
    path = write_tiny_model(folder / "good.onnx")
    data = path.read_bytes()
    path.unlink()
    return data


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"../../etc/passwd": b"x"}, "no entry ../../etc/passwd"),
        ({"/etc/passwd": b"x"}, "no entry /etc/passwd"),
        ({"generations/../../x.onnx": b"x"}, "no entry"),
        ({"generations/000001.onnx/../x": b"x"}, "no entry"),
        ({"generations/.lock": b""}, "no entry"),
        ({"generations\\000001.onnx": b"x"}, "no entry"),
        ({"model.onnx\n": b"x"}, "no entry"),
        ({"phones.json": b"[]"}, "no entry phones.json"),
        ({"config.toml/": b""}, "no entry"),
        ({f"diary/{number:06d}.jsonl": b"" for number in range(1, 400)}, "list of entries"),
        ({"model.onnx": b"no model"}, "model.onnx"),
        ({"generations/000001.onnx": b"no model"}, "000001.onnx"),
        ({"limits.json": b"{}"}, "limits"),
        ({"limits.json": b"[" * 5000}, "limits"),
    ],
)
def test_a_hostile_entry_is_refused_and_nothing_is_written(wearer, other, entries, words):
    wearer.file.write_bytes(packed({"model.onnx": model_bytes(wearer.folder), **entries}, ABOUT_IT))
    other.run(restore, wearer.file)
    assert words in other.complaint
    assert other.everything == {}


def rewritten(path, change, **kinds):
    """Writes the archive again; `change` gets its entries."""
    with zipfile.ZipFile(path) as found:
        entries = [(info.filename, found.read(info)) for info in found.infolist()]
    with zipfile.ZipFile(path, "w", kinds.get("compression", zipfile.ZIP_STORED)) as archive:
        for name, data in change(entries):
            info = zipfile.ZipInfo(name)
            info.external_attr = kinds.get("mode", 0) << 16
            info.compress_type = kinds.get("compression", zipfile.ZIP_STORED)
            archive.writestr(info, data)


def about_changed(**changes):
    def change(entries):
        return [
            (name, json.dumps(json.loads(data) | changes).encode() if name == ABOUT else data) for name, data in entries
        ]

    return change


@pytest.mark.parametrize(
    ("change", "kinds", "words"),
    [
        (lambda entries: entries, {"compression": zipfile.ZIP_DEFLATED}, "compressed"),
        (lambda entries: entries, {"mode": stat.S_IFLNK | 0o777}, "link"),
        (lambda entries: [*entries, entries[-1]], {}, "list of entries"),
        (lambda entries: entries[1:], {}, "list of entries"),
        (lambda entries: entries[:1], {}, "not those that it lists"),
        (lambda entries: [entries[0], ("model.onnx", entries[1][1][:-1] + b"x")], {}, "damaged"),
        (lambda entries: [entries[0], ("model.onnx", entries[1][1][:-1])], {}, "another size"),
        (lambda entries: [(ABOUT, b"{"), entries[1]], {}, "not a whole backup"),
        (lambda entries: [(ABOUT, b"[]"), entries[1]], {}, "not a whole backup"),
        (lambda entries: [(ABOUT, b" " * 200_000), entries[1]], {}, "another size"),
        (about_changed(format=2, myobridge="9.0.0"), {}, "myobridge 9.0.0, which is newer"),
        (about_changed(entries={"model.onnx": {"size": -1, "digest": ""}}), {}, "not a whole backup"),
        (about_changed(made_s="x"), {}, "not a whole backup"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_lies_is_refused(wearer, other, change, kinds, words):
    wearer.file.write_bytes(packed({"model.onnx": model_bytes(wearer.folder)}, ABOUT_IT))
    rewritten(wearer.file, change, **kinds)
    other.run(restore, wearer.file)
    assert words in other.complaint
    assert other.everything == {}


def test_a_backup_that_was_cut_short_or_flipped_gives_no_wrong_entry(wearer):
    entries = {"model.onnx": model_bytes(wearer.folder), "config.toml": SETTINGS.encode()}
    good = packed(entries, ABOUT_IT)
    changed = [good[:size] for size in range(0, len(good), 97)]
    changed += [good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :] for at in range(0, len(good), 61)]
    refused = 0
    for data in changed:
        wearer.file.write_bytes(data)
        try:
            assert unpacked(wearer.file).entries == entries, "the byte says nothing, such as a date"
        except UserError:
            refused += 1
    assert refused > 0.8 * len(changed)


def test_a_file_that_is_too_large_or_no_file_is_refused(wearer, other, monkeypatch):
    wearer.file.write_bytes(packed({"model.onnx": model_bytes(wearer.folder)}, ABOUT_IT))
    monkeypatch.setattr(archive, "MOST_BYTES", 100)
    other.run(restore, wearer.file)
    assert "too large" in other.complaint
    for path, words in ((wearer.folder, "directory"), (Path("none.zip"), "No such file")):
        other.run(restore, path)
        assert words in other.complaint


def test_servo_limits_are_stored_in_the_board_that_is_named(wearer, other, monkeypatch):
    class Board:
        held, stored = LIMITS, []

        def __init__(self, port, _settings):
            assert port == "/dev/hand"

        def store(self, limits):
            Board.stored.append(limits)

        def close(self):
            return True

    monkeypatch.setattr("myobridge.calibration.servos.board.Board", Board)
    write_tiny_model(wearer.mine)
    assert "the servo limits" in wearer.run(backup, wearer.file, "--port", "/dev/hand").stderr
    assert "end the daemon and add --port" in other.run(restore, wearer.file).stderr
    assert Board.stored == []
    other.run(restore, wearer.file, "--port", "/dev/hand")
    (stored,) = Board.stored
    assert isinstance(stored, m.WriteLimits)
    assert (stored.pulse_0_us, stored.servo_max_cdeg, stored.digital) == ((600,) * 5, (9000,) * 5, 3)
