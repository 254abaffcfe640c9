"""The simulated firmware in virtual time: the rules of PROTOCOL.md for CONFIG, STATUS, counters and the line."""

import tomllib
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from myobridge.commands.simulate import FRONT_END_BITS, FRONT_END_HZ
from myobridge.simulator.configure import TICK_HZ, check_config
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.hand import RX_BUFFER_BYTES, Downlink
from myobridge.simulator.uplink import TX_BUFFER_BYTES
from myobridge.wire import messages as m
from myobridge.wire.emg import parse_emg
from myobridge.wire.frame import FrameDecoder, encode
from myobridge.wire.messages import Result, State, StatusFlag
from virtual_hand import ConstantSource, board_config, frame_of, unpacked

PROTOCOL = Path(__file__).parents[3] / "firmware" / "protocol.toml"
BYTE_S = 10 / m.BAUD
FS_HZ, SAMPLES_PER_FRAME, CHANNELS = 2000, 5, 4
PONG_BYTES = len(frame_of(m.Pong(1, 2, 3)))
EMG_BYTES = 14 + 2 * SAMPLES_PER_FRAME * CHANNELS


class Device:
    """A firmware, the time, and its messages so far."""

    def __init__(self, now_s=0.0, baud=m.BAUD, source=None):
        self.firmware = SimulatedFirmware(source or ConstantSource(), boot_id=1, baud=baud)
        self.now_s = now_s
        self.seq = 0
        self._frames = FrameDecoder()

    def tell(self, message, seq=None):
        """The host's message arrives now."""
        if seq is not None:
            self.seq = seq
        self.firmware.receive(frame_of(message, self.seq), self.now_s)
        self.seq = (self.seq + 1) & 0xFF

    def wait(self, seconds, step_s=0.001):
        """Frames that arrive at the host in this time."""
        frames = []
        for _ in range(round(seconds / step_s)):
            self.now_s = round(self.now_s + step_s, 6)
            self.firmware.advance(self.now_s)
            frames += self._frames.feed(self.firmware.outgoing(self.now_s))
        return frames

    def answers(self, *kinds):
        """Messages of these kinds that have come after a moment."""
        messages = [unpacked(frame) for frame in self.wait(0.01) if frame[0] != m.Emg.TYPE]
        return [message for message in messages if isinstance(message, kinds)]

    def ask(self, message, kind=m.Status, seq=None):
        """The first answer of a kind."""
        self.answers(kind)
        self.tell(message, seq)
        return self.answers(kind)[0]

    def start(self, **changes):
        """HELLO, CONFIG and START."""
        self.tell(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH))
        ack = self.ask(board_config(**changes), m.ConfigAck)
        assert ack.result == Result.OK
        assert self.ask(m.Start(ack.config_crc)).ack_result == Result.OK
        return ack


def streaming(**changes):
    device = Device()
    device.start(**changes)
    return device


# --- CONFIG -----------------------------------------------------------------------------------------------


def five(servo, value, others):
    return (*(others,) * servo, value, *(others,) * (4 - servo))


BAD_CONFIGS = [
    ("no channel", Result.BAD_CHANNELS, {"channel_mask": 0}),
    ("a channel that the source has not", Result.BAD_CHANNELS, {"channel_mask": 0b10000}),
    ("period 0", Result.BAD_PERIOD, {"sample_period_ticks": 0}),
    ("another rate than the source's", Result.BAD_PERIOD, {"sample_period_ticks": 999}),
    ("no sample a frame", Result.BAD_SAMPLES_PER_FRAME, {"samples_per_frame": 0}),
    ("a frame that is too long", Result.BAD_SAMPLES_PER_FRAME, {"samples_per_frame": 31}),
    ("no conversion", Result.BAD_OVERSAMPLING, {"oversampling": 0}),
    ("three conversions", Result.BAD_OVERSAMPLING, {"oversampling": 3}),
    ("eight conversions", Result.BAD_OVERSAMPLING, {"oversampling": 8}),
    ("format 0", Result.BAD_FORMAT, {"sample_format": 0}),
    ("slew too slow", Result.BAD_SLEW, {"slew_cdeg_per_s": m.SLEW_MIN_CDEG_PER_S - 1}),
    ("slew too fast", Result.BAD_SLEW, {"slew_cdeg_per_s": m.SLEW_MAX_CDEG_PER_S + 1}),
    ("hold too short", Result.BAD_TIMEOUTS, {"hold_ms": m.HOLD_MIN_MS - 1}),
    ("hold too long", Result.BAD_TIMEOUTS, {"hold_ms": m.HOLD_MAX_MS + 1}),
    ("relax no longer than hold", Result.BAD_TIMEOUTS, {"hold_ms": 100, "relax_ms": 100}),
    ("relax too long", Result.BAD_TIMEOUTS, {"relax_ms": m.RELAX_MAX_MS + 1}),
]
for servo in range(m.SERVOS):
    BAD_CONFIGS += [
        (f"servo {servo}: {name}", Result.BAD_SERVO_RANGE, change)
        for name, change in {
            "safe below min": {"servo_min_cdeg": five(servo, 4001, 0)},
            "safe above max": {"servo_max_cdeg": five(servo, 3999, 18000)},
            "max above 180 degrees": {"servo_max_cdeg": five(servo, 18001, 18000)},
            "pulse too short": {"pulse_0_us": five(servo, m.PULSE_MIN_US - 1, 600)},
            "pulse too long": {"pulse_180_us": five(servo, m.PULSE_MAX_US + 1, 2400)},
            "pulses equal": {"pulse_0_us": (600,) * 5, "pulse_180_us": five(servo, 600, 2400)},
        }.items()
    ]

GOOD_CONFIGS = [
    {},
    {"oversampling": 4},
    {"channel_mask": 0b1000, "samples_per_frame": 10},
    {"samples_per_frame": 30},
    {"servo_min_cdeg": (4000,) * 5, "servo_max_cdeg": (4000,) * 5},
    {"pulse_0_us": (m.PULSE_MAX_US,) * 5, "pulse_180_us": (m.PULSE_MIN_US,) * 5},
    {"slew_cdeg_per_s": m.SLEW_MIN_CDEG_PER_S},
    {"slew_cdeg_per_s": m.SLEW_MAX_CDEG_PER_S},
    {"hold_ms": m.HOLD_MIN_MS, "relax_ms": m.HOLD_MIN_MS + 1},
]


@pytest.mark.parametrize(("name", "result", "change"), BAD_CONFIGS, ids=[row[0] for row in BAD_CONFIGS])
def test_a_config_with_one_thing_wrong_is_refused_and_changes_nothing(name, result, change):
    device = Device()
    first = device.ask(board_config(), m.ConfigAck)
    ack = device.ask(board_config(**change), m.ConfigAck)
    assert ack == m.ConfigAck(result, first.sample_period_ticks, first.config_crc)
    assert device.firmware.safety.config == board_config()


@pytest.mark.parametrize("change", GOOD_CONFIGS)
def test_a_config_at_its_limits_is_taken(change):
    assert check_config(board_config(**change), ConstantSource(), m.BAUD) is Result.OK


def test_a_sum_of_conversions_has_to_fit_into_a_count():
    source = ConstantSource()
    source.adc_bits = 15
    results = [check_config(board_config(oversampling=k), source, m.BAUD) for k in (1, 2, 4)]
    assert results == [Result.OK, Result.OK, Result.BAD_OVERSAMPLING]


def test_a_sample_is_the_sum_of_its_conversions():
    device = streaming(oversampling=4)
    emg = next(frame for frame in device.wait(0.02) if frame[0] == m.Emg.TYPE)
    assert parse_emg(emg, CHANNELS)[2].tolist() == [[0, 4, 8, 12]] * SAMPLES_PER_FRAME


def test_the_first_field_that_does_not_fit_is_named():
    ack = Device().ask(board_config(channel_mask=0, slew_cdeg_per_s=0, hold_ms=0), m.ConfigAck)
    assert ack.result == Result.BAD_CHANNELS


@pytest.mark.parametrize(
    ("channels", "fs_hz", "n", "baud", "fits"),
    [
        (8, 1000, 5, 500_000, True),
        (8, 2000, 10, 500_000, True),
        (16, 2000, 7, 500_000, False),
        (16, 2000, 7, 1_000_000, True),
        (4, 2000, 1, 500_000, True),  # 22 bytes a frame: 88 %
        (5, 2000, 1, 500_000, False),
        (4, 2000, 5, 115_200, False),
    ],
)
def test_a_config_that_loads_the_line_past_90_percent_is_refused(channels, fs_hz, n, baud, fits):
    config = board_config(channel_mask=(1 << channels) - 1, sample_period_ticks=TICK_HZ // fs_hz, samples_per_frame=n)
    load = 10 * (14 + 2 * n * channels) * fs_hz / n / baud
    assert (load <= m.LINK_LOAD_MAX_PERCENT / 100) is fits
    expected = Result.OK if fits else Result.LINK_OVERLOAD
    assert check_config(config, ConstantSource(fs_hz, channels), baud) is expected


def test_config_crc_is_the_crc_of_the_payload_and_0_before():
    device = Device()
    assert device.ask(m.Disarm()).config_crc == 0
    ack = device.ask(board_config(), m.ConfigAck)
    assert ack == m.ConfigAck(Result.OK, 1000, crc32(board_config().pack()))
    assert device.ask(m.Disarm()).config_crc == ack.config_crc
    assert device.ask(board_config(hold_ms=100), m.ConfigAck).config_crc != ack.config_crc


def test_config_is_refused_while_streaming_and_unless_disarmed():
    device = streaming()
    assert device.ask(board_config(hold_ms=100), m.ConfigAck).result == Result.WRONG_STATE
    device.tell(m.Stop())
    assert device.ask(board_config(hold_ms=100), m.ConfigAck).result == Result.OK
    device.tell(m.Estop())
    assert device.ask(board_config(), m.ConfigAck).result == Result.WRONG_STATE


# --- START and STOP ---------------------------------------------------------------------------------------


def test_start_wants_the_config_in_force():
    device = Device()
    assert device.ask(m.Start(0)).ack_result == Result.WRONG_CONFIG
    ack = device.ask(board_config(), m.ConfigAck)
    assert device.ask(m.Start(ack.config_crc ^ 1)).ack_result == Result.WRONG_CONFIG
    assert not device.firmware.safety.streaming


def test_start_counts_from_0_and_when_repeated_goes_on():
    device = streaming()
    first = [parse_emg(frame, CHANNELS)[0] for frame in device.wait(0.1) if frame[0] == m.Emg.TYPE]
    crc = device.firmware.safety.config_crc
    assert device.ask(m.Start(crc)).ack_result == Result.OK
    later = [parse_emg(frame, CHANNELS)[0] for frame in device.wait(0.1) if frame[0] == m.Emg.TYPE]
    assert later[0] > first[-1]
    device.tell(m.Stop())
    device.wait(0.1)
    device.tell(m.Start(crc))
    again = [parse_emg(frame, CHANNELS)[0] for frame in device.wait(0.1) if frame[0] == m.Emg.TYPE]
    assert again[:3] == [0, 5, 10]


def test_stop_ends_the_stream():
    device = streaming()
    assert not device.ask(m.Stop()).flags & StatusFlag.STREAMING
    assert not [frame for frame in device.wait(1.0) if frame[0] == m.Emg.TYPE]


def test_samples_come_at_the_sample_clocks_times_with_the_channels_asked_for():
    device = streaming(channel_mask=0b1010, samples_per_frame=10)
    began_s = device.firmware._first_sample_s
    for frame in device.wait(0.5, step_s=0.0001):
        if frame[0] != m.Emg.TYPE:
            continue
        index, flags, counts = parse_emg(frame, 2)
        assert np.array_equal(counts, [[1, 3]] * 10)
        assert flags == 0
        last_taken_s = began_s + (index + 9) / FS_HZ
        assert last_taken_s <= device.now_s
    assert index == pytest.approx(1000, abs=30)


def test_the_index_in_status_and_pong_is_that_of_the_next_sample():
    device = streaming()
    for _ in range(50):
        device.wait(0.0037, step_s=0.0001)
        due = int((device.now_s - device.firmware._first_sample_s) * FS_HZ + 1e-6) + 1
        device.tell(m.Ping(1))
        pong, *_ = device.answers(m.Pong)
        assert pong.sample_index in (due, due - 1)
        due = int((device.now_s - device.firmware._first_sample_s) * FS_HZ + 1e-6) + 1
        device.tell(m.Disarm())
        status, *_ = device.answers(m.Status)
        assert status.sample_index in (due, due - 1)


# --- answers ----------------------------------------------------------------------------------------------


def test_hello_is_answered_by_ident_then_status():
    device = Device()
    device.answers()
    device.tell(m.Hello(m.MAJOR, m.MINOR, 0xABCD, m.PROTO_HASH), seq=42)
    ident, status = device.answers(m.Ident, m.Status)
    assert (ident.nonce, ident.proto_hash, ident.adc_bits, ident.max_channels) == (0xABCD, m.PROTO_HASH, 10, 4)
    assert (status.ack_type, status.ack_seq, status.ack_result) == (m.Hello.TYPE, 42, Result.OK)
    assert status.boot_id == ident.boot_id


def test_hello_with_another_hash_blocks_arm():
    device = Device()
    blocked = device.ask(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH ^ 1)).blockers
    assert blocked & m.Blocker.PROTOCOL_DIFFERS
    blocked = device.ask(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH)).blockers
    assert not blocked & m.Blocker.PROTOCOL_DIFFERS


@pytest.mark.parametrize("message", [m.Start(0), m.Stop(), m.Arm(m.Permission.DECODER, 0, 0, 0), m.Disarm(), m.Estop()])
def test_a_request_is_answered_by_a_status_with_its_type_and_seq(message):
    status = Device().ask(message, seq=77)
    assert (status.ack_type, status.ack_seq) == (message.TYPE, 77)


def test_setpoints_are_not_answered():
    device = streaming()
    device.answers()
    device.tell(m.Setpoint((4000,) * 5, 25, 0))
    assert not device.answers(m.Status, m.ConfigAck, m.Pong)


def test_pong_carries_the_token_and_the_devices_clock():
    device = Device(now_s=100.0)
    pong = device.ask(m.Ping(0xFFFFFFFF), m.Pong)
    assert pong == m.Pong(0xFFFFFFFF, 100_010_000, 0)


def test_the_devices_clock_wraps():
    device = Device(now_s=2**32 / 1e6 - 0.0105)
    assert device.ask(m.Ping(1), m.Pong).t_us == pytest.approx(2**32 - 500, abs=1)
    assert device.ask(m.Ping(1), m.Pong).t_us < 100_000


# --- STATUS -----------------------------------------------------------------------------------------------


def test_status_comes_every_100_ms():
    device = Device()
    statuses = [frame for frame in device.wait(2.0) if frame[0] == m.Status.TYPE]
    assert len(statuses) == pytest.approx(20, abs=1)


def test_status_comes_at_each_change_of_state_and_of_reason():
    device = streaming()
    safety = device.firmware.safety
    safety.applied = [6000] * m.SERVOS  # off the safe pose, so that RELAX lasts
    device.tell(m.Arm(m.Permission.DECODER, safety.boot_id, safety.config_crc, safety.challenge))
    seen = []
    for _ in range(5000):
        for status in [unpacked(frame) for frame in device.wait(0.001) if frame[0] == m.Status.TYPE]:
            if not seen or (status.state, status.reason) != seen[-1][:2]:
                seen.append((status.state, status.reason, device.now_s))
    states = [(State(state).name, m.Reason(reason).name.lower()) for state, reason, _ in seen]
    assert states == [
        ("ARMED", "host_armed"),
        ("HOLD", "setpoints_stopped"),
        ("RELAX", "silent_too_long"),
        ("RELAX", "relaxed"),
    ]
    armed_s = seen[0][2]
    assert seen[1][2] - armed_s == pytest.approx(m.HOLD_MAX_MS / 1000, abs=0.003)
    assert seen[2][2] - armed_s == pytest.approx(m.RELAX_MAX_MS / 1000, abs=0.003)


def test_status_tells_flags_and_the_pose():
    device = Device()
    assert device.ask(m.Disarm()).flags == 0
    device.start()
    safety = device.firmware.safety
    assert device.ask(m.Disarm()).flags == StatusFlag.CONFIGURED | StatusFlag.STREAMING
    status = device.ask(m.Arm(m.Permission.DECODER, safety.boot_id, safety.config_crc, safety.challenge))
    assert status.flags == StatusFlag.CONFIGURED | StatusFlag.STREAMING | StatusFlag.PULSES_ON
    assert status.applied_cdeg == (4000,) * 5


def test_a_board_with_a_front_end_says_so_and_tells_when_an_electrode_is_off():
    off = []
    device = Device()
    device.firmware = SimulatedFirmware(ConstantSource(), lead_off=lambda: bool(off))
    ident = device.ask(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH), m.Ident)
    assert ident.capabilities == m.Capability.BUTTON | m.Capability.LEAD_OFF
    device.start()
    for flags in (m.EmgFlag(0), m.EmgFlag.LEAD_OFF):
        seen = {parse_emg(frame, CHANNELS)[1] for frame in device.wait(0.05) if frame[0] == m.Emg.TYPE}
        assert seen == {int(flags)}
        off.append(True)


def test_emg_says_when_the_hand_is_armed():
    device = streaming()
    safety = device.firmware.safety
    device.tell(m.Arm(m.Permission.DECODER, safety.boot_id, safety.config_crc, safety.challenge))
    device.wait(0.01)
    flags = {parse_emg(frame, CHANNELS)[1] for frame in device.wait(0.1) if frame[0] == m.Emg.TYPE}
    assert flags == {int(m.EmgFlag.ARMED)}


# --- counters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seqs", "gaps"), [([0, 1, 2], 0), ([0, 2], 1), ([250, 4], 9), ([255, 0], 0), ([5, 5], 255)])
def test_frames_that_never_came_are_counted_by_seq(seqs, gaps):
    device = Device()
    for seq in seqs:
        device.tell(m.Ping(1), seq)
    assert device.ask(m.Disarm()).seq_gaps == gaps


def test_hello_begins_the_count_anew():
    device = Device()
    device.tell(m.Ping(1), seq=9)
    assert device.ask(m.Hello(m.MAJOR, m.MINOR, 0, 0), seq=200).seq_gaps == 0
    assert device.ask(m.Disarm(), seq=202).seq_gaps == 1


def test_a_frame_that_is_not_understood_has_come_all_the_same():
    """Unknown types and wrong lengths have counters of their own and do not count as gaps."""
    device = Device()
    device.tell(m.Ping(1), seq=0)
    device.firmware.receive(encode(0x55, 1, b"?"), device.now_s)
    device.firmware.receive(encode(m.Ping.TYPE, 2, b"?"), device.now_s)
    status = device.ask(m.Disarm(), seq=3)
    assert (status.unknown_types, status.length_errors, status.seq_gaps) == (1, 1, 0)


def test_it_knows_how_old_the_samples_behind_a_setpoint_are():
    device = streaming()
    device.wait(0.1)
    newest = device.firmware.samples_taken - 1
    device.wait(0.02)
    device.tell(m.Setpoint((4000,) * 5, 25, newest))
    age_s = device.firmware.setpoint_age.percentile(50)
    assert 0.0199 < age_s < 0.0235  # samples are sent at most one frame of 2.5 ms later


def test_setpoints_out_of_range_and_stale_ones_are_told_apart():
    device = streaming()
    safety = device.firmware.safety
    device.ask(m.Arm(m.Permission.DECODER, safety.boot_id, safety.config_crc, safety.challenge))
    newest = device.firmware.samples_taken - 1
    device.tell(m.Setpoint((18001, 0, 0, 0, 0), 25, newest))
    device.tell(m.Setpoint((0,) * 5, 25, newest + 1000))
    device.tell(m.Setpoint((4000,) * 5, 25, newest), seq=88)
    status = unpacked(next(frame for frame in device.wait(0.11) if frame[0] == m.Status.TYPE))
    assert (status.range_rejects, status.stale_rejects, status.setpoint_seq) == (1, 1, 88)


# --- the line ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("baud", [115_200, 500_000, 1_000_000])
def test_bytes_leave_at_ten_bits_each(baud):
    device = Device(baud=baud)
    device.wait(0.05)
    frame_s = PONG_BYTES * 10 / baud
    firmware = device.firmware
    for began_s in (0.05, 0.06):
        device.now_s = began_s
        device.tell(m.Ping(1))
        assert firmware.outgoing(began_s + 0.99 * frame_s) == b""
        assert len(firmware.outgoing(began_s + 1.01 * frame_s)) == PONG_BYTES


def test_the_next_event_is_never_later_than_what_happens():
    device = streaming()
    for _ in range(300):
        due_s = device.firmware.next_event_s()
        device.firmware.advance(due_s - 1e-6)
        assert not device.firmware.outgoing(due_s - 1e-6)
        device.firmware.advance(due_s + 1e-9)
        device.firmware.outgoing(due_s + 1e-9)


def test_a_full_line_drops_whole_frames_counts_them_and_flags_the_next():
    device = streaming()
    device.firmware._uplink._byte_s *= 3  # a line that carries a third of the data
    got = [parse_emg(frame, CHANNELS) for frame in device.wait(3.0) if frame[0] == m.Emg.TYPE]
    indices = np.array([index for index, _, _ in got])
    dropped_before = np.diff(indices) > SAMPLES_PER_FRAME
    flagged = np.array([bool(flags & m.EmgFlag.TX_DROP) for _, flags, _ in got])
    assert dropped_before.any()
    assert np.array_equal(flagged[1:], dropped_before)
    lost = int((np.diff(indices) // SAMPLES_PER_FRAME - 1).sum())
    status = unpacked(next(frame for frame in device.wait(0.2) if frame[0] == m.Status.TYPE))
    assert status.tx_drops == pytest.approx(lost, abs=50)


def test_on_a_full_line_status_and_answers_still_come():
    device = streaming()
    device.firmware._uplink._byte_s *= 3
    device.wait(1.0)
    statuses = [frame for frame in device.wait(1.0) if frame[0] == m.Status.TYPE]
    assert len(statuses) == pytest.approx(10, abs=1)


def test_what_waits_for_a_full_line_is_bounded_and_a_flood_of_requests_is_answered_soon():
    device = streaming()
    for _ in range(10_000):
        device.tell(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH))
    device.tell(m.Ping(99))
    waiting = sum(len(frame) for _, frame in device.firmware._uplink._frames)
    assert waiting <= TX_BUFFER_BYTES
    assert [pong.token for pong in device.answers(m.Pong) + device.answers(m.Pong)] == [99]


def test_answers_of_a_kind_merge_into_the_newest_on_a_full_line():
    device = Device()
    for seq in range(40):
        device.tell(m.Disarm(), seq)
    acks = [status.ack_seq for status in device.answers(m.Status) + device.answers(m.Status)]
    assert acks[-1] == 39
    assert acks[0] == 0
    assert len(acks) < 12


def test_a_simulation_that_was_held_up_catches_up_without_losing_anything():
    """The line would have carried the data, so a simulator that slept must not report an overload."""
    device = streaming()
    device.answers()
    frames = [frame for _ in range(20) for frame in device.wait(0.2, step_s=0.2)]
    indices = [parse_emg(frame, CHANNELS)[0] for frame in frames if frame[0] == m.Emg.TYPE]
    assert np.array_equal(np.diff(indices), np.full(len(indices) - 1, SAMPLES_PER_FRAME))
    assert device.ask(m.Disarm()).tx_drops == 0
    assert device.firmware.safety.state is State.DISARMED


def test_the_device_counts_its_frames():
    device = streaming()
    seqs = [frame[1] for frame in device.wait(1.0)]
    assert len(seqs) > 256
    assert np.array_equal(np.diff(seqs) % 256, np.ones(len(seqs) - 1))


def test_what_was_due_before_bytes_came_happens_before_them():
    """A simulator that was delayed by 200 ms finds a setpoint; by then the hand was in HOLD."""
    device = streaming()
    safety = device.firmware.safety
    device.ask(m.Arm(m.Permission.DECODER, safety.boot_id, safety.config_crc, safety.challenge))
    device.now_s += 0.2
    device.tell(m.Setpoint((4000,) * 5, 25, round((device.now_s - device.firmware._first_sample_s) * FS_HZ) - 1))
    assert safety.state is State.HOLD
    assert safety.stale_rejects == 0


def test_it_starts_at_once_on_a_machine_that_has_been_up_for_years():
    device = Device(now_s=1e8)
    periods = []
    device.firmware.safety.servo_period = lambda: periods.append(1)
    device.wait(1.0)
    assert len(periods) == pytest.approx(1e6 / board_config().servo_period_us, abs=1)


def test_the_end_of_the_source_is_an_eof_error():
    class Short(ConstantSource):
        left = 100

        def read(self, samples):
            if samples > self.left:
                raise EOFError
            self.left -= samples
            return super().read(samples)

    device = Device(source=Short())
    device.start()
    with pytest.raises(EOFError):
        device.wait(1.0)


# ---- the search for the ends of a servo ----


def searching(device, start_us):
    """ARM for a jog that begins at this pulse, on a board that stores no limits; the board's answer."""
    config = board_config(servo_safe_cdeg=((start_us - m.PULSE_MIN_US) * 9,) * m.SERVOS)
    device.tell(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH))
    device.tell(config)
    device.tell(m.Start(crc32(config.pack())))
    device.wait(0.02)
    safety = device.firmware.safety
    device.tell(m.Arm(m.Permission.JOG, safety.boot_id, safety.config_crc, safety.challenge))
    return safety.state


@pytest.mark.parametrize(("start_us", "arms"), [(999, False), (1000, True), (2000, True), (2001, False)])
def test_a_search_begins_within_the_limits_that_hold(start_us, arms):
    device = Device()
    device.firmware = SimulatedFirmware(ConstantSource(), limits=None)
    assert searching(device, start_us) is (State.ARMED if arms else State.DISARMED)


def test_a_servo_that_a_search_has_left_beyond_the_limits_starts_from_the_next_safe_pose():
    device = Device()
    device.firmware = SimulatedFirmware(ConstantSource(), limits=None)
    assert searching(device, 1990) is State.ARMED
    safety, beyond = device.firmware.safety, ((2100 - m.PULSE_MIN_US) * 9, *(13410,) * 4)
    for _ in range(30):
        device.tell(m.Setpoint(beyond, 25, device.firmware.samples_taken - 1))
        device.wait(0.02)
    assert safety.applied[0] > (2000 - m.PULSE_MIN_US) * 9
    device.tell(m.Stop())
    assert searching(device, 1500) is State.ARMED
    assert safety.applied == [9000, *(13410,) * 4]


def test_a_start_gives_another_challenge_so_that_an_old_arm_is_refused():
    first, second = (SimulatedFirmware(ConstantSource(), boot_id) for boot_id in (1, 2))
    assert first.safety.challenge != second.safety.challenge


def test_frames_longer_than_the_stall_time_are_no_stall():
    """Samples feed the firmware's watchdog, not frames."""
    device = Device(source=ConstantSource(fs_hz=100.0, channels=1))
    device.start(channel_mask=1, sample_period_ticks=20000, samples_per_frame=60)
    frames = device.wait(2.0)
    assert len([frame for frame in frames if frame[0] == m.Emg.TYPE]) == 3
    assert device.ask(m.Disarm()).state == State.DISARMED


def test_the_index_stays_after_stop_and_begins_anew_with_start():
    device = streaming()
    device.wait(0.1)
    stopped = device.ask(m.Stop())
    assert stopped.sample_index == pytest.approx(0.12 * FS_HZ, abs=25)
    device.wait(0.1)
    assert device.ask(m.Disarm()).sample_index == stopped.sample_index
    assert device.ask(m.Start(stopped.config_crc)).sample_index == 0


def test_hello_with_another_hash_leaves_an_armed_hand_moving():
    device = streaming()
    safety = device.firmware.safety
    device.ask(m.Arm(m.Permission.DECODER, safety.boot_id, safety.config_crc, safety.challenge))
    status = device.ask(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH ^ 1))
    assert status.state == State.ARMED
    assert status.blockers & m.Blocker.PROTOCOL_DIFFERS


def test_a_successful_arm_and_a_disarm_are_one_status_each():
    device = streaming()
    safety = device.firmware.safety
    device.answers()
    device.tell(m.Arm(m.Permission.DECODER, safety.boot_id, safety.config_crc, safety.challenge))
    assert [status.state for status in device.answers(m.Status)] == [State.ARMED]
    device.tell(m.Disarm())
    assert [status.state for status in device.answers(m.Status)] == [State.DISARMED]


# --- floods -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [m.Disarm(), m.Estop()], ids=lambda message: type(message).__name__)
def test_disarm_and_estop_are_obeyed_at_once_inside_a_flood_100_times_of_100(stop):
    for place in range(100):
        device = streaming()
        safety = device.firmware.safety
        device.ask(m.Arm(m.Permission.DECODER, safety.boot_id, safety.config_crc, safety.challenge))
        flood = [m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH)] * 100
        flood[place] = stop
        device.firmware.receive(b"".join(map(frame_of, flood)), device.now_s)
        assert not safety.pulses_on
        told = [status for _ in range(10) for status in device.answers(m.Status)]
        assert told[-1].state == (State.ESTOP if isinstance(stop, m.Estop) else State.DISARMED)


class FullPort:
    """A port in which more waits than any line carries."""

    def __init__(self):
        self.taken = []

    def read(self, most):
        self.taken.append(most)
        return bytes(most)


def test_the_line_to_the_board_brings_a_byte_each_20_us_however_much_the_host_writes():
    port = FullPort()
    line = Downlink(port)
    data = [line.read(10 + step / 1000) for step in range(1001)]
    assert len(data[0]) == RX_BUFFER_BYTES
    assert sum(map(len, data[1:])) == pytest.approx(50_000, abs=2)
    assert max(map(len, data[1:])) <= 51
    assert line.full(11)


def test_a_line_that_was_looked_at_late_brings_no_more_than_the_board_could_keep():
    port = FullPort()
    line = Downlink(port)
    line.read(10)
    assert not line.full(12)
    assert len(line.read(12)) == RX_BUFFER_BYTES


def test_a_simulated_front_end_has_the_rates_and_the_bits_of_the_board_that_carries_one():
    boards = tomllib.loads(PROTOCOL.read_text(encoding="utf-8"))["board"]
    board = boards["rp2040"] | boards["feather_ads"]
    periods = [board["period_base_ticks"] << halved for halved in range(16)]
    rates = sorted(board["tick_hz"] / period for period in periods if period <= board["period_max_ticks"])
    assert (list(FRONT_END_HZ), FRONT_END_BITS) == (rates, board["adc_bits"])
