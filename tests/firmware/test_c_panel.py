"""The button, bouncing and stuck, and the LED's patterns."""

from __future__ import annotations

from random import Random

import pytest
from portable import load
from test_c_device import Device

from myobridge.wire import messages as m
from myobridge.wire.messages import Button, State

FFI, LIB = load()
STEP_MS = 128
LED_MS = 16
"""The LED follows within so much."""
PATTERN_MS = 16 * STEP_MS


class Contact:
    """A button that was never touched."""

    def __init__(self) -> None:
        self.struct = FFI.new("struct push_button *")

    def hold(self, down: bool, ms: int) -> int:
        """So many ticks; how often it told of a change."""
        return sum(LIB.button_tick(self.struct, down) for _ in range(ms))

    @property
    def bits(self) -> Button:
        return Button(LIB.button_bits(self.struct))

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


def test_a_contact_that_bounces_for_ever_is_no_press() -> None:
    random, contact = Random(1), Contact()
    for k in range(5000):
        assert contact.hold(k % 2 == 0, random.randint(1, m.BUTTON_DEBOUNCE_MS)) == 0
    assert (contact.bits, contact.presses) == (Button(0), 0)


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


def test_a_button_that_stays_pressed_is_stuck_and_says_so_once_however_long_it_stays() -> None:
    contact = Contact()
    assert contact.hold(True, m.BUTTON_STUCK_MS) == 1
    assert contact.bits == Button.PRESSED
    assert contact.hold(True, 1) == 1
    assert contact.bits == Button.PRESSED | Button.STUCK
    assert contact.hold(True, 200_000) == 0
    assert (contact.bits, contact.presses) == (Button.PRESSED | Button.STUCK, 1)
    assert contact.hold(False, 200_000) == 1
    assert contact.bits == Button(0)


def test_presses_wrap() -> None:
    contact = Contact()
    for _ in range(257):
        contact.hold(True, 30)
        contact.hold(False, 30)
    assert contact.presses == 1


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
        seen = "".join("#" if LIB.led_lit(state, begin + STEP_MS * step + 5) else "." for step in range(16))
        assert seen == LIT[state]
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
