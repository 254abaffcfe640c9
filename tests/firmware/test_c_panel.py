"""The button, bouncing and stuck, and the LED's patterns."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import pytest
from portable import load
from test_c_device import Device

from myobridge.simulator.button import PushButton
from myobridge.wire import messages as m
from myobridge.wire.messages import Button, Permission, State

FFI, LIB = load()
STEP_MS = 128
LED_MS = 16
"""The LED follows within so much."""
PATTERN_MS = 16 * STEP_MS


class Contact:
    """A button that was never touched since its board began, unless `down` from the start."""

    def __init__(self, *, down: bool = False) -> None:
        self.struct = FFI.new("struct push_button *")
        if not down:
            self.hold(False, m.BUTTON_DEBOUNCE_MS + 1)

    def hold(self, down: bool, ms: int) -> int:
        """So many ticks; how often it told of a change."""
        return sum(LIB.button_tick(self.struct, down) for _ in range(ms))

    @property
    def bits(self) -> Button:
        return Button(self.struct.bits)

    @property
    def presses(self) -> int:
        return int(self.struct.presses)


def test_a_press_counts_once_it_has_been_steady_and_not_before() -> None:
    contact = Contact()
    assert contact.hold(True, m.BUTTON_DEBOUNCE_MS) == 0
    assert (contact.bits, contact.presses) == (Button(0), 0)
    assert contact.hold(True, 1) == 1
    assert (contact.bits, contact.presses) == (Button.PRESSED, 1)
    assert contact.hold(False, m.BUTTON_DEBOUNCE_MS) == 0
    assert contact.bits == Button.PRESSED
    assert contact.hold(False, 1) == 1
    assert (contact.bits, contact.presses) == (Button(0), 1)


def test_a_contact_that_bounces_for_ever_is_no_press_while_it_is_closed_no_longer_than_open() -> None:
    random, contact = Random(1), Contact()
    for _ in range(2500):
        closed = random.randint(1, m.BUTTON_DEBOUNCE_MS)
        assert contact.hold(True, closed) == 0
        assert contact.hold(False, random.randint(closed, m.BUTTON_DEBOUNCE_MS)) == 0
    assert (contact.bits, contact.presses) == (Button(0), 0)


class Interference(NamedTuple):
    """Glitches that invert the contact, and come again and again."""

    period_ms: int
    width_ms: int

    @property
    def bound_ms(self) -> int:
        """SAFETY.md: a press is seen within so much, and so is its end."""
        share = self.width_ms / self.period_ms
        return round((m.BUTTON_DEBOUNCE_MS + 1) / (1 - 2 * share) + 2 * self.width_ms)

    def ms_until_told(self, contact: Contact, down: bool, begin: int) -> int:
        for ms in range(self.bound_ms + 1):
            if contact.hold(down ^ self.inverts(ms + begin), 1):
                return ms + 1
        return UNTOLD

    def inverts(self, ms: int) -> bool:
        return ms % self.period_ms < self.width_ms


UNTOLD = 1_000_000
HUM_50_HZ, HUM_100_HZ = Interference(20, 8), Interference(10, 4)
INTERFERENCE = [Interference(3, 1), Interference(5, 1), Interference(20, 1), Interference(21, 1), Interference(22, 1)]
INTERFERENCE += [Interference(20, 5), HUM_50_HZ, HUM_100_HZ]


@pytest.mark.parametrize("interference", INTERFERENCE)
def test_a_press_and_its_end_are_seen_in_time_through_glitches_that_come_again_and_again(
    interference: Interference,
) -> None:
    for begin in range(interference.period_ms):
        contact = Contact()
        assert interference.ms_until_told(contact, True, begin) <= interference.bound_ms
        assert contact.bits == Button.PRESSED
        assert interference.ms_until_told(contact, False, begin) <= interference.bound_ms
        assert (contact.bits, contact.presses) == (Button(0), 1)


@pytest.mark.parametrize("interference", [*INTERFERENCE, Interference(20, 10), Interference(10, 5), Interference(2, 1)])
@pytest.mark.parametrize("at_start", [True, False])
def test_glitches_alone_are_no_press(interference: Interference, at_start: bool) -> None:
    contact = Contact(down=at_start)
    for ms in range(20_000):
        assert contact.hold(interference.inverts(ms), 1) == 0
    assert (contact.bits, contact.presses) == (Button(0), 0)


@pytest.mark.parametrize("interference", INTERFERENCE)
def test_a_stuck_button_is_known_through_glitches_that_come_again_and_again(interference: Interference) -> None:
    contact = Contact()
    for ms in range(m.BUTTON_STUCK_MS + interference.bound_ms):
        contact.hold(not interference.inverts(ms), 1)
    assert Button.STUCK in contact.bits
    assert contact.presses == 1


def test_bounces_around_a_press_are_one_press() -> None:
    contact = Contact()
    for _ in range(10):
        contact.hold(True, 3)
        contact.hold(False, 2)
    contact.hold(True, 100)
    for _ in range(10):
        contact.hold(False, 3)
        contact.hold(True, 2)
    contact.hold(False, 100)
    assert (contact.bits, contact.presses) == (Button(0), 1)


def test_a_press_tells_each_length_once_and_keeps_it_after_the_release() -> None:
    contact = Contact()
    lengths = {m.BUTTON_LONG_MS: Button.LONG, m.BUTTON_LONGEST_MS: Button.LONG | Button.LONGEST}
    told = 0
    for ms in range(1, m.BUTTON_LONGEST_MS + 500):
        if contact.hold(True, 1):
            told += 1
            if ms > m.BUTTON_DEBOUNCE_MS + 1:
                assert contact.bits == Button.PRESSED | lengths[ms - 1]
    assert told == 3, "the press, and two lengths"
    assert contact.hold(False, m.BUTTON_DEBOUNCE_MS + 1) == 1
    assert contact.bits == Button.LONG | Button.LONGEST
    contact.hold(True, m.BUTTON_DEBOUNCE_MS + 1)
    assert contact.bits == Button.PRESSED, "the next press begins anew"


def test_a_contact_that_opens_for_a_moment_neither_ends_nor_shortens_a_press() -> None:
    random, contact = Random(2), Contact()
    passed = 0
    while passed < m.BUTTON_LONG_MS - 100:
        down, up = random.randint(25, 60), random.randint(1, m.BUTTON_DEBOUNCE_MS)
        contact.hold(True, down)
        contact.hold(False, up)
        passed += down + up
    contact.hold(True, m.BUTTON_LONG_MS - passed + m.BUTTON_DEBOUNCE_MS + 1)
    assert (contact.bits, contact.presses) == (Button.PRESSED | Button.LONG, 1)


def test_a_button_that_stays_pressed_is_stuck_and_says_so_once_however_long_it_stays() -> None:
    contact = Contact()
    contact.hold(True, m.BUTTON_STUCK_MS)
    assert Button.STUCK not in contact.bits
    assert contact.hold(True, 1) == 1
    assert contact.bits == Button.PRESSED | Button.STUCK | Button.SPENT | Button.LONG | Button.LONGEST
    assert contact.hold(True, 200_000) == 0
    assert contact.presses == 1
    assert contact.hold(False, 200_000) == 1
    assert contact.bits == Button.SPENT | Button.LONG | Button.LONGEST


def test_a_button_that_is_down_when_its_board_begins_is_stuck_until_it_is_let_go() -> None:
    contact = Contact(down=True)
    contact.hold(True, 500)
    assert contact.bits == Button.PRESSED | Button.STUCK | Button.SPENT
    contact.hold(False, 500)
    assert contact.bits == Button.SPENT
    contact.hold(True, 500)
    assert contact.bits == Button.PRESSED


def test_the_twin_of_the_button_says_the_same_to_any_contact() -> None:
    random, contact, twin = Random(4), Contact(down=True), PushButton()
    for _ in range(600):
        down = random.random() < 0.6
        for _ in range(random.choice((1, 2, 3, 5, 19, 20, 21, 22, 100, 1000, 4000))):
            twin.contact = down
            assert twin.tick() == bool(contact.hold(down, 1))
            assert (twin.bits, twin.presses) == (contact.bits, contact.presses)


def test_presses_wrap() -> None:
    contact = Contact()
    for _ in range(257):
        contact.hold(True, 30)
        contact.hold(False, 30)
    assert contact.presses == 1


@pytest.mark.parametrize(
    ("held_ms", "shown"), [(100, "."), (m.BUTTON_LONG_MS + 50, "#..."), (m.BUTTON_LONGEST_MS + 50, "#.")]
)
def test_the_led_marks_the_lengths_of_a_press_that_asks_for_something(held_ms: int, shown: str) -> None:
    contact = Contact()
    contact.hold(True, held_ms)
    light = LIB.panel_light(contact.struct, State.DISARMED, Permission.NONE)
    assert seen(light) == shown * (16 // len(shown))
    contact.hold(True, m.BUTTON_STUCK_MS)
    assert LIB.panel_light(contact.struct, State.DISARMED, Permission.NONE) == State.DISARMED
    contact.hold(False, 100)
    assert LIB.panel_light(contact.struct, State.RELAX, Permission.NONE) == State.RELAX


def test_the_led_shows_that_the_hand_acts_and_does_not_follow() -> None:
    contact = Contact()
    assert LIB.panel_light(contact.struct, State.ARMED, Permission.DECODER) == State.ARMED
    assert seen(LIB.panel_light(contact.struct, State.ARMED, Permission.GUIDE)) == "###." * 4
    assert LIB.panel_light(contact.struct, State.HOLD, Permission.GUIDE) == State.HOLD
    assert LIB.panel_light(contact.struct, State.RELAX, Permission.GUIDE) == State.RELAX


def seen(light: int, begin: int = 0) -> str:
    return "".join("#" if LIB.led_lit(light, begin + STEP_MS * step + 5) else "." for step in range(16))


def test_a_press_is_told_at_once_and_moves_nothing() -> None:
    device = Device()
    device.stream()
    device.run(50)
    LIB.fake.button_down = True
    device.frames.clear()
    device.run(m.BUTTON_DEBOUNCE_MS + 2)
    status = device.all_of(m.Status)[-1]
    assert (status.button, status.button_presses, status.state) == (Button.PRESSED, 1, State.DISARMED)
    assert device.hello().capabilities & m.Capability.BUTTON


LIT = {  # of 16 steps
    State.BOOT: "................",
    State.DISARMED: "#...............",
    State.ARMED: "################",
    State.HOLD: "#.#.#.#.#.#.#.#.",
    State.RELAX: "####....####....",
    State.FAULT: "#.#.............",
    State.ESTOP: "#.#.#...........",
}


@pytest.mark.parametrize("state", State)
def test_each_state_has_its_pattern(state: State) -> None:
    for begin in (0, 7 * PATTERN_MS, 2**32 - PATTERN_MS):
        assert seen(state, begin) == LIT[state]
    assert len(set(LIT.values())) == len(State)


def test_the_led_shows_the_state() -> None:
    device = Device()
    device.send(m.Estop())
    device.run(LED_MS)
    lit = []
    for _ in range(PATTERN_MS):
        device.run(1)
        lit.append(LIB.fake.led)
    assert lit.count(True) == 3 * STEP_MS
