"""Makes one board of two: the EMG of a stream, and everything else from the board that moves the hand. Pure.

The host's messages reach the board, and the board's reach the host. Four things are translated:

- CONFIG: the board samples a single input, at the stream's rate, as its clock; what concerns servos and timeouts stays.
- The CRC of CONFIG, which both sides compute, in START and ARM, CONFIG_ACK and STATUS.
- Numbers of samples: the stream's in SETPOINT, the board's in STATUS and PONG.
- What IDENT says about channels and counts.

A message keeps the host's seq on its way to the board, so acknowledgements and gaps stay true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from msgspec.structs import replace

from myobridge.board import MAX_RATE_ERROR
from myobridge.daemon.bridge.clocks import Clocks
from myobridge.daemon.bridge.frames import Framer
from myobridge.daemon.bridge.scale import Scale
from myobridge.daemon.bridge.stream import Block, Stream
from myobridge.wire import messages as m
from myobridge.wire.emg import MAX_CHANNELS, emg_wire_bytes, parse_emg
from myobridge.wire.frame import MAX_WIRE_BYTES, PAYLOAD, encode
from myobridge.wire.messages import Result

CLOCK_INPUT: Final = 0
"""The analogue input that the board samples; nothing needs to be connected."""
CLOCK_FRAMES_HZ: Final = 200
"""EMG frames of the board, one each 5 ms; at 2 kHz they take a seventh of the line."""
MOST_SAMPLES: Final = 100
EMG: Final = m.Emg.TYPE
LEAD_OFF: Final = int(m.EmgFlag.LEAD_OFF)
ARMED: Final = int(m.EmgFlag.ARMED)
"""Plain numbers, because IntFlag's arithmetic is slow."""


@dataclass(frozen=True)
class Configured:
    """A CONFIG as the host sent it, and the CRCs by which host and board know it."""

    config: m.Config
    host_crc: int
    board_crc: int


class Translator:
    """Between one host and one board. `tell` gets sentences for people."""

    def __init__(self, stream: Stream, scale: Scale, tell: Callable[[str], None]) -> None:
        self._stream, self._scale, self._tell = stream, scale, tell
        self._channels = min(stream.channels, MAX_CHANNELS)  # further channels are left out
        self._tick_hz = 0
        self._board = 0
        self._seq = 0
        self._asked: Configured | None = None
        self._in_force: Configured | None = None
        self._framer: Framer | None = None
        self._clocks: Clocks | None = None
        """Framer and clocks exist while the board streams."""
        self._armed = False

    def board_lost(self) -> None:
        """The board is gone; its CONFIG and its clock are, too."""
        self._framer = self._clocks = self._asked = self._in_force = None

    # --- from the host --------------------------------------------------------------------------------------

    def from_host(self, frame: bytes) -> tuple[bytes, bytes]:
        """What a good frame of the host becomes: bytes for the board, and bytes for the host."""
        kind, seq, payload = frame[0], frame[1], frame[PAYLOAD]
        if kind & 0x80 or len(payload) != m.PAYLOAD_BYTES.get(kind):
            return encode(kind, seq, payload), b""  # the board counts it as bad
        message = m.BY_TYPE[kind].unpack(payload)
        match message:
            case m.Config() if self._tick_hz:
                return self._configure(message, seq)
            case m.Start() | m.Arm() if self._in_force and message.config_crc == self._in_force.host_crc:
                message = replace(message, config_crc=self._in_force.board_crc)
            case m.Setpoint() if self._clocks:
                message = replace(message, based_on_sample=self._clocks.to_board(message.based_on_sample))
            case m.Hello():
                return b"\0" + encode(kind, seq, payload), b""  # the zero ends any unfinished frame on the line
        return encode(kind, seq, message.pack()), b""

    def _configure(self, config: m.Config, seq: int) -> tuple[bytes, bytes]:
        if (result := self._fits(config)) is not Result.OK:
            period = self._in_force.config.sample_period_ticks if self._in_force else 0
            return b"", self._to_host(m.ConfigAck(result, period, self._in_force.host_crc if self._in_force else 0))
        samples = min(max(1, round(self._stream.fs_hz / CLOCK_FRAMES_HZ)), MOST_SAMPLES)
        clock = replace(config, channel_mask=1 << CLOCK_INPUT, samples_per_frame=samples)
        self._asked = Configured(config, crc32(config.pack()), crc32(clock.pack()))
        return encode(m.Config.TYPE, seq, clock.pack()), b""

    def _fits(self, config: m.Config) -> Result:
        """The rules of CONFIG that concern the stream; the board checks all others."""
        fs_hz = self._tick_hz / max(1, config.sample_period_ticks)
        if not config.channel_mask or config.channel_mask >> self._channels:
            return Result.BAD_CHANNELS
        if abs(fs_hz / self._stream.fs_hz - 1) > MAX_RATE_ERROR:
            self._tell(
                f"The host asks for {fs_hz:g} Hz, and the stream has {self._stream.fs_hz:g} Hz; choose a model for "
                f"{self._stream.fs_hz:g} Hz, or record with `--fs {self._stream.fs_hz:g}`."
            )
            return Result.BAD_PERIOD
        length = emg_wire_bytes(config.samples_per_frame, config.channel_mask.bit_count())
        if not config.samples_per_frame or length > MAX_WIRE_BYTES + 1:
            return Result.BAD_SAMPLES_PER_FRAME
        if config.oversampling > m.SLOT_CONVERSIONS.get(self._board, 1):
            return Result.BAD_OVERSAMPLING  # nothing can be added to what the amplifier sends
        return Result.OK

    # --- from the board -------------------------------------------------------------------------------------

    def from_board(self, frame: bytes, now_s: float) -> bytes:
        """What a good frame of the board becomes for the host; nothing of its EMG, which is only its clock."""
        kind, payload = frame[0], frame[PAYLOAD]
        if kind == EMG:
            self._hear_clock(frame, now_s)
            return b""
        if len(payload) == m.PAYLOAD_BYTES.get(kind):
            match m.BY_TYPE[kind].unpack(payload):
                case m.Ident() as ident:
                    return self._to_host(self._introduced(ident))
                case m.ConfigAck() as ack:
                    return self._to_host(self._acknowledged(ack))
                case m.Status() as status:
                    return self._to_host(self._reported(status))
                case m.Pong() as pong:
                    return self._to_host(replace(pong, sample_index=self._in_stream(pong.sample_index)))
        return self._encode(kind, payload)

    def _hear_clock(self, frame: bytes, now_s: float) -> None:
        if (samples := parse_emg(frame, 1)) is not None:
            index, flags, counts = samples
            self._armed = bool(flags & ARMED)
            if self._clocks:
                self._clocks.board_sample(index + len(counts) - 1, now_s)

    def _introduced(self, ident: m.Ident) -> m.Ident:
        self._tick_hz, self._board = ident.tick_hz, ident.board
        capabilities = ident.capabilities | m.Capability.LEAD_OFF
        return replace(
            ident, max_channels=self._channels, adc_bits=self._scale.bits, capabilities=m.Capability(capabilities)
        )

    def _acknowledged(self, ack: m.ConfigAck) -> m.ConfigAck:
        if ack.result == Result.OK and self._asked and ack.config_crc == self._asked.board_crc:
            self._in_force = self._asked
        return replace(ack, config_crc=self._for_host(ack.config_crc))

    def _reported(self, status: m.Status) -> m.Status:
        if self._in_force and status.config_crc != self._in_force.board_crc:
            self._in_force = None  # the board was reset
        self._armed = status.state == m.State.ARMED
        streams = bool(status.flags & m.StatusFlag.STREAMING)
        if streams and self._in_force and self._framer is None:
            config = self._in_force.config
            inputs = [i for i in range(MAX_CHANNELS) if config.channel_mask >> i & 1]
            self._framer = Framer(inputs, config.samples_per_frame, self._scale)
            self._clocks = Clocks(self._tick_hz / config.sample_period_ticks)
        elif not (streams and self._in_force):
            self._framer = self._clocks = None
        return replace(
            status,
            config_crc=self._for_host(status.config_crc),
            sample_index=self._in_stream(status.sample_index),
        )

    def _for_host(self, crc: int) -> int:
        return self._in_force.host_crc if self._in_force and crc == self._in_force.board_crc else crc

    def _in_stream(self, index: int) -> int:
        return self._clocks.to_stream(index) if self._clocks else 0

    # --- from the stream ------------------------------------------------------------------------------------

    @property
    def missing(self) -> int:
        """Samples of the stream that complete the next EMG frame; 0 while the host wants none."""
        framer = self._framer  # the other thread may end the stream between two looks
        return framer.missing if framer else 0

    def from_stream(self, block: Block) -> list[bytes]:
        """The EMG frames for the host that the block completes."""
        if self._framer is None or self._clocks is None:
            return []
        n, sent = self._framer.samples_per_frame, []
        for first, samples, lead_off, taken_s in self._framer.push(block):
            self._clocks.stream_sample(first + n - 1, taken_s, block.read_s)
            flags = LEAD_OFF * lead_off | ARMED * self._armed
            sent.append(self._encode(EMG, m.Emg(first & 0xFFFFFFFF, n, flags).pack() + samples))
        return sent

    def _to_host(self, message: m.Message) -> bytes:
        return self._encode(message.TYPE, message.pack())

    def _encode(self, kind: int, payload: bytes) -> bytes:
        seq, self._seq = self._seq, (self._seq + 1) & 0xFF
        return encode(kind, seq, payload)
