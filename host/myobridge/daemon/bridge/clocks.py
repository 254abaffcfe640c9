"""Which sample of the board was taken together with which sample of the stream? Pure.

The daemon counts the stream's samples, and the board judges setpoints by its own. Both are laid on the host's time: a
sample of the stream by its time stamp, a sample of the board by its arrival. The line below all points
(`wire/clock.py`) gives the time of any sample.

No error makes a setpoint look fresh that is not. A time stamp counts as no later than the sample's arrival, the delay
of the board's cable makes samples look older, and no setpoint names a sample that the board has not sent yet.
"""

from __future__ import annotations

from typing import Final

from myobridge.wire.clock import SampleClock
from myobridge.wire.emg import INDEX_SPAN, index_step

BACK_S: Final = 0.25
"""Time stamps that go back by more than this are not late ones between others: the stream's clock was set."""


class Clocks:
    """The two clocks between one START and the next. Numbers of samples are modulo 2^32 outside of this class."""

    def __init__(self, fs_hz: float) -> None:
        """fs_hz: nominal rate of both."""
        self._fs_hz = fs_hz
        self._stream, self._board = SampleClock(fs_hz), SampleClock(fs_hz)
        self._newest_stream: int | None = None
        self._newest_taken_s = 0.0
        self._newest_board: int | None = None
        self._named: int | None = None
        """The newest sample of the board that a setpoint was based on."""

    def stream_sample(self, number: int, taken_s: float, read_s: float) -> None:
        """Takes a sample of the stream; number: since START, unwrapped."""
        taken_s = min(taken_s, read_s)
        if self._newest_stream is not None and taken_s < self._newest_taken_s - BACK_S:
            self._stream = SampleClock(self._fs_hz)
        self._newest_stream, self._newest_taken_s = number, taken_s
        self._stream.arrived(number, taken_s)

    def board_sample(self, index: int, now_s: float) -> None:
        """Takes the index of a sample that the board has just sent."""
        newest = self._newest_board
        self._newest_board = index if newest is None else newest + index_step(index, newest % INDEX_SPAN)
        self._board.arrived(self._newest_board, now_s)

    def to_board(self, number: int) -> int:
        """The board's sample of the time of sample `number` of the stream; never an older one than before.

        To repeat the last answer is safe: its sample grows old on the board. Without both clocks it is the number.
        """
        if self._newest_stream is None or self._newest_board is None:
            return number
        unwrapped = self._newest_stream + index_step(number, self._newest_stream % INDEX_SPAN)
        index = min(self._board.index_at(self._stream.sampled_s(unwrapped)), self._newest_board)
        self._named = index if self._named is None else max(index, self._named)
        return self._named % INDEX_SPAN

    def to_stream(self, index: int) -> int:
        """The stream's sample of the time of the board's sample `index`, whether or not it has arrived; 0: unknown."""
        if self._newest_stream is None or self._newest_board is None:
            return 0
        unwrapped = self._newest_board + index_step(index, self._newest_board % INDEX_SPAN)
        return self._stream.index_at(self._board.sampled_s(unwrapped)) % INDEX_SPAN
