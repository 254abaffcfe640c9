"""Good frames with any content → session: one sentence at worst, and no movement without a request."""

from __future__ import annotations

from functools import cache

from promises import in_a_sentence, on_the_wire, piece

from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.handshake import Phase
from virtual_hand import VirtualHand

PHASES = tuple(Phase)
REQUESTS = ("request_arm", "request_disarm", "request_estop", "stop")


@cache
def answers(phase: Phase) -> bytes:
    """The frames of a good hand in the next 0.1 s after a session reaches this phase, as pieces."""
    hand = VirtualHand()
    hand.run_until(lambda: hand.session.phase is phase, within_s=0.5)
    hand.received.clear()
    hand.run(0.1)
    return b"".join(piece(message.TYPE, message.pack()) for message in hand.received)


def seeds() -> list[bytes]:
    return [bytes((number, 255)) + answers(phase) for number, phase in enumerate(PHASES)]


def fuzz(data: bytes) -> None:
    """The first byte chooses the phase in which the fuzzer replaces the hand, the second byte a request."""
    if len(data) < 2:
        return
    hand, asked = VirtualHand(), REQUESTS[data[1]] if data[1] < len(REQUESTS) else ""
    hand.run_until(lambda: hand.session.phase is PHASES[data[0] % len(PHASES)], within_s=0.5)
    if asked:
        getattr(hand.session, asked)()
    hand.sent.clear()
    in_a_sentence(converse, hand, data[2:])
    assert asked == REQUESTS[0] or not (hand.session.may_move or hand.sent_of(m.Arm))
    assert not hand.sent_of(m.Setpoint)


def converse(hand: VirtualHand, data: bytes) -> None:
    decoder = FrameDecoder()
    for wire in on_the_wire(data):
        hand.now_s += 0.01
        for frame in decoder.feed(wire):
            if frame[0] != m.Emg.TYPE:
                hand.session.on_frame(frame, hand.now_s)
        hand.session.poll(hand.now_s)
        assert len(hand.session._pings) <= 1
