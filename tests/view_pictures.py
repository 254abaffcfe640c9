"""Takes the pictures of the view: `python tests/view_pictures.py` writes host/view.png and host/view-phone.png."""

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "loopback"))

from playwright.sync_api import Page

from browser import DESKTOP, PHONE, angles, arm, chromium, page_of
from myobridge.feed import feed_path
from myobridge.feed.prompts import Prompt, send_prompt
from processes import running
from viewers import address_in

HOST = Path(__file__).parent.parent / "host"
PORT = "ttyACM0"
FILL_MS = 7000
"""Until EMG fills the plot, and what was said about ARM is gone."""
SMOOTH_FPS = 30
PATIENCE_S = 120
CLOSED_DEG, OPEN_DEG = 100, 50
PROMPT = Prompt(
    title="Fist", text="Close all fingers and hold.", progress=0.45, angles_deg=(180,) * 5, seconds_left=1.6
)


def wait_for_a_grip(page: Page) -> None:
    """A moment at which the hand is armed, and some fingers are closed and some open."""
    page.wait_for_timeout(FILL_MS)
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        if page.inner_text("#state-name") != "ARMED":
            arm(page)
            page.wait_for_timeout(FILL_MS)
        servo = [servo for servo, _ in angles(page)]
        smooth = int(page.inner_text("#fps").split()[0]) >= SMOOTH_FPS
        if smooth and max(servo) > CLOSED_DEG and min(servo) < OPEN_DEG and not page.inner_text("#note"):
            return
        page.wait_for_timeout(50)
    raise SystemExit("This machine is too busy for a picture: the hand does not stay armed.")


def main() -> None:
    """Takes both from one run of the simulated hand; they show the port as a person would give it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with running("simulate", "--link", PORT, "--seed", 1) as hand, chromium() as browser:
            hand.stdout.readline()
            with running("run", "--port", PORT, "--model", "synth", "--view", "--view-port", 0, "--control") as daemon:
                url = address_in(daemon.stderr)
                with page_of(browser, url, DESKTOP, device_scale_factor=1.5, color_scheme="dark") as page:
                    page.wait_for_selector("#fingers .meter")
                    wait_for_a_grip(page)
                    page.screenshot(path=HOST / "view.png")
                with page_of(browser, url, PHONE, device_scale_factor=2, color_scheme="light") as page:
                    page.wait_for_selector("#fingers .meter")
                    wait_for_a_grip(page)
                    send_prompt(feed_path(PORT), PROMPT)
                    page.wait_for_selector("#prompt:not([hidden])")
                    page.wait_for_timeout(100)
                    page.screenshot(path=HOST / "view-phone.png")
        os.chdir(HOST)
    print("wrote view.png and view-phone.png")


if __name__ == "__main__":
    main()
