"""The small parts: drawing, table and list agree, and their values keep the board and its ADC safe."""

from __future__ import annotations

import re

import draw
import pytest
from drawing.amplifiers import RECOMMENDED, code, ends
from drawing.circuits import PANELS
from drawing.parts import GROUPS, Build, price, small_parts
from drawing.pins import Board
from drawing.signals import FULL_BATTERIES_V, at_input_v, corner_hz, divider_source_ohm
from drawing.small_parts import CIRCUITS, EMG, FILTER_OHM, LED, SERVO
from test_drawings import drawn_words, table_of

BOARDS = draw.boards()
NAMES = [board.name for board in BOARDS]
SUPPLY_MIN_V = draw.supply_min_mv() / 1000
WEAKEST_SUPPLY_V = 4.75
"""What a USB port may deliver, and so the lowest AVcc of a board that runs."""


def value(part: str) -> str:
    """What a drawing writes beside the part: 'resistor 330 Ω' is written '330 Ω'."""
    found = re.search(r"[\d.]+ (?:k?Ω|nF|µF)|1N\d+|LED", part)
    return found[0] if found else ""


@pytest.mark.parametrize("board", BOARDS, ids=NAMES)
def test_each_mark_of_the_wiring_drawing_has_a_circuit_and_the_other_way_round(board: Board) -> None:
    marks = {circuit.mark for circuit in CIRCUITS}
    assert {word for word in drawn_words(board.name) if re.fullmatch("[a-z]", word)} == marks
    assert {word for word in drawn_words(board.name, "circuits") if re.fullmatch("[a-z]", word)} == marks
    assert [circuit for circuit, _ in PANELS] == list(CIRCUITS)


@pytest.mark.parametrize("board", BOARDS, ids=NAMES)
def test_each_value_stands_in_the_drawing_the_wiring_table_and_the_list(board: Board) -> None:
    drawn = " ".join(drawn_words(board.name, "circuits"))
    for circuit in CIRCUITS:
        row = next(r for r in table_of("WIRING.md", f"small-{board.name}").splitlines() if f"| {circuit.mark} |" in r)
        for part in circuit.parts(board):
            assert value(part) in drawn
            assert part in row
            assert f"| {part} |" in table_of("BOM.md", "small")


@pytest.mark.parametrize("board", BOARDS, ids=NAMES)
def test_the_list_has_the_parts_of_every_servo_and_every_channel(board: Board) -> None:
    arm = Build("arm", board.emg_inputs)
    counts = {part.name: arm.count(part, board) for part in small_parts(board)}
    assert counts["resistor 330 Ω"] == 5
    assert counts["resistor 10 kΩ"] == 5 + 1 + 1  # pull-downs, divider, button
    assert counts["resistor 3.3 kΩ"] == board.emg_inputs
    assert counts["film capacitor 100 nF"] == board.emg_inputs + 1 + 1  # supply, button


def test_every_servo_signal_has_a_pull_down_as_the_safety_documents_say() -> None:
    for board in BOARDS:
        assert "resistor 10 kΩ" in SERVO.parts(board)
        assert sum(word == "b" for word in drawn_words(board.name)) == len(board.servos)


@pytest.mark.parametrize("board", BOARDS, ids=NAMES)
def test_every_channel_has_a_filter(board: Board) -> None:
    assert sum(word == EMG.mark for word in drawn_words(board.name)) == board.emg_inputs
    assert f"EMG filter × {board.emg_inputs}" in drawn_words(board.name, "circuits")


@pytest.mark.parametrize("board", BOARDS, ids=NAMES)
def test_no_battery_drives_the_supply_input_beyond_the_board_s_own_supply(board: Board) -> None:
    assert all(at_input_v(board, volts) < WEAKEST_SUPPLY_V for volts in FULL_BATTERIES_V.values())


@pytest.mark.parametrize("board", BOARDS, ids=NAMES)
def test_the_low_supply_is_a_count_that_the_adc_tells_from_zero(board: Board) -> None:
    assert code(at_input_v(board, SUPPLY_MIN_V)) + 512 > 200


@pytest.mark.parametrize("board", BOARDS, ids=NAMES)
def test_each_source_is_below_the_adc_s_ten_kiloohms(board: Board) -> None:
    assert divider_source_ohm(board) < 10_000
    assert FILTER_OHM < 10_000


def test_the_filter_s_corner_is_above_the_emg_and_below_half_the_sampling_rate() -> None:
    assert 450 < corner_hz() < 1000


def test_an_amplifier_s_ends_are_given_as_codes() -> None:
    assert ends(RECOMMENDED) == "0–3.0 V °: −512 … +102"
    assert code(5.0) == 511


def test_prices_are_sums_of_the_list() -> None:
    board = BOARDS[0]
    four, eight = price(Build("arm", 4), board), price(Build("arm", 8), board)
    each_channel = RECOMMENDED.eur + 0.1 + 0.3
    assert eight - four == pytest.approx(4 * each_channel)
    rows = [
        row.split(" | ") for row in table_of("BOM.md", "prices").splitlines() if row.startswith("| arm | Arduino Mega")
    ]
    assert [row[3] for row in rows] == [f"{four:.0f} €", f"{eight:.0f} €"]
    assert all(part.each_eur >= 0 for parts in GROUPS.values() for part in parts)


def test_the_status_led_is_dark_while_the_pin_floats() -> None:
    assert all("to GND" in LED.where(board) for board in BOARDS)
