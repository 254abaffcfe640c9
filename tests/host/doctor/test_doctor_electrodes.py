"""The doctor's measurements of an electrode."""

import numpy as np
import pytest

from myobridge.doctor.electrodes import band_rms, channel_facts
from myobridge.settings import SafetySettings
from myobridge.simulator.script import POSES_DEG, StepScript
from myobridge.simulator.synth import SynthOptions, SynthSource

FS_HZ = 2000.0
T_S = np.arange(int(4 * FS_HZ)) / FS_HZ


def facts(rest, clench=None, adc_bits=10):
    rest = np.rint(rest).astype(np.int16).reshape(len(rest), -1)
    names = [str(i) for i in range(rest.shape[1])]
    return channel_facts(rest, clench, names, FS_HZ, adc_bits, SafetySettings())


def noise(amplitude=10.0):
    return amplitude * np.random.default_rng(1).standard_normal(len(T_S))


def test_the_band_excludes_hum_and_drift_and_keeps_muscle():
    hum = 100 * np.sin(2 * np.pi * 50 * T_S) + 40 * np.sin(2 * np.pi * 180 * T_S)
    drift = 200 * np.sin(2 * np.pi * 1.5 * T_S)
    muscle = 20 * np.sqrt(2) * np.sin(2 * np.pi * 85 * T_S)
    counts = np.rint(np.column_stack([hum + drift, muscle, hum + drift + muscle])).astype(np.int16)
    nothing, alone, among = band_rms(counts, FS_HZ)
    assert nothing < 1
    assert alone == pytest.approx(20, rel=0.02)
    assert among == pytest.approx(20, rel=0.05)


@pytest.mark.parametrize(
    ("counts", "contact"),
    [
        (noise(), "good"),
        (np.full(len(T_S), 30.0), "flat"),
        (np.clip(noise(400), -512, 511), "saturated"),
        (60 * np.sin(2 * np.pi * 60 * T_S) + noise(3), "mains"),
        (np.where(T_S % 1 < 0.25, 0, noise()), "flat"),  # a loose contact comes and goes
    ],
)
def test_the_contact_is_the_daemons_verdict(counts, contact):
    assert facts(counts)[0].contact == contact


@pytest.mark.parametrize(
    ("bad", "contact"),
    [(0 * T_S, "flat"), (600 + 0 * T_S, "saturated"), (60 * np.sin(2 * np.pi * 50 * T_S) + noise(2), "mains")],
)
def test_a_loose_contact_is_measured_while_it_is_bad(bad, contact):
    """The contact is bad for a quarter of the time; measures of the other time would contradict the verdict."""
    (channel,) = facts(np.clip(np.where(T_S % 2 < 0.5, bad, noise(20)), -512, 511))
    assert (channel.contact, channel.contact_share) == (contact, pytest.approx(0.25, abs=0.06))
    assert contact != "mains" or channel.mains_share > 0.9
    assert contact != "flat" or channel.range_counts < 2


def test_identical_channels_and_a_repeating_channel_are_found():
    same, other = noise(20), np.random.default_rng(2).standard_normal(len(T_S)) * 20
    channels = facts(np.column_stack([same, other, same, np.resize(noise(30)[:64], len(T_S))]))
    assert [channel.contact for channel in channels] == ["identical", "good", "identical", "repeating"]


def test_a_copy_that_shows_only_in_a_fist_is_found():
    rng = np.random.default_rng(3)
    quiet = np.column_stack([rng.standard_normal(len(T_S)) for _ in range(2)])
    fist = np.rint(np.column_stack([noise(60)] * 2) + rng.integers(-1, 2, (len(T_S), 2))).astype(np.int16)
    assert [channel.contact for channel in facts(2 * quiet, fist)] == ["identical", "identical"]


def test_the_hum_is_measured():
    (channel,) = facts(10 * np.sqrt(2) * np.sin(2 * np.pi * 50 * T_S) + noise(10))
    assert channel.mains_share == pytest.approx(0.5, abs=0.08)
    assert channel.mains_counts == pytest.approx(10, rel=0.1)


def test_a_stretch_that_is_too_short_gives_no_facts():
    assert facts(noise()[:300]) == ()


def test_a_simulated_fist_stands_out_from_rest():
    script = StepScript([(6, POSES_DEG["rest"]), (6, POSES_DEG["fist"])])
    counts, _ = SynthSource(SynthOptions(fs_hz=FS_HZ, script=script, seed=2)).read(int(11 * FS_HZ))
    second = int(FS_HZ)
    channels = channel_facts(
        counts[second : 5 * second], counts[8 * second :], tuple("abcd"), FS_HZ, 10, SafetySettings()
    )
    assert all(channel.contact == "good" for channel in channels)
    assert all(channel.signal_to_rest > 3 for channel in channels)
    assert all(channel.clench_clipped_share < 0.01 for channel in channels)
