"""The simulated wearer who follows the prompts of a guided recording."""

import numpy as np
import pytest

from myobridge.feed.audience import Audience, follow
from myobridge.feed.prompts import Prompt
from myobridge.model.file import REST_DEG
from myobridge.simulator.safety import Safety
from myobridge.simulator.script import POSES_DEG, CuedScript, HandWatcher
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.wire.messages import Permission, State

FIST, POINT = POSES_DEG["fist"], POSES_DEG["point"]
FS_HZ = 2000
BLOCK = FS_HZ // 10


def wearer(asked, seed=0):
    """A source whose wearer gets the prompt `asked[block]` when that block is made."""
    blocks = iter(range(10_000))

    def ask():
        return asked.get(next(blocks) // 2)  # each block asks twice: for the muscles and for the true angles

    return SynthSource(SynthOptions(fs_hz=FS_HZ, seed=seed, script=CuedScript(ask, seed)))


def test_the_wearer_rests_until_the_first_cue_and_follows_after_a_human_delay():
    for seed in range(5):
        _, truth_deg = wearer({10: FIST}, seed).read(30 * BLOCK)
        moved_s = np.flatnonzero(truth_deg[:, 0] > 45)[0] / FS_HZ
        assert np.all(truth_deg[:BLOCK] == REST_DEG)
        assert 0.15 < moved_s - 1.0 < 0.6
        assert truth_deg[-1].min() > 160


def test_angles_already_given_do_not_change_however_fast_the_cues_come():
    asked = {block: (FIST, POINT, REST_DEG)[block % 3] for block in range(60)}
    _, truth_deg = wearer(asked).read(80 * BLOCK)
    assert np.abs(np.diff(truth_deg, axis=0)).max() < 2, "no finger jumps"


def test_the_same_cues_at_the_same_samples_are_followed_the_same_way():
    asked = {5: FIST, 20: REST_DEG, 30: POINT}
    counts = [wearer(asked, seed=3).read(50 * BLOCK)[0] for _ in range(2)]
    assert np.array_equal(*counts)
    assert not np.array_equal(counts[0], wearer(asked, seed=4).read(50 * BLOCK)[0])


def test_a_hand_that_moves_is_tracked_without_a_new_reaction():
    way = {block: tuple(40 + 140 * np.sin(np.pi * block / 40) ** 2 for _ in range(5)) for block in range(80)}
    _, truth_deg = wearer(way).read(90 * BLOCK)
    shown = np.array([way[min(row // BLOCK, 79)][0] for row in range(len(truth_deg))])
    late = range(0, FS_HZ // 2, 20)
    error = [np.abs(truth_deg[rows:, 0] - shown[: len(shown) - rows]).mean() for rows in late]
    assert 0.05 < late[int(np.argmin(error))] / FS_HZ < 0.4
    assert min(error) < 5


def test_the_muscles_work_before_the_finger_moves():
    counts, truth_deg = wearer({10: FIST}).read(40 * BLOCK)
    loud = np.abs(counts.astype(float)).max(axis=1) > 60
    assert np.flatnonzero(loud)[0] < np.flatnonzero(truth_deg[:, 0] > 42)[0]


def test_the_wearer_sees_the_newest_prompt_of_its_own_port_only(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    asked, audience = follow("/dev/hand"), Audience("/dev/hand")
    assert asked() is None
    Audience("/dev/other").tell(Prompt(title="Fist", angles_deg=FIST))
    assert asked() is None
    audience.tell(Prompt(title="Fist", angles_deg=FIST))
    audience.tell(Prompt(title="Point", angles_deg=POINT))
    assert asked() == pytest.approx(POINT)
    audience.leave()
    assert asked() is None


def test_a_wearer_who_watches_the_hand_does_what_it_acts_and_rests_when_it_ends():
    watcher, safety = HandWatcher(), Safety(boot_id=1, tick_hz=2_000_000)
    assert watcher() is None, "there is no hand yet"
    watcher.safety = safety
    assert watcher() is None
    safety.state, safety.permission, safety._target = State.ARMED, Permission.GUIDE, (18000,) * 5
    assert watcher() == FIST
    safety.permission = Permission.DECODER
    assert watcher() == REST_DEG
    assert watcher() is None, "a hand that follows shows nothing"
