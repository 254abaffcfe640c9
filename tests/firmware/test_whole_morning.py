"""The whole morning on the flashed ELF: press, seven acted poses, and a hand that follows after the ring has shifted.

One seed in CI; `MYOBRIDGE_MORNING_SEEDS="21 22 23"` runs others.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockstep_board import LockStepBoard
from morning import CHANNELS, FS_HZ, POSES, WEARER, write_morning_model
from morning_run import MorningRun, held_out
from myobridge.calibration.morning.guide import HELD_S, LEAD_S, REST_S
from myobridge.calibration.quality import FOLLOWED_S
from myobridge.simulator.script import StepScript
from myobridge.simulator.synth import SynthOptions, SynthSource

SEEDS = [int(seed) for seed in os.environ.get("MYOBRIDGE_MORNING_SEEDS", "21").split()]
PRESS_S, HELD_LONG_S = 1.0, 2.4
REACTION_S = 0.25
FOLLOW_S = 28.0
"""From the release to the wearer's own poses."""
SECONDS = 62.0


def rhythm(seed: int) -> list[tuple[float, tuple[float, ...]]]:
    """A wearer who follows the rhythm with eyes closed from the release on, and takes poses of their own later."""
    rest = POSES[0].angles_deg
    steps = [(PRESS_S + HELD_LONG_S + LEAD_S + REACTION_S, rest)]
    for pose in POSES[1:]:
        steps += [(FOLLOWED_S + HELD_S, pose.angles_deg), (REST_S, rest)]
    steps.append((FOLLOW_S - LEAD_S - (len(POSES) - 1) * (FOLLOWED_S + HELD_S + REST_S), rest))
    return steps + held_out(seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(300)
def test_a_press_acts_seven_poses_and_the_hand_follows_a_shifted_ring_on_the_elf(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    model = write_morning_model(tmp_path / "mine.onnx")
    script = StepScript(rhythm(seed), move_s=0.4)
    source = SynthSource(
        SynthOptions(fs_hz=FS_HZ, channels=CHANNELS, seed=seed, wearer=WEARER, seat=seed, script=script)
    )
    with LockStepBoard("mega2560", source, SECONDS + 2) as board:
        run = MorningRun(model, tmp_path, board=board)
        run.when_streaming.append(lambda: run.press(PRESS_S, HELD_LONG_S))
        run.run(SECONDS)
    assert run.streams_s is not None and run.followed_s is not None, run.said
    released_s = run.streams_s + PRESS_S + HELD_LONG_S
    acts_s = next(row.t_s for row in run.rows if row.calibration.step == "acting")
    state, accuracy = run.calibration, run.balanced_accuracy()
    print(f"seed {seed}: acts after {acts_s - released_s:.2f} s, follows after {run.followed_s - released_s:.1f} s, ")
    print(f"before {state.before}, after {state.after}, on the hand {accuracy:.3f}")
    assert acts_s - released_s <= 1.0
    assert run.followed_s - released_s <= 35.0
    assert set(run.acted()) == {pose.name for pose in POSES}
    assert state.before is not None and state.before < 0.6
    assert accuracy >= 0.90
