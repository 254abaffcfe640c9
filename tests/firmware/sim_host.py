"""A host for the simulated board, as a test wants one: every byte it sends goes out at a known cycle."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from zlib import crc32

from sim_hand import CPU_HZ, Received, SimHand, cycles_of_ms

from myobridge.wire.frame import encode
from myobridge.wire.messages import (
    ANGLE_MAX_CDEG,
    HOLD_MAX_MS,
    MAJOR,
    MINOR,
    PROTO_HASH,
    RELAX_MAX_MS,
    SERVO_PERIOD_MAX_US,
    SERVOS,
    SLEW_MAX_CDEG_PER_S,
    SLOT_CONVERSIONS,
    Arm,
    Config,
    ConfigAck,
    Disarm,
    Emg,
    Estop,
    Hello,
    Ident,
    Message,
    Permission,
    Ping,
    Pong,
    SampleFormat,
    Setpoint,
    Start,
    State,
    Status,
    Stop,
)

OPEN = (0,) * SERVOS
REQUEST_TIMEOUT_MS = 50
MARGIN_MS = 5
"""How much older than the newest sample a decision is: what a host's own computing takes, and more."""


M = TypeVar("M")


@dataclass
class Timed(Generic[M]):
    """A message and the cycle at which its last byte had arrived."""

    cycle: int
    message: M


@dataclass
class EmgFrame:
    """One EMG frame. `samples`: n x channels counts, as they came."""

    cycle: int
    sample_index: int
    flags: int
    samples: list[int]
    n: int


def config(
    tick_hz: int,
    *,
    oversampling: int = 1,
    fs_hz: int = 2000,
    channels: int = 4,
    samples_per_frame: int = 4,
    servo_period_us: int = SERVO_PERIOD_MAX_US,
    slew_cdeg_per_s: int = SLEW_MAX_CDEG_PER_S,
    servo_min_cdeg: int = 0,
    servo_max_cdeg: int = ANGLE_MAX_CDEG,
    pulse_0_us: int = 500,
    pulse_180_us: int = 2500,
) -> Config:
    return Config(
        channel_mask=(1 << channels) - 1,
        sample_period_ticks=tick_hz // fs_hz,
        samples_per_frame=samples_per_frame,
        sample_format=SampleFormat.INT16,
        oversampling=oversampling,
        servo_min_cdeg=(servo_min_cdeg,) * SERVOS,
        servo_max_cdeg=(servo_max_cdeg,) * SERVOS,
        servo_safe_cdeg=(servo_min_cdeg,) * SERVOS,
        pulse_0_us=(pulse_0_us,) * SERVOS,
        pulse_180_us=(pulse_180_us,) * SERVOS,
        servo_period_us=servo_period_us,
        slew_cdeg_per_s=slew_cdeg_per_s,
        hold_ms=HOLD_MAX_MS,
        relax_ms=RELAX_MAX_MS,
    )


@dataclass
class SimHost:
    """Sends messages, sorts what comes back."""

    hand: SimHand
    fs_hz: int = 2000
    seq: int = 0
    received: list[Received] = field(default_factory=list)
    idents: list[Timed[Ident]] = field(default_factory=list)
    config_acks: list[Timed[ConfigAck]] = field(default_factory=list)
    statuses: list[Timed[Status]] = field(default_factory=list)
    pongs: list[Timed[Pong]] = field(default_factory=list)
    emg: list[EmgFrame] = field(default_factory=list)
    config_crc: int = 0

    # ---- time and the wire ----

    def run_ms(self, milliseconds: float) -> None:
        self.hand.run_ms(milliseconds)
        for frame in self.hand.frames():
            self._sort(frame)

    def send(self, message: Message, at_cycle: int = 0) -> int:
        """Queues `message` and returns its seq."""
        seq = self.seq
        self.hand.send(encode(message.TYPE, seq, message.pack()), at_cycle)
        self.seq = (seq + 1) % 256
        return seq

    def _sort(self, frame: Received) -> None:
        self.received.append(frame)
        if frame.kind == Emg.TYPE:
            head = Emg.unpack(frame.payload[: Emg.STRUCT.size])
            values = struct.unpack(f"<{(len(frame.payload) - Emg.STRUCT.size) // 2}h", frame.payload[Emg.STRUCT.size :])
            self.emg.append(EmgFrame(frame.cycle, head.sample_index, head.flags, list(values), head.n))
        elif frame.kind == Status.TYPE:
            self.statuses.append(Timed(frame.cycle, Status.unpack(frame.payload)))
        elif frame.kind == Ident.TYPE:
            self.idents.append(Timed(frame.cycle, Ident.unpack(frame.payload)))
        elif frame.kind == ConfigAck.TYPE:
            self.config_acks.append(Timed(frame.cycle, ConfigAck.unpack(frame.payload)))
        elif frame.kind == Pong.TYPE:
            self.pongs.append(Timed(frame.cycle, Pong.unpack(frame.payload)))

    # ---- the session, step by step ----

    @property
    def status(self) -> Status:
        """The newest."""
        return self.statuses[-1].message

    def ask(self, message: Message) -> Status:
        """A request that STATUS answers."""
        known = len(self.statuses)
        seq = self.send(message)
        for _ in range(REQUEST_TIMEOUT_MS):
            self.run_ms(1)
            for status in reversed(self.statuses[known:]):
                if (status.message.ack_type, status.message.ack_seq) == (message.TYPE, seq):
                    return status.message
        raise AssertionError(f"no answer to {type(message).__name__} within {REQUEST_TIMEOUT_MS} ms")

    def hello(self, proto_hash: int = PROTO_HASH) -> Ident:
        """Greets twice if it must: the rest of a frame that a reset has cut spoils the next one."""
        for _ in range(2):
            self.seq = 0
            idents, statuses = len(self.idents), len(self.statuses)
            self.hand.send(b"\0")
            self.send(Hello(MAJOR, MINOR, 0x1234, proto_hash))
            for _ in range(REQUEST_TIMEOUT_MS):
                self.run_ms(1)
                if len(self.idents) > idents and len(self.statuses) > statuses:
                    return self.idents[-1].message
        raise AssertionError("no IDENT")

    def configure(self, wanted: Config) -> ConfigAck:
        known = len(self.config_acks)
        self.send(wanted)
        for _ in range(REQUEST_TIMEOUT_MS):
            self.run_ms(1)
            if len(self.config_acks) > known:
                ack = self.config_acks[-1].message
                self.config_crc = ack.config_crc
                return ack
        raise AssertionError("no CONFIG_ACK")

    def start(self) -> Status:
        return self.ask(Start(self.config_crc))

    def arm(self, permission: Permission = Permission.DECODER) -> Status:
        last = self.status
        return self.ask(Arm(permission, last.boot_id, self.config_crc, last.challenge))

    def disarm(self) -> Status:
        return self.ask(Disarm())

    def stop(self) -> Status:
        return self.ask(Stop())

    def estop(self) -> Status:
        return self.ask(Estop())

    def ping(self, token: int = 1) -> None:
        self.send(Ping(token))

    # ---- moving ----

    def newest_sample_at(self, cycle: int) -> int:
        """Index of the newest sample at a cycle to come, less MARGIN_MS."""
        last = self.emg[-1]
        since = (cycle - last.cycle) / CPU_HZ - MARGIN_MS / 1000
        return (last.sample_index + round(since * self.fs_hz)) % 2**32

    def setpoint(self, angles_cdeg: Sequence[int], at_cycle: int = 0, *, age_samples: int = 0) -> int:
        based_on = self.newest_sample_at(max(at_cycle, self.hand.cycle)) - age_samples
        return self.send(Setpoint(tuple(angles_cdeg), 10, based_on % 2**32), at_cycle)

    def move(self, angles_cdeg: Sequence[int], for_ms: float, period_ms: float = 16.2) -> None:
        """Setpoints at a fixed rate that is no multiple of the servos' (50 Hz would hide jitter)."""
        start = self.hand.cycle
        for k in range(int(for_ms / period_ms)):
            self.setpoint(angles_cdeg, start + cycles_of_ms(k * period_ms))
        self.run_ms(for_ms)

    def stream(self, start_after_ms: float = 0, **changes: int) -> None:
        """HELLO, CONFIG, START, and the first EMG."""
        ident = self.hello()
        self.fs_hz = changes.get("fs_hz", 2000)
        changes.setdefault("oversampling", SLOT_CONVERSIONS[ident.board])
        assert self.configure(config(ident.tick_hz, **changes)).result == 0
        self.run_ms(start_after_ms)
        self.start()
        self.run_ms(20)

    def stream_armed(self, start_after_ms: float = 0, **changes: int) -> None:
        """As `stream`, and armed with the hand open."""
        self.stream(start_after_ms, **changes)
        assert self.arm().state == State.ARMED


def config_crc(wanted: Config) -> int:
    return crc32(wanted.pack())
