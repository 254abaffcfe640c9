"""Draws the README's picture of the terminal from a real demo: `python tests/pictures.py` writes host/demo.svg."""

import io
import tempfile
import time
from pathlib import Path

from rich.console import Console

from loopback.processes import feed_of, running
from myobridge.device.tap import HandTapReader
from myobridge.terminal_view import render

PICTURE = Path(__file__).parent.parent / "host" / "demo.svg"
CLENCHED_DEG = 120


def main() -> None:
    """Waits for a moment at which some fingers are closed and some open, and draws it."""
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
                        and snapshot.t_s > 8
                        and max(servos.truth_deg) > CLENCHED_DEG > 3 * min(servos.truth_deg)
                    ):
                        break
    console = Console(record=True, width=86, force_terminal=True, file=io.StringIO())
    console.print(render(snapshot, servos))
    console.save_svg(str(PICTURE), title="myobridge demo")
    print(f"wrote {PICTURE.name}")


if __name__ == "__main__":
    main()
