"""The bridge in virtual time: a host's session, the bridge, a simulated board, and a stream with faults."""

import numpy as np
import pytest

from bridged_hand import CHANNELS, POSE, BridgedHand
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.wire import messages as m
from myobridge.wire.clock import SampleClock
from myobridge.wire.frame import FrameDecoder
from myobridge.wire.handshake import Phase
from myobridge.wire.messages import Reason, State
from virtual_hand import ConstantSource, body_of, frame_of, unpacked

FIST = (9000,) * m.SERVOS
RATES = [(200.0, 1), (2000.0, 5)]


@pytest.fixture(params=RATES, ids=lambda rate: f"{rate[0]:g} Hz")
def hand(request):
    return BridgedHand(*request.param).stream_up()


# --- one board of two -------------------------------------------------------------------------------------


def test_the_host_sees_one_board_with_the_channels_of_the_stream(hand):
    ident = hand.session.ident
    assert (ident.max_channels, ident.adc_bits, ident.boot_id) == (CHANNELS, 16, 1)
    assert hand.session.phase is Phase.STREAMING
    assert hand.session.status.config_crc == hand.session._handshake.config_crc
    assert not hand.told


def test_the_board_samples_one_input_and_gets_everything_that_concerns_servos(hand):
    config = hand.firmware.safety.config
    assert config.channel_mask == 1
    assert config.sample_period_ticks == hand.config.sample_period_ticks
    for name in config.__struct_fields__:
        if name not in ("channel_mask", "samples_per_frame"):
            assert getattr(config, name) == getattr(hand.config, name), name


def test_emg_arrives_whole_in_order_and_begins_at_zero(hand):
    hand.run(2.0)
    numbers = np.concatenate([np.arange(len(counts)) + first for first, _, counts in hand.emg])
    values = np.concatenate([counts[:, 0] for _, _, counts in hand.emg])
    assert numbers.tolist() == list(range(len(numbers)))
    assert (np.diff(values) == 1).all()
    assert len(numbers) > 2 * hand.fs_hz


def test_the_hand_follows_setpoints_and_arm_disarm_and_estop_pass_through(hand):
    hand.arm()
    hand.decide(4.0, FIST)
    assert hand.state is State.ARMED
    assert hand.firmware.safety.applied == list(FIST)
    assert hand.firmware.safety.stale_rejects == hand.firmware.safety.range_rejects == 0
    assert hand.emg[-1][1] & m.EmgFlag.ARMED
    hand.session.request_disarm()
    hand.run(0.1)
    assert hand.state is State.DISARMED
    assert not hand.emg[-1][1] & m.EmgFlag.ARMED
    hand.arm()
    hand.session.request_estop()
    hand.run(0.05)
    assert hand.state is State.ESTOP


def test_the_board_counts_no_bad_and_no_missing_frame(hand):
    hand.arm()
    hand.decide(1.0)
    status = hand.session.status
    assert (status.crc_errors, status.length_errors, status.unknown_types, status.seq_gaps) == (0, 0, 0, 0)


def test_servo_limits_are_read_and_written_through_the_bridge(hand):
    limits = m.WriteLimits((0,) * 5, (9000,) * 5, (1000,) * 5, (2000,) * 5, 0)
    for message in (m.ReadLimits(), limits):
        hand._to_device += frame_of(message)
        hand.run(0.5)
    told = [message for message in hand.received if isinstance(message, m.Limits)]
    assert len(told) == 3
    assert told[-1].servo_max_cdeg == (9000,) * 5


def test_a_config_for_another_rate_or_other_channels_is_refused_with_a_reason():
    hand = BridgedHand(200.0).stream_up()
    wrong = (
        {"sample_period_ticks": 1000},
        {"channel_mask": 1 << CHANNELS},
        {"samples_per_frame": 200},
        {"oversampling": 2},
    )
    results = []
    for change in wrong:
        config = m.Config(**{name: getattr(hand.config, name) for name in hand.config.__struct_fields__} | change)
        forward, back = hand.translator.from_host(body_of(config))
        assert not forward, "the board never sees it"
        results.append(unpacked(*FrameDecoder().feed(back)).result)
    assert results == [
        m.Result.BAD_PERIOD,
        m.Result.BAD_CHANNELS,
        m.Result.BAD_SAMPLES_PER_FRAME,
        m.Result.BAD_OVERSAMPLING,
    ]
    assert "2000 Hz" in hand.told[0] and "200 Hz" in hand.told[0]


def test_a_board_that_is_reset_ends_the_stream_until_it_is_configured_again():
    hand = BridgedHand().stream_up()
    hand.firmware = SimulatedFirmware(ConstantSource(200.0), boot_id=2)
    with pytest.raises(Exception, match="was reset"):
        hand.run(1.0)
    hand.emg.clear()
    hand.step(host=False)
    assert hand.translator.missing == 0
    hand.connect()
    hand.stream_up()
    assert hand.emg[0][0] == 0
    hand.arm()


# --- clocks -----------------------------------------------------------------------------------------------


class CrookedBoard(SimulatedFirmware):
    """A board whose crystal is 0.4 % off."""

    def _start(self, message, now_s):
        result = super()._start(message, now_s)
        self._period_s = 1.004 / 2000
        return result


@pytest.mark.parametrize("speed", [0.996, 1.0, 1.004])
def test_setpoints_stay_fresh_while_the_crystals_of_board_and_amplifier_drift_apart(speed):
    hand = BridgedHand(2000.0, 5, board=CrookedBoard(ConstantSource(2000.0), boot_id=1))
    hand.speed = speed
    hand.stream_up().arm()
    hand.decide(20.0)
    assert hand.state is State.ARMED
    assert hand.firmware.safety.stale_rejects == 0
    assert hand.firmware.setpoint_age.percentile(99) < 0.03, "the board sees their true age"


@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.06])
def test_the_board_and_the_daemon_see_the_delay_of_the_stream(delay_s):
    hand = BridgedHand(1000.0, 5)
    hand.delay_s = delay_s
    clock = SampleClock(1000.0)
    hand.session.pong = clock.pong
    hand.stream_up().arm()

    def hear():
        if hand.newest != clock_at[0]:
            clock_at[0] = hand.newest
            clock.arrived(hand.newest, hand.now_s)

    clock_at = [-1]
    hand.decide(4.0, after_step=hear)
    assert clock.transport_s == pytest.approx(delay_s, abs=0.004)
    assert hand.firmware.setpoint_age.percentile(50) == pytest.approx(delay_s + 0.005, abs=0.006)
    assert hand.firmware.safety.stale_rejects == 0


def test_a_number_is_never_mapped_to_a_sample_that_the_board_has_not_taken():
    hand = BridgedHand(2000.0, 5).stream_up()
    hand.shift_s = 5.0  # time stamps from the future
    hand.decide(2.0, after_step=lambda: bounded(hand))


def bounded(hand):
    """The newest sample counts as taken, at the latest, together with the newest sample that the board has sent."""
    assert hand.translator._clocks.to_board(hand.newest) < hand.firmware.samples_taken


# --- faults of the stream ---------------------------------------------------------------------------------


def test_a_stream_that_stops_leads_to_hold_and_then_to_relax(hand):
    hand.arm()
    hand.decide(1.0, FIST)
    hand.silent = True
    hand.decide(0.25, FIST)
    assert (hand.state, hand.firmware.safety.reason) == (State.HOLD, Reason.SETPOINTS_STOPPED)
    hand.decide(2.0, FIST)
    assert hand.state is State.RELAX


def test_estop_passes_at_once_while_the_stream_is_dead(hand):
    hand.arm()
    hand.silent = True
    hand.decide(0.5)
    hand.session.request_estop()
    hand.run(0.01)
    assert hand.state is State.ESTOP


def test_a_stream_that_is_three_seconds_late_is_refused_as_stale_by_the_board(hand):
    hand.delay_s = 3.0
    hand.run(4.0)
    hand.arm()
    hand.decide(1.0, FIST)
    assert hand.firmware.safety.stale_rejects >= m.MAX_REJECTS_IN_ROW
    assert hand.firmware.safety.applied == list(POSE)
    assert hand.state is State.HOLD


def test_a_stream_that_becomes_late_while_the_hand_moves_leads_to_hold(hand):
    hand.arm()
    hand.decide(1.0, FIST)
    hand.delay_s = 3.0
    hand.decide(4.0, FIST)
    assert hand.firmware.safety.stale_rejects == 0, "nothing arrives for three seconds"
    assert hand.state is State.RELAX
    hand.session.request_disarm()
    hand.run(0.1)
    hand.arm()
    hand.decide(1.0, FIST)
    assert hand.state is State.HOLD
    assert hand.firmware.safety.stale_rejects >= m.MAX_REJECTS_IN_ROW


@pytest.mark.parametrize("back_s", [0.5, 3.0, 3600.0])
def test_time_stamps_that_jump_back_are_refused_until_they_are_right_again(hand, back_s):
    hand.arm()
    hand.decide(1.0, FIST)
    hand.shift_s = -back_s
    hand.decide(1.0, FIST)
    assert hand.state is State.HOLD
    assert hand.firmware.safety.stale_rejects > 0
    hand.session.request_disarm()
    hand.shift_s = 0.0
    hand.run(back_s + 4.0 if back_s < 10 else 4.0)
    if back_s < 10:
        hand.arm()
        hand.decide(1.0, FIST)
        assert hand.state is State.ARMED


def test_a_short_gap_is_a_gap_of_the_numbers_and_the_hand_goes_on():
    hand = BridgedHand(2000.0, 5).stream_up().arm()
    hand.decide(1.0, FIST)
    hand.lose_samples = 13
    hand.decide(1.0, FIST)
    numbers = np.concatenate([np.arange(len(counts)) + first for first, _, counts in hand.emg])
    values = np.concatenate([counts[:, 0] for _, _, counts in hand.emg])
    assert len(np.unique(values - numbers)) == 1, "numbers count the lost samples"
    steps = np.diff(numbers)
    assert steps.max() in (16, 21), "the torn frames are left out, too"
    assert (steps > 1).sum() == 1
    assert hand.state is State.ARMED
    assert hand.firmware.safety.stale_rejects == 0


def test_a_stream_that_changes_its_rate_stays_bounded_by_its_arrival():
    hand = BridgedHand(1000.0, 5).stream_up().arm()
    hand.decide(2.0, FIST)
    hand.speed = 0.5
    hand.decide(4.0, FIST)
    hand.speed = 1.3
    hand.decide(4.0, FIST, after_step=lambda: bounded(hand))
