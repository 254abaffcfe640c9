"""The contact check finds every channel without a muscle, and accepts every channel with one."""

import numpy as np
import pytest

from myobridge.decoder.contact import Contact, ContactCheck, checks
from myobridge.settings import SafetySettings
from myobridge.simulator.script import POSES_DEG, StepScript
from myobridge.simulator.synth import SynthOptions, SynthSource

FS_HZ, HOP, SECONDS = 2000, 10, 6
T_S = np.arange(SECONDS * FS_HZ) / FS_HZ


def wearer(**options):
    """Six seconds of four channels: three seconds of rest, then a fist."""
    script = StepScript([(SECONDS / 2, POSES_DEG["rest"]), (SECONDS, POSES_DEG["fist"])])
    counts, _ = SynthSource(SynthOptions(fs_hz=FS_HZ, script=script, seed=4, **options)).read(SECONDS * FS_HZ)
    return counts


WEARER = wearer()


def noise(rms, seed=0):
    return rms * np.random.default_rng(seed).standard_normal(len(T_S))


def live(counts, fs_hz=FS_HZ, adc_bits=10, hop=HOP):
    """The daemon's verdicts after each hop."""
    check = ContactCheck(counts.shape[1], fs_hz, hop, adc_bits, SafetySettings())
    verdicts = []
    for at in range(0, len(counts) - hop + 1, hop):
        check.push(counts[at : at + hop])
        verdicts.append(check.verdicts)
    return verdicts


def of_channel(samples, adc_bits=10):
    """All verdicts on one channel with these samples, beside a good channel."""
    half = 1 << (adc_bits - 1)
    samples = np.clip(np.rint(samples), -half, half - 1).astype(np.int16)
    return [ours for _, ours in live(np.column_stack([WEARER[: len(samples), 0], samples]), adc_bits=adc_bits)]


def spoilt(*pairs):
    """The counts of the wearer, with some channels replaced."""
    counts = WEARER.copy()
    for channel, samples in pairs:
        counts[:, channel] = np.clip(np.rint(samples), -512, 511)
    return counts


def test_a_wearer_has_good_contact_at_rest_and_in_a_fist():
    assert set(live(WEARER)) == {(Contact.GOOD,) * 4}


@pytest.mark.parametrize("adc_bits", [8, 10, 12, 16])
@pytest.mark.parametrize("end", ["top", "bottom"])
def test_a_channel_at_an_end_of_the_adc_is_saturated_and_not_flat(adc_bits, end):
    half = 1 << (adc_bits - 1)
    verdicts = of_channel(np.full(len(T_S), half - 1 if end == "top" else -half), adc_bits)
    assert verdicts[-1] is Contact.SATURATED


@pytest.mark.parametrize("level", [-511, 0, 37, 510])
def test_a_constant_channel_inside_the_range_is_flat(level):
    assert of_channel(np.full(len(T_S), level))[-1] is Contact.FLAT


def found_after_s(counts, verdict, channel):
    """The time from which on the channel always has this verdict."""
    has = [verdicts[channel] is verdict for verdicts in live(counts)]
    assert has[-1]
    return (len(has) - has[::-1].index(False)) * HOP / FS_HZ if False in has else 0.0


PERIODS = [2, 3, 5, 8, 10, 20, 33, 40, 64, 80, 100, 128, 200, 256, 333, 400]


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("block", ["of a fist", "of noise"])
def test_a_repeating_block_of_any_length_is_found(period, block):
    """Up to the 200 ms of the check, including blocks as long as a period of the mains."""
    source = WEARER[9002:, 1] if block == "of a fist" else noise(30)
    counts = spoilt((1, np.resize(source[:period], len(T_S))))
    assert found_after_s(counts, Contact.REPEATING, 1) < 1.0
    assert live(counts)[-1] == (Contact.GOOD, Contact.REPEATING, Contact.GOOD, Contact.GOOD)


@pytest.mark.parametrize("period", [7, 64, 150, 400])
def test_a_nearly_repeating_block_is_found(period):
    block = np.resize(noise(60)[:period], len(T_S))
    counts = spoilt((2, block + np.random.default_rng(3).integers(-1, 2, len(T_S))))
    assert found_after_s(counts, Contact.REPEATING, 2) < 1.0


def test_a_buffer_that_gets_stuck_is_found_and_counts_as_good_once_it_is_filled_again():
    counts = WEARER.copy()
    counts[4000:8000, 3] = np.resize(counts[3872:4000, 3], 4000)
    bad = [verdicts[3] is Contact.REPEATING for verdicts in live(counts)]
    first, last = bad.index(True) * HOP, (len(bad) - bad[::-1].index(True)) * HOP
    assert 4000 < first < 4000 + FS_HZ
    assert 8000 < last < 8000 + FS_HZ


@pytest.mark.parametrize("hz", [50, 60, 49.9, 50.04, 60.1])
@pytest.mark.parametrize("rms", [0, 0.3, 1, 3])
@pytest.mark.parametrize("harmonics", [(1,), (1, 3), (1, 3, 5, 7), (2, 4, 6)])
def test_hum_counts_as_hum_and_not_as_a_repetition(hz, rms, harmonics):
    hum = sum(150 / n * np.sin(2 * np.pi * n * hz * T_S + n) for n in harmonics)
    verdicts = of_channel(hum + noise(rms))
    assert verdicts[-1] is Contact.MAINS
    assert Contact.REPEATING not in verdicts


@pytest.mark.parametrize("hum_uv", [20, 60, 200, 800])
def test_emg_with_hum_never_counts_as_a_repetition_or_a_copy(hum_uv):
    seen = {verdict for verdicts in live(wearer(hum_uv=hum_uv)) for verdict in verdicts}
    assert seen <= {Contact.GOOD, Contact.MAINS}


def test_a_jerk_of_the_cable_does_not_make_channels_copies():
    jerk = 300 * np.exp(-(((T_S % 1.5) - 0.7) ** 2) / (2 * 0.02**2))
    moved = 60 * np.sin(2 * np.pi * 1.3 * T_S)
    counts = np.clip(WEARER + np.rint(jerk + moved)[:, None], -512, 511).astype(np.int16)
    assert {verdict for verdicts in live(counts) for verdict in verdicts} == {Contact.GOOD}


COPIES = {
    "the same": lambda x: x,
    "moved": lambda x: x + 40,
    "turned round": lambda x: -x,
    "weaker": lambda x: 0.6 * x,
    "with a count of noise": lambda x: x + np.random.default_rng(5).integers(-1, 2, len(x)),
}


@pytest.mark.parametrize("kind", COPIES)
def test_two_channels_with_the_same_signal_are_found_and_no_others(kind):
    """At the latest during a fist; at rest, a copy with its own noise looks like two quiet channels."""
    counts = spoilt((3, COPIES[kind](WEARER[:, 1].astype(float))))
    assert live(counts)[-1] == (Contact.GOOD, Contact.IDENTICAL, Contact.GOOD, Contact.IDENTICAL)
    assert found_after_s(counts, Contact.IDENTICAL, 1) < SECONDS / 2 + 1.0


def test_an_input_that_is_sampled_twice_is_found_at_rest():
    assert found_after_s(spoilt((2, WEARER[:, 0])), Contact.IDENTICAL, 0) < 1.0


def test_electrodes_that_are_separated_again_are_good_again():
    counts = WEARER.copy()
    counts[:8000, 3] = counts[:8000, 1]
    assert live(counts)[799][1] is Contact.IDENTICAL
    assert live(counts)[-1] == (Contact.GOOD,) * 4


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(("fs_hz", "channels"), [(2000, 4), (1000, 8), (500, 8)])
def test_no_simulated_wearer_has_copies(number, fs_hz, channels):
    options = SynthOptions(fs_hz=fs_hz, channels=channels, wearer=number, seed=number, noise_uv=2, hum_uv=2)
    counts, _ = SynthSource(options).read(20 * fs_hz)
    assert {verdict for verdicts in live(counts, fs_hz, hop=fs_hz // 200) for verdict in verdicts} == {Contact.GOOD}


@pytest.mark.parametrize("bits_fewer", [0, 4], ids=["14 bits", "10 bits"])
def test_no_recorded_person_has_copies(biopatrec_dir, bits_fewer):
    """Hum is allowed: one of the 14 recordings has a channel with strong hum at 50.04 Hz and its multiples."""
    for path in sorted(biopatrec_dir.glob("s*.npz")):
        with np.load(path) as recorded:
            counts, run = recorded["emg"].astype(np.int16) >> bits_fewer, recorded["run"]
        for number in np.unique(run):
            for check in checks(counts[run == number], FS_HZ, 16 - bits_fewer, SafetySettings()):
                assert not {Contact.REPEATING, Contact.IDENTICAL} & set(check.verdicts), path.name


@pytest.mark.parametrize("hop", [1, 10, 37, 100, 400, 1000])
def test_the_verdicts_do_not_depend_on_the_length_of_the_hop(hop):
    counts = spoilt((1, np.resize(noise(30)[:64], len(T_S))), (3, WEARER[:, 2]))
    assert live(counts, hop=hop)[-1] == (Contact.GOOD, Contact.REPEATING, Contact.IDENTICAL, Contact.IDENTICAL)


BAD = (Contact.GOOD, Contact.REPEATING, Contact.IDENTICAL, Contact.IDENTICAL)


@pytest.fixture
def bad():
    """A contact check that has found bad electrodes."""
    check = ContactCheck(4, FS_HZ, HOP, 10, SafetySettings())
    counts = spoilt((1, np.resize(noise(30)[:64], len(T_S))), (3, WEARER[:, 2]))
    for at in range(0, len(counts), HOP):
        check.push(counts[at : at + HOP])
    assert check.verdicts == BAD
    return check


def test_a_new_stream_starts_without_old_verdicts(bad):
    bad.reset()
    for at in range(0, len(WEARER), HOP):
        bad.push(WEARER[at : at + HOP])
        assert bad.verdicts == (Contact.GOOD,) * 4


@pytest.mark.parametrize("how", ["jump", "another check"])
def test_a_bad_electrode_stays_bad_after_a_jump_and_for_another_check_until_the_next_verdict(bad, how):
    check = bad
    if how == "jump":
        bad.jump()
    else:
        check = ContactCheck(4, FS_HZ, HOP, 10, SafetySettings())
        check.follow(bad)
    seen = []
    for at in range(0, len(WEARER), HOP):
        seen.append(check.verdicts)
        check.push(WEARER[at : at + HOP])
    judged = round(0.2 * FS_HZ / HOP)
    assert seen[:judged] == [BAD] * judged
    assert check.verdicts == (Contact.GOOD,) * 4


FAULTS = {
    Contact.FLAT: 0 * T_S,
    Contact.SATURATED: np.where(np.sin(2 * np.pi * 83 * T_S) > 0, 511, -512),
    Contact.MAINS: 250 * np.sin(2 * np.pi * 50 * T_S),
    Contact.REPEATING: np.resize(noise(30)[:64], len(T_S)),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("lost_every_s", [0.05, 0.19, 0.21, 0.33])
def test_lost_samples_do_not_acquit_a_bad_electrode(fault, lost_every_s):
    check = ContactCheck(4, FS_HZ, HOP, 10, SafetySettings())
    counts = spoilt((1, FAULTS[fault]))
    half, every = len(counts) // 2, round(lost_every_s * FS_HZ / HOP)
    for at in range(0, half, HOP):
        check.push(counts[at : at + HOP])
    assert check.verdicts[1] is fault
    for at in range(half, len(counts), HOP):
        lost = at // HOP % every == 0
        check.push(np.repeat(counts[at - 1 : at], HOP, axis=0) if lost else counts[at : at + HOP], HOP if lost else 0)
        assert check.verdicts[1] is not Contact.GOOD
    for at in range(0, len(WEARER), HOP):
        check.push(WEARER[at : at + HOP])
    assert check.verdicts == (Contact.GOOD,) * 4, "whole samples acquit the electrode"
