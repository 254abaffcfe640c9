"""The builder's walk through the servos, key by key: this file is its specification."""

import re
from pathlib import Path

import pytest
from msgspec.structs import asdict, replace

from myobridge import SERVOS
from myobridge.calibration.servos.guide import (
    IDLE_S,
    LEAST_TRAVEL_US,
    REPEAT_S,
    SPEED_US_PER_S,
    STEP_US,
    Guide,
    Order,
    cdeg_of,
    start_us,
)
from myobridge.calibration.servos.keys import KEYS, Key, keys_in
from myobridge.calibration.servos.look import (
    CAUTION,
    FIRST_SERVO,
    HEIGHT,
    WIDTH,
    held_rows,
    held_sentence,
    look_at,
    picture,
    settings_lines,
    shown,
)
from myobridge.calibration.servos.look import KEYS as SHOWN_KEYS
from myobridge.simulator.limits import DEFAULTS, NONE, WIDE
from myobridge.wire import messages as m
from myobridge.wire.messages import LimitsState, Result, State

ROOT = Path(__file__).parents[3]
TURN_S = 0.01
KEYBOARD_S = 0.03
"""From one repeat of a held key to the next."""


def held(limits=DEFAULTS, state=LimitsState.DEFAULTS):
    return m.Limits(result=Result.OK, state=state, **asdict(limits))


class Builder:
    """A guide, a board that obeys at once, and a person whose keyboard repeats."""

    def __init__(self, limits=DEFAULTS, state=LimitsState.DEFAULTS):
        self.guide = Guide(held(limits, state))
        self.now_s = 100.0
        self.board = State.DISARMED
        self.orders = []
        self.run(TURN_S)

    def obey(self, order):
        if order is not None:
            self.orders.append(order)
        self.board = {Order.ARM: State.ARMED, Order.DISARM: State.DISARMED, Order.ESTOP: State.ESTOP}.get(
            order, self.board
        )
        self.guide.board_is(self.board, self.guide.target_cdeg, self.now_s)

    def press(self, key):
        self.obey(self.guide.press(key, self.now_s))

    def run(self, seconds):
        for _ in range(round(seconds / TURN_S)):
            self.now_s += TURN_S
            self.obey(self.guide.advance(self.now_s))

    def hold(self, key, seconds):
        """A key held for `seconds`, after the keyboard's delay of half a second."""
        self.press(key)
        self.run(0.5)
        for _ in range(round(seconds / KEYBOARD_S)):
            self.press(key)
            self.run(KEYBOARD_S)

    @property
    def us(self):
        return self.guide.pulse_us[self.guide.servo]


def armed(*limits):
    builder = Builder(*limits)
    builder.press(Key.ARM)
    return builder


# --- the hand moves only while a person asks for it -------------------------------------------------------


def test_the_hand_is_armed_by_a_key_and_by_nothing_else():
    builder = Builder()
    builder.run(5)
    for key in (Key.LONGER, Key.SHORTER, Key.OPEN, Key.CLOSED, Key.NEXT, Key.PREVIOUS, Key.DIGITAL, Key.RELEASE):
        builder.press(key)
    assert (builder.orders, builder.guide.armed) == ([], False)
    builder.press(Key.ARM)
    assert (builder.orders, builder.guide.armed) == ([Order.ARM], True)
    builder.press(Key.ARM)
    assert builder.orders == [Order.ARM]


@pytest.mark.parametrize(("key", "sign"), [(Key.SHORTER, -1), (Key.LONGER, 1)])
def test_a_press_moves_one_servo_by_one_small_step(key, sign):
    builder = armed()
    before = list(builder.guide.pulse_us)
    builder.press(key)
    builder.run(2)
    assert builder.guide.pulse_us == [before[0] + sign * STEP_US, *before[1:]]


def test_presses_of_a_slow_finger_are_steps_and_no_motion():
    builder = armed()
    for _ in range(4):
        builder.press(Key.LONGER)
        builder.run(REPEAT_S + TURN_S)
    assert builder.us == 1500 + 4 * STEP_US


@pytest.mark.parametrize(("key", "sign"), [(Key.SHORTER, -1), (Key.LONGER, 1)])
def test_a_held_key_moves_the_servo_slowly_once_the_keyboard_repeats_it(key, sign):
    builder = armed()
    builder.hold(key, 1.0)
    assert sign * (builder.us - 1500) == pytest.approx(2 * STEP_US + SPEED_US_PER_S, abs=10)


def test_the_motion_ends_after_the_last_repeat():
    builder = armed()
    builder.hold(Key.LONGER, 0.5)
    last_s, us = builder.now_s - KEYBOARD_S, []
    while builder.now_s < last_s + 1:
        builder.run(TURN_S)
        us.append((builder.now_s, builder.us))
    moving = [at_s for (at_s, a), (_, b) in zip(us, us[1:], strict=False) if a != b]
    assert max(moving) - last_s <= REPEAT_S


def test_a_loop_that_was_late_moves_the_servo_no_further_than_the_last_repeat_allows():
    builder = armed()
    builder.hold(Key.LONGER, 0.5)
    before = builder.us
    builder.now_s += 30
    builder.obey(builder.guide.advance(builder.now_s))
    assert builder.us - before <= SPEED_US_PER_S * REPEAT_S


@pytest.mark.parametrize("key", [Key.RELEASE, Key.OPEN, Key.NEXT, Key.ESTOP, Key.DISARM])
def test_any_other_key_ends_the_motion_at_once(key):
    builder = armed()
    builder.hold(Key.LONGER, 0.3)
    builder.press(key)
    before = list(builder.guide.pulse_us)
    builder.run(1)
    assert builder.guide.pulse_us == before


def test_the_other_direction_begins_with_a_step_of_its_own():
    builder = armed()
    builder.hold(Key.LONGER, 0.3)
    before = builder.us
    builder.press(Key.SHORTER)
    builder.run(0.5)
    assert builder.us == before - STEP_US


@pytest.mark.parametrize(("key", "end"), [(Key.SHORTER, m.PULSE_MIN_US), (Key.LONGER, m.PULSE_MAX_US)])
def test_no_pulse_leaves_what_the_board_takes(key, end):
    builder = armed()
    builder.hold(key, 15)
    assert builder.us == end
    assert 0 <= builder.guide.target_cdeg[0] <= m.ANGLE_MAX_CDEG


@pytest.mark.parametrize("state", [State.HOLD, State.RELAX, State.FAULT, State.DISARMED, State.ESTOP])
def test_a_board_that_leaves_armed_ends_the_motion_where_the_servo_is(state):
    builder = armed()
    builder.hold(Key.LONGER, 0.3)
    builder.board = state
    applied = (cdeg_of(1510), *(cdeg_of(1500),) * 4)
    builder.guide.board_is(state, applied, builder.now_s)
    builder.guide.advance(builder.now_s + 0.05)
    assert builder.guide.target_cdeg == applied
    assert builder.guide.armed is (state is State.HOLD)


def test_a_hand_at_which_nobody_is_gets_disarmed():
    builder = armed()
    builder.run(IDLE_S - 1)
    assert builder.orders == [Order.ARM]
    builder.press(Key.LONGER)
    builder.run(IDLE_S - 1)
    assert builder.orders == [Order.ARM]
    builder.run(2)
    assert builder.orders == [Order.ARM, Order.DISARM]
    assert "press a to go on" in builder.guide.note


@pytest.mark.parametrize("state", State)
def test_estop_and_disarm_are_orders_in_every_state(state):
    builder = Builder()
    builder.guide.board_is(state, builder.guide.target_cdeg, builder.now_s)
    assert builder.guide.press(Key.ESTOP, builder.now_s) is Order.ESTOP
    assert builder.guide.press(Key.DISARM, builder.now_s) is Order.DISARM


# --- ends and direction -----------------------------------------------------------------------------------


def mark(builder, servo, open_us, closed_us):
    builder.guide.servo = servo
    for key, us in ((Key.OPEN, open_us), (Key.CLOSED, closed_us)):
        builder.guide.pulse_us[servo] = float(us)
        builder.press(key)


def test_where_a_finger_is_open_and_closed_gives_ends_and_direction():
    builder = armed()
    mark(builder, 0, 900, 2050)
    mark(builder, 3, 2100, 905)
    limits = builder.guide.limits()
    assert limits.pulse_0_us == (900, 1000, 1000, 2100, 1000)
    assert limits.pulse_180_us == (2050, 2000, 2000, 905, 2000)
    assert (limits.servo_min_cdeg, limits.servo_max_cdeg) == (DEFAULTS.servo_min_cdeg, DEFAULTS.servo_max_cdeg)


def test_a_servo_that_is_not_marked_keeps_what_the_board_holds():
    stored = replace(WIDE, servo_min_cdeg=(500,) * 5, digital=0b10001)
    builder = armed(stored, LimitsState.STORED)
    mark(builder, 1, 1000, 1900)
    builder.press(Key.DIGITAL)
    limits = builder.guide.limits()
    assert (limits.pulse_0_us, limits.pulse_180_us) == ((500, 1000, 500, 500, 500), (2500, 1900, 2500, 2500, 2500))
    assert limits.servo_min_cdeg == (500, 0, 500, 500, 500)
    assert limits.digital == 0b10011


def test_ends_are_marked_only_while_pulses_are_on():
    builder = Builder()
    builder.press(Key.OPEN)
    assert builder.guide.ends[0].open_us is None
    assert "press a" in builder.guide.note


def test_one_end_alone_is_not_stored():
    builder = armed()
    builder.press(Key.OPEN)
    builder.press(Key.SAVE)
    assert Order.SAVE not in builder.orders
    assert builder.guide.note == "The thumb has one end marked; mark the other end too."


def test_ends_that_are_one_place_are_not_stored():
    builder = armed()
    mark(builder, 2, 1500, 1500 + LEAST_TRAVEL_US - 1)
    assert f"only {LEAST_TRAVEL_US - 1} µs apart" in builder.guide.note
    builder.press(Key.SAVE)
    assert Order.SAVE not in builder.orders
    mark(builder, 2, 1500, 1500 + LEAST_TRAVEL_US)
    builder.press(Key.SAVE)
    assert builder.orders[-1] is Order.SAVE


def test_where_the_stored_limits_are_damaged_all_five_must_be_marked():
    builder = armed(NONE, LimitsState.DAMAGED)
    for servo in range(4):
        mark(builder, servo, 1000, 2000)
    builder.press(Key.SAVE)
    assert "mark both ends of the little too" in builder.guide.note
    mark(builder, 4, 1000, 2000)
    builder.press(Key.SAVE)
    assert builder.orders[-1] is Order.SAVE


def test_next_and_previous_go_round():
    builder = armed()
    names = []
    for key in (Key.PREVIOUS, Key.NEXT, Key.NEXT):
        builder.press(key)
        names.append(builder.guide.name)
    assert names == ["little", "thumb", "index"]


def test_the_search_begins_in_the_middle_of_what_the_board_holds():
    assert start_us(held()) == (1500,) * 5
    assert start_us(held(replace(WIDE, pulse_180_us=(900,) * 5), LimitsState.STORED)) == (700,) * 5
    assert start_us(held(NONE, LimitsState.DAMAGED)) == (1500,) * 5


# --- leaving ----------------------------------------------------------------------------------------------


def test_marks_that_are_not_saved_are_not_left_by_one_key():
    builder = armed()
    builder.press(Key.OPEN)
    builder.press(Key.LEAVE)
    builder.press(Key.NEXT)
    builder.press(Key.LEAVE)
    assert Order.END not in builder.orders
    builder.press(Key.LEAVE)
    assert builder.orders[-1] is Order.END


def test_after_saving_the_board_holds_the_marks_and_one_key_leaves():
    builder = armed()
    mark(builder, 0, 900, 2000)
    builder.press(Key.SAVE)
    builder.guide.stored(held(builder.guide.limits(), LimitsState.STORED))
    assert builder.guide.limits().pulse_0_us == (900, 1000, 1000, 1000, 1000)
    builder.press(Key.LEAVE)
    assert builder.orders[-1] is Order.END


# --- the keys of a terminal -------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "key"), KEYS.items())
def test_each_key_is_known_in_either_case(data, key):
    assert keys_in(data) == ([key], b"")
    if len(data) == 1:
        assert keys_in(data.upper()) == ([key], b"")


def test_presses_that_waited_count_once_but_none_of_another_key_is_lost():
    assert keys_in(b"\x1b[C" * 200 + b" " + b"++") == ([Key.LONGER, Key.ESTOP, Key.LONGER], b"")


def test_an_arrow_may_come_in_pieces():
    keys, begun = keys_in(b"o\x1b")
    assert (keys, begun) == ([Key.OPEN], b"\x1b")
    keys, begun = keys_in(begun + b"[")
    assert (keys, begun) == ([], b"\x1b[")
    assert keys_in(begun + b"D") == ([Key.SHORTER], b"")


def test_other_bytes_mean_nothing():
    assert keys_in(bytes(range(1, 27)) + b"\x1b\x1b[A\x1b[Z\xff\xc3\xb6") == ([], b"")


OTHER_KEYS = {
    "Shift-Up": b"\x1b[1;2A",
    "Ctrl-Right": b"\x1b[1;5C",
    "Ctrl-Left": b"\x1b[1;5D",
    "F1 of the console": b"\x1b[[A",
    "F5": b"\x1b[15~",
    "Delete": b"\x1b[3~",
    "Shift-F1": b"\x1bO2P",
    "position": b"\x1b[5;17S",
}


@pytest.mark.parametrize("data", OTHER_KEYS.values(), ids=OTHER_KEYS)
def test_the_letter_in_another_keys_bytes_is_no_key_even_if_they_come_in_pieces(data):
    assert keys_in(data + b"n") == ([Key.NEXT], b"")
    keys: list[Key] = []
    begun = b""
    for byte in data + b"n":
        new, begun = keys_in(begun + bytes([byte]))
        keys += new
    assert (keys, begun) == ([Key.NEXT], b"")


@pytest.mark.parametrize("begun", [b"\x1b", b"\x1b[", b"\x1b[[", b"\x1b[1;", b"\x1bO", b"\x1bO2"])
def test_a_sequence_that_was_cut_off_swallows_no_emergency_stop(begun):
    assert keys_in(begun + b" ")[0][-1] is Key.ESTOP


# --- what the builder sees --------------------------------------------------------------------------------


def test_the_picture_fits_and_names_every_key_and_servo():
    builder = armed()
    mark(builder, 3, 2100, 905)
    lines = picture(look_at(builder.guide, "/dev/serial/by-id/" + "x" * 90, State.ARMED))
    text = "\n".join(lines)
    assert len(lines) <= HEIGHT - 2, "the cursor stays below"
    assert lines[FIRST_SERVO].startswith("  thumb")
    assert max(map(len, lines)) <= WIDTH
    assert all(name in text for name in SERVOS)
    assert all(word in text for word in ("ARMED", "left, right", "SPACE", "2100", "905", "µs a second"))
    assert all(len(line) < WIDTH for line in lines)


def test_the_documents_and_the_page_say_what_the_keys_do():
    screens = (ROOT / "hardware" / "SERVOS.md").read_text(encoding="utf-8")
    assert [line for line in SHOWN_KEYS if line not in screens] == []
    page = (ROOT / "host" / "myobridge" / "view" / "static" / "servos.html").read_text(encoding="utf-8")
    assert f"by {STEP_US} µs. Press and hold, and it moves {SPEED_US_PER_S:.0f} µs a second" in page
    assert CAUTION in page
    buttons = set(re.findall(r'data-(?:do|hold)="(\w+)"', page))
    assert buttons == {key.value for key in Key} - {"release", "here", "estop"}


def test_a_board_that_stores_nothing_is_told_what_to_do_in_one_sentence():
    (sentence,) = shown(held(), "P")
    assert "stores no servo limits" in sentence
    assert sentence.endswith("`myobridge servos --port P` finds and stores the limits of this hand.")
    (damaged,) = shown(held(NONE, LimitsState.DAMAGED), "P")
    assert "damaged" in damaged
    assert "`myobridge servos --port P`" in damaged


def test_what_is_stored_is_shown_with_the_settings_that_fit_it():
    narrow = replace(WIDE, pulse_0_us=(900,) * 5, servo_max_cdeg=(9000,) * 5)
    lines = shown(held(narrow, LimitsState.STORED), "P")
    assert lines[1] == "  thumb    900 to 2500 µs, 0 to 90°  digital"
    assert settings_lines(held(narrow, LimitsState.STORED)) == [
        "[servo]",
        "pulse_0_us = [900, 900, 900, 900, 900]",
        "pulse_180_us = [2500, 2500, 2500, 2500, 2500]",
        "min_deg = [0.0, 0.0, 0.0, 0.0, 0.0]",
        "max_deg = [90.0, 90.0, 90.0, 90.0, 90.0]",
    ]


@pytest.mark.parametrize("state", LimitsState)
def test_every_state_of_the_limits_has_its_sentence(state):
    assert held_sentence(held(state=state)).endswith(".")
    assert len(held_rows(held(state=state))) == m.SERVOS
