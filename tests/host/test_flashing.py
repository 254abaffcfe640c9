"""`myobridge flash`: which board gets what, and what goes wrong.

The boards' own part is in tests/firmware/test_rp2040.py and tests/loopback/test_flash.py.
"""

from __future__ import annotations

import hashlib
import os
import struct
import termios
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from kill_recorder import IDENT
from myobridge.commands.flash import flash
from myobridge.errors import UserError
from myobridge.feed.flashing import drive, images, program, target
from myobridge.feed.flashing.images import image_of, index
from myobridge.feed.flashing.target import Target, find_target
from myobridge.wire import messages as m
from myobridge.wire.messages import Board


def ident(board: str, build: int = 1) -> m.Ident:
    return replace(IDENT, board=Board[board.upper()], build=build)


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Boards by their ports; None: something else. No drive."""

    def plug(**boards: m.Ident | None) -> None:
        ports = {f"/dev/{port}": said for port, said in boards.items()}
        for module in (target, program):
            monkeypatch.setattr(module, "list_ports", lambda: dict.fromkeys(ports, ""))
        monkeypatch.setattr(target, "ask", ports.__getitem__)
        monkeypatch.setattr(program, "ident_of", lambda port: (ports[port], False))
        monkeypatch.setattr("os.access", lambda _port, _how: True)

    monkeypatch.setattr(drive, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(drive, "LABEL", tmp_path / "label")
    drive.MOUNTS.write_text("")
    return plug


@pytest.fixture
def shown(plugged, tmp_path: Path):
    """Shows the drives of boards in their boot loaders."""

    def show(*names: str) -> list[Path]:
        places = [tmp_path / name for name in names]
        for place in places:
            place.mkdir()
            (place / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n")
        drive.MOUNTS.write_text("".join(f"/dev/sdx1 {place} vfat rw 0 0\n" for place in places))
        return places

    return show


# ---- the images ----


def test_there_is_a_whole_image_of_every_board_and_no_other_file() -> None:
    names = {board.name.lower() for board in Board if board is not Board.SIMULATED}
    assert set(index().boards) == names
    for name in names:
        assert image_of(name).data
    files = {entry.file for entry in index().boards.values()}
    assert {path.name for path in images.FOLDER.iterdir()} == files | {images.INDEX}


def test_a_damaged_image_is_not_flashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "FOLDER", tmp_path)
    (tmp_path / index().boards["rp2040"].file).write_bytes(image_of_file()[:512])
    with pytest.raises(UserError, match="is damaged; install myobridge again"):
        image_of("rp2040")


def image_of_file() -> bytes:
    return (Path(images.__file__).with_name("images") / index().boards["rp2040"].file).read_bytes()


def test_each_uf2_block_names_the_chip_and_its_place() -> None:
    data = image_of("rp2040").data
    blocks = [struct.unpack_from("<8I", data, at) for at in range(0, len(data), 512)]
    assert {block[7] for block in blocks} == {0xE48BFF56}
    assert [block[3] for block in blocks] == [0x10000000 + 256 * i for i in range(len(blocks))]
    assert {(block[5] - i, block[6]) for i, block in enumerate(blocks)} == {(0, len(blocks))}


def test_the_hashes_are_the_files() -> None:
    for entry in index().boards.values():
        assert hashlib.sha256((images.FOLDER / entry.file).read_bytes()).hexdigest() == entry.sha256


# ---- which board ----


def test_the_only_board_that_answers_is_the_one(plugged) -> None:
    plugged(ttyACM0=ident("uno"), ttyUSB0=None)
    found = find_target(None, None)
    assert (found.port, found.image.board, found.up_to_date) == ("/dev/ttyACM0", "uno", False)


def test_of_two_boards_one_is_to_be_named(plugged) -> None:
    plugged(ttyACM0=ident("uno"), ttyACM1=ident("pico"))
    with pytest.raises(UserError, match=r"Boards answer on /dev/ttyACM0 and /dev/ttyACM1; name .* with --port"):
        find_target(None, None)
    assert find_target("pico", None).port == "/dev/ttyACM1"
    assert find_target(None, "/dev/ttyACM0").image.board == "uno"


def test_the_image_of_another_board_is_refused(plugged) -> None:
    plugged(ttyACM0=ident("xiao"))
    with pytest.raises(UserError, match="says that it is xiao, and the firmware of pico would move other pins"):
        find_target("pico", "/dev/ttyACM0")


def test_a_board_that_does_not_answer_has_to_be_named(plugged) -> None:
    plugged(ttyUSB0=None)
    with pytest.raises(UserError, match=r"on /dev/ttyUSB0 does not say which it is; name it with --board \("):
        find_target(None, "/dev/ttyUSB0")
    found = find_target("mega2560", "/dev/ttyUSB0")
    assert found.ident is None and found.now == "no firmware that answers"


def test_a_board_in_its_boot_loader_has_to_be_named_too(shown) -> None:
    shown("RPI-RP2")
    with pytest.raises(UserError, match="whose drive RPI-RP2 is there does not say which it is"):
        find_target(None, None)
    assert find_target("pico", None).port is None


def test_no_board_at_all(plugged) -> None:
    plugged()
    with pytest.raises(UserError, match="No myobridge board answers and no drive RPI-RP2 is there"):
        find_target(None, None)


def test_a_port_that_the_user_may_not_open_names_group_and_udev_rule(plugged, monkeypatch) -> None:
    plugged(ttyACM0=None)
    monkeypatch.setattr("os.access", lambda _port, _how: False)
    with pytest.raises(UserError, match=r"you may not open /dev/ttyACM0; .*usermod.* or add the udev rule `SUBSYSTEM"):
        find_target(None, None)


def test_a_board_whose_daemon_runs_is_named(plugged, monkeypatch) -> None:
    plugged(ttyACM0=ident("uno"))
    monkeypatch.setattr(target, "FeedClient", lambda _port: nullcontext())
    with pytest.raises(UserError, match="A myobridge daemon runs on /dev/ttyACM0; stop it"):
        find_target(None, None)


def test_an_unknown_board(plugged) -> None:
    plugged(ttyACM0=None)
    with pytest.raises(UserError, match="There is no firmware for teensy; choose one of "):
        find_target("teensy", "/dev/ttyACM0")


def test_two_boards_in_their_boot_loaders(shown) -> None:
    shown("RPI-RP2", "RPI-RP21")
    with pytest.raises(UserError, match="Two boards are in their boot loaders"):
        find_target("pico", None)


def test_a_drive_that_nobody_mounted(plugged) -> None:
    drive.LABEL.write_text("")
    with pytest.raises(UserError, match="is not mounted; mount it"):
        find_target("pico", None)


# ---- writing ----


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "START_S", 0.3)
    monkeypatch.setattr(drive, "WAIT_S", 0.3)
    monkeypatch.setattr(drive, "LOOK_S", 0.01)


def test_the_whole_uf2_is_copied_and_the_new_firmware_greeted(shown, plugged, quick, monkeypatch) -> None:
    (place,) = shown("RPI-RP2")
    image = image_of("pico")
    copy = drive.copy

    def restart(data: bytes, to: Path) -> None:
        copy(data, to)
        drive.MOUNTS.write_text("")
        plugged(ttyACM3=ident("pico", image.build))

    monkeypatch.setattr(drive, "copy", restart)
    result = CliRunner().invoke(flash, ["--board", "pico"])
    assert result.exit_code == 0, result.output
    assert "On the board: no firmware that answers." in result.output
    assert f"Writing {image.described}." in result.output
    assert (place / "myobridge.uf2").read_bytes() == image.data


def test_a_board_that_answers_beside_one_in_its_boot_loader_gets_nothing(shown, plugged) -> None:
    (place,) = shown("RPI-RP2")
    plugged(ttyACM0=ident("pico"))
    with pytest.raises(UserError, match="One board answers on /dev/ttyACM0, and another is in its boot loader"):
        program.program(find_target(None, None))
    assert not (place / "myobridge.uf2").exists()


def test_a_desktop_mounts_the_drive_a_moment_after_it_has_come(shown, plugged, quick, monkeypatch) -> None:
    plugged(ttyACM0=ident("pico"))

    def mount_later(_seconds: float) -> None:
        if not drive.mounted():
            shown("RPI-RP2")

    monkeypatch.setattr(drive, "touch", lambda _port: drive.LABEL.write_text(""))
    monkeypatch.setattr("time.sleep", mount_later)
    with pytest.raises(UserError, match="did not restart"):
        program.program(find_target(None, None))


def test_the_touch_opens_the_port_at_1200_baud_and_hangs_up() -> None:
    master, slave = os.openpty()
    with os.fdopen(master), os.fdopen(slave):
        drive.touch(os.ttyname(slave))
        flags, speed = termios.tcgetattr(slave)[2], termios.tcgetattr(slave)[4]
    assert speed == termios.B1200 and flags & termios.HUPCL


def test_a_port_that_cannot_be_touched_is_named() -> None:
    with pytest.raises(UserError, match="There is no port /dev/none"):
        drive.touch("/dev/none")


def test_another_board_with_the_same_build_is_not_the_flashed_one(shown, plugged, quick, monkeypatch) -> None:
    shown("RPI-RP2")
    plugged(ttyACM1=ident("xiao", image_of("pico").build))
    monkeypatch.setattr(drive, "copy", lambda _data, _to: drive.MOUNTS.write_text(""))
    with pytest.raises(UserError, match="does not answer with the new firmware; hold BOOTSEL"):
        program.program(Target(image_of("pico"), None, None))


def test_a_new_port_that_the_user_may_not_open_is_named_after_the_writing(shown, plugged, quick, monkeypatch) -> None:
    shown("RPI-RP2")
    plugged(ttyACM1=None)
    monkeypatch.setattr(drive, "copy", lambda _data, _to: drive.MOUNTS.write_text(""))
    monkeypatch.setattr("os.access", lambda _port, _how: False)
    with pytest.raises(UserError, match="is written, but the board could not be asked, because you may not open"):
        program.program(Target(image_of("pico"), None, None))


def test_a_stopped_writing_says_how_to_recover(plugged, monkeypatch) -> None:
    def stop(_target: Target) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "_by_avrdude", stop)
    with pytest.raises(UserError, match="may have no whole firmware; unplug it, plug it in, and its boot loader"):
        program.program(Target(image_of("uno"), "/dev/ttyACM0", None))


def test_a_copy_that_is_not_whole_says_how_to_recover(shown, quick) -> None:
    shown("RPI-RP2")
    with pytest.raises(UserError, match="did not restart, so the copy was not whole; hold BOOTSEL"):
        program.program(Target(image_of("pico"), None, None))


def test_a_copy_that_breaks_off_says_how_to_recover(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"broke off .* hold BOOTSEL"):
        drive.copy(b"x" * 9000, tmp_path / "gone")


def test_a_board_that_does_not_come_back_says_how_to_recover(plugged, quick, monkeypatch) -> None:
    plugged(ttyACM0=ident("uno", 7))
    monkeypatch.setattr(program, "_by_avrdude", lambda _target: None)
    with pytest.raises(UserError, match="does not answer with the new firmware; unplug it, plug it in, and its boot"):
        program.program(Target(image_of("uno"), "/dev/ttyACM0", ident("uno")))


def test_without_avrdude_it_is_named(monkeypatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(UserError, match="avrdude is not installed; install it"):
        program.program(Target(image_of("uno"), "/dev/ttyACM0", None))


def test_avrdudes_failure_is_one_sentence(tmp_path: Path, monkeypatch) -> None:
    script = tmp_path / "avrdude"
    script.write_text("#!/bin/sh\necho 'avrdude: stk500_getsync(): not in sync: resp=0x00' >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(
        UserError, match=r"could not flash the board on /dev/ttyACM0 \(stk500_getsync.*run this command again"
    ):
        program.program(Target(image_of("uno"), "/dev/ttyACM0", None))


def test_an_old_nano_is_flashed_at_the_speed_of_its_boot_loader(tmp_path: Path, plugged, monkeypatch) -> None:
    plugged(ttyUSB0=ident("uno", image_of("uno").build))
    tries = tmp_path / "tries"
    script = tmp_path / "avrdude"
    script.write_text(
        f'#!/bin/sh\necho "$@" >>{tries}\ncase "$*" in *57600*) exit 0;; esac\n'
        "echo 'avrdude: stk500_recv(): programmer is not responding' >&2\nexit 1\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program.program(Target(image_of("uno"), "/dev/ttyUSB0", None))
    assert [("57600" in line) for line in tries.read_text().splitlines()] == [False, True]


def test_a_failure_that_is_no_silence_is_not_tried_at_another_speed(tmp_path: Path, monkeypatch) -> None:
    tries = tmp_path / "tries"
    script = tmp_path / "avrdude"
    script.write_text(
        f"#!/bin/sh\necho x >>{tries}\necho 'avrdude: verification error; content mismatch' >&2\nexit 1\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(UserError, match="verification error; content mismatch"):
        program.program(Target(image_of("uno"), "/dev/ttyACM0", None))
    assert tries.read_text() == "x\n"


def test_what_is_on_the_board_already_is_written_again_only_if_that_is_asked(plugged, monkeypatch) -> None:
    plugged(ttyACM0=ident("uno", image_of("uno").build))
    written = []
    monkeypatch.setattr(program, "_by_avrdude", lambda target: written.append(target.image.board))
    result = CliRunner().invoke(flash, [])
    assert result.exit_code == 0 and "nothing is written. Give --again" in result.output
    assert not written
    result = CliRunner().invoke(flash, ["--again"])
    assert result.exit_code == 0 and "answers with the new firmware" in result.output
    assert written == ["uno"]
