"""Takes the picture of the page of a trial: `python tests/trial_picture.py` writes host/trial.png."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "loopback"))

from browser import DESKTOP, chromium, page_of
from processes import running
from viewers import address_in

HOST = Path(__file__).parent.parent / "host"
TRIAL = ("trial", "--port", "ttyACM0", "--seed", 4, "--tolerance", 28, "--dwell", 4, "--targets", 20)
"""Easy enough for the simulated wearer, who does not look at the hand."""
STAYS_MS = 1500


def main() -> None:
    """Waits until the hand stays in a target."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with running("simulate", "--link", "ttyACM0", "--follow-cues", "--seed", 1) as hand, chromium() as browser:
            hand.stdout.readline()
            with running("run", "--port", "ttyACM0", "--model", "synth", "--view", "--view-port", 0) as daemon:
                url = f"{address_in(daemon.stderr)}trial"
                with page_of(browser, url, DESKTOP, device_scale_factor=1.5, color_scheme="dark") as page:
                    with running(*TRIAL):
                        while not page.locator("#game.inside").count():
                            page.wait_for_selector("#game.inside")
                            page.wait_for_timeout(STAYS_MS)
                        page.screenshot(path=HOST / "trial.png")
        os.chdir(HOST)
    print("wrote trial.png")


if __name__ == "__main__":
    main()
