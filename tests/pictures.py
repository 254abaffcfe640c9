"""Draws the pictures of the terminal: `python tests/pictures.py` writes host/demo.svg and host/guide.svg."""

import io
import tempfile
import time
from pathlib import Path

from rich.console import Console, RenderableType

from loopback.processes import feed_of, running
from myobridge.calibration.look import look_at
from myobridge.calibration.look import render as render_guide
from myobridge.calibration.plan import Stage, Timing, Walk, schedule
from myobridge.calibration.poses import load_poses
from myobridge.feed.tap import HandTapReader
from myobridge.view.terminal import render

HOST = Path(__file__).parent.parent / "host"
CLENCHED_DEG = 120


def draw_demo() -> None:
    """Draws a moment at which some fingers are closed and some are open."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hand_looks = HandTapReader(folder / "hand.tap")
        with running("simulate", "--link", folder / "hand", "--seed", 1, "--tap", folder / "hand.tap") as hand:
            hand.stdout.readline()
            daemon = ("run", "--port", folder / "hand", "--model", "synth", "--arm")
            with running(*daemon), feed_of(folder / "hand") as feed:
                feed.subscribe("snapshots")
                until_s = time.monotonic() + 60
                while time.monotonic() < until_s:
                    snapshot, servos = feed.newest(0.1), hand_looks.newest(0.1)
                    if (
                        snapshot
                        and servos
                        and snapshot.may_move
                        and snapshot.t_s > 8
                        and max(servos.truth_deg) > CLENCHED_DEG > 3 * min(servos.truth_deg)
                    ):
                        break
                else:
                    raise SystemExit("The hand did not follow for a minute; draw on an idle machine.")
    save(render(snapshot, servos), HOST / "demo.svg", "myobridge demo")


def draw_guide() -> None:
    """Draws a guided recording in the middle of its fifth pose, after a remark on the fourth."""
    poses, now_s = load_poses(), 0.0
    holds = schedule(poses, 3, seed=1)
    walk = Walk(holds, Timing())
    walk.resume(now_s)
    while walk.holds_left > len(holds) - 4 or walk.stage is not Stage.HOLD or walk.stage_left_s(now_s) > 1.8:
        now_s += 0.1
        walk.tick(now_s)
    notes = ("Channel 3 is flat: press its electrode on and check its plug.",)
    look = look_at(walk, poses[0], len(holds), now_s, waiting=False, notes=notes)
    save(render_guide(look), HOST / "guide.svg", "myobridge record")


def save(picture: RenderableType, path: Path, title: str) -> None:
    """Writes a picture of the terminal."""
    console = Console(record=True, width=86, force_terminal=True, file=io.StringIO())
    console.print(picture)
    console.save_svg(str(path), title=title)
    print(f"wrote {path.name}")


if __name__ == "__main__":
    draw_guide()
    draw_demo()
