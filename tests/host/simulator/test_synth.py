"""Synthetic EMG compared with published facts about surface EMG, and with the contract of an EmgSource."""

import numpy as np
import pytest

from myobridge.errors import UserError
from myobridge.model.file import REST_DEG
from myobridge.simulator.forearm import HOLD_FLEXED, MUSCLES, forearm
from myobridge.simulator.motor_units import (
    TYPE_FREQUENCY_HZ,
    SpikeTrains,
    action_potential_spectrum,
    motor_unit_pool,
)
from myobridge.simulator.script import POSES_DEG, StepScript
from myobridge.simulator.synth import ELECTROMECHANICAL_DELAY_S, SEAT_DEG, SynthOptions, SynthSource

POOL = motor_unit_pool(120, (0.5, 0.3, 0.2))
BARE = {"noise_uv": 0.0, "hum_uv": 0.0, "drift_uv": 0.0, "adc_bits": 16}


def held(pose_deg, seconds=8.0, **options):
    """EMG in counts (samples, channels) while the fingers hold a pose."""
    source = SynthSource(SynthOptions(script=StepScript([(1e9, pose_deg)], move_s=0.3), **options))
    source.read(round(source.fs_hz))
    return source.read(round(seconds * source.fs_hz))[0].astype(float)


def rms(x):
    return np.sqrt((x**2).mean(axis=0))


def power_spectrum(x, fs_hz, window=1024):
    """Welch's estimate of one channel: frequencies and power."""
    pieces = x[: len(x) // window * window].reshape(-1, window)
    power = (np.abs(np.fft.rfft((pieces - x.mean()) * np.hanning(window))) ** 2).mean(axis=0)
    return np.fft.rfftfreq(window, 1 / fs_hz), power


def median_frequency_hz(x, fs_hz=2000):
    freq_hz, power = power_spectrum(x, fs_hz)
    return freq_hz[np.searchsorted(power.cumsum(), power.sum() / 2)]


def index_flexed(share):
    """The pose that needs this share of the excitation that closes the index finger."""
    return (40.0, 40 + 140 * share, 40.0, 40.0, 40.0)


# Motor units


def test_small_units_are_recruited_first():
    """Henneman's size principle, with the exponential spread of Fuglevand, Winter and Patla 1993: 30- and 100-fold."""
    for values, span in ((POOL.threshold, 30), (POOL.size, 100)):
        ratios = values[1:] / values[:-1]
        assert np.all(ratios > 1)
        assert np.allclose(ratios, span ** (1 / 120))
    assert np.median(POOL.size) < 0.15, "most units are small"


def test_slow_units_come_first_and_fast_ones_last():
    assert np.all(np.diff(POOL.fibre_type) >= 0)
    assert np.bincount(POOL.fibre_type).tolist() == [60, 36, 24]


def test_firing_rates_rise_with_excitation_from_8_to_at_most_35_hz():
    """Voluntary contractions start units at about 8 Hz and drive them to 20-40 Hz (Fuglevand et al. 1993)."""
    rates = POOL.rate_hz(np.linspace(0, 1, 201)[:, None])
    assert np.all(np.diff(rates, axis=0) >= 0)
    assert not rates[0].any()
    assert np.allclose(POOL.rate_hz(POOL.threshold[:, None]).diagonal(), 8)
    assert rates[-1].min() == pytest.approx(25)
    assert rates.max() <= 35
    assert np.all(np.diff(rates[100][rates[100] > 0]) <= 0), "units recruited earlier fire faster (onion skin)"


def test_intervals_between_firings_vary_by_10_to_20_percent():
    """Clamann, Biophys. J. 9, 1969; Fuglevand et al. 1993 use 20 %."""
    spikes = SpikeTrains(50, np.random.default_rng(1))
    firings = [spikes.advance(np.full((10, 50), 20.0), 0.01) for _ in range(300)]
    unit = np.concatenate([u for u, _ in firings])
    time_s = np.concatenate([t + 0.1 * block for block, (_, t) in enumerate(firings)])
    intervals_s = np.concatenate([np.diff(time_s[unit == u]) for u in range(50)])
    assert intervals_s.min() > 0
    assert intervals_s.mean() == pytest.approx(0.05, rel=0.01)
    assert 0.1 < intervals_s.std() / intervals_s.mean() < 0.2


@pytest.mark.parametrize("peak_hz", TYPE_FREQUENCY_HZ)
@pytest.mark.parametrize("phases", [2, 3])
def test_action_potentials_have_their_power_where_the_type_has_it(peak_hz, phases):
    freq_hz = np.arange(0, 4000, 1.0)
    spectrum = action_potential_spectrum(peak_hz, phases, freq_hz)
    waveform = np.fft.irfft(spectrum) * 2 * (len(freq_hz) - 1)
    assert freq_hz[np.argmax(np.abs(spectrum))] == peak_hz
    assert np.abs(waveform).max() == pytest.approx(1, rel=0.01)
    assert abs(waveform.sum()) < 1e-9, "the skin passes no direct current"
    runs = np.diff(np.sign(waveform[np.abs(waveform) > 0.01]))
    assert np.count_nonzero(runs) <= phases


# The signal at the skin


def test_power_of_a_strong_contraction_lies_between_20_and_450_hz():
    """De Luca, Surface Electromyography: Detection and Recording, 2002: usable in 0-500 Hz, most in 50-150."""
    for emg in held(POSES_DEG["fist"], **BARE).T:
        freq_hz, power = power_spectrum(emg, 2000)
        assert power[(freq_hz > 20) & (freq_hz < 450)].sum() > 0.95 * power.sum()
        assert 60 < median_frequency_hz(emg) < 150


def test_median_frequency_rises_as_fast_units_are_recruited():
    """Moritani and Muro, Eur. J. Appl. Physiol. 56, 1987."""
    median_hz = [median_frequency_hz(held(index_flexed(share), **BARE)[:, 1]) for share in (0.15, 0.4, 1)]
    assert median_hz == sorted(median_hz)
    assert median_hz[-1] > 2 * median_hz[0]


def test_amplitude_rises_with_excitation_nearly_linearly():
    """Between linear and quadratic, by the muscle (Lawrence and De Luca, J. Appl. Physiol. 54, 1983)."""
    shares = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1])
    amplitudes = np.array([rms(held(index_flexed(share), seconds=15, **BARE)[:, 1]) for share in shares])
    assert np.all(np.diff(amplitudes) > 0)
    exponent = np.polyfit(np.log(HOLD_FLEXED * shares), np.log(amplitudes), 1)[0]
    assert 0.8 < exponent < 2


def test_a_strong_contraction_is_an_interference_pattern():
    """Close to Gaussian noise with no period of its own (Hogan and Mann, IEEE Trans. Biomed. Eng. 27, 1980)."""
    emg = held(POSES_DEG["fist"], seconds=30, **BARE)[:, 0]
    assert 2.7 < (emg**4).mean() / (emg**2).mean() ** 2 < 4
    spectrum = np.abs(np.fft.rfft(emg)) ** 2
    assert spectrum.max() < 0.01 * spectrum.sum()
    later = np.array([np.corrcoef(emg[:-lag], emg[lag:])[0, 1] for lag in range(100, 400)])
    assert np.abs(later).max() < 0.2


def test_holding_a_pose_needs_constant_excitation():
    quiet, fist = rms(held(REST_DEG, **BARE)), rms(held(POSES_DEG["fist"], **BARE))
    assert np.all(quiet < 0.01 * fist.max())
    late = held(POSES_DEG["fist"], seconds=20, **BARE)[-4000:]
    assert np.all(rms(late) > 0.5 * fist)


@pytest.mark.parametrize("finger", range(5))
def test_each_finger_shows_most_above_its_own_muscle(finger):
    for pose, muscle in ((180.0, finger), (0.0, finger + 5)):
        pose_deg = tuple(pose if i == finger else 40.0 for i in range(5))
        loudest_deg = 360 / 32 * np.argmax(rms(held(pose_deg, seconds=4, channels=32, **BARE)))
        apart_deg = (loudest_deg - MUSCLES[muscle].around_deg + 180) % 360 - 180
        assert abs(apart_deg) < 30


def test_emg_leads_the_movement_by_the_electromechanical_delay():
    """50-100 ms; muscles that begin a movement also accelerate the finger, so their EMG rises a little earlier."""
    cycle = 4000
    steps = [(1.0, pose) for _ in range(40) for pose in (POSES_DEG["fist"], REST_DEG)]
    emg, truth_deg = SynthSource(SynthOptions(script=StepScript(steps), **BARE)).read(40 * cycle)
    angle_deg = truth_deg[cycle : 2 * cycle, 0]
    envelope = np.sqrt((emg[cycle : 39 * cycle, 0].astype(float) ** 2).reshape(-1, cycle).mean(axis=0))
    envelope = np.convolve(envelope, np.ones(101) / 101, "same") / envelope[1200:1800].mean()
    closing_s = (np.argmax(angle_deg > 110) - np.argmax(envelope > 0.5)) / 2000
    opening_s = (np.argmax(angle_deg[2000:] < 110) - np.argmax(envelope[1700:] < 0.5) + 300) / 2000
    assert 0.05 <= ELECTROMECHANICAL_DELAY_S <= 0.1
    assert opening_s == pytest.approx(ELECTROMECHANICAL_DELAY_S, abs=0.03)
    assert opening_s < closing_s < 0.2


def test_truth_is_the_script():
    script = StepScript([(0.5, POSES_DEG["pinch"]), (0.5, POSES_DEG["point"])])
    _, truth_deg = SynthSource(SynthOptions(script=script, fs_hz=1000)).read(1500)
    assert np.allclose(truth_deg, script.angles_deg(np.arange(1500) / 1000), atol=1e-3)


def test_mains_hum_and_drift_are_there_at_rest():
    emg = held(REST_DEG, seconds=30, adc_bits=16)[:, 0]
    freq_hz, power = power_spectrum(emg, 2000, window=4000)
    around = (freq_hz > 20) & (freq_hz < 400)
    for line_hz in (50, 150):
        assert power[freq_hz == line_hz] > 30 * np.median(power[around])
    assert power[freq_hz == 50] > power[freq_hz == 150]
    assert power[freq_hz < 3].max() > 30 * np.median(power[around])


# Promises of an EmgSource


def test_the_emg_does_not_depend_on_the_size_of_reads():
    whole, whole_truth = SynthSource(SynthOptions(seed=5)).read(4000)
    for chunk in (1, 5, 199, 200, 201, 1333):
        source = SynthSource(SynthOptions(seed=5))
        parts = [source.read(min(chunk, 4000 - start)) for start in range(0, 4000, chunk)]
        assert np.array_equal(np.concatenate([counts for counts, _ in parts]), whole)
        assert np.array_equal(np.concatenate([truth for _, truth in parts]), whole_truth)


def test_seed_changes_the_session_and_wearer_the_anatomy():
    def first_second(**options):
        return SynthSource(SynthOptions(**options)).read(6000)[0]

    assert np.array_equal(first_second(seed=1, wearer=1), first_second(seed=1, wearer=1))
    assert not np.array_equal(first_second(seed=1), first_second(seed=2))
    assert not np.array_equal(first_second(wearer=1), first_second(wearer=2))
    assert np.array_equal(forearm(1).gains(4), forearm(1).gains(4))
    assert not np.allclose(forearm(1).gains(4), forearm(2).gains(4), rtol=0.05)


@pytest.mark.parametrize(("fs_hz", "channels"), [(500, 2), (1000, 8), (333.3, 3), (4000, 64), (100, 1), (20000, 4)])
def test_any_rate_and_channel_count(fs_hz, channels):
    source = SynthSource(SynthOptions(fs_hz=fs_hz, channels=channels))
    counts, truth_deg = source.read(round(3 * fs_hz))
    assert counts.shape == (round(3 * fs_hz), channels)
    assert counts.dtype == np.int16
    assert truth_deg.shape == (round(3 * fs_hz), 5)
    assert truth_deg.dtype == np.float32


def test_amplitude_does_not_depend_on_the_rate():
    slow, fast = (rms(held(POSES_DEG["fist"], fs_hz=fs_hz, **BARE)) for fs_hz in (1000, 4000))
    assert np.allclose(slow, fast, rtol=0.15)


def test_a_tired_muscle_is_louder_and_slower():
    fresh, tired = (held(POSES_DEG["fist"], fatigue=fatigue, **BARE).astype(float) for fatigue in (0.0, 1.0))
    assert rms(tired).mean() > 1.1 * rms(fresh).mean()
    middle = [np.average(np.arange(len(x) // 2 + 1), weights=np.abs(np.fft.rfft(x[:, 0])) ** 2) for x in (fresh, tired)]
    assert middle[1] < 0.92 * middle[0]


def test_a_session_with_a_turned_ring_of_electrodes_hears_the_muscles_elsewhere():
    usual, turned = (rms(held(POSES_DEG["index"], shift_deg=shift_deg, **BARE)) for shift_deg in (0.0, 25.0))
    assert not np.allclose(usual, turned, rtol=0.1)
    whole = rms(held(POSES_DEG["index"], shift_deg=90.0, **BARE))
    assert np.allclose(np.roll(whole, 1), usual, rtol=0.15), (
        "a quarter turn brings each electrode to its neighbour's place"
    )


def test_the_adc_saturates():
    counts = held(POSES_DEG["fist"], full_scale_uv=100)
    assert counts.min() == -512
    assert counts.max() == 511
    assert np.ptp(held(POSES_DEG["fist"], adc_bits=12)) > 3 * np.ptp(held(POSES_DEG["fist"]))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"fs_hz": 50}, "50"),
        ({"fs_hz": float("nan")}, "nan"),
        ({"channels": 65}, "65"),
        ({"adc_bits": 24}, "24"),
        ({"seed": -1}, "seed"),
        ({"wearer": -1}, "wearer"),
        ({"fatigue": 1.5}, "fatigue"),
        ({"shift_deg": 200}, "turn"),
    ],
)
def test_impossible_options_are_refused_in_one_sentence(options, word):
    with pytest.raises(UserError, match=word):
        SynthOptions(**options)


# What it is for


def features(seed):
    """Log power in three bands per channel of 200 ms windows, with all products; and the truth at their ends."""
    counts, truth_deg = SynthSource(SynthOptions(seed=seed)).read(120_000)
    ends = np.arange(400, len(counts), 200)
    windows = np.stack([counts[end - 400 : end] for end in ends]) * np.hanning(400)[:, None]
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2  # bins of 5 Hz
    bands = [np.log(power[:, low:high].sum(axis=1) + 100) for low, high in ((4, 12), (12, 30), (30, 90))]
    linear = np.hstack([np.ones((len(ends), 1)), *bands]) / 10
    first, second = np.triu_indices(linear.shape[1])
    return linear[:, first] * linear[:, second], truth_deg[ends - 1]


@pytest.mark.slow
def test_four_electrodes_tell_five_fingers_apart():
    train = [features(seed) for seed in range(5)]
    weights = np.linalg.lstsq(np.vstack([x for x, _ in train]), np.vstack([y for _, y in train]), rcond=None)[0]
    for seed in (100, 101):
        x, truth_deg = features(seed)
        assert np.abs(np.clip(x @ weights, 0, 180) - truth_deg).mean() < 12


def test_a_seat_turns_the_ring_to_another_place_each_time():
    turns = [SynthOptions(seat=seat).turn_deg for seat in range(30)]
    assert turns[0] == 0
    assert len(set(turns)) == 30
    assert all(SEAT_DEG[0] <= abs(turn) <= SEAT_DEG[1] for turn in turns[1:])
    assert min(turns) < 0 < max(turns)
    usual, same, other = (SynthSource(SynthOptions(seed=3, seat=seat)).read(4000)[0] for seat in (0, 0, 7))
    assert np.array_equal(usual, same)
    assert not np.array_equal(usual, other)
