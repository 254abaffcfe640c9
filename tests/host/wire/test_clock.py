"""The sample clock measures rate and times of the samples from late, bunched and missing arrivals."""

import numpy as np
import pytest

from myobridge.wire.clock import SampleClock
from myobridge.wire.emg import INDEX_SPAN
from myobridge.wire.handshake import Phase
from virtual_hand import VirtualHand

FS_HZ = 2000.0
SAMPLES_PER_FRAME = 5
TRANSPORT_S = 0.0006


def quiet(rng, arrival_s):
    return arrival_s


def scheduling(rng, arrival_s):
    """Wake-ups are 0.2 ms late on average, and one in thirty is up to 50 ms late."""
    late_s = rng.exponential(0.0002, len(arrival_s))
    return arrival_s + late_s + (rng.random(len(arrival_s)) < 0.03) * rng.uniform(0, 0.05, len(arrival_s))


def usb_frames(rng, arrival_s):
    """The USB host controller polls once a millisecond."""
    return scheduling(rng, np.ceil(arrival_s / 0.001) * 0.001)


def ftdi_timer(rng, arrival_s):
    """The adapter delivers its bytes every 16 ms."""
    return np.ceil(arrival_s / 0.016) * 0.016


def stalls(rng, arrival_s):
    """Every three seconds nothing arrives for 0.3 s, and then everything arrives at once."""
    until_s = np.floor(arrival_s / 3) * 3 + 0.3
    return scheduling(rng, np.maximum(arrival_s, until_s))


def busy_machine(rng, arrival_s):
    """Almost every wake-up is late, by 5 ms on average."""
    return arrival_s + rng.exponential(0.005, len(arrival_s))


def lossy(rng, arrival_s):
    """Half of the frames are lost."""
    return np.where(rng.random(len(arrival_s)) < 0.5, np.nan, scheduling(rng, arrival_s))


def drive(delay, ppm=80.0, seconds=20, first_index=0):
    """A clock after frames of a board that is off by `ppm`; also the true rate, time of sample 0 and last index."""
    rng = np.random.default_rng(7)
    true_hz, began_s = FS_HZ * (1 + ppm * 1e-6), 1000.0
    clock = SampleClock(FS_HZ)
    newest = np.arange(SAMPLES_PER_FRAME - 1, int(seconds * true_hz), SAMPLES_PER_FRAME)
    arrival_s = delay(rng, began_s + newest / true_hz + TRANSPORT_S)
    ping_s = began_s + 0.3
    for index, now_s in zip(newest.tolist(), np.fmax.accumulate(arrival_s).tolist(), strict=True):
        if np.isnan(arrival_s[index // SAMPLES_PER_FRAME]):
            continue
        clock.arrived(first_index + index, now_s)
        if now_s > ping_s:
            next_index = int((ping_s - began_s) * true_hz) + 1
            clock.pong(ping_s - 0.0003, ping_s + 0.0003, (first_index + next_index) % INDEX_SPAN)
            ping_s += 0.5
    return clock, true_hz, began_s, first_index + index


@pytest.mark.parametrize("ppm", [-5000, -80, 0, 80, 5000])
@pytest.mark.parametrize(
    ("delay", "within_s"),
    [
        (quiet, 0.0002),
        (scheduling, 0.0002),
        (stalls, 0.0002),
        (lossy, 0.0002),
        (busy_machine, 0.0002),
        (usb_frames, 0.001),
        (ftdi_timer, 0.001),
    ],
)
def test_rate_and_times_are_measured_under_any_delay(delay, within_s, ppm):
    """A ceramic resonator is off by 5000 ppm, a crystal by 80. Polling once a millisecond limits the accuracy."""
    clock, true_hz, began_s, newest = drive(delay, ppm)
    assert clock.fs_hz == pytest.approx(true_hz, rel=50e-6)
    for index in range(newest - 2000, newest, 100):
        arrives_s = clock.sampled_s(index) + clock.transport_s
        assert arrives_s == pytest.approx(began_s + index / true_hz + TRANSPORT_S, abs=within_s)
    assert clock.transport_s == pytest.approx(TRANSPORT_S, abs=within_s + 0.5 / FS_HZ)


@pytest.mark.parametrize("delay", [quiet, scheduling, stalls, lossy])
def test_times_do_not_jump_between_samples(delay):
    clock, true_hz, _, newest = drive(delay)
    times_s = np.array([clock.sampled_s(index) for index in range(newest - 400, newest)])
    assert np.allclose(np.diff(times_s), 1 / true_hz, rtol=1e-4)


def test_a_time_has_the_sample_that_was_newest_then():
    clock, true_hz, _, newest = drive(scheduling)
    for index in (0, newest - 400, newest, newest + 10_000):
        assert clock.index_at(clock.sampled_s(index) + 0.5 / true_hz) == index


def test_a_stream_may_begin_before_the_clock_of_the_host():
    clock = SampleClock(FS_HZ)
    clock.arrived(0, -3.0)
    clock.arrived(5, -3.0)
    assert clock.sampled_s(5) == -3.0


def test_the_first_sample_has_a_time():
    clock = SampleClock(FS_HZ)
    clock.arrived(4, 50.0)
    assert clock.sampled_s(4) == 50.0
    assert clock.sampled_s(0) == pytest.approx(50.0 - 4 / FS_HZ)
    assert clock.transport_s == 0.0


def test_an_earlier_arrival_counts_immediately():
    clock = SampleClock(FS_HZ)
    clock.arrived(4, 50.100)
    clock.arrived(204, 50.150)
    assert clock.sampled_s(204) == 50.150


@pytest.mark.parametrize("first_index", [INDEX_SPAN - 20_000, INDEX_SPAN // 2 - 20_000, 5 * INDEX_SPAN - 20_000])
def test_the_index_may_wrap_anywhere(first_index):
    """Frames have unwrapped indices, PONG has an index modulo 2^32."""
    clock, true_hz, began_s, newest = drive(scheduling, first_index=first_index)
    assert clock.transport_s == pytest.approx(TRANSPORT_S, abs=0.0004)
    assert clock.sampled_s(newest) == pytest.approx(began_s + (newest - first_index) / true_hz, abs=0.0004)


def test_a_new_stream_has_a_clock_immediately():
    clock, _, _, _ = drive(scheduling)
    clock.arrived(4, 2000.0)
    assert clock.sampled_s(4) == 2000.0
    for frame in range(1000):
        clock.arrived(9 + 5 * frame, 2000.0025 + frame * 0.0025)
    assert clock.fs_hz == pytest.approx(FS_HZ, rel=1e-6)


def test_a_gap_in_the_index_does_not_change_the_clock():
    clock, true_hz, began_s, newest = drive(scheduling)
    later = newest + 8000
    clock.arrived(later, began_s + later / true_hz + TRANSPORT_S)
    assert clock.sampled_s(later) == pytest.approx(began_s + later / true_hz, abs=0.0004)


def board(rate, seconds=30, delay=scheduling, seed=7):
    """Yields (time, clock, error of a sample's age) for a board whose rate is a factor that depends on time."""
    rng, began_s = np.random.default_rng(seed), 1000.0
    t_s = np.arange(0, seconds, 1 / FS_HZ / 4)
    taken = np.cumsum(rate(t_s)) / 4  # samples, by the board's own clock
    newest = np.arange(SAMPLES_PER_FRAME - 1, taken[-1], SAMPLES_PER_FRAME)
    taken_s = began_s + np.interp(newest, taken, t_s)
    arrival_s = np.fmax.accumulate(delay(rng, taken_s + TRANSPORT_S))
    clock, ping_s = SampleClock(FS_HZ), began_s + 0.3
    for index, one_s, now_s in zip(newest.astype(int).tolist(), taken_s.tolist(), arrival_s.tolist(), strict=True):
        clock.arrived(index, now_s)
        if now_s > ping_s:
            next_index = int(np.interp(ping_s - began_s, t_s, taken)) + 1
            clock.pong(ping_s - 0.0003, ping_s + 0.0003, next_index)
            ping_s = now_s + 0.5
        yield now_s - began_s, clock, one_s - clock.sampled_s(index)


def always(factor):
    return lambda t_s: np.full_like(t_s, factor)


def jump(factor, at_s=10):
    return lambda t_s: np.where(t_s < at_s, 1.0, factor)


OFF = [0.1, 0.5, 0.9, 0.96, 0.975, 1.025, 1.04, 1.1, 1.5, 2.0, 4.0]
IN_ORDER = [0.985, 0.995, 0.9999, 1.0, 1.005, 1.015]
DELAYS = [quiet, scheduling, usb_frames, ftdi_timer, busy_machine]


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("factor", OFF)
def test_the_clock_finds_and_measures_a_board_at_another_rate(factor, delay):
    *_, (_, clock, _) = board(always(factor), 8, delay)
    assert clock.rate_off
    assert clock.fs_hz == pytest.approx(factor * FS_HZ, rel=2e-3)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0])
def test_a_very_wrong_rate_is_found_within_one_second(factor):
    assert next(t_s for t_s, clock, _ in board(always(factor)) if clock.rate_off) < 1.0


@pytest.mark.parametrize("delay", [*DELAYS, stalls, lossy])
@pytest.mark.parametrize("factor", IN_ORDER)
def test_a_rate_within_the_tolerance_is_not_off_and_its_samples_do_not_look_old(factor, delay):
    if delay is lossy:
        clock, *_ = drive(lossy, 1e6 * (factor - 1))
        assert not clock.rate_off
        return
    for t_s, clock, older_s in board(always(factor), delay=delay):
        assert not clock.rate_off
        assert t_s < 1 or abs(older_s) < 0.02


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("factor", OFF)
def test_a_jump_of_the_rate_is_found_soon(factor, delay):
    """A rate slightly outside the tolerance takes longer, because a short measurement is less exact."""
    off_s = [t_s for t_s, clock, _ in board(jump(factor), 20, delay) if clock.rate_off]
    assert 10 < off_s[0] < (14 if abs(factor - 1) > 0.03 else 20)
    assert off_s[-1] > 19.9


@pytest.mark.parametrize("factor", [0.985, 1.015])
def test_a_jump_within_the_tolerance_makes_samples_look_old_only_briefly(factor):
    for t_s, clock, older_s in board(jump(factor), 30):
        assert not clock.rate_off
        assert older_s < 0.06
        assert t_s < 14 or abs(older_s) < 0.01


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_rate_that_returns_to_nominal_is_good_again(factor):
    for t_s, clock, _older_s in board(lambda t_s: np.where((t_s > 8) & (t_s < 16), factor, 1.0), 40):
        assert t_s < 12 or t_s > 16 or clock.rate_off
    assert not clock.rate_off
    assert clock.fs_hz == pytest.approx(FS_HZ, rel=1e-3)


@pytest.mark.parametrize("per_s", [-1e-3, -2e-4, 2e-4, 1e-3])
def test_the_clock_follows_a_board_that_warms_up_until_its_rate_is_off(per_s):
    seconds = 0.04 / abs(per_s)
    off_s = []
    for t_s, clock, older_s in board(lambda t_s: 1 + per_s * t_s, seconds, samples_apart):
        assert t_s < 1 or abs(older_s) < 0.06
        if clock.rate_off:
            off_s.append(t_s)
    assert seconds / 2 - 1 < off_s[0] < seconds / 2 + 20
    assert off_s[-1] > seconds - 0.1


def samples_apart(rng, arrival_s):
    """Occasional late wake-ups; fast to compute for long streams."""
    return arrival_s + np.where(rng.random(len(arrival_s)) < 0.03, 0.03, 0.0002)


@pytest.mark.parametrize("frozen_s", [0.1, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("at_s", [0.0, 0.05, 0.7, 1.9, 12.0])
def test_a_frozen_daemon_does_not_blame_the_board(frozen_s, at_s):
    def freeze(rng, arrival_s):
        t_s = arrival_s - 1000
        frozen = (t_s % 7 > at_s % 7) & (t_s % 7 < at_s % 7 + frozen_s) & (t_s >= at_s)
        return scheduling(rng, np.where(frozen, t_s - t_s % 7 + at_s % 7 + frozen_s + 1000, arrival_s))

    assert not any(clock.rate_off for _, clock, _ in board(always(1.0), delay=freeze))


@pytest.mark.parametrize("bunch_s", [0.008, 0.02, 0.05, 0.1])
def test_bunched_samples_do_not_make_the_rate_off(bunch_s):
    def bunched(_rng, arrival_s):
        return np.ceil(arrival_s / bunch_s) * bunch_s

    assert not any(clock.rate_off for _, clock, _ in board(always(1.0), delay=bunched))


def test_queued_samples_look_old_and_do_not_make_the_rate_off():
    """A computer falls behind by 60 ms for longer than the clock needs to see a change of the rate."""

    def queue(rng, arrival_s):
        return scheduling(rng, arrival_s + 0.06 * np.clip((arrival_s - 1010) / 2, 0, 1))

    for t_s, clock, older_s in board(always(1.0), delay=queue):
        assert not clock.rate_off
        assert t_s < 1 or older_s > -0.03, "the samples look younger than they are"


def test_a_jump_of_the_index_does_not_change_the_rate():
    clock, true_hz, began_s, newest = drive(scheduling)
    for frame in range(1, 4000):
        index = newest + 5 * frame
        clock.arrived(index + 20_000 * (frame > 400), began_s + index / true_hz + TRANSPORT_S)
    assert not clock.rate_off
    assert clock.fs_hz == pytest.approx(true_hz, rel=1e-3)


def test_a_constant_index_measures_nothing():
    clock = SampleClock(FS_HZ)
    for frame in range(2000):
        clock.arrived(4, 50 + frame * 0.0025)
    assert (clock.measured, clock.fs_hz, clock.rate_off) == (False, FS_HZ, False)


def test_a_pong_before_the_first_sample_is_ignored():
    clock = SampleClock(FS_HZ)
    clock.pong(49.0, 49.001, 1)
    clock.arrived(4, 50.0)
    assert clock.transport_s == 0.0
    assert clock.sampled_s(4) == 50.0


def test_the_quickest_pong_counts():
    clock = SampleClock(FS_HZ)
    clock.arrived(4, 50.0)
    clock.pong(49.990, 50.010, 5)
    clock.pong(49.9984, 49.9994, 5)
    assert clock.transport_s == pytest.approx(50.0 - (49.9989 - 0.5 / FS_HZ))


def test_a_session_measures_the_transport_of_its_line():
    """A frame of 52 bytes takes 1.04 ms at 500 kbaud; PING and PONG bracket the index about as closely."""
    hand = VirtualHand()
    clock = SampleClock(FS_HZ)
    hand.session.pong = clock.pong
    hand.run_until(lambda: hand.session.phase is Phase.STREAMING, within_s=0.5)
    frames = 0
    for _ in range(5000):
        hand.step()
        if hand.emg_frames > frames:
            frames = hand.emg_frames
            clock.arrived(5 * frames - 1, hand.now_s)
    newest = 5 * frames - 1
    taken_s = hand.firmware._first_sample_s + newest / FS_HZ
    assert clock.sampled_s(newest) == pytest.approx(taken_s, abs=0.0015)
    assert 0.0005 < clock.transport_s < 0.0025
