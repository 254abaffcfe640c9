"""The firmware builds from nothing without a warning, fits its boards, and keeps its portable part portable."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from msgspec.structs import replace
from sim_hand import BOARDS, SimHand, build_firmware
from sim_host import SimHost

from myobridge.simulator.limits import WIDE
from myobridge.simulator.real_firmware import make
from myobridge.wire.messages import ANGLE_MAX_CDEG, SERVOS, LimitsState

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware"
RAM_START = {"mega2560": 0x200, "uno": 0x100}
RAM_BYTES = {"mega2560": 8192, "uno": 2048}
FLASH_BYTES = {"mega2560": 256 * 1024, "uno": 32 * 1024}
PATTERN = 0xC5
OTHER_COMPILERS = 3


@pytest.fixture(scope="module")
def build_log(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("build")
    command = ["make", "-C", FIRMWARE, f"BUILD={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_all_boards_build_from_nothing_without_a_warning(build_log: str) -> None:
    assert "warning" not in build_log.lower()
    for flag in ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wundef", "-Werror"):
        assert flag in build_log


@pytest.mark.parametrize("board", BOARDS)
def test_the_build_says_what_it_takes_and_that_leaves_half_the_flash(build_log: str, board: str) -> None:
    flash = re.search(rf"{board} Program: (\d+) bytes", build_log)
    ram = re.search(rf"{board} Data: (\d+) bytes", build_log)
    assert flash is not None and ram is not None
    assert int(flash[1]) < FLASH_BYTES[board] / 2
    assert int(ram[1]) < RAM_BYTES[board]


@pytest.mark.parametrize("board", BOARDS)
def test_the_stack_never_comes_near_the_variables(board: str) -> None:
    elf = build_firmware(board)
    listing = subprocess.run(["avr-nm", elf], check=True, capture_output=True, text=True).stdout
    found = re.search(r"^00(8\w+) \w _end$", listing, re.MULTILINE)
    assert found is not None
    variables_end = int(found[1], 16) - 0x800000
    ram_end = RAM_START[board] + RAM_BYTES[board]
    with SimHand(elf, board) as hand:
        hand.command(f"poke {variables_end} {bytes([PATTERN] * (ram_end - variables_end)).hex()}")
        host = SimHost(hand)
        host.run_ms(50)
        host.stream_armed(samples_per_frame=1)
        host.move((9000,) * SERVOS, 300)
        host.hand.send(bytes(range(1, 256)) * 20)
        host.move((ANGLE_MAX_CDEG,) * SERVOS, 300)
        host.hello()
        host.stop()
        host.send(replace(WIDE, digital=0))
        host.run_ms(500)
        assert host.status.limits_state == LimitsState.STORED
        stack = hand.command(f"peek {variables_end} {ram_end - variables_end}")
    untouched = len(stack) - len(stack.lstrip(bytes((PATTERN,))))
    print(f"{board}: {untouched} bytes never used between variables and stack, which took {len(stack) - untouched}")
    assert untouched >= 64


def test_the_portable_part_knows_no_hardware() -> None:
    for path in (FIRMWARE / "src").glob("*.[ch]"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"#include <avr|\bF_CPU\b|_BV\(|\bISR\(|\bmalloc\b|\bcalloc\b", text), path.name


def test_a_board_is_a_folder_with_the_whole_interface() -> None:
    header = (FIRMWARE / "src" / "boards" / "board.h").read_text(encoding="utf-8")
    wanted = set(re.findall(r"\b(board_\w+)\(", header))
    assert len(wanted) > 15
    for board in BOARDS:
        folders = (FIRMWARE / "src" / "boards" / "avr", FIRMWARE / "src" / "boards" / board)
        text = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*.c"))
        assert {name for name in wanted if not re.search(rf"^\w.*\b{name}\(.*\{{", text, re.MULTILINE)} == set()


def test_a_board_with_an_rp2040_has_the_whole_interface_too() -> None:
    header = (FIRMWARE / "src" / "boards" / "board.h").read_text(encoding="utf-8")
    wanted = set(re.findall(r"\b(board_\w+)\(", header))
    text = "".join(path.read_text(encoding="utf-8") for path in (FIRMWARE / "src" / "boards" / "rp2").glob("*.c"))
    assert {name for name in wanted if not re.search(rf"^\w.*\b{name}\(.*\{{", text, re.MULTILINE)} == set()


def test_the_images_in_the_package_are_those_of_these_sources() -> None:
    """Byte for byte, where the compilers are those that made the images."""
    command = [sys.executable, FIRMWARE / "images.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == OTHER_COMPILERS:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the firmware's folder."""
    firmware = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, firmware, ignore=shutil.ignore_patterns("build", "node_modules", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "host" / "myobridge" / "wire").mkdir(parents=True)
    return firmware


def add_board(firmware: Path, like: str, made: str) -> None:
    """Adds the board `another`: a folder and a row, as CONTRIBUTING.md says under "A board"."""
    folder = firmware / "src" / "boards" / "another"
    folder.mkdir()
    for file in (firmware / "src" / "boards" / like).iterdir():
        (folder / file.name).write_text(
            file.read_text(encoding="utf-8").replace(like.upper(), "ANOTHER"), encoding="utf-8"
        )
    (folder / "board.mk").write_text(f"BOARDS += another\n{made}\n", encoding="utf-8")
    with (firmware / "protocol.toml").open("a", encoding="utf-8") as table:
        table.write(f'\n[board.another]\nlike = "{like}"\nid = 99\ntitle = "Another"\n')
    subprocess.run([sys.executable, firmware / "generate.py"], check=True, capture_output=True)


def test_another_board_is_a_folder_and_a_row(clone: Path) -> None:
    add_board(clone, "xiao", "FAMILY_another := rp2")
    made = subprocess.run(["make", "-C", clone, "another"], check=True, capture_output=True, text=True)
    assert "another Program: " in made.stdout
    assert (clone / "build" / "another" / "firmware.uf2").exists()


def test_another_avr_is_a_folder_and_a_row_and_the_simulator_has_it_too(clone: Path) -> None:
    add_board(clone, "uno", "FAMILY_another := avr\nMCU_another := atmega328p")
    made = subprocess.run(["make", "-C", clone, "another"], check=True, capture_output=True, text=True)
    assert "another Program: " in made.stdout
    planned = subprocess.run(["make", "-C", clone / "sim", "-n"], check=True, capture_output=True, text=True)
    assert planned.stdout.count("build/board-another.o") == 2, "it is compiled and linked"
    subprocess.run(["make", "-C", clone / "sim", "build/board-another.o"], check=True, capture_output=True)


def test_what_is_generated_is_current() -> None:
    subprocess.run([sys.executable, FIRMWARE / "generate.py", "--check"], check=True)


def test_the_report_of_the_static_checks_has_no_finding_but_misras(tmp_path: Path) -> None:
    command = ["make", "-C", FIRMWARE, f"BUILD={tmp_path}", "report"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "nothing but MISRA" in done.stdout, done.stdout
    print(done.stdout)


def test_of_two_that_build_at_once_one_waits(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all:\n\techo begin >>said; sleep 0.2; echo end >>said\n")
    both = [Thread(target=make, args=(tmp_path,)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert (tmp_path / "said").read_text().split() == ["begin", "end"] * 2
