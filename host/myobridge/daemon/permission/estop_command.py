"""ESTOP and lift from the command line: through the daemon if one runs, else on the board and in its memory."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.daemon.permission.rules import LIFTED, NO_ANSWER, NOT_STOPPED, POWER_CYCLE, RESET_S, Outcome
from myobridge.errors import UserError
from myobridge.feed import FeedClient, NoDaemon
from myobridge.wire import messages as m
from myobridge.wire.ask import answers
from myobridge.wire.frame import PAYLOAD
from myobridge.wire.link import LinkLost, PortInUse, SerialLink

REPEAT_S: Final = 0.05
_STATES: Final = frozenset(m.State)
STOPPED_ALONE: Final = (
    "No daemon runs; the board is in emergency stop, and the stop is remembered until `myobridge lift-estop`."
)
CONFIRM_S: Final = 3.5
"""A daemon answers an ESTOP within this time, even if the board does not."""
NOT_REACHED: Final = "The board was not reached ({}); switch the servo power off. The emergency stop is remembered."
GONE: Final = "The emergency stop is lifted on this computer, but the board was not reached ({})"


def stop(port: str) -> Outcome:
    """Stops the hand on a port. Remembers the stop first, because the rest may take seconds or fail."""
    forgotten = ""
    try:
        EstopMemory(port).remember()
    except UserError as error:
        forgotten = f" {error}"
    ok, text = _stop(port)
    return Outcome(ok and not forgotten, text + forgotten)


def _stop(port: str) -> Outcome:
    with suppress(NoDaemon), FeedClient(port) as feed:
        reply = feed.request("estop", within_s=CONFIRM_S)
        return Outcome(reply.ok, reply.text)
    try:
        state = _ask(port, m.Estop(), until=(m.State.ESTOP,))
    except PortInUse:  # by a daemon that does not answer, or by `servos` or `record`, which obey the memory
        return Outcome(False, NOT_REACHED.format("another program has the port and does not answer"))
    except UserError as error:
        return Outcome(False, NOT_REACHED.format(str(error).rstrip(".")))
    return Outcome(True, STOPPED_ALONE) if state is m.State.ESTOP else Outcome(False, NO_ANSWER)


def lift(port: str) -> Outcome:
    """Lifts the emergency stop of the board on a port, and resets the board.

    Raises:
        UserError: the memory cannot be written, so the stop stays.
    """
    try:
        with FeedClient(port) as feed:
            reply = feed.request("lift")
        return Outcome(reply.ok, reply.text)
    except NoDaemon:
        memory = EstopMemory(port)
        remembered = memory.said
        memory.lift()
    try:
        state = _ask(port, m.Disarm(), until=(m.State.DISARMED, m.State.ESTOP))
        if state is m.State.ESTOP:
            state, remembered = _ask(port, m.Disarm(), until=(m.State.DISARMED,), reset=True), True
    except UserError as error:
        return Outcome(True, GONE.format(str(error).rstrip(".")) + ".")
    if state is not m.State.DISARMED:
        return Outcome(True, POWER_CYCLE)
    return Outcome(True, LIFTED if remembered else NOT_STOPPED)


def _ask(port: str, message: m.Message, until: tuple[m.State, ...], *, reset: bool = False) -> m.State | None:
    """Repeats a message until the board reports a state of `until`, for RESET_S at most; returns the last state.

    It waits for the board's first frame, because bytes would keep a boot loader running.

    Raises:
        UserError: the port cannot be opened, or disappears.
    """
    link, state = SerialLink(port), None
    try:
        if reset and not link.reset_board():
            return None
        for frame in answers(link, message, every_s=REPEAT_S, within_s=RESET_S):
            if frame[0] == m.Status.TYPE and len(frame[PAYLOAD]) == m.Status.STRUCT.size:
                told = m.Status.unpack(frame[PAYLOAD]).state
                state = m.State(told) if told in _STATES else state
                if state in until:
                    break
    except LinkLost as lost:
        raise UserError(f"The port {port} disappeared ({lost}); plug the board in again.") from lost
    finally:
        link.close()
    return state
