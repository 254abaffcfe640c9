"""The verdicts of a view without a daemon: which channels are wrong, and what to do."""

import numpy as np
import pytest

from myobridge.channels import channels_config, channels_only, fastest_hz
from myobridge.decoder.acquisition import Hop
from myobridge.errors import UserError
from myobridge.settings import AcquisitionSettings, AmplifierSettings, Settings
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.view.page import units
from myobridge.view.scope import Judge, _listed
from myobridge.view.traces import COLUMN_S
from myobridge.wire import messages as m

FS_HZ = 2000
HOP = round(COLUMN_S * FS_HZ)


def ident(inputs):
    return m.Ident(m.MAJOR, m.MINOR, 0, m.PROTO_HASH, (0, 1, 0), 0, m.Board.SIMULATED, 7, 1, 0, inputs, 10, 2_000_000)


@pytest.fixture(scope="module")
def emg():
    return SynthSource(SynthOptions(seed=1)).read(12 * FS_HZ)[0]


def findings(counts):
    names = tuple(f"E{i + 1}" for i in range(counts.shape[1]))
    judge = Judge(names, FS_HZ, 10, Settings())
    for at in range(0, len(counts) - HOP, HOP):
        judge.push(Hop(counts[at : at + HOP], at + HOP - 1, 0, lead_off=False, starts_stream=at == 0))
    return judge.findings()


def test_a_healthy_arm_has_no_finding(emg):
    assert findings(emg) == []


def test_two_bridged_channels_are_named(emg):
    bridged = emg.copy()
    bridged[:, 2] = bridged[:, 0]
    assert findings(bridged) == ["E1 and E3: the same signal: look for gel or a wire that joins their electrodes."]


def test_a_channel_that_repeats_is_named(emg):
    stuck = emg.copy()
    loud = emg[4 * FS_HZ : 4 * FS_HZ + 100, 1]
    stuck[:, 1] = np.resize(loud, len(stuck))
    assert findings(stuck)[0].startswith("E2: the same samples again and again")


def test_a_flat_channel_is_named(emg):
    flat = emg.copy()
    flat[:, 3] = 7
    assert findings(flat) == ["E4: flat: check electrode, amplifier and wire."]


def test_two_pairs_over_one_muscle_are_named(emg):
    near = emg.copy()
    near[:, 1] = np.rint(0.8 * emg[:, 0] + np.random.default_rng(1).normal(0, 3, len(emg)))
    assert findings(near) == [
        "E1 and E2: nearly the same muscle: move one pair of electrodes, or turn it along the muscle."
    ]


def test_a_dense_grid_hears_one_muscle_by_intention(emg):
    noise = np.random.default_rng(1).normal(0, 4, (len(emg), 9))
    assert findings(np.rint(emg[:, :1] + noise).astype(np.int16)) == []


def test_a_long_list_is_cut():
    assert _listed([f"E{i}" for i in range(1, 12)]) == "E1, E2, E3, E4, E5, E6, E7, E8, 3 more"


@pytest.mark.parametrize(("channels", "rate_hz"), [(1, 2000), (4, 2000), (8, 2000), (16, 1000), (32, 500), (64, 250)])
def test_the_rate_is_the_fastest_that_the_line_carries(channels, rate_hz):
    assert fastest_hz(channels, Settings()) == rate_hz
    spec = channels_only(channels, Settings())
    assert (len(spec.channels), spec.fs_hz) == (channels, rate_hz)
    assert channels_config(ident(64), spec, Settings()).channel_mask == (1 << channels) - 1


def test_the_settings_choose_another_rate_and_other_inputs():
    settings = Settings(acquisition=AcquisitionSettings(fs_hz=1000, inputs=(2, 5)))
    spec = channels_only(2, settings)
    assert spec.fs_hz == 1000
    assert channels_config(ident(8), spec, settings).channel_mask == 0b100100


def test_more_channels_than_the_board_has_are_one_sentence():
    spec = channels_only(16, Settings())
    with pytest.raises(UserError, match=r"^The board has 8 inputs, and input 16 is asked for; give --channels 8 or"):
        channels_config(ident(8), spec, Settings())


def test_inputs_and_channels_must_agree():
    with pytest.raises(UserError, match=r"^\[acquisition\] inputs names 1 inputs, but --channels asks for 2"):
        channels_only(2, Settings(acquisition=AcquisitionSettings(inputs=(0,))))


def test_microvolts_need_the_gain():
    assert units(AmplifierSettings().skin_range_uv, 10).uv_per_count is None
    assert units(AmplifierSettings(gain=1000).skin_range_uv, 10).uv_per_count == pytest.approx(4.883, abs=1e-3)
