"""The simulated hand beside the flashed ELF: the same bytes at the same times on both lines, and what both say.

The ELF runs in the simulator at line level. Here the line to the simulated hand brings a byte every 20 µs, too.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Any, Final, Self

from msgspec.structs import replace
from sim_hand import CPU_HZ, SimHand, build_firmware, ms

from myobridge.simulator.board_folder import board_folder
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.limits import WIDE
from myobridge.wire import messages as m
from myobridge.wire.frame import PAYLOAD, FrameDecoder, encode
from myobridge.wire.messages import Message, Reason
from virtual_hand import ConstantSource

BYTE_MS: Final = 10_000 / m.BAUD
STEP_MS: Final = 0.25
APART_MS: Final = 41.0
"""Between two messages. No multiple of it comes close to a time at which the board does something by itself."""
LATE_MS: Final = 4.0
"""An answer may be so much later on one side: a pass of the main loop, an EMG frame in its way, and its own bytes."""
MOST_HZ: Final = 2000.0
CDEG_APART: Final = 400
"""Two servo periods at the slew of these sessions and the moves of ARM and RELAX."""
NEWS: Final = (
    *("state", "reason", "blockers", "flags", "ack_type", "ack_seq", "ack_result", "challenge", "boot_id"),
    *("config_crc", "permission", "limits_state", "button", "button_presses"),
)
"""Fields of STATUS that make it news; a STATUS that repeats them comes by itself."""
ANSWERED_OTHERWISE: Final = (m.Config.TYPE, m.ReadLimits.TYPE, m.WriteLimits.TYPE)
"""No STATUS is sent for these; the next one acknowledges them, whenever it comes."""
COUNTS: Final = (
    *("setpoint_seq", "crc_errors", "length_errors", "unknown_types", "seq_gaps", "rx_overruns"),
    *("range_rejects", "stale_rejects"),
)
IDENT: Final = ("major", "minor", "nonce", "proto_hash", "boot_id", "adc_bits", "tick_hz")


@dataclass(frozen=True)
class Heard:
    """A message at the end of its last byte."""

    t_ms: float
    message: Any


@dataclass
class Ear:
    """Takes the bytes of one side apart, but for EMG."""

    heard: list[Heard] = field(default_factory=list)
    emg_frames: int = 0
    emg_flags: int = 0
    """Of the newest frame."""
    decoder: FrameDecoder = field(default_factory=FrameDecoder)

    def hear(self, t_ms: float, kind: int, payload: bytes) -> None:
        if kind == m.Emg.TYPE:
            self.emg_frames += 1
            self.emg_flags = m.Emg.unpack(payload[: m.Emg.STRUCT.size]).flags
        else:
            self.heard.append(Heard(t_ms, without_phase(m.BY_TYPE[kind].unpack(payload))))

    def all_of(self, kind: type[Message]) -> list[Heard]:
        return [heard for heard in self.heard if isinstance(heard.message, kind)]

    @property
    def status(self) -> m.Status:
        message: m.Status = self.all_of(m.Status)[-1].message
        return message

    def news(self) -> list[Heard]:
        """Each STATUS that says anything new."""
        found: list[Heard] = []
        told: dict[str, Any] = {}
        for heard in self.all_of(m.Status):
            now = of(heard.message, NEWS)
            if now["ack_type"] in ANSWERED_OTHERWISE:
                now |= {name: told[name] for name in told if name.startswith("ack")}
            if now != told:
                found.append(heard)
            told = now
        return found


def without_phase(message: Message) -> Message:
    """A STATUS without the end of RELAX, which comes in the board's own phase of the servo period."""
    if isinstance(message, m.Status) and message.reason == Reason.RELAXED:
        return replace(message, reason=Reason.SILENT_TOO_LONG, flags=message.flags | m.StatusFlag.PULSES_ON)
    return message


def of(message: Message, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names}


class Twins:
    """Both, their hosts, and one time. Use as a context."""

    def __init__(self, board: str = "mega2560", fs_hz: float = MOST_HZ) -> None:
        self._hand = SimHand(build_firmware(board), board)
        folder = board_folder(board)
        self._source = ConstantSource(fs_hz, 5 if board == "uno" else 8, folder.adc_bits)
        self._front_end = bool(folder.front_end)
        self._off = False
        self.seq = 0
        self._arriving: list[tuple[float, int, bytes]] = []
        self._number = count()
        self._line_free_ms = 0.0
        self._start_both()

    def _start_both(self) -> None:
        """The board has just begun to speak; its twin begins now, as the same boot."""
        self._hand.frames()
        while not (frames := [f for f in self._hand.frames() if f.kind == m.Status.TYPE]):
            self._hand.run_ms(1)
        self.board, self.twin = Ear(), Ear()
        boot_id = m.Status.unpack(frames[-1].payload).boot_id
        lead_off = (lambda: self._off) if self._front_end else None
        self.firmware = SimulatedFirmware(self._source, boot_id, limits=WIDE, lead_off=lead_off)
        self._began_cycle = self._hand.cycle
        self.now_ms = 0.0
        self.board.hear(self.now_ms, frames[-1].kind, frames[-1].payload)
        self.wait(APART_MS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hand.__exit__(kind, error, trace)

    def reset(self) -> None:
        """Resets both: the twin takes the board's new boot_id."""
        self._hand.command("reset")
        self._hand.run_ms(1)
        self._arriving.clear()
        self._line_free_ms = 0.0
        self._start_both()

    # ---- the host ----

    def say(self, data: bytes) -> None:
        """Puts bytes onto both lines, after those already there."""
        self._hand.send(data)
        at_ms = max(self.now_ms, self._line_free_ms)
        self._line_free_ms = at_ms + len(data) * BYTE_MS
        for part in data.split(b"\0"):
            at_ms += (len(part) + 1) * BYTE_MS
            heapq.heappush(self._arriving, (min(at_ms, self._line_free_ms), next(self._number), part + b"\0"))

    def tell(self, *messages: Message) -> None:
        """Sends messages without a pause."""
        self.say(b"".join(self.frame(message.TYPE, message.pack()) for message in messages))

    def frame(self, kind: int, payload: bytes) -> bytes:
        self.seq = (self.seq + 1) & 0xFF
        return encode(kind, self.seq, payload)

    def ask(self, *messages: Message) -> None:
        """Sends messages one by one, each after the time in which any would be answered."""
        for message in messages:
            self.tell(message)
            self.wait(APART_MS)

    def wait(self, milliseconds: float) -> None:
        end_ms = self.now_ms + milliseconds
        while self.now_ms < end_ms or (self._arriving and self._arriving[0][0] <= self.now_ms):
            next_ms = min(self.now_ms + STEP_MS, end_ms, self._arriving[0][0] if self._arriving else end_ms)
            self.now_ms = max(next_ms, self.now_ms)
            while self._arriving and self._arriving[0][0] <= self.now_ms:
                self.firmware.receive(heapq.heappop(self._arriving)[2], self.now_ms / 1000)
            self._listen()
        self._hand.run_until(self._began_cycle + round(self.now_ms * CPU_HZ / 1000))
        for frame in self._hand.frames():
            self.board.hear(ms(frame.cycle - self._began_cycle), frame.kind, frame.payload)

    def _listen(self) -> None:
        self.firmware.advance(self.now_ms / 1000)
        for frame in self.twin.decoder.feed(self.firmware.outgoing(self.now_ms / 1000)):
            self.twin.hear(self.now_ms, frame[0], frame[PAYLOAD])

    def press(self, down: bool) -> None:
        """Closes or opens the contact of both buttons."""
        self._hand.press(down)
        self.firmware.button.contact = down

    def lift(self, off: bool) -> None:
        """Takes the first electrode of both off the skin, or puts it back."""
        self._hand.command(f"lead 0 p {'off' if off else 'on'}")
        self._off = off

    # ---- a session ----

    def stream(self, config: m.Config) -> None:
        """HELLO, CONFIG, START."""
        self.ask(m.Hello(m.MAJOR, m.MINOR, 7, m.PROTO_HASH), config)
        self.ask(m.Start(self.firmware.safety.config_crc))

    def arm(self, **changes: int) -> m.Arm:
        """An ARM that is right, but for `changes`."""
        safety = self.firmware.safety
        fields = {"boot_id": safety.boot_id, "config_crc": safety.config_crc, "challenge": safety.challenge}
        return m.Arm(**{"permission": m.Permission.DECODER, **fields, **changes})

    def setpoint(self, angle_cdeg: int, *, age: int = 10, valid_4ms: int = 25) -> m.Setpoint:
        newest = self.firmware._look(self.now_ms / 1000)
        newest = 0 if newest < 100 else newest  # of a stream that has just begun, none is at the edge of being taken
        return m.Setpoint((angle_cdeg,) * m.SERVOS, valid_4ms, (newest - age) & 0xFFFFFFFF)

    # ---- the comparison ----

    def compare(self) -> None:
        """Asserts that both have said the same at the same times. For messages that came one by one."""
        compare_news(self.board.news(), self.twin.news())
        for kind, names in ((m.Ident, IDENT), (m.ConfigAck, ("result", "sample_period_ticks", "config_crc"))):
            compare_answers(self.board.all_of(kind), self.twin.all_of(kind), names)
        compare_answers(self.board.all_of(m.Limits), self.twin.all_of(m.Limits), m.Limits.__struct_fields__)
        compare_answers(self.board.all_of(m.Pong), self.twin.all_of(m.Pong), ("token",))
        for ear in (self.board, self.twin):
            compare_clock(ear)
        statuses = len(self.board.all_of(m.Status)), len(self.twin.all_of(m.Status))
        assert abs(statuses[0] - statuses[1]) <= 1 + max(statuses) // 50, "they repeat STATUS at other times"

    def compare_ends(self) -> None:
        """Asserts that both have arrived at the same. Each may have merged other answers to a flood."""
        self.wait(APART_MS)
        self.tell(m.Disarm())
        self.wait(APART_MS)
        compare_status(self.board.status, self.twin.status)
        for kind, names in ((m.Ident, IDENT), (m.ConfigAck, ("result", "config_crc")), (m.Pong, ("token",))):
            newest = [ear.all_of(kind)[-1:] for ear in (self.board, self.twin)]
            assert [len(side) for side in newest] in ([0, 0], [1, 1])
            for board, twin in zip(*newest, strict=True):
                assert of(board.message, names) == of(twin.message, names)


def compare_status(board: m.Status, twin: m.Status) -> None:
    names = NEWS + COUNTS
    assert of(board, names) == of(twin, names)
    apart = (board.sample_index - twin.sample_index + (1 << 31)) % (1 << 32) - (1 << 31)
    assert abs(apart) <= LATE_MS * MOST_HZ / 1000, (board, twin)
    assert all(abs(a - b) <= CDEG_APART for a, b in zip(board.applied_cdeg, twin.applied_cdeg, strict=True))


def compare_news(board: list[Heard], twin: list[Heard]) -> None:
    shown = [[(heard.message.state, heard.message.reason) for heard in side] for side in (board, twin)]
    assert shown[0] == shown[1]
    for ours, theirs in zip(board, twin, strict=True):
        compare_status(ours.message, theirs.message)
        assert abs(ours.t_ms - theirs.t_ms) <= LATE_MS, (ours, theirs)


def compare_answers(board: list[Heard], twin: list[Heard], names: tuple[str, ...]) -> None:
    assert [of(heard.message, names) for heard in board] == [of(heard.message, names) for heard in twin]
    for ours, theirs in zip(board, twin, strict=True):
        assert abs(ours.t_ms - theirs.t_ms) <= LATE_MS, (ours, theirs)


def compare_clock(ear: Ear) -> None:
    """The board's clock, as its messages tell it, runs as the time does."""
    clocked = [heard for heard in ear.heard if isinstance(heard.message, m.Status | m.Pong)]
    offsets = [heard.t_ms - heard.message.t_us / 1000 for heard in clocked]
    assert max(offsets) - min(offsets) <= LATE_MS
