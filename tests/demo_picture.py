"""Takes the moving picture of the demo: `python tests/demo_picture.py` writes host/demo.webp.

Chromium shows the page of a running demo and hands over each frame that it draws, while this script presses the
buttons as a visitor would. Run it on an idle machine: the demo works in real time.
"""

import base64
import io
import sys
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "loopback"))

from PIL import Image
from playwright.sync_api import Page

from browser import DESKTOP, arm, chromium, page_of, wait_state
from processes import running
from viewers import address_in

PICTURE = Path(__file__).parent.parent / "host/demo.webp"
SIZE = (800, 500)
FRAMES_PER_S = 5
QUALITIES = (50, 40, 30, 20, 10)
MOST_BYTES = 1_500_000
LAST_FRAME_MS = 1500
SCRIPT = (
    ("", "ARMED", 3.5),
    ("Lift electrode 2", "RELAX", 0.6),
    ("Put electrode 2 back", "RELAX", 0.4),
    ("ARM", "ARMED", 2.5),
    ("Pull the cable", "LOST", 2.6),
    ("Plug the cable in", "DISARMED", 0.5),
    ("ARM", "ARMED", 1.5),
)
"""A button to press, the state to which it leads, and the seconds to watch that state."""


class Film:
    """The frames that the page draws while the block runs: (seconds, JPEG)."""

    def __init__(self, page: Page) -> None:
        self.frames: list[tuple[float, bytes]] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._take)

    def __enter__(self):
        self._session.send("Page.startScreencast", {"format": "jpeg", "quality": 95})
        return self

    def __exit__(self, *_):
        self._session.remove_listener("Page.screencastFrame", self._take)
        self._session.send("Page.stopScreencast")

    def _take(self, event) -> None:
        self.frames.append((event["metadata"]["timestamp"], base64.b64decode(event["data"])))
        self._session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    def pictures(self):
        """Pictures at most FRAMES_PER_S, each with the milliseconds for which it is shown."""
        kept = [self.frames[0]]
        for frame in self.frames:
            if frame[0] - kept[-1][0] >= 1 / FRAMES_PER_S:
                kept.append(frame)
        shown_ms = [round(1000 * (after[0] - before[0])) for before, after in pairwise(kept)]
        pictures = [Image.open(io.BytesIO(jpeg)).convert("RGB").resize(SIZE, Image.LANCZOS) for _, jpeg in kept]
        return pictures, [*shown_ms, LAST_FRAME_MS]


def visit(page: Page) -> Film:
    """What a visitor does: watches, breaks something, repairs it and arms the hand again."""
    page.wait_for_selector("#fault-buttons button")
    arm(page)
    page.wait_for_timeout(7000)  # the plot is full, and what was said about ARM is gone
    check_armed(page)
    with Film(page) as film:
        for button, state, seconds in SCRIPT:
            if button == "ARM":
                arm(page)
            elif button:
                page.click(f"button:text-is('{button}')")
            wait_state(page, state, within_s=10)
            page.wait_for_timeout(1000 * seconds)
            if state == "ARMED":
                check_armed(page)
    return film


def check_armed(page: Page) -> None:
    """Ends the visit if the hand has left ARMED for want of a processor."""
    if page.inner_text("#state-name") != "ARMED":
        raise SystemExit("This machine is too busy: the hand of the demo does not stay armed.")


def main() -> None:
    with running("demo", "--view", "--view-port", 0, "--seed", 3) as demo, chromium() as browser:
        with page_of(browser, address_in(demo.stderr), DESKTOP, color_scheme="dark") as page:
            film = visit(page)
    pictures, shown_ms = film.pictures()
    for quality in QUALITIES:
        rest = {"save_all": True, "append_images": pictures[1:], "duration": shown_ms, "loop": 0, "method": 3}
        pictures[0].save(PICTURE, quality=quality, **rest)
        if (size := PICTURE.stat().st_size) <= MOST_BYTES:
            break
    assert size <= MOST_BYTES, "the machine is too busy: the visit took too long"
    print(f"wrote {PICTURE.name}: {len(pictures)} frames in {sum(shown_ms) / 1000:.0f} s, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
