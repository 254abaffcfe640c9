"""A recording of movements that the hand itself shows, in parts that one permission to act allows.

    PAUSED → a press of the button → READY → REST → HOLD → REST → HOLD → REST → PAUSED → a press → …

A press asks the board for the permission `guide`, as a press does before a calibration. The board ends the permission
at the next press, at a fault, at an emergency stop, and GUIDE_MAX_MS after it began. A movement that is broken off
comes again after the next press.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from myobridge.calibration.byte_source import PortBytes
from myobridge.calibration.morning.button import PressReader
from myobridge.calibration.morning.guide import GUIDE_S
from myobridge.calibration.plan import Event, Stage, Timing, Walk
from myobridge.calibration.servos.board import (
    IN_FORCE,
    SETPOINT_S,
    STOP_S,
    STOP_UNCONFIRMED,
    VALID_4MS,
    has_let_go,
    refuse_company,
)
from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.errors import UserError
from myobridge.feed.port_stream import TURN_S, PortStream
from myobridge.model.file import REST_DEG, ModelSpec, Pose
from myobridge.recording.movement import Movement
from myobridge.settings import ButtonSettings, Settings
from myobridge.wire import messages as m
from myobridge.wire.emg import EMG_HEAD, SAMPLES_AT
from myobridge.wire.link import LinkLost

LOOK_UP_S: Final = 0.1
"""How often to look whether somebody has stopped the hand with `myobridge estop`."""
PRESS: Final = "Press the button on the hand; it then moves for up to {:.0f} s. Another press stops it."
REFUSED: Final = "The board does not let the hand move: {}."


def for_the_hand(movements: Sequence[Movement], config: m.Config, timing: Timing) -> tuple[Movement, ...]:
    """The movements, slowed down where they are faster than the board lets a hand act.

    Raises:
        UserError: a movement leaves the range of a servo, or is longer than the permission to act.
    """
    fastest_deg_per_s = min(m.RELAX_SLEW_CDEG_PER_S, config.slew_cdeg_per_s) / 100
    longest_s = GUIDE_S - timing.ready_s - timing.rest_s
    slowed = tuple(movement.slowed(fastest_deg_per_s) for movement in movements)
    for movement in slowed:
        rows = zip(movement.angles_deg, config.servo_min_cdeg, config.servo_max_cdeg, strict=True)
        if any(not low <= 100 * angle <= high for angle, low, high in rows):
            raise UserError(
                f"The movement {movement.name} leaves the range of a servo, so the hand cannot show it; change the "
                "movement in a copy of the movements file, or record without --on-the-hand."
            )
        if movement.seconds > longest_s:
            raise UserError(
                f"The movement {movement.name} takes the hand {movement.seconds:.0f} s, and a movement may take "
                f"{longest_s:.0f} s; give it fewer depths in a copy of the movements file."
            )
    return slowed


class ActingHand(PortBytes):
    """The board on a port without a daemon, as a stream of bytes and as a hand that may act."""

    def __init__(self, port: str, spec: ModelSpec, settings: Settings) -> None:
        """Opens the port and starts the stream.

        Raises:
            UserError: a daemon has the port, an emergency stop is in force, or the board cannot be used.
        """
        self.pulses_on = False
        """The board has not confirmed at the end that the pulses are off."""
        refuse_company(port, "record")
        self._memory = EstopMemory(port)
        if self._memory.said:
            raise UserError(IN_FORCE.format(port))
        super().__init__(port, spec, settings)

    def _open(self) -> PortStream:
        self._newest: int | None = None
        self._told_s = self._look_up_s = 0.0
        self._reader = PressReader(ButtonSettings())
        return super()._open()

    def _hear(self, frame: bytes, now_s: float) -> None:
        super()._hear(frame, now_s)
        if frame[0] == m.Emg.TYPE and len(frame) > SAMPLES_AT:
            index, n, _ = EMG_HEAD.unpack_from(frame)
            self._newest = index + n - 1

    @property
    def _status(self) -> m.Status | None:
        return None if self._stream is None else self._stream.session.status

    @property
    def acting(self) -> bool:
        """The board lets the hand act."""
        return self._stream is not None and self._stream.session.acting

    @property
    def refusal(self) -> str:
        """Why the board refused the permission to act; empty if it did not, or has not answered."""
        return "" if self._stream is None else self._stream.session.arm_refusal

    def pressed(self) -> bool:
        """A press of the button, of any length, has just ended; a press that stopped the hand does not count."""
        return self._status is not None and self._reader.look(self._status).asks is not None

    def permit(self) -> None:
        """Asks the board to let the hand act, because a person pressed the button."""
        if self._stream is not None:
            self._stream.session.request_arm(m.Permission.GUIDE)

    def disarm(self) -> None:
        """Takes the permission back, or the request for it."""
        if self._stream is not None:
            self._stream.session.request_disarm()

    def recover(self) -> None:
        """Disarms a hand that has let go after a fault or a silence, so that the next press may permit it to act."""
        status = self._status
        if self._stream is not None and status is not None and has_let_go(status) and not self._stream.session.busy:
            self._stream.session.request_disarm()

    def show(self, pose: Pose, now_s: float) -> None:
        """Sends a setpoint if the hand may act and one is due."""
        if self.acting and self._stream is not None and self._newest is not None and now_s - self._told_s >= SETPOINT_S:
            self._told_s = now_s
            cdeg = tuple([round(100 * angle) for angle in pose])
            self._stream.session.setpoint(cdeg, VALID_4MS, self._newest)

    def look_up(self, now_s: float) -> None:
        """Obeys a person who stopped the hand with `myobridge estop`.

        Raises:
            UserError: an emergency stop is in force.
        """
        if now_s >= self._look_up_s:
            self._look_up_s = now_s + LOOK_UP_S
            if self._memory.said or self._is_stopped:
                raise UserError(IN_FORCE.format(self._port) if self._stopped() else STOP_UNCONFIRMED)

    def close(self) -> None:
        """Disarms the hand and ends the stream."""
        stream = self._stream
        super().close()
        status = None if stream is None else stream.session.status
        self.pulses_on = status is not None and bool(status.flags & m.StatusFlag.PULSES_ON)

    @property
    def _is_stopped(self) -> bool:
        return self._status is not None and self._status.state == m.State.ESTOP

    def _stopped(self) -> bool:
        """Sends ESTOP until the board confirms it, for STOP_S at most."""
        until_s = time.monotonic() + STOP_S
        with suppress(LinkLost, UserError):
            while self._stream is not None and not self._is_stopped and time.monotonic() < until_s:
                if not self._stream.session.stopping:
                    self._stream.session.request_estop()
                self._stream.receive(TURN_S)
        return self._is_stopped


class OnTheHand:
    """Lets the hand show a walk, and pauses the walk while the hand may not act."""

    def __init__(self, hand: ActingHand, walk: Walk) -> None:
        self._hand, self._walk = hand, walk
        self._asked = False
        """The board has been asked for the permission, and has not answered."""
        self._ends_s = 0.0
        self._refusal = ""

    @property
    def waits_for(self) -> str:
        """What the wearer has to do while the walk is paused."""
        return f"{self._refusal} {PRESS.format(GUIDE_S)}".strip()

    def attend(self, now_s: float) -> list[Event]:
        """Called in each turn, before the walk goes on; the events of a pause or of its end.

        Raises:
            UserError: an emergency stop is in force.
        """
        hand, walk = self._hand, self._walk
        hand.look_up(now_s)
        pressed = hand.pressed()
        if walk.stage is Stage.PAUSED:
            return self._wait(pressed, now_s)
        if not hand.acting or not self._fits(now_s):
            hand.disarm()
            return walk.pause()
        hand.show(walk.shown_deg(now_s) or REST_DEG, now_s)
        return []

    def _wait(self, pressed: bool, now_s: float) -> list[Event]:
        hand = self._hand
        if self._asked and hand.acting:
            self._asked, self._refusal, self._ends_s = False, "", now_s + GUIDE_S
            return self._walk.resume(now_s)
        if self._asked and hand.refusal:
            self._asked, self._refusal = False, REFUSED.format(hand.refusal)
        elif hand.acting:  # a key has paused the walk
            hand.disarm()
        elif pressed:
            self._asked = True
            hand.permit()
        else:
            hand.recover()
        return []

    def _fits(self, now_s: float) -> bool:
        """Whether the hand may act to the end of the movement that would begin now."""
        walk, coming = self._walk, self._walk.coming
        begins = walk.stage is Stage.REST and coming is not None and not walk.stage_left_s(now_s)
        return not begins or coming is None or now_s + walk.seconds(coming) <= self._ends_s
