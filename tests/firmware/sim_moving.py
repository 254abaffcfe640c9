"""A hand in motion, about to meet a fault, and what has to hold afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from sim_hand import Kind, SimHand, ms, us
from sim_host import SimHost
from sim_measure import PULSE_0_US, PULSE_180_US, board_on, pulses

from myobridge.wire.messages import (
    ANGLE_MAX_CDEG,
    FIRST_MOVE_SLEW_CDEG_PER_S,
    HOLD_MAX_MS,
    RELAX_SLEW_CDEG_PER_S,
    SERVO_PERIOD_MAX_US,
    SERVOS,
    Reason,
    State,
)

SLEW_CDEG_PER_S: Final = 10_000
GRIP: Final = (9000,) * SERVOS
CLOSED: Final = (ANGLE_MAX_CDEG,) * SERVOS
OPEN: Final = (0,) * SERVOS
PULSE_TOLERANCE_US: Final = {"mega2560": 0.5, "uno": 10.0, "rp2040": 0.5}


@dataclass
class Outcome:
    """`safe_ms`: from the fault to the safe state that `what` names; None: it never left it."""

    safe_ms: float | None
    what: str


@contextmanager
def moving(board: str, *, steps_matter: bool = True) -> Iterator[SimHost]:
    """Half closed and on its way to closed, at SLEW_CDEG_PER_S."""
    with board_on(board) as host:
        host.stream_armed(slew_cdeg_per_s=SLEW_CDEG_PER_S)
        host.move(GRIP, 2000)
        assert host.status.applied_cdeg == GRIP
        host.move(CLOSED, 200)
        yield host
        if steps_matter:
            assert_no_step(host.hand, board)


def assert_no_step(hand: SimHand, board: str, until: int | None = None) -> None:
    """No servo was ever told to go further in one period than the fastest slew of this session allows.

    until: only pulses that ended before this cycle count.
    """
    fastest = max(SLEW_CDEG_PER_S, FIRST_MOVE_SLEW_CDEG_PER_S, RELAX_SLEW_CDEG_PER_S)
    per_period_us = fastest * SERVO_PERIOD_MAX_US / 1e6 / ANGLE_MAX_CDEG * (PULSE_180_US - PULSE_0_US)
    for servo in range(SERVOS):
        rises, widths = pulses(hand, servo)
        steps = np.abs(np.diff(widths if until is None else widths[rises + widths < until]))
        assert us(int(steps.max())) <= per_period_us + PULSE_TOLERANCE_US[board]


def last_byte_in(host: SimHost) -> int:
    return int(host.hand.events(Kind.RX)["cycle"][-1])


def first_status(host: SimHost, state: State, since: int) -> tuple[int, Reason]:
    """Cycle at which the host knew of `state`, and why."""
    found = next(s for s in host.statuses if s.cycle >= since and s.message.state == state)
    return found.cycle, Reason(found.message.reason)


def assert_held(host: SimHost, board: str, since: int) -> None:
    """Pulses go on and do not change."""
    for servo in range(SERVOS):
        widths = pulses(host.hand, servo, since)[1]
        assert len(widths) > 0
        assert us(int(np.ptp(widths))) <= PULSE_TOLERANCE_US[board]


def last_pulse_end(hand: SimHand) -> int:
    edges = hand.events(Kind.SERVO)
    for servo in range(SERVOS):
        own = edges[edges["index"] == servo]
        assert own["value"][-1] == 0, "a servo pin is high"
    return int(edges["cycle"][-1])


def held_after(host: SimHost, board: str, fault: int) -> float:
    """Asserts HOLD for silence, in time, and that the hand then stays; gives the time."""
    hold, reason = first_status(host, State.HOLD, fault)
    assert reason == Reason.SETPOINTS_STOPPED
    assert abs(ms(hold - fault) - HOLD_MAX_MS) <= 10
    return ms(hold - fault)
