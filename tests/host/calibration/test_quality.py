"""The remarks of a guided recording on each hold, and their advice to the wearer."""

import numpy as np
import pytest

from myobridge.calibration.quality import QualityCheck
from myobridge.simulator.script import POSES_DEG, StepScript
from myobridge.simulator.synth import SynthOptions, SynthSource

FS_HZ, ADC_BITS, CHANNELS = 2000, 10, 4


def emg(pose, seconds=2.0, seed=0):
    """Counts while the simulated wearer holds a pose, from the cue, at which the movement begins."""
    script = StepScript([(1.0, POSES_DEG["rest"]), (1e9, POSES_DEG[pose])])
    source = SynthSource(SynthOptions(fs_hz=FS_HZ, adc_bits=ADC_BITS, seed=seed, script=script))
    source.read(FS_HZ)
    return source.read(round(seconds * FS_HZ))[0]


class Check(QualityCheck):
    """A QualityCheck that knows how long `emg` holds a pose."""

    def held(self, counts, pose, seconds=2.0):
        return super().held(counts, pose, seconds)


@pytest.fixture
def check():
    check = Check(FS_HZ, ADC_BITS)
    check.rested(emg("rest"))
    return check


@pytest.mark.parametrize("pose", ["open hand", "fist", "pinch", "point", "thumb up", "tripod"])
def test_a_good_hold_gives_no_remark(check, pose):
    assert check.held(emg(pose), pose) == []


def test_the_remark_on_a_flat_channel_says_what_to_do(check):
    counts = emg("fist")
    counts[:, 2] = -3
    assert check.held(counts, "Fist") == ["Channel 3 is flat: press its electrode on and check its plug."]


def test_a_saturated_channel_is_named(check):
    counts = emg("fist")
    counts[:, 0] = np.where(np.arange(len(counts)) % 4, 511, -512)
    (said,) = check.held(counts, "Fist")
    assert said.startswith("Channel 1 is saturated: press")


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_a_channel_of_mains_hum_is_named(check, mains_hz):
    counts = emg("fist")
    counts[:, 1] = np.rint(200 * np.sin(2 * np.pi * mains_hz * np.arange(len(counts)) / FS_HZ))
    (said,) = check.held(counts, "Fist")
    assert said.startswith("Channel 2 has mains hum only")


def test_all_bad_channels_are_named_at_once(check):
    counts = np.zeros_like(emg("fist"))
    assert len(check.held(counts, "Fist")) == CHANNELS


def test_a_pose_that_is_not_held_looks_like_rest(check):
    assert check.held(emg("rest", seed=1), "Fist") == [
        "Fist looks like rest on every channel: press r, and hold the pose with more force."
    ]


def test_a_channel_that_is_quiet_in_every_pose_gets_a_remark(check):
    for pose in ("fist", "point"):
        counts = emg(pose)
        counts[:, 3] = emg("rest", seed=2)[:, 3]
        assert check.held(counts, pose) == []
    assert check.ended() == [
        "Channel 4 saw no muscle in any pose: move its electrode over a muscle, and make another recording."
    ]
    check.held(emg("fist"), "fist")
    assert check.ended() == []


def test_a_short_loss_of_contact_and_the_time_before_the_muscle_follows_are_ignored(check):
    counts = emg("fist")
    counts[: FS_HZ // 2] = 0
    assert check.held(counts, "fist") == []
    counts = emg("fist")
    counts[FS_HZ : FS_HZ + FS_HZ // 5] = 0
    assert check.held(counts, "fist") == []


def test_lost_samples_get_a_remark_and_without_a_rest_only_contacts_are_judged():
    check = Check(FS_HZ, ADC_BITS)
    check.rested(np.zeros((0, CHANNELS), np.int16))
    (said,) = check.held(emg("fist", seconds=0.8), "Fist")
    assert said == "Only 40 % of Fist arrived: check the cable, and press r to repeat the pose."
    assert check.held(emg("rest"), "Fist") == []
    assert check.ended() == []
