"""The memory of an emergency stop: no damage to its files makes it forget a stop."""

import os
import stat
from pathlib import Path

import pytest

from myobridge.daemon.permission.estop_memory import EstopMemory, port_name, state_folder, usb_name
from myobridge.errors import UserError

UNREADABLE = {
    "removed": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:10]),
    "overwritten": lambda path: path.write_bytes(os.urandom(60)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link into nothing": lambda path: (path.unlink(), path.symlink_to("nowhere")),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return tmp_path / "myobridge"


@pytest.fixture
def memory(folder):
    return EstopMemory("/dev/ttyACM7")


def only(folder, kind):
    (path,) = folder.glob(f"*.{kind}")
    return path


def test_a_new_board_is_not_stopped_and_its_first_use_is_noted(memory, folder):
    assert not memory.said
    assert only(folder, "known").exists()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_stop_that_one_process_remembers_holds_for_others_until_it_is_lifted(memory):
    assert not memory.said
    memory.remember()
    memory.remember()
    assert EstopMemory("/dev/ttyACM7").said
    assert not EstopMemory("/dev/ttyACM8").said
    memory.lift()
    assert not EstopMemory("/dev/ttyACM7").said


@pytest.mark.parametrize("harm", UNREADABLE)
def test_a_memory_that_cannot_be_read_after_the_first_use_counts_as_a_stop(memory, folder, harm):
    assert not memory.said
    UNREADABLE[harm](only(folder, "clear"))
    assert memory.said


def test_a_stop_before_the_first_use_is_remembered(memory):
    memory.remember()
    assert memory.said


def test_an_interrupted_first_use_counts_as_a_stop(memory, folder, monkeypatch):
    def fail(_path, _text):
        raise UserError("The disk is full.")

    with monkeypatch.context() as disk:
        disk.setattr("myobridge.daemon.permission.estop_memory.write_text", fail)
        with pytest.raises(UserError):
            _ = memory.said
    assert only(folder, "known").exists()
    assert memory.said


def test_a_stop_is_remembered_on_a_full_disk(memory, monkeypatch):
    assert not memory.said

    def full(*_args, **_settings):
        raise OSError(28, "No space left on device")

    for name in ("write_bytes", "write_text", "touch"):
        monkeypatch.setattr(Path, name, full)
    monkeypatch.setattr("myobridge.daemon.permission.estop_memory.write_text", full)
    memory.remember()
    assert memory.said
    with pytest.raises(UserError, match="No space left"):
        memory.lift()
    assert memory.said


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match="set XDG_STATE_HOME"):
        _ = EstopMemory("/dev/ttyACM7").said


def board(sysfs, tty, socket, **facts):
    """A USB board in a tree like Linux's: the tty's device is the interface, and its parent is the board."""
    device = sysfs / "devices" / socket
    interface = device / f"{socket}:1.0"
    interface.mkdir(parents=True)
    for name, value in facts.items():
        (device / name).write_text(value + "\n")
    (sysfs / tty).mkdir()
    (sysfs / tty / "device").symlink_to(interface)


def test_a_board_is_identified_by_its_serial_number_in_any_socket(tmp_path):
    facts = {"idVendor": "2341", "idProduct": "0042", "serial": "7563331313335181A1B2"}
    board(tmp_path, "ttyACM0", "1-1", **facts)
    board(tmp_path, "ttyACM1", "1-2", **facts)
    assert usb_name("/dev/ttyACM0", tmp_path) == usb_name("/dev/ttyACM1", tmp_path)


@pytest.mark.parametrize("serial", [{}, {"serial": "0001"}])
def test_a_board_without_its_own_serial_number_is_identified_by_its_socket(tmp_path, serial):
    for tty, socket in (("ttyUSB0", "1-1.2"), ("ttyUSB1", "1-1.3")):
        board(tmp_path, tty, socket, idVendor="1a86", idProduct="7523", **serial)
    names = {usb_name(f"/dev/{tty}", tmp_path) for tty in ("ttyUSB0", "ttyUSB1")}
    assert len(names) == 2
    assert all("socket-1-1" in name for name in names)


def test_a_port_that_is_not_usb_is_identified_by_its_name(tmp_path):
    assert usb_name("/dev/ttyAMA0", tmp_path) is None
    (tmp_path / "link").symlink_to("/dev/ttyAMA0")
    assert port_name(tmp_path / "link") == port_name("/dev/ttyAMA0")
    assert port_name("/dev/ttyAMA0") != port_name("/dev/ttyAMA1")


def test_a_pseudo_terminal_is_identified_by_its_link(tmp_path):
    (tmp_path / "hand").symlink_to("/dev/pts/0")
    assert port_name(tmp_path / "hand") != port_name("/dev/pts/0")


def test_any_name_becomes_a_short_file_name():
    names = {port_name(name) for name in ("/dev/" + "x" * 4000, "/dev/\udcff\udcfe", "/dev/ü", "/dev/ü/../ü2")}
    assert len(names) == 4
    assert all(len(name) < 120 and name.isascii() and "/" not in name for name in names)


def test_the_service_stores_its_memory_in_systemds_state_directory(monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/myobridge:/elsewhere")
    assert state_folder() == Path("/var/lib/myobridge")


def test_a_stop_for_an_unplugged_board_holds_when_the_board_is_back(folder, tmp_path):
    link = tmp_path / "by-id"
    EstopMemory(link).remember()
    link.symlink_to("/dev/null")  # the board is plugged in, and the link leads somewhere
    memory = EstopMemory(link)
    assert memory.said
    memory.lift()
    assert not EstopMemory(link).said


def test_a_pipe_in_place_of_the_memory_counts_as_a_stop_and_blocks_nobody(memory, folder):
    assert not memory.said
    path = only(folder, "clear")
    path.unlink()
    os.mkfifo(path)
    assert memory.said
