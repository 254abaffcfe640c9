"""The whole portable firmware on a board in memory: bytes from the host in, frames and pulses out."""

from __future__ import annotations

from typing import Any

import pytest
from c_hand import CONFIG, SAFE, SERVO_PERIOD_MS, TICK_HZ, c_struct
from msgspec.structs import replace
from portable import load

from myobridge.simulator.firmware import VERSION
from myobridge.simulator.limits import EEPROM_BYTES, eeprom_image
from myobridge.wire import messages as m
from myobridge.wire.frame import MIN_FRAME_BYTES, PAYLOAD, FrameDecoder, encode
from myobridge.wire.messages import Blocker, EmgFlag, Result, State, StatusFlag

FFI, LIB = load()
CHANNELS = 4
TICK, EMG, RX, PULSES = 1, 2, 4, 8  # enum wake
MAX_VALUES = (m.MAX_FRAME_BYTES - MIN_FRAME_BYTES - m.Emg.STRUCT.size) // 2
BOARD_FACTS = {
    "tick_hz": TICK_HZ,
    "period_max_ticks": 32767,
    "slot_min_ticks": 100,
    "max_channels": 8,
    "pulses_in_turn": 1,
    "slot_conversions": 1,
    "max_oversampling": 4,
    "line_bytes_per_s": 50_000,
}
SESSION = replace(CONFIG, sample_period_ticks=TICK_HZ // 1000)
LIMITS = m.WriteLimits(
    servo_min_cdeg=(0,) * m.SERVOS,
    servo_max_cdeg=(m.ANGLE_MAX_CDEG,) * m.SERVOS,
    pulse_0_us=CONFIG.pulse_0_us,
    pulse_180_us=CONFIG.pulse_180_us,
    digital=0x1F,
)
"""What SESSION asks for, in every period."""


class Device:
    """A board that was just switched on, and its host. limits: stored in it; None: its EEPROM is blank."""

    def __init__(self, limits: m.WriteLimits | None = LIMITS) -> None:
        LIB.fake_reset()
        LIB.fake.now_ms = 1
        if limits is not None:
            FFI.memmove(LIB.fake.eeprom, eeprom_image(limits), EEPROM_BYTES)
        self.struct = FFI.new("struct device *")
        LIB.device_init(self.struct)
        self.decoder = FrameDecoder()
        self.frames: list[tuple[int, int, bytes]] = []
        self.seq = 0

    # ---- time ----

    def read(self) -> None:
        """The host takes all that the line carries."""
        buffer = FFI.new("uint8_t[]", 4096)
        count = LIB.fake_transmit(buffer, 4096)
        self.frames += [(f[0], f[1], f[PAYLOAD]) for f in self.decoder.feed(bytes(buffer[0:count]))]

    def one_pass(self, wake: int = RX) -> None:
        LIB.device_pass(self.struct, wake)

    def run(self, ms: int, *, sampling: bool = True, reading: bool = True) -> None:
        """Milliseconds, each with a sample and a tick, every twentieth with a servo period."""
        for _ in range(ms):
            LIB.fake.now_ms += 1
            LIB.fake.clock_us += 1000
            if sampling and LIB.fake.sampling:
                LIB.fake_sample(FFI.new("int16_t[]", [1, 2, 3, 4]), CHANNELS)
            if LIB.fake.now_ms % SERVO_PERIOD_MS == 0:
                LIB.fake.begun = 0x1F
            self.one_pass(TICK)
            if reading:
                self.read()

    # ---- the wire ----

    def fill(self, data: bytes) -> None:
        """Bytes arrive and wait for the next pass."""
        LIB.fake.rx_at = 0
        FFI.memmove(LIB.fake.rx, data, len(data))
        LIB.fake.rx_count = len(data)

    def send_bytes(self, data: bytes) -> None:
        self.fill(data)
        while LIB.fake.rx_at < LIB.fake.rx_count:
            self.one_pass()
        self.read()

    def send(self, message: m.Message) -> None:
        self.send_bytes(encode(message.TYPE, self.seq, message.pack()))
        self.seq = (self.seq + 1) & 0xFF

    def ask(self, message: m.Message) -> Any:
        """The answer to a request: the one frame that its handling sent, or its last."""
        self.frames.clear()
        self.send(message)
        kind, _, payload = self.frames[-1]
        return m.BY_TYPE[kind].unpack(payload)

    def all_of(self, kind: type[m.Message]) -> list[Any]:
        return [kind.unpack(payload[: kind.STRUCT.size]) for number, _, payload in self.frames if number == kind.TYPE]

    # ---- a session ----

    def hello(self) -> m.Ident:
        self.frames.clear()
        self.send(m.Hello(m.MAJOR, m.MINOR, 0xBEEF, m.PROTO_HASH))
        return self.all_of(m.Ident)[0]

    def configure(self, **changes: Any) -> m.ConfigAck:
        return self.ask(replace(SESSION, **changes))

    def stream(self) -> m.Status:
        self.hello()
        crc = self.configure().config_crc
        return self.ask(m.Start(crc))

    def arm(self, permission: m.Permission = m.Permission.DECODER) -> m.Status:
        last = self.ask(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH))
        return self.ask(m.Arm(permission, last.boot_id, last.config_crc, last.challenge))

    def setpoint(self, angles: tuple[int, ...] = SAFE) -> None:
        self.send(m.Setpoint(angles, 10, (self.struct.inputs.sample_index - 1) & 0xFFFFFFFF))


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def moving() -> Device:
    """Streaming and armed, its first move done."""
    device = Device()
    device.stream()
    device.run(5)
    assert device.arm().state == State.ARMED
    device.setpoint()
    device.run(SERVO_PERIOD_MS)
    device.setpoint()
    return device


# ---- a session, request by request ----


def test_after_start_up_it_is_disarmed_without_pulses_and_says_so_ten_times_a_second(device: Device) -> None:
    device.run(10 * m.STATUS_PERIOD_MS)
    statuses = device.all_of(m.Status)
    assert len(statuses) == 10
    assert {(s.state, s.reason, s.flags) for s in statuses} == {(State.DISARMED, m.Reason.POWER_ON, 0)}
    assert not LIB.fake.pulses_on


def test_hello_is_answered_by_ident_and_a_status(device: Device) -> None:
    ident = device.hello()
    assert ident == m.Ident(
        major=m.MAJOR,
        minor=m.MINOR,
        nonce=0xBEEF,
        proto_hash=m.PROTO_HASH,
        firmware_version=VERSION,
        build=0,
        board=m.Board.SIMULATED,
        boot_id=0x1234,
        reset_cause=m.ResetCause.POWER_ON,
        capabilities=m.Capability.SUPPLY_SENSE | m.Capability.BUTTON,
        max_channels=8,
        adc_bits=10,
        tick_hz=TICK_HZ,
    )
    assert [kind for kind, _, _ in device.frames] == [m.Ident.TYPE, m.Status.TYPE]


def test_a_host_of_another_protocol_may_stream_but_not_arm(device: Device) -> None:
    device.stream()
    status = device.ask(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH ^ 1))
    assert status.blockers == Blocker.PROTOCOL_DIFFERS
    assert status.flags & StatusFlag.STREAMING
    assert (
        device.ask(m.Arm(m.Permission.DECODER, status.boot_id, status.config_crc, status.challenge)).ack_result
        == Result.BLOCKED
    )


def test_start_is_answered_streams_and_may_be_repeated(device: Device) -> None:
    status = device.stream()
    assert (status.ack_type, status.ack_result, status.ack_seq) == (m.Start.TYPE, Result.OK, 2)
    assert status.flags & StatusFlag.STREAMING
    assert (LIB.fake.channel_mask, LIB.fake.sample_period_ticks) == (0x000F, TICK_HZ // 1000)
    device.run(10)
    again = device.ask(m.Start(status.config_crc))
    assert (again.ack_result, again.sample_index, LIB.fake.starts) == (Result.OK, 10, 1)


def test_start_with_another_crc_is_refused(device: Device) -> None:
    device.hello()
    device.configure()
    assert device.ask(m.Start(0)).ack_result == Result.WRONG_CONFIG
    assert not LIB.fake.sampling


def test_stop_ends_streaming_and_disarms(moving: Device) -> None:
    status = moving.ask(m.Stop())
    assert (status.ack_result, status.state, status.reason) == (Result.OK, State.DISARMED, m.Reason.STOPPED_STREAMING)
    assert not LIB.fake.sampling
    assert not LIB.fake.pulses_on


def test_disarm_and_estop_are_answered_and_end_the_pulses(moving: Device) -> None:
    assert LIB.fake.pulses_on
    assert moving.ask(m.Disarm()).state == State.DISARMED
    assert not LIB.fake.pulses_on
    moving.arm()
    moving.run(1)
    assert LIB.fake.pulses_on
    assert moving.ask(m.Estop()).state == State.ESTOP
    assert not LIB.fake.pulses_on
    refused = moving.ask(m.Disarm())
    assert (refused.ack_type, refused.ack_result, refused.state) == (m.Disarm.TYPE, Result.WRONG_STATE, State.ESTOP)
    assert moving.ask(m.Estop()).ack_result == Result.OK


def test_pong_echoes_its_token_with_the_clock_and_the_next_sample(moving: Device) -> None:
    LIB.fake.clock_us = 0xFFFFFFF0
    pong = moving.ask(m.Ping(0xDEADBEEF))
    assert pong == m.Pong(0xDEADBEEF, 0xFFFFFFF0, moving.struct.inputs.sample_index)


def test_ping_keeps_nothing_alive(moving: Device) -> None:
    for k in range(CONFIG.hold_ms):
        moving.send(m.Ping(k))
        moving.run(1)
    assert moving.struct.safety.state == State.HOLD


def test_what_leaves_carries_rising_seqs(device: Device) -> None:
    device.stream()
    device.run(300)
    seqs = [seq for _, seq, _ in device.frames]
    assert all((b - a) % 256 == 1 for a, b in zip(seqs, seqs[1:], strict=False))


def test_a_change_of_state_is_told_at_once(moving: Device) -> None:
    moving.frames.clear()
    moving.run(CONFIG.hold_ms)
    first = next(s for s in moving.all_of(m.Status) if s.state == State.HOLD)
    assert first.t_us == LIB.fake.clock_us


# ---- CONFIG ----

FITS: list[tuple[str, dict[str, Any], Result]] = [
    ("no channel", {"channel_mask": 0}, Result.BAD_CHANNELS),
    ("the last input", {"channel_mask": 0x80}, Result.OK),
    ("an input beyond the last", {"channel_mask": 0x100}, Result.BAD_CHANNELS),
    ("all and one beyond", {"channel_mask": 0x1FF}, Result.BAD_CHANNELS),
    ("bit 63", {"channel_mask": 1 << 63 | 1}, Result.BAD_CHANNELS),
    ("as fast as it gets", {"channel_mask": 1, "sample_period_ticks": 200, "samples_per_frame": 61}, Result.OK),
    ("faster", {"sample_period_ticks": 399}, Result.BAD_PERIOD),
    ("no period", {"sample_period_ticks": 0}, Result.BAD_PERIOD),
    ("as slow as it gets", {"sample_period_ticks": 32767}, Result.OK),
    ("slower", {"sample_period_ticks": 32768}, Result.BAD_PERIOD),
    ("empty frames", {"samples_per_frame": 0}, Result.BAD_SAMPLES_PER_FRAME),
    ("the fullest frame", {"samples_per_frame": MAX_VALUES // CHANNELS}, Result.OK),
    ("a fuller one", {"samples_per_frame": MAX_VALUES // CHANNELS + 1}, Result.BAD_SAMPLES_PER_FRAME),
    ("255 samples of 8", {"channel_mask": 0xFF, "samples_per_frame": 255}, Result.BAD_SAMPLES_PER_FRAME),
    ("no format", {"sample_format": 0}, Result.BAD_FORMAT),
    ("samples of 24 bits", {"sample_format": m.SampleFormat.INT24}, Result.BAD_FORMAT),
    ("no conversion", {"oversampling": 0}, Result.BAD_OVERSAMPLING),
    ("two conversions of each channel", {"oversampling": 2}, Result.OK),
    ("four, with just enough time", {"oversampling": 4, "sample_period_ticks": 1600}, Result.OK),
    ("four, with less time", {"oversampling": 4, "sample_period_ticks": 1599}, Result.BAD_OVERSAMPLING),
    ("three, which are no whole bit", {"oversampling": 3}, Result.BAD_OVERSAMPLING),
    ("eight", {"oversampling": 8, "sample_period_ticks": 32767}, Result.BAD_OVERSAMPLING),
    ("servos at 50 Hz", {"servo_period_us": m.SERVO_PERIOD_MAX_US}, Result.OK),
    ("servos slower", {"servo_period_us": m.SERVO_PERIOD_MAX_US + 1}, Result.BAD_SERVO_PERIOD),
    ("servos at 333 Hz", {"servo_period_us": m.SERVO_PERIOD_MIN_US}, Result.OK),
    ("servos faster", {"servo_period_us": m.SERVO_PERIOD_MIN_US - 1}, Result.BAD_SERVO_PERIOD),
    ("slew at its lowest", {"slew_cdeg_per_s": m.SLEW_MIN_CDEG_PER_S}, Result.OK),
    ("slew below", {"slew_cdeg_per_s": m.SLEW_MIN_CDEG_PER_S - 1}, Result.BAD_SLEW),
    ("slew at its highest", {"slew_cdeg_per_s": m.SLEW_MAX_CDEG_PER_S}, Result.OK),
    ("slew above", {"slew_cdeg_per_s": m.SLEW_MAX_CDEG_PER_S + 1}, Result.BAD_SLEW),
    ("hold at its shortest", {"hold_ms": m.HOLD_MIN_MS}, Result.OK),
    ("hold shorter", {"hold_ms": m.HOLD_MIN_MS - 1}, Result.BAD_TIMEOUTS),
    ("hold at its longest", {"hold_ms": m.HOLD_MAX_MS}, Result.OK),
    ("hold longer", {"hold_ms": m.HOLD_MAX_MS + 1}, Result.BAD_TIMEOUTS),
    ("relax with hold", {"relax_ms": CONFIG.hold_ms}, Result.BAD_TIMEOUTS),
    ("relax just after hold", {"relax_ms": CONFIG.hold_ms + 1}, Result.OK),
    ("relax at its latest", {"relax_ms": m.RELAX_MAX_MS}, Result.OK),
    ("relax later", {"relax_ms": m.RELAX_MAX_MS + 1}, Result.BAD_TIMEOUTS),
    ("a line just under 90 %", {"channel_mask": 1, "sample_period_ticks": 712, "samples_per_frame": 1}, Result.OK),
    (
        "a line just above",
        {"channel_mask": 1, "sample_period_ticks": 711, "samples_per_frame": 1},
        Result.LINK_OVERLOAD,
    ),
]


@pytest.mark.parametrize(("changes", "result"), [pytest.param(c, r, id=name) for name, c, r in FITS])
def test_a_config_is_taken_within_the_limits_and_refused_beyond(
    device: Device, changes: dict[str, Any], result: Result
) -> None:
    assert device.configure(**changes).result == result
    assert device.struct.safety.configured is (result is Result.OK)


@pytest.mark.parametrize("servo", range(m.SERVOS))
@pytest.mark.parametrize(
    ("field", "value", "fits"),
    [
        ("servo_min_cdeg", SAFE[0], True),
        ("servo_min_cdeg", SAFE[0] + 1, False),
        ("servo_max_cdeg", SAFE[0], True),
        ("servo_max_cdeg", SAFE[0] - 1, False),
        ("servo_max_cdeg", m.ANGLE_MAX_CDEG, True),
        ("servo_max_cdeg", m.ANGLE_MAX_CDEG + 1, False),
        ("pulse_0_us", m.PULSE_MIN_US, True),
        ("pulse_0_us", m.PULSE_MIN_US - 1, False),
        ("pulse_0_us", m.PULSE_MAX_US, True),
        ("pulse_0_us", m.PULSE_MAX_US + 1, False),
        ("pulse_180_us", m.PULSE_MIN_US, True),
        ("pulse_180_us", m.PULSE_MIN_US - 1, False),
        ("pulse_180_us", m.PULSE_MAX_US, True),
        ("pulse_180_us", m.PULSE_MAX_US + 1, False),
        ("pulse_180_us", 1500, False),
    ],
)
def test_each_servos_range_and_pulses_have_to_fit(
    device: Device, servo: int, field: str, value: int, fits: bool
) -> None:
    base = {"pulse_0_us": (1500,) * m.SERVOS, "pulse_180_us": (1600,) * m.SERVOS}
    values = list(base.get(field, getattr(SESSION, field)))
    values[servo] = value
    result = device.configure(**{**base, field: tuple(values)}).result
    assert result == (Result.OK if fits else Result.BAD_SERVO_RANGE)


@pytest.mark.parametrize(("in_turn", "longest_us", "period_us"), [(1, 2500, 3003), (5, 2500, 13_000), (5, 1500, 8000)])
def test_the_longest_pulses_and_a_gap_fit_into_the_servo_period(in_turn: int, longest_us: int, period_us: int) -> None:
    """Where the board makes them one after another, all five of them."""
    board = FFI.new("struct board_info *", {**BOARD_FACTS, "pulses_in_turn": in_turn})
    pulses = {"pulse_0_us": (600, 600, 600, longest_us, 600), "pulse_180_us": (700, 500, 700, 500, 700)}
    for change_us, fits in ((0, True), (-1, False)):
        config = replace(SESSION, **pulses, servo_period_us=period_us + change_us)
        result = LIB.configure_check(c_struct("config", config), board)
        assert result == (Result.OK if fits else Result.BAD_SERVO_PERIOD)


def test_a_board_of_64_channels_takes_the_last_one() -> None:
    board = FFI.new("struct board_info *", {**BOARD_FACTS, "max_channels": 64})
    all_of_them = replace(SESSION, channel_mask=(1 << 64) - 1, sample_period_ticks=20_000, samples_per_frame=1)
    assert LIB.configure_check(c_struct("config", all_of_them), board) == Result.OK
    board.max_channels = 63
    assert LIB.configure_check(c_struct("config", all_of_them), board) == Result.BAD_CHANNELS


@pytest.mark.parametrize(
    ("base", "fits", "does_not"),
    [(125, (125, 250, 4000, 8000), (124, 126, 375, 7999, 16_000)), (0, (126, 375, 8000), ()), (3, (384, 6144), (128,))],
)
def test_a_converter_with_a_clock_of_its_own_has_only_halves_of_its_fastest_rate(
    base: int, fits: tuple[int, ...], does_not: tuple[int, ...]
) -> None:
    facts = {**BOARD_FACTS, "slot_min_ticks": 0, "period_max_ticks": 8000, "line_bytes_per_s": 400_000}
    board = FFI.new("struct board_info *", {**facts, "period_base_ticks": base})
    for period in fits + does_not:
        config = replace(SESSION, channel_mask=1, samples_per_frame=20, sample_period_ticks=period)
        result = LIB.configure_check(c_struct("config", config), board)
        assert result == (Result.OK if period in fits else Result.BAD_PERIOD), period


def test_a_refused_config_changes_nothing(device: Device) -> None:
    first = device.configure()
    second = device.configure(slew_cdeg_per_s=0)
    assert second == m.ConfigAck(Result.BAD_SLEW, first.sample_period_ticks, first.config_crc)
    assert device.struct.safety.config.slew_cdeg_per_s == SESSION.slew_cdeg_per_s


def test_a_config_while_armed_or_streaming_is_refused_and_changes_nothing(moving: Device) -> None:
    before = bytes(FFI.buffer(FFI.addressof(moving.struct.safety, "config")))
    assert moving.configure(hold_ms=50).result == Result.WRONG_STATE
    moving.send(m.Disarm())
    assert moving.configure(hold_ms=50).result == Result.WRONG_STATE
    assert bytes(FFI.buffer(FFI.addressof(moving.struct.safety, "config"))) == before
    moving.send(m.Stop())
    assert moving.configure(hold_ms=50).result == Result.OK


# ---- EMG ----


def test_each_emg_frame_carries_the_configured_samples_and_a_growing_index(device: Device) -> None:
    device.stream()
    device.run(100)
    frames = device.all_of(m.Emg)
    assert [f.sample_index for f in frames] == list(range(0, 100, 4))
    assert {(f.n, f.flags) for f in frames} == {(4, 0)}
    payload = next(p for kind, _, p in device.frames if kind == m.Emg.TYPE)
    assert payload[6:] == bytes.fromhex("0100020003000400") * 4


def test_an_armed_hand_says_so_in_its_emg(moving: Device) -> None:
    moving.frames.clear()
    moving.run(8)
    assert {f.flags for f in moving.all_of(m.Emg)} == {EmgFlag.ARMED}


def test_lost_samples_are_said_once(device: Device) -> None:
    device.stream()
    LIB.fake_lost()
    device.run(12)
    assert [f.flags for f in device.all_of(m.Emg)] == [EmgFlag.ADC_OVERRUN, 0, 0]


def test_a_full_line_drops_whole_emg_frames_counts_them_and_marks_the_next(device: Device) -> None:
    device.stream()
    device.run(100, reading=False)
    dropped = device.struct.counters.tx_drops
    assert dropped > 5
    device.read()
    device.frames.clear()
    device.run(12)
    after = device.all_of(m.Emg)
    assert [f.flags for f in after] == [EmgFlag.TX_DROP, 0, 0]
    assert device.decoder.counters.crc_errors == device.decoder.counters.length_errors == 0
    assert device.struct.counters.tx_drops == dropped


def test_a_full_line_still_has_room_for_two_answers(device: Device) -> None:
    device.stream()
    device.run(60, reading=False)
    device.frames.clear()
    device.fill(encode(m.Disarm.TYPE, 0, b""))
    device.one_pass()
    device.fill(encode(m.Estop.TYPE, 1, b""))
    device.one_pass()
    device.read()
    assert [s.ack_type for s in device.all_of(m.Status)][-2:] == [m.Disarm.TYPE, m.Estop.TYPE]


def test_a_status_that_finds_no_room_is_sent_as_soon_as_there_is_some(device: Device) -> None:
    for k in range(20):
        device.fill(encode(m.Estop.TYPE, k, b""))
        device.one_pass()
    device.read()
    told = len(device.all_of(m.Status))
    assert told < 10
    device.one_pass(TICK)
    device.read()
    assert [s.ack_seq for s in device.all_of(m.Status)][told:] == [19]


# ---- what it refuses ----


@pytest.mark.parametrize("kind", [t for t in range(256) if t not in m.BY_TYPE or t >= 0x80])
def test_unknown_types_are_counted_and_do_nothing(device: Device, kind: int) -> None:
    before = device.struct.safety.state
    device.send_bytes(encode(kind, 0, bytes(15)))
    assert device.struct.counters.unknown_types == 1
    assert device.struct.safety.state == before
    assert device.frames == []


@pytest.mark.parametrize("kind", [t for t in m.BY_TYPE if t < 0x80])
def test_a_known_type_of_any_other_length_is_a_length_error_and_does_nothing(moving: Device, kind: int) -> None:
    right = m.PAYLOAD_BYTES[kind]
    before = moving.struct.counters.length_errors
    lengths = [n for n in (*range(80), m.MAX_FRAME_BYTES - MIN_FRAME_BYTES) if n != right]
    state = moving.struct.safety.state
    for length in lengths:
        moving.send_bytes(encode(kind, 0, bytes(length)))
    assert moving.struct.counters.length_errors == before + len(lengths)
    assert moving.struct.safety.state == state


def test_frames_that_never_came_are_counted(device: Device) -> None:
    device.hello()
    for seq, gap in [(1, 0), (2, 0), (5, 2), (5, 257), (6, 257), (255, 257 + 248), (0, 257 + 248)]:
        device.send_bytes(encode(m.Ping.TYPE, seq, bytes(4)))
        assert device.struct.counters.seq_gaps == gap, seq
    device.send_bytes(encode(0x70, 1, b""))
    device.send_bytes(encode(m.Ping.TYPE, 2, bytes(4)))
    assert device.struct.counters.seq_gaps == 257 + 248
    device.seq = 200
    device.hello()
    assert device.struct.counters.seq_gaps == 257 + 248


def test_the_first_frame_of_all_is_no_gap(device: Device) -> None:
    device.send_bytes(encode(m.Ping.TYPE, 77, bytes(4)))
    assert device.struct.counters.seq_gaps == 0


def test_line_errors_are_told(device: Device) -> None:
    frame = encode(m.Ping.TYPE, 0, bytes(4))
    device.send_bytes(frame[:-2] + bytes((frame[-2] ^ 1,)) + b"\0")
    device.send_bytes(b"\x01\x01\0")
    LIB.fake.rx_overruns = 3
    status = device.ask(m.Disarm())
    assert (status.crc_errors, status.length_errors, status.rx_overruns) == (1, 1, 3)


def test_a_flood_does_not_hold_the_loop_up(moving: Device) -> None:
    moving.fill(b"\x55" * 4096)
    moving.one_pass(TICK)
    assert 0 < LIB.fake.rx_at <= 256


# ---- servos ----


def test_the_pulses_follow_the_setpoint_through_the_calibration(moving: Device) -> None:
    closed = (9000,) * m.SERVOS
    for _ in range(60):
        moving.setpoint(closed)
        moving.run(20)
    expected = [a + b for a, b in zip(CONFIG.pulse_0_us, CONFIG.pulse_180_us, strict=True)]  # half us, halfway
    assert [abs(p - e) <= 1 for p, e in zip(LIB.fake.pulse_half_us, expected, strict=True)] == [True] * m.SERVOS
    assert tuple(moving.struct.safety.applied_cdeg) == closed


def test_each_period_moves_one_slew_step_even_if_the_board_cannot_take_every_write(moving: Device) -> None:
    applied = [moving.struct.safety.applied_cdeg[0]]
    for k in range(40):
        moving.setpoint((17000 if k % 2 else 500,) * m.SERVOS)
        LIB.fake.servos_busy = k % 3 == 0
        moving.run(10)
        LIB.fake.servos_busy = False
        moving.run(10)
        applied.append(moving.struct.safety.applied_cdeg[0])
    assert max(abs(b - a) for a, b in zip(applied, applied[1:], strict=False)) <= 800


def test_pulses_end_as_soon_as_the_board_can_end_them_whole(moving: Device) -> None:
    LIB.fake.servos_busy = True
    moving.send(m.Estop())
    moving.run(3)
    assert LIB.fake.pulses_on
    LIB.fake.servos_busy = False
    moving.run(1)
    assert not LIB.fake.pulses_on


def test_pulses_come_at_the_configs_period_from_the_first_one_on(device: Device) -> None:
    """The slew step is reckoned for it. Here the servos take nothing until the hand is armed."""
    device.stream()
    device.run(5)
    device.send(m.Stop())
    LIB.fake.servos_busy = True
    crc = device.configure(servo_period_us=m.SERVO_PERIOD_MIN_US).config_crc
    device.ask(m.Start(crc))
    device.run(5)
    assert device.arm().state == State.ARMED
    LIB.fake.servos_busy = False
    device.run(SERVO_PERIOD_MS)
    assert LIB.fake.pulses_on
    assert LIB.fake.period_of_pulses_us == m.SERVO_PERIOD_MIN_US


def test_nothing_is_told_to_the_servos_of_a_disarmed_hand(device: Device) -> None:
    device.stream()
    device.setpoint()
    device.run(100)
    assert LIB.fake.writes == 0


# ---- watchdog ----


def test_the_watchdog_is_fed_every_tick_while_not_streaming(device: Device) -> None:
    device.run(50)
    assert LIB.fake.watchdog_feeds == 50


def test_while_streaming_it_is_fed_only_when_a_sample_has_come(device: Device) -> None:
    device.stream()
    device.run(10)
    before = LIB.fake.watchdog_feeds
    device.run(20)
    assert LIB.fake.watchdog_feeds == before + 20
    device.run(200, sampling=False)
    assert LIB.fake.watchdog_feeds == before + 20


def test_an_armed_hand_whose_sampling_dies_lets_go_before_the_watchdog_bites(moving: Device) -> None:
    for _ in range(m.STALL_MS + 2):
        moving.setpoint()
        moving.run(1, sampling=False)
    assert moving.struct.safety.state == State.FAULT
    assert not LIB.fake.pulses_on


# ---- figures in STATUS ----


def test_the_longest_pass_since_the_last_status_is_told(device: Device) -> None:
    device.run(m.STATUS_PERIOD_MS)
    LIB.fake.stopwatch_step = 500
    device.one_pass(TICK)
    LIB.fake.stopwatch_step = 100
    device.frames.clear()
    device.run(2 * m.STATUS_PERIOD_MS)
    assert [s.max_loop_us for s in device.all_of(m.Status)] == [250, 50]


def test_the_supply_is_told_and_a_dip_is_a_fault(moving: Device) -> None:
    LIB.fake.supply_mv = m.SUPPLY_MIN_MV - 1
    moving.frames.clear()
    moving.run(1)
    status = moving.all_of(m.Status)[-1]
    assert (status.state, status.supply_mv) == (State.FAULT, m.SUPPLY_MIN_MV - 1)
    assert not LIB.fake.pulses_on
