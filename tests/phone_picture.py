"""Takes the picture of the wearer's page, of a played daemon: `python tests/phone_picture.py` writes host/phone.png."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent / "loopback"))

from PIL import Image

from browser import chromium, page_of, wait_text
from viewers import address_in

ROOT = Path(__file__).parent.parent
STAGE = Path(__file__).parent / "loopback" / "stage.py"
PHONE = {"width": 360, "height": 640}
GAP = 20
FIST = {
    "step": "hold",
    "text": "Hold Fist.",
    "pose": "Fist",
    "index": 2,
    "of": 6,
    "acted_deg": [180] * 5,
    "remaining_s": 0.8,
}
SHOWN = (
    ("hand", "light", {"contact": ["good"] * 4, "supply_mv": 5980, "calibration": {"step": "idle"}}),
    ("calibrate", "dark", {"acting": True, "explained": "The hand shows a pose.", "calibration": FIST}),
)


def shots(folder: Path) -> list[Path]:
    """The page's parts as pictures, one after another."""
    taken = []
    stage = subprocess.Popen([sys.executable, STAGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = address_in(stage.stdout)
        with chromium() as browser:
            for part, scheme, changes in SHOWN:
                stage.stdin.write(json.dumps(changes) + "\n")
                stage.stdin.flush()
                options = {"color_scheme": scheme, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
                with page_of(browser, f"{url}wear#/{part}", PHONE, **options) as page:
                    page.wait_for_selector("#connection.live")
                    wait_text(page, "#state-text", changes.get("explained", "."))
                    page.wait_for_timeout(800)
                    taken.append(folder / f"{part}.png")
                    page.screenshot(path=taken[-1])
    finally:
        stage.terminate()
        stage.wait()
    return taken


def main() -> None:
    """Puts the pictures side by side."""
    with TemporaryDirectory() as folder:
        pictures = [Image.open(path) for path in shots(Path(folder))]
        width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
        whole = Image.new("RGBA", (width, pictures[0].height))
        for i, picture in enumerate(pictures):
            whole.paste(picture, (i * (picture.width + GAP), 0))
        whole.quantize(128).save(ROOT / "host" / "phone.png", optimize=True)
    print("wrote phone.png")


if __name__ == "__main__":
    main()
