"""The serial link on a pty reads what has arrived, writes whole frames or none, and explains every unusable port."""

import errno
import grp
import os
import select
import termios
import time
from types import SimpleNamespace

import pytest
import serial

from myobridge.errors import UserError
from myobridge.simulator.pty_port import PtyPort
from myobridge.wire.link import LinkLost, SerialLink, group_of

FRAME = b"\2a setpoint of some length\0"


@pytest.fixture
def port():
    device = PtyPort(None)
    yield device
    device.unplug()


@pytest.fixture
def link(port):
    opened = SerialLink(port.path)
    yield opened
    opened.close()


def test_bytes_pass_unchanged_in_both_directions(port, link):
    every_byte = bytes(range(256)) * 4
    port.write(every_byte)
    assert link.wait(1.0)
    assert link.read() == every_byte
    assert link.write(every_byte)
    port.wait(1.0)
    assert port.read() == every_byte


@pytest.mark.real_time
def test_without_data_read_is_empty_and_wait_gives_up_in_time(link):
    assert link.read() == b""
    began_s = time.monotonic()
    assert not link.wait(0.05)
    assert 0.04 < time.monotonic() - began_s < 1.0
    assert not link.wait(-1.0)
    assert link.read() == b""


@pytest.mark.real_time
def test_wait_ends_as_soon_as_there_is_something(port, link):
    port.write(b"x")
    began_s = time.monotonic()
    assert link.wait(10.0)
    assert time.monotonic() - began_s < 1.0


def test_another_wait_may_watch_the_port(port, link):
    assert not select.select([link.fileno()], [], [], 0)[0]
    port.write(b"x")
    assert select.select([link.fileno()], [], [], 10)[0]


def test_a_caller_ends_a_wait_that_is_not_deaf_and_gives_no_data(port, link):
    caller, other_end = os.pipe()
    link.heed(caller)
    assert not link.wait(0.0, deaf=False)
    assert not link.called
    os.write(other_end, b"x")
    assert not link.wait(10.0, deaf=False)
    assert link.called
    assert not link.wait(0.05)
    assert not link.called
    port.write(b"x")
    assert link.wait(10.0, deaf=False)
    os.close(caller)
    os.close(other_end)


def test_wait_ends_once_all_awaited_bytes_have_arrived(port, link):
    link.wake_at(104)
    port.write(bytes(100))
    assert not link.wait(0.05)
    port.write(bytes(10))
    assert link.wait(10.0)
    assert len(link.read()) == 110
    link.wake_at(1)
    port.write(b"x")
    assert link.wait(10.0)


def test_read_returns_all_bytes_even_if_more_than_awaited_have_arrived(port, link):
    link.wake_at(104)
    port.write(bytes(500))
    assert link.wait(10.0)
    assert len(link.read()) == 500


def test_fewer_bytes_than_awaited_can_be_read(port, link):
    link.wake_at(104)
    assert link.read() == b""
    port.write(bytes(100))
    link.wait(0.05)
    assert len(link.read()) == 100


def test_more_than_the_kernel_can_count_is_not_waited_for(port, link):
    link.wake_at(256)
    port.write(b"x")
    assert link.wait(10.0)


def test_a_full_port_gets_whole_frames_only_and_the_others_are_counted(port, link):
    taken = [link.write(FRAME) for _ in range(10_000)]
    assert 0 < sum(taken) < 10_000
    assert link.write_drops == taken.count(False)
    received = drained(port)
    taken.append(link.write(FRAME))
    received += drained(port)
    assert taken[-1]
    assert received == FRAME * sum(taken)


def drained(port):
    """All bytes that arrive at the board's end until nothing arrives any more."""
    received = b""
    while True:
        port.wait(0.1)
        data = port.read()
        if not data:
            return received
        received += data


def test_a_port_that_disappears_is_a_lost_link():
    device = PtyPort(None)
    link = SerialLink(device.path)
    device.unplug()
    assert link.wait(1.0), "the loop wakes"
    with pytest.raises(LinkLost):
        link.read()
    with pytest.raises(LinkLost):
        link.write(FRAME)
    link.close()


def test_a_closed_port_can_be_opened_again(port):
    for _ in range(3):
        SerialLink(port.path).close()


def test_dtr_stays_on_after_close_and_falls_after_hang_up(port):
    """When DTR rises at the next opening, an Arduino is reset."""
    hangs_up = lambda: bool(termios.tcgetattr(port._slave)[2] & termios.HUPCL)  # noqa: E731
    settings = termios.tcgetattr(port._slave)
    settings[2] |= termios.HUPCL  # as a serial port appears
    termios.tcsetattr(port._slave, termios.TCSANOW, settings)
    SerialLink(port.path).close()
    assert not hangs_up()
    SerialLink(port.path).hang_up()
    assert hangs_up()


def test_a_pulse_of_dtr_resets_the_board_if_the_port_has_the_line(port, monkeypatch):
    link, levels = SerialLink(port.path), []
    assert not link.reset_board(), "a pseudo-terminal has no DTR"
    monkeypatch.setattr(serial.Serial, "dtr", property(fset=lambda _serial, level: levels.append(level)))
    assert link.reset_board()
    assert levels == [False, True]


def test_bytes_from_before_the_port_was_opened_are_dropped(port):
    port.write(b"old")
    link = SerialLink(port.path)
    assert link.read() == b""
    link.close()


# --- ports that cannot be opened --------------------------------------------------------------------------


def refusal(path, baud=500_000):
    with pytest.raises(UserError) as error:
        SerialLink(str(path), baud)
    sentence = str(error.value)
    assert str(path) in sentence
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_no_such_port(tmp_path):
    assert refusal(tmp_path / "ttyACM0").endswith("plug the hand in, or list the ports with `myobridge devices`.")


def test_a_port_in_use(port, link):
    assert "is in use by another program; close that program" in refusal(port.path)


@pytest.mark.parametrize("path", ["/dev/null", "/", __file__])
def test_a_file_that_is_not_a_serial_port(path):
    assert "is not a serial port that can be used" in refusal(path)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM])
def test_no_permission_names_the_group(port, monkeypatch, code):
    """Root may open every port, so the test simulates the answer of the kernel."""

    def refuse(*_arguments, **_options):
        raise serial.SerialException(code, f"could not open port {port.path}: {os.strerror(code)}")

    monkeypatch.setattr(serial, "Serial", refuse)
    assert "No permission to open" in refusal(port.path)
    monkeypatch.setattr(grp, "getgrgid", lambda _gid: SimpleNamespace(gr_name="dialout"))
    assert "`sudo usermod -aG dialout $USER`, then log in again." in refusal(port.path)
    monkeypatch.setattr(grp, "getgrgid", lambda _gid: SimpleNamespace(gr_name="uucp"))
    assert "`sudo usermod -aG uucp $USER`, then log in again." in refusal(port.path)


def test_the_advice_is_never_to_join_the_group_of_root(tmp_path, monkeypatch):
    port = tmp_path / "ttyACM0"
    port.touch()
    monkeypatch.setattr(grp, "getgrgid", lambda _gid: SimpleNamespace(gr_name="root"))
    monkeypatch.setattr(serial, "Serial", lambda *_arguments, **_options: _raise(PermissionError(errno.EACCES, "no")))
    assert f"`sudo chgrp dialout {port} && sudo chmod g+rw {port}`" in refusal(port)


def _raise(error):
    raise error


def test_a_port_that_the_driver_holds_busy(port, monkeypatch):
    def refuse(*_arguments, **_options):
        raise serial.SerialException(errno.EBUSY, "could not open port: Device or resource busy")

    monkeypatch.setattr(serial, "Serial", refuse)
    assert "is in use by another program" in refusal(port.path)


def test_a_baud_rate_that_the_port_does_not_support(port, monkeypatch):
    def refuse(*_arguments, **_options):
        raise ValueError("Failed to set custom baud rate (3000000): [Errno 22] Invalid argument")

    monkeypatch.setattr(serial, "Serial", refuse)
    assert "cannot run at 3000000 baud; set another rate in the config's [link] baud." in refusal(port.path, 3_000_000)


@pytest.mark.parametrize("error", [ValueError, OSError, AttributeError, NotImplementedError])
def test_a_driver_without_a_low_latency_mode_works(port, monkeypatch, error):
    def refuse(_port, _on):
        raise error

    monkeypatch.setattr(serial.Serial, "set_low_latency_mode", refuse)
    SerialLink(port.path).close()


# --- the board's end --------------------------------------------------------------------------------------


def test_a_link_is_kept_to_the_port_and_removed_with_it(tmp_path):
    path = tmp_path / "hand"
    device = PtyPort(path)
    assert os.readlink(path) == device.path  # noqa: PTH115
    SerialLink(str(path)).close()
    device.unplug()
    assert not path.is_symlink()
    device.plug()
    SerialLink(str(path)).close()
    device.unplug()


def test_a_link_replaces_an_old_link_and_nothing_else(tmp_path):
    path = tmp_path / "hand"
    path.symlink_to("/dev/pts/gone")
    PtyPort(path).unplug()
    path.write_text("precious")
    with pytest.raises(UserError, match="choose another path"):
        PtyPort(path)
    assert path.read_text() == "precious"


# --- answers of the system --------------------------------------------------------------------------------


def test_a_refused_read_is_a_lost_link(link, monkeypatch):
    def refuse(_fd, _bytes):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "read", refuse)
    with pytest.raises(LinkLost, match=os.strerror(errno.EIO)):
        link.read()


def test_the_rest_of_a_frame_goes_out_before_the_next_frame(link, monkeypatch):
    written = []
    monkeypatch.setattr(os, "write", lambda _fd, data: written.append(data[:10]) or min(10, len(data)))
    assert [link.write(FRAME) for _ in range(3)] == [True, False, True]
    assert link.write_drops == 1
    assert b"".join(written) == FRAME + FRAME[:10]


def test_a_terminal_that_refuses_its_attributes_is_explained(port, monkeypatch):
    def refuse(*_arguments, **_options):
        raise termios.error(errno.EIO, "no")

    monkeypatch.setattr(serial, "Serial", refuse)
    assert os.strerror(errno.EIO) in refusal(port.path)


def test_the_group_of_a_port_is_named_where_there_is_one(tmp_path, monkeypatch):
    port = tmp_path / "port"
    assert group_of(str(port)) == ""
    assert group_of("\0") == ""
    port.touch()
    number = port.stat().st_gid
    assert group_of(str(port)) == grp.getgrgid(number).gr_name

    def unknown(_number):
        raise KeyError

    monkeypatch.setattr(grp, "getgrgid", unknown)
    assert group_of(str(port)) == str(number)
