"""The button of the simulated hand, as firmware/PROTOCOL.md describes it: a contact that bounces becomes presses."""

from __future__ import annotations

from myobridge.wire import messages as m
from myobridge.wire.messages import Button

SURE = m.BUTTON_DEBOUNCE_MS + 1
"""So many looks, a millisecond apart, span button_debounce_ms."""


class PushButton:
    """A button whose contact is looked at each millisecond."""

    def __init__(self) -> None:
        self.contact = False
        """The contact is closed. Whoever presses the button sets it."""
        self.presses = 0
        self.pressed = False
        """Debounced."""
        self.spent = False
        """This press, or the last one, asks for nothing."""
        self._held_ms = 0
        self._level = 0
        """Rises while the contact is closed, falls while it is open. A press begins at SURE and ends at 0."""
        self._was_up = False
        """The contact has been open since the start."""

    @property
    def rests(self) -> bool:
        """Time alone changes nothing."""
        return not (self.contact or self._level or self.pressed) and self._was_up

    def tick(self) -> bool:
        """Lets a millisecond pass; whether there is something to tell."""
        self._integrate()
        if self._level == (0 if self.pressed else SURE):
            self._turn()
            return True
        return self.pressed and self._grow()

    def _integrate(self) -> None:
        known = self._was_up or self.pressed
        step = 1 if self.contact else -1
        self._level = max(0 if known else -SURE, min(self._level + step, SURE))
        if self._level == -SURE:
            self._was_up = True
            self._level = 0

    def _turn(self) -> None:
        self.pressed = not self.pressed
        if self.pressed:
            self.presses = (self.presses + 1) & 0xFF
            self._held_ms = m.BUTTON_DEBOUNCE_MS
            self.spent = not self._was_up
        else:
            self._was_up = True

    def _grow(self) -> bool:
        if self._held_ms == m.BUTTON_STUCK_MS:
            return False
        self._held_ms += 1
        if self._held_ms == m.BUTTON_STUCK_MS:
            self.spent = True
        return self._held_ms in (m.BUTTON_LONG_MS, m.BUTTON_LONGEST_MS, m.BUTTON_STUCK_MS)

    @property
    def bits(self) -> Button:
        """What STATUS says."""
        said = Button(0)
        for bit, holds in (
            (Button.PRESSED, self.pressed),
            (Button.STUCK, self.pressed and (self._held_ms == m.BUTTON_STUCK_MS or not self._was_up)),
            (Button.LONG, self._held_ms >= m.BUTTON_LONG_MS),
            (Button.LONGEST, self._held_ms >= m.BUTTON_LONGEST_MS),
            (Button.SPENT, self.spent),
        ):
            said |= bit if holds else Button(0)
        return said
