"""Messages of the wire protocol. Generated from firmware/protocol.toml by firmware/generate.py; do not edit."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from typing import ClassVar, Final

from msgspec import Struct

PROTO_HASH: Final = 0x9FC15FDA
MAJOR: Final = 3
MINOR: Final = 1
MAX_FRAME_BYTES: Final = 254
SERVOS: Final = 5
ANGLE_MAX_CDEG: Final = 18000
PULSE_MIN_US: Final = 500
PULSE_MAX_US: Final = 2500
SLEW_MIN_CDEG_PER_S: Final = 500
SLEW_MAX_CDEG_PER_S: Final = 60000
FIRST_MOVE_SLEW_CDEG_PER_S: Final = 6000
FIRST_MOVE_DONE_CDEG: Final = 100
JOG_SLEW_CDEG_PER_S: Final = 2000
GUIDE_MAX_MS: Final = 45000
RELAX_SLEW_CDEG_PER_S: Final = 9000
HOLD_MIN_MS: Final = 20
HOLD_MAX_MS: Final = 150
RELAX_MAX_MS: Final = 2000
RESUME_CLEAN_MS: Final = 500
RESUME_WINDOW_CDEG: Final = 500
MAX_REJECTS_IN_ROW: Final = 5
STALL_MS: Final = 50
LINK_LOAD_MAX_PERCENT: Final = 90
SUPPLY_MIN_MV: Final = 4500
STATUS_PERIOD_MS: Final = 100
SERVO_PERIOD_MIN_US: Final = 3003
SERVO_PERIOD_MAX_US: Final = 20000
SERVO_GAP_US: Final = 500
DEFAULT_PULSE_MIN_US: Final = 1000
DEFAULT_PULSE_MAX_US: Final = 2000
BUTTON_DEBOUNCE_MS: Final = 20
BUTTON_LONG_MS: Final = 2000
BUTTON_LONGEST_MS: Final = 6000
BUTTON_STUCK_MS: Final = 10000
BAUD: Final = 500000


class Board(IntEnum):
    SIMULATED = 0
    MEGA2560 = 1
    UNO = 2
    RP2040 = 3
    FEATHER = 4
    XIAO = 5
    PICO = 6
    PICO_UART = 7
    FEATHER_ADS = 8


class State(IntEnum):
    BOOT = 0
    DISARMED = 1
    ARMED = 2
    HOLD = 3
    RELAX = 4
    FAULT = 5
    ESTOP = 6


class Reason(IntEnum):
    NONE = 0
    POWER_ON = 1
    HOST_DISARMED = 2
    HOST_ARMED = 3
    SETPOINTS_RESUMED = 4
    SETPOINTS_STOPPED = 5
    SETPOINTS_REJECTED = 6
    SILENT_TOO_LONG = 7
    RELAXED = 8
    HOST_ESTOP = 9
    SAMPLING_STALLED = 10
    SUPPLY_LOW = 11
    STOPPED_STREAMING = 12
    GUIDE_OVER = 13
    BUTTON_PRESSED = 14


class Result(IntEnum):
    OK = 0
    WRONG_STATE = 1
    BAD_CHANNELS = 2
    BAD_PERIOD = 3
    BAD_SAMPLES_PER_FRAME = 4
    BAD_FORMAT = 5
    BAD_SERVO_RANGE = 6
    BAD_SLEW = 7
    BAD_TIMEOUTS = 8
    LINK_OVERLOAD = 9
    WRONG_CONFIG = 10
    WRONG_BOOT = 11
    WRONG_CHALLENGE = 12
    BLOCKED = 13
    BAD_SERVO_PERIOD = 14
    BAD_PERMISSION = 15
    BAD_OVERSAMPLING = 16
    WRITE_FAILED = 17


class ResetCause(IntEnum):
    UNKNOWN = 0
    POWER_ON = 1
    EXTERNAL = 2
    BROWN_OUT = 3
    WATCHDOG = 4


class SampleFormat(IntEnum):
    INT16 = 1
    INT24 = 2


class Permission(IntEnum):
    NONE = 0
    DECODER = 1
    GUIDE = 2
    JOG = 3


class LimitsState(IntEnum):
    DEFAULTS = 0
    STORED = 1
    WRITING = 2
    DAMAGED = 3


class Blocker(IntFlag):
    PROTOCOL_DIFFERS = 1 << 0
    NOT_CONFIGURED = 1 << 1
    NOT_STREAMING = 1 << 2
    NOT_DISARMED = 1 << 3
    ESTOP_LATCHED = 1 << 4
    SAMPLING_STALLED = 1 << 5
    SUPPLY_LOW = 1 << 6
    BEYOND_LIMITS = 1 << 7
    NO_LIMITS = 1 << 8
    BUTTON_PRESSED = 1 << 9


class EmgFlag(IntFlag):
    ADC_OVERRUN = 1 << 0
    TX_DROP = 1 << 1
    LEAD_OFF = 1 << 2
    ARMED = 1 << 3


class StatusFlag(IntFlag):
    CONFIGURED = 1 << 0
    STREAMING = 1 << 1
    PULSES_ON = 1 << 2


class Button(IntFlag):
    PRESSED = 1 << 0
    STUCK = 1 << 1
    LONG = 1 << 2
    LONGEST = 1 << 3
    SPENT = 1 << 4


class Capability(IntFlag):
    SUPPLY_SENSE = 1 << 0
    LEAD_OFF = 1 << 1
    BUTTON = 1 << 2


class Hello(Struct, frozen=True):
    """Opens a session; the board answers IDENT. The same in all versions from 2 on."""

    major: int
    minor: int
    nonce: int  # echoed by IDENT, so that an old answer is known as such
    proto_hash: int  # hash of the host's protocol; a board with another one streams but refuses ARM
    TYPE: ClassVar[int] = 0x01
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<BBHI")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.major, self.minor, self.nonce, self.proto_hash)

    @classmethod
    def unpack(cls, payload: bytes) -> Hello:
        return cls(*cls.STRUCT.unpack(payload))


class Ident(Struct, frozen=True):
    """What the board is. The same in all versions from 2 on."""

    major: int
    minor: int
    nonce: int  # from HELLO
    proto_hash: int
    firmware_version: tuple[int, ...]  # major, minor, patch
    build: int  # a hash of the sources and the compiler; 0 if unknown
    board: int  # enum board
    boot_id: int  # another one after each reset
    reset_cause: int  # enum reset_cause
    capabilities: int  # bits capability
    max_channels: int
    adc_bits: int  # a sample spans -2^(adc_bits-1) .. 2^(adc_bits-1)-1; a sum of more conversions is longer (Boards, oversampling)
    tick_hz: int  # unit of sample_period_ticks
    TYPE: ClassVar[int] = 0x81
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<BBHI3BIBHBHBBI")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.major, self.minor, self.nonce, self.proto_hash, *self.firmware_version, self.build, self.board, self.boot_id, self.reset_cause, self.capabilities, self.max_channels, self.adc_bits, self.tick_hz)

    @classmethod
    def unpack(cls, payload: bytes) -> Ident:
        v = cls.STRUCT.unpack(payload)
        return cls(v[0], v[1], v[2], v[3], v[4:7], v[7], v[8], v[9], v[10], v[11], v[12], v[13], v[14])


class Config(Struct, frozen=True):
    """Everything about a session. Only while DISARMED and not streaming; answered by CONFIG_ACK."""

    channel_mask: int  # bit n: analogue input n is sampled; samples come in rising order of n
    sample_period_ticks: int  # from one sample of a channel to its next
    samples_per_frame: int
    sample_format: int  # enum sample_format
    oversampling: int  # conversions of each channel in one sample (Boards, oversampling)
    servo_min_cdeg: tuple[int, ...]
    servo_max_cdeg: tuple[int, ...]
    servo_safe_cdeg: tuple[int, ...]  # pose of RELAX, within min and max
    pulse_0_us: tuple[int, ...]  # pulse width at 0 deg; above pulse_180_us where a servo is mounted the other way round
    pulse_180_us: tuple[int, ...]  # pulse width at 180 deg
    servo_period_us: int  # from one pulse of a servo to its next; analogue servos burn below servo_period_max_us
    slew_cdeg_per_s: int
    hold_ms: int
    relax_ms: int
    TYPE: ClassVar[int] = 0x02
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<QHBBB5H5H5H5H5HHHHH")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.channel_mask, self.sample_period_ticks, self.samples_per_frame, self.sample_format, self.oversampling, *self.servo_min_cdeg, *self.servo_max_cdeg, *self.servo_safe_cdeg, *self.pulse_0_us, *self.pulse_180_us, self.servo_period_us, self.slew_cdeg_per_s, self.hold_ms, self.relax_ms)

    @classmethod
    def unpack(cls, payload: bytes) -> Config:
        v = cls.STRUCT.unpack(payload)
        return cls(v[0], v[1], v[2], v[3], v[4], v[5:10], v[10:15], v[15:20], v[20:25], v[25:30], v[30], v[31], v[32], v[33])


class ConfigAck(Struct, frozen=True):
    """Answer to CONFIG."""

    result: int  # enum result
    sample_period_ticks: int  # the one in force
    config_crc: int  # CRC-32 of the payload of the CONFIG in force; 0 if none
    TYPE: ClassVar[int] = 0x82
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<BHI")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.result, self.sample_period_ticks, self.config_crc)

    @classmethod
    def unpack(cls, payload: bytes) -> ConfigAck:
        return cls(*cls.STRUCT.unpack(payload))


class Start(Struct, frozen=True):
    """Starts sampling at sample_index 0. Answered by STATUS."""

    config_crc: int
    TYPE: ClassVar[int] = 0x03
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<I")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.config_crc)

    @classmethod
    def unpack(cls, payload: bytes) -> Start:
        return cls(*cls.STRUCT.unpack(payload))


class Stop(Struct, frozen=True):
    """Stops sampling; an armed hand is disarmed. Answered by STATUS."""

    TYPE: ClassVar[int] = 0x04
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<")

    def pack(self) -> bytes:
        return self.STRUCT.pack()

    @classmethod
    def unpack(cls, payload: bytes) -> Stop:
        cls.STRUCT.unpack(payload)
        return cls()


class Emg(Struct, frozen=True):
    """`samples` follow: n x channels values of i16, all channels of the first sample, then of the next."""

    sample_index: int  # of the first sample in the frame, counted from START, wraps
    n: int  # samples in this frame
    flags: int  # bits emg_flag
    TYPE: ClassVar[int] = 0x84
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<IBB")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.sample_index, self.n, self.flags)

    @classmethod
    def unpack(cls, payload: bytes) -> Emg:
        return cls(*cls.STRUCT.unpack(payload))


class Arm(Struct, frozen=True):
    """Permission to move. Only from DISARMED, with no blocker. Answered by STATUS."""

    permission: int  # enum permission, but not none
    boot_id: int  # of the last IDENT
    config_crc: int
    challenge: int  # of the last STATUS: an ARM cannot be replayed
    TYPE: ClassVar[int] = 0x05
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<BHIH")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.permission, self.boot_id, self.config_crc, self.challenge)

    @classmethod
    def unpack(cls, payload: bytes) -> Arm:
        return cls(*cls.STRUCT.unpack(payload))


class Disarm(Struct, frozen=True):
    """Pulses off, from any state but ESTOP. Answered by STATUS."""

    TYPE: ClassVar[int] = 0x06
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<")

    def pack(self) -> bytes:
        return self.STRUCT.pack()

    @classmethod
    def unpack(cls, payload: bytes) -> Disarm:
        cls.STRUCT.unpack(payload)
        return cls()


class Estop(Struct, frozen=True):
    """Pulses off until reset, from any state. Answered by STATUS."""

    TYPE: ClassVar[int] = 0x07
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<")

    def pack(self) -> bytes:
        return self.STRUCT.pack()

    @classmethod
    def unpack(cls, payload: bytes) -> Estop:
        cls.STRUCT.unpack(payload)
        return cls()


class Setpoint(Struct, frozen=True):
    """Where the five servos shall go. Not answered, never sent again."""

    angle_cdeg: tuple[int, ...]  # thumb index middle ring little; 0 open, 18000 closed
    valid_4ms: int  # in 4 ms: the oldest that based_on_sample may be when this arrives
    based_on_sample: int  # newest sample_index that the decision saw; never goes back
    TYPE: ClassVar[int] = 0x08
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<5HBI")

    def pack(self) -> bytes:
        return self.STRUCT.pack(*self.angle_cdeg, self.valid_4ms, self.based_on_sample)

    @classmethod
    def unpack(cls, payload: bytes) -> Setpoint:
        v = cls.STRUCT.unpack(payload)
        return cls(v[0:5], v[5], v[6])


class Status(Struct, frozen=True):
    """Every status_period_ms, on each change of state, and as the answer to a control message."""

    state: int  # enum state
    reason: int  # enum reason
    blockers: int  # bits blocker
    flags: int  # bits status_flag
    ack_type: int  # type of the last control message handled; 0 before the first
    ack_seq: int  # its seq
    ack_result: int  # enum result
    challenge: int  # for ARM; another one after each change of state
    boot_id: int  # so that a reset between two frames is seen
    config_crc: int
    sample_index: int  # next sample to be taken
    t_us: int  # board's clock, wraps
    setpoint_seq: int  # seq of the last accepted SETPOINT
    applied_cdeg: tuple[int, ...]  # what the servos are being told, after slew
    supply_mv: int  # of the servos; 0: not measured
    permission: int  # enum permission: what the ARM in force permits; none in DISARMED, FAULT and ESTOP
    limits_state: int  # enum limits_state
    button: int  # bits button
    button_presses: int  # presses since the reset, wraps
    crc_errors: int  # this and the following wrap at 65536
    length_errors: int  # bad COBS, too long, or wrong length for the type
    unknown_types: int
    seq_gaps: int  # frames from the host that never came
    rx_overruns: int  # bytes lost before they were read
    range_rejects: int  # setpoints out of range
    stale_rejects: int  # setpoints too old, or older than the last
    tx_drops: int  # EMG frames dropped because the line was full
    max_loop_us: int  # longest pass of the main loop since the last STATUS
    TYPE: ClassVar[int] = 0x88
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<BBHBBBBHHIIIB5HHBBBBHHHHHHHHH")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.state, self.reason, self.blockers, self.flags, self.ack_type, self.ack_seq, self.ack_result, self.challenge, self.boot_id, self.config_crc, self.sample_index, self.t_us, self.setpoint_seq, *self.applied_cdeg, self.supply_mv, self.permission, self.limits_state, self.button, self.button_presses, self.crc_errors, self.length_errors, self.unknown_types, self.seq_gaps, self.rx_overruns, self.range_rejects, self.stale_rejects, self.tx_drops, self.max_loop_us)

    @classmethod
    def unpack(cls, payload: bytes) -> Status:
        v = cls.STRUCT.unpack(payload)
        return cls(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13:18], v[18], v[19], v[20], v[21], v[22], v[23], v[24], v[25], v[26], v[27], v[28], v[29], v[30], v[31])


class Ping(Struct, frozen=True):
    """Clock and liveness; not a permission to move."""

    token: int
    TYPE: ClassVar[int] = 0x09
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<I")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.token)

    @classmethod
    def unpack(cls, payload: bytes) -> Ping:
        return cls(*cls.STRUCT.unpack(payload))


class Pong(Struct, frozen=True):
    """Answer to PING."""

    token: int
    t_us: int  # board's clock when PING was handled
    sample_index: int  # next sample to be taken then
    TYPE: ClassVar[int] = 0x89
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<III")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.token, self.t_us, self.sample_index)

    @classmethod
    def unpack(cls, payload: bytes) -> Pong:
        return cls(*cls.STRUCT.unpack(payload))


class ReadLimits(Struct, frozen=True):
    """Asks for the servo limits that the board holds. Answered by LIMITS."""

    TYPE: ClassVar[int] = 0x0A
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<")

    def pack(self) -> bytes:
        return self.STRUCT.pack()

    @classmethod
    def unpack(cls, payload: bytes) -> ReadLimits:
        cls.STRUCT.unpack(payload)
        return cls()


class WriteLimits(Struct, frozen=True):
    """Stores servo limits in the board's EEPROM. Only while DISARMED. Answered by LIMITS at once, and again when they are written."""

    servo_min_cdeg: tuple[int, ...]
    servo_max_cdeg: tuple[int, ...]
    pulse_0_us: tuple[int, ...]  # pulse width at 0 deg
    pulse_180_us: tuple[int, ...]  # pulse width at 180 deg; below pulse_0_us where closing shortens the pulse
    digital: int  # bit for each servo that may be pulsed above 50 Hz
    TYPE: ClassVar[int] = 0x0B
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<5H5H5H5HB")

    def pack(self) -> bytes:
        return self.STRUCT.pack(*self.servo_min_cdeg, *self.servo_max_cdeg, *self.pulse_0_us, *self.pulse_180_us, self.digital)

    @classmethod
    def unpack(cls, payload: bytes) -> WriteLimits:
        v = cls.STRUCT.unpack(payload)
        return cls(v[0:5], v[5:10], v[10:15], v[15:20], v[20])


class Limits(Struct, frozen=True):
    """The servo limits that hold. Answer to READ_LIMITS and WRITE_LIMITS, and sent once more when writing has ended."""

    result: int  # enum result
    state: int  # enum limits_state; where it is damaged, the limits say nothing
    servo_min_cdeg: tuple[int, ...]
    servo_max_cdeg: tuple[int, ...]
    pulse_0_us: tuple[int, ...]
    pulse_180_us: tuple[int, ...]
    digital: int
    TYPE: ClassVar[int] = 0x8A
    STRUCT: ClassVar[struct.Struct] = struct.Struct("<BB5H5H5H5HB")

    def pack(self) -> bytes:
        return self.STRUCT.pack(self.result, self.state, *self.servo_min_cdeg, *self.servo_max_cdeg, *self.pulse_0_us, *self.pulse_180_us, self.digital)

    @classmethod
    def unpack(cls, payload: bytes) -> Limits:
        v = cls.STRUCT.unpack(payload)
        return cls(v[0], v[1], v[2:7], v[7:12], v[12:17], v[17:22], v[22])


# Conversions of a channel that each board makes in one slot.
SLOT_CONVERSIONS: Final[dict[int, int]] = {
    Board.SIMULATED: 1,
    Board.MEGA2560: 1,
    Board.UNO: 1,
    Board.RP2040: 16,
    Board.FEATHER: 16,
    Board.XIAO: 16,
    Board.PICO: 16,
    Board.PICO_UART: 16,
    Board.FEATHER_ADS: 1,
}

Message = Hello | Ident | Config | ConfigAck | Start | Stop | Emg | Arm | Disarm | Estop | Setpoint | Status | Ping | Pong | ReadLimits | WriteLimits | Limits

BY_TYPE: Final[dict[int, type[Message]]] = {Hello.TYPE: Hello, Ident.TYPE: Ident, Config.TYPE: Config, ConfigAck.TYPE: ConfigAck, Start.TYPE: Start, Stop.TYPE: Stop, Emg.TYPE: Emg, Arm.TYPE: Arm, Disarm.TYPE: Disarm, Estop.TYPE: Estop, Setpoint.TYPE: Setpoint, Status.TYPE: Status, Ping.TYPE: Ping, Pong.TYPE: Pong, ReadLimits.TYPE: ReadLimits, WriteLimits.TYPE: WriteLimits, Limits.TYPE: Limits}

# Payload bytes by type; an Emg's are only its fixed part.
PAYLOAD_BYTES: Final[dict[int, int]] = {t: m.STRUCT.size for t, m in BY_TYPE.items()}
