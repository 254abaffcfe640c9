"""Drawings and tables are those of the pins that the firmware compiles."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import draw
import pytest
from drawing.pins import read_board

ROOT = Path(__file__).parents[2]
BOARDS = ["mega2560", "uno"]
FINGERS = ["thumb", "index", "middle", "ring", "little"]

# Arduino's own numbering of these chips' pins (pins_arduino.h of its AVR core), as far as servos may use them.
ARDUINO_PINS = {
    "mega2560": {
        2: "PE4", 3: "PE5", 4: "PG5", 5: "PE3", 6: "PH3", 7: "PH4", 8: "PH5", 9: "PH6", 10: "PB4", 11: "PB5",
        12: "PB6", 13: "PB7", 44: "PL5", 45: "PL4", 46: "PL3",
    },
    "uno": {
        2: "PD2", 3: "PD3", 4: "PD4", 5: "PD5", 6: "PD6", 7: "PD7", 8: "PB0", 9: "PB1", 10: "PB2", 11: "PB3",
        12: "PB4", 13: "PB5",
    },
}  # fmt: skip


def header(board: str) -> str:
    return (ROOT / "firmware" / "src" / "boards" / board / "pins.h").read_text(encoding="utf-8")


def compiled_pins(board: str) -> dict[str, tuple[int, str]]:
    """finger → (Arduino pin, port pin), read from the header without the drawing's reader."""
    lines = [
        re.split(r"[(),\s]+", line.strip()) for line in header(board).splitlines() if line.strip().startswith("X(")
    ]
    return {fields[1].lower(): (int(fields[2]), f"P{fields[3]}{fields[4]}") for fields in lines}


def compiled_pin(board: str, name: str) -> tuple[int, str]:
    """(Arduino pin, port pin) of LED_PIN or BUTTON_PIN, read in the same way."""
    number, port, bit = header(board).split(f"#define {name}(X) X(")[1].split(")")[0].split(", ")
    return int(number), f"P{port}{bit}"


def compiled_number(board: str, name: str) -> int:
    return int(header(board).split(f"#define {name} ")[1].split()[0])


def drawn_words(board: str, drawing: str = "wiring") -> list[str]:
    tree = ET.parse(ROOT / "hardware" / "images" / f"{drawing}-{board}.svg")
    names = {f"{{http://www.w3.org/2000/svg}}{name}" for name in ("text", "tspan")}
    words = [(element.text or "").strip() for element in tree.iter() if element.tag in names]
    return [word for word in words if word]


def table_of(document: str, name: str) -> str:
    text = (ROOT / "hardware" / document).read_text(encoding="utf-8")
    return text.split(f"<!-- generated:{name} -->")[1].split("<!-- end -->")[0]


def test_every_committed_drawing_and_table_is_current() -> None:
    stale = [path.name for path, text in draw.current().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run `python hardware/draw.py`"


def test_check_says_so_without_writing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = ROOT / "hardware" / "POWER.md"
    before = path.read_text(encoding="utf-8")
    monkeypatch.setattr(draw, "current", lambda: {path: before + "more"})
    assert draw.main(["--check"]) == 1
    assert "POWER.md is not current" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == before


def test_every_board_of_the_firmware_is_drawn() -> None:
    assert [board.name for board in draw.boards()] == BOARDS


@pytest.mark.parametrize("board", BOARDS)
def test_each_servo_is_drawn_on_the_pin_that_the_firmware_drives(board: str) -> None:
    words = drawn_words(board)
    beside = {name: words[words.index(name) + 1] for name in FINGERS}
    assert beside == {finger: f"servo on pin {pin}" for finger, (pin, _) in compiled_pins(board).items()}


@pytest.mark.parametrize("board", BOARDS)
def test_the_board_shows_its_servo_pins_from_thumb_to_little(board: str) -> None:
    numbers = [int(word) for word in drawn_words(board) if word.isdigit()]
    led_and_button = [compiled_pin(board, name)[0] for name in ("LED_PIN", "BUTTON_PIN")]
    assert numbers == led_and_button + [compiled_pins(board)[finger][0] for finger in FINGERS]


@pytest.mark.parametrize("board", BOARDS)
def test_all_analogue_inputs_are_drawn_and_no_other(board: str) -> None:
    drawn = [word for word in drawn_words(board) if re.fullmatch(r"A\d+", word)]
    used = [*range(compiled_number(board, "EMG_INPUTS")), compiled_number(board, "SUPPLY_INPUT")]
    assert drawn == [f"A{n}" for n in used]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("board", BOARDS)
def test_the_printed_pin_number_is_the_port_that_the_firmware_writes(board: str) -> None:
    others = {name: compiled_pin(board, name) for name in ("LED_PIN", "BUTTON_PIN")}
    pins = compiled_pins(board) | others
    for name, (pin, port) in pins.items():
        assert ARDUINO_PINS[board][pin] == port, name
    assert len({port for _, port in pins.values()}) == len(pins)


@pytest.mark.parametrize("board", BOARDS)
def test_the_wiring_table_names_each_finger_s_pin_and_port(board: str) -> None:
    table = table_of("WIRING.md", f"pins-{board}")
    rows = re.findall(r"^\| (\w+) servo, .*\| \*\*(\d+)\*\* \| (\w+) \|$", table, re.M)
    assert {finger: (int(pin), port) for finger, pin, port in rows} == compiled_pins(board)
    for words, name in (("status LED", "LED_PIN"), ("button", "BUTTON_PIN")):
        number, port = compiled_pin(board, name)
        assert f"| {words} | **{number}** | {port} |" in table


@pytest.mark.parametrize("board", draw.small_boards(), ids=lambda board: board.name)
def test_each_pin_of_an_rp2040_board_is_drawn_and_in_the_table(board) -> None:
    text = (ROOT / "hardware" / "images" / f"pins-{board.name}.svg").read_text(encoding="utf-8")
    words = re.findall(r">([^<>]+)</text>", text)
    table = table_of("WIRING.md", f"pins-{board.name}" if board.front_end else "pins-rp2040")
    for use, gpio in board.uses:
        assert board.printed(gpio) == words[words.index(use) - 1]
        assert f"| {use} |" in table
    assert len({gpio for _, gpio in board.uses}) == len(board.uses)


def test_every_rp2040_board_with_pins_of_its_own_is_drawn() -> None:
    assert [board.name for board in draw.small_boards()] == ["feather", "feather_ads", "pico", "rp2040", "xiao"]


def test_a_changed_pin_changes_the_drawing() -> None:
    moved = read_board("uno", "Arduino Uno", header("uno").replace("X(RING, 11,", "X(RING, 13,"))
    assert "servo on pin 13" in draw.wiring(moved)
    assert "13, 12" in draw.circuits(moved)


def test_a_header_without_five_servos_is_refused() -> None:
    with pytest.raises(ValueError, match="1 servo pins"):
        read_board("odd", "Odd", "X(THUMB, 6, H, 3)\n#define EMG_INPUTS 8\n")


def test_a_header_without_a_button_is_refused() -> None:
    with pytest.raises(ValueError, match="5 servo pins, LED_PIN, EMG_INPUTS"):
        read_board("odd", "Odd", header("uno").replace("BUTTON_PIN", "OTHER_PIN"))
