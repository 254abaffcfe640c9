"""What a board has to say: a buffer of TX_BUFFER_BYTES before the line, and the answers that wait for room in it.

As firmware/src/link.c: EMG that finds no room is dropped, an answer waits, and of two answers of a kind the newer one
is sent. Pure: time is an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from myobridge.wire import messages as m
from myobridge.wire.emg import BITS_PER_BYTE
from myobridge.wire.frame import OVERHEAD_BYTES, encode

TX_BUFFER_BYTES: Final = 512
USABLE_BYTES: Final = TX_BUFFER_BYTES - 1
IN_HARDWARE_BYTES: Final = 2
"""On their way out of the UART: they no longer take room in the buffer."""
STATUS_ROOM: Final = m.Status.STRUCT.size + OVERHEAD_BYTES
ANSWERS_ROOM: Final = 2 * STATUS_ROOM
"""EMG leaves it free."""
PASS_S: Final = 0.0008
"""A board that has answered is busy for so long: what comes meanwhile is answered together."""
ANSWERS: Final = (m.Ident, m.ConfigAck, m.Limits, m.Pong, m.Status)
"""In the order in which they leave."""
Answer = Callable[[float], m.Message]
"""The message as of the time at which it is sent."""


class Uplink:
    """The line from a board to its host."""

    def __init__(self, baud: int) -> None:
        self._byte_s = BITS_PER_BYTE / baud
        self._seq = 0
        self._line_free_s = 0.0
        self._busy_until_s = 0.0
        self._frames: deque[tuple[float, bytes]] = deque()
        self._due: dict[type[m.Message], Answer] = {}

    def owe(self, kind: type[m.Message], answer: Answer) -> None:
        """An answer is due, in place of an older one of its kind."""
        self._due[kind] = answer

    def send_due(self, now_s: float) -> None:
        """Puts the answers that have room onto the line."""
        if now_s < self._busy_until_s:
            return
        for kind in ANSWERS:
            if kind in self._due and self._room_s(kind) <= now_s:
                self._put(kind.TYPE, self._due.pop(kind)(now_s).pack(), now_s)
                self._busy_until_s = now_s + PASS_S

    def send_emg(self, payload: bytes, now_s: float) -> bool:
        """Puts an EMG frame onto the line; False: it has no room and is lost."""
        if self._free_s(len(payload) + OVERHEAD_BYTES + ANSWERS_ROOM) > now_s:
            return False
        self._put(m.Emg.TYPE, payload, now_s)
        return True

    def carried(self, now_s: float) -> bytes:
        """The frames that the line has carried by now and not given yet."""
        frames = []
        while self._frames and self._frames[0][0] <= now_s:
            frames.append(self._frames.popleft()[1])
        return b"".join(frames)

    def next_event_s(self) -> float:
        """Time at which a frame has been carried, or at which an answer has room."""
        times = [max(self._room_s(kind), self._busy_until_s) for kind in self._due]
        return min([*times, self._frames[0][0]] if self._frames else times, default=float("inf"))

    def _room_s(self, kind: type[m.Message]) -> float:
        """Time from which on an answer has room. All but STATUS leave room for one."""
        return self._free_s(kind.STRUCT.size + OVERHEAD_BYTES + (0 if kind is m.Status else STATUS_ROOM))

    def _free_s(self, byte_count: int) -> float:
        """Time from which on so many bytes are free."""
        return self._line_free_s - (USABLE_BYTES + IN_HARDWARE_BYTES - byte_count) * self._byte_s

    def _put(self, kind: int, payload: bytes, now_s: float) -> None:
        frame = encode(kind, self._seq, payload)
        self._seq = (self._seq + 1) & 0xFF
        self._line_free_s = max(self._line_free_s, now_s) + len(frame) * self._byte_s
        self._frames.append((self._line_free_s, frame))
