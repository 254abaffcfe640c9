"""The wearer's page in a real Chromium with touch: pairing by address, orders, calibration, a lost phone, two pages."""

import json
import re
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from hmac import new as hmac
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from browser import arm, chromium, page_of, wait_state, wait_text
from myobridge.view.phones import Phones
from phones import NAME
from processes import running, simulated_hand, wait_for_emg
from viewers import address_in, view

PHONE = {"width": 360, "height": 640}
TOUCH = {"has_touch": True, "is_mobile": True}
STAGE = Path(__file__).with_name("stage.py")
PARTS = ("hand", "calibrate", "models", "week")
MOST_BYTES_PER_S = 60_000
SLOWER = 4
FIST = {"pose": "Fist", "index": 2, "of": 6, "acted_deg": [180] * 5}
SCORES = [
    {"pose": "Fist", "of_ten": 9, "advice": ""},
    {"pose": "Point", "of_ten": 6, "advice": "hold it firmer, or leave it out"},
]


@pytest.fixture(scope="module")
def browser():
    with chromium(f"--host-resolver-rules=MAP {NAME} 127.0.0.1") as browser:
        yield browser


class Stage:
    """A view with a played daemon."""

    def __init__(self, process):
        self._process = process
        self.url = address_in(process.stdout)

    def show(self, **changes):
        self._process.stdin.write(json.dumps(changes) + "\n")
        self._process.stdin.flush()


@pytest.fixture(scope="module")
def stage():
    process = subprocess.Popen([sys.executable, STAGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Stage(process)
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def phone_page(browser, url, size=PHONE, **options):
    with page_of(browser, f"{url}wear", size, **TOUCH, **options) as page:
        page.wait_for_selector("#connection.live")
        yield page


def open_part(page, part):
    page.tap(f"nav a[href='#/{part}']")
    page.wait_for_selector(f"#tab-{part}:not([hidden])")


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    """A simulated hand with its daemon, a view for phones, and the address that the QR code of a phone holds."""
    folder = tmp_path_factory.mktemp("phone")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        key = Phones().pair("Anna").key
        hand = stack.enter_context(simulated_hand(folder))
        stack.enter_context(running("run", "--port", hand.port, "--model", "synth"))
        wait_for_emg(hand.port, 60)
        url = stack.enter_context(view(hand.port, "--phones", "--control"))
        port = urlsplit(url).port
        yield f"http://{NAME}:{port}/wear#{key}", f"http://127.0.0.1:{port}/"


def test_the_page_computes_sha_256_and_hmac_as_others_do(browser, stage):
    with phone_page(browser, stage.url) as page:
        found = page.evaluate(
            """async () => {
              const { sha256, hmac, hex } = await import("/sha256.js");
              const bytes = (n) => Uint8Array.from({ length: n }, (_, i) => (7 * i + n) % 256);
              const both = (n) => [hex(sha256(bytes(n))), hex(hmac(bytes(n), `order ${n} ü`))];
              return Array.from({ length: 200 }, (_, n) => both(n));
            }"""
        )
    for n, (digest, mac) in enumerate(found):
        data = bytes((7 * i + n) % 256 for i in range(n))
        assert digest == sha256(data).hexdigest()
        assert mac == hmac(data, f"order {n} ü".encode(), "sha256").hexdigest()


def test_the_address_of_the_qr_code_pairs_the_phone_and_its_key_never_leaves_the_phone(browser, paired):
    url, _ = paired
    key = url.partition("#")[2]
    said = []
    with page_of(browser, "about:blank", PHONE, **TOUCH) as page:
        page.on("request", lambda request: said.append(request.url))
        page.on("websocket", lambda socket: socket.on("framesent", lambda text: said.append(str(text))))
        page.goto(url)
        page.wait_for_selector("#connection.live")
        assert key not in page.url
        arm(page)
        page.tap("#disarm")
        wait_state(page, "DISARMED")
        page.goto(url.partition("#")[0])  # the phone stays paired
        page.wait_for_selector("#connection.live")
    assert said
    assert not any(key in text for text in said)


def test_a_phone_that_is_not_paired_is_told_how_to_pair(browser, paired):
    url, _ = paired
    for address in (url.partition("#")[0], url.partition("#")[0] + "#" + "A" * 22):
        with page_of(browser, address, PHONE, **TOUCH) as page:
            wait_state(page, "NOT PAIRED")
            assert "myobridge view --pair" in page.inner_text("#pairing-text")
            assert not page.is_visible("#arm")
    with page_of(browser, url.partition("wear")[0] + "trial", PHONE, **TOUCH) as page:
        wait_text(page, "#state-text", "myobridge view --pair")


def test_a_lost_phone_disarms_the_hand_and_the_page_says_so_before(browser, paired):
    url, here = paired
    with page_of(browser, f"{here}wear", PHONE, **TOUCH) as other:
        other.wait_for_selector("#connection.live")
        with page_of(browser, url, PHONE, **TOUCH) as page:
            page.wait_for_selector("#connection.live")
            assert "disarmed when this page has been without connection for 2 s" in page.inner_text("#control-text")
            arm(page)
            wait_text(page, "#control-text", "This page has control")
            wait_text(other, "#control-text", "Anna has control")
        wait_state(other, "DISARMED")
        wait_text(other, "#note", "The connection of Anna was gone")


def test_a_page_that_gave_up_control_may_leave_while_the_hand_stays_armed(browser, paired):
    url, here = paired
    with page_of(browser, f"{here}wear", PHONE, **TOUCH) as other:
        other.wait_for_selector("#connection.live")
        with page_of(browser, url, PHONE, **TOUCH) as page:
            page.wait_for_selector("#connection.live")
            arm(page)
            page.tap("#control-give")
            wait_text(page, "#control-text", "Nobody has control")
        other.wait_for_timeout(4000)
        assert "gone" not in other.inner_text("#note")
        other.tap("#disarm")
        wait_state(other, "DISARMED")


def test_of_two_pages_one_has_control_and_the_other_asks_for_it_or_takes_it(browser, paired):
    url, here = paired
    with page_of(browser, f"{here}wear", PHONE, **TOUCH) as other, page_of(browser, url, PHONE, **TOUCH) as page:
        for one in (other, page):
            one.wait_for_selector("#connection.live")
        arm(page)
        other.tap("#arm")
        wait_text(other, "#note", "Anna has control; take control first")
        other.tap("#control-ask")
        wait_text(page, "#control-text", "A page on this computer asks for control")
        page.tap("#control-give")
        wait_text(other, "#control-text", "This page has control")
        page.tap("#control-take")
        wait_text(other, "#control-text", "Anna has control")
        other.tap("#disarm")
        wait_state(page, "DISARMED")


def test_the_calibration_shows_the_pose_the_steps_and_the_scores(browser, stage):
    with phone_page(browser, stage.url) as page:
        open_part(page, "calibrate")
        stage.show(state="DISARMED", calibration={"step": "idle"})
        page.wait_for_selector("#start:visible")
        page.tap("#start")
        wait_text(page, "#note", "calibrate was ordered")
        stage.show(acting=True, calibration={"step": "hold", "text": "Hold Fist.", "remaining_s": 0.8, **FIST})
        wait_state(page, "SHOWING")
        wait_text(page, "#pose-name", "^Fist$")
        assert page.inner_text("#pose-count") == "Pose 2 of 6"
        assert page.is_visible("#pose")
        assert not page.is_visible("#start")
        for what in ("pause", "redo", "stop"):
            page.tap(f"#{what}")
            wait_text(page, "#note", f"{what} was ordered")
        stage.show(acting=False, calibration={"step": "paused", "text": "The calibration pauses."})
        wait_text(page, "#start", "^Go on$")
        done = {"step": "done", "text": "The new model is in use.", "scores": SCORES, "before": 0.49, "after": 0.95}
        stage.show(calibration=done)
        wait_text(page, "#before-after", "before 49 of 100, now 95 of 100")
        assert "6 of 10: hold it firmer, or leave it out" in page.inner_text("#scores")
        page.tap("#result [data-do=undo]")
        wait_text(page, "#note", "undo was ordered")
        stage.show(calibration={"step": "idle"})


def test_a_phone_that_is_lost_in_mid_calibration_ends_it(browser, stage):
    stage.show(state="DISARMED", calibration={"step": "idle"})
    with phone_page(browser, stage.url) as other:
        with phone_page(browser, stage.url) as page:
            open_part(page, "calibrate")
            page.tap("#start")
            wait_text(other, "#control-text", "A page on this computer has control")
            stage.show(acting=True, calibration={"step": "hold", "text": "Hold Fist.", **FIST})
            wait_state(page, "SHOWING")
        wait_text(other, "#note", "was gone for 2 s while it had control, so the hand was disarmed")
    stage.show(acting=False, calibration={"step": "idle"})


def test_an_update_never_changes_what_a_finger_is_pressing(browser, stage):
    with phone_page(browser, stage.url) as page:
        open_part(page, "calibrate")
        stage.show(state="DISARMED", calibration={"step": "hold", "text": "Hold Fist.", **FIST})
        page.wait_for_selector("#pause:visible")
        box = page.locator("#pause").bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 20)
        page.mouse.down()
        stage.show(calibration={"step": "paused", "text": "The calibration pauses.", **FIST})
        wait_text(page, "#calibration-text", "The calibration pauses.")
        page.wait_for_timeout(300)
        assert page.is_visible("#pause")
        page.mouse.up()
        wait_text(page, "#note", "pause was ordered")
        page.wait_for_selector("#start:visible")
        stage.show(calibration={"step": "idle"})


def test_a_screen_reader_hears_sentences_and_not_the_seconds(browser, stage):
    with phone_page(browser, stage.url) as page:
        live = page.eval_on_selector_all("[aria-live], [role=status], [role=alert]", "all => all.map(one => one.id)")
        assert live == ["state", "note", "calibration-text"]


@pytest.mark.parametrize("size", [PHONE, {"width": 320, "height": 568}, {"width": 640, "height": 360}])
def test_nothing_is_cut_off_and_everything_to_press_is_large(browser, stage, size):
    stage.show(
        state="DISARMED", supply_mv=5980, calibration={"step": "done", "text": "x", "scores": SCORES, "after": 0.9}
    )
    with phone_page(browser, stage.url, size) as page:
        for part in PARTS:
            open_part(page, part)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            for button in page.locator("button:visible, nav a:visible").all():
                assert button.bounding_box()["height"] >= 48, button.inner_text()
            box = page.locator("#estop").bounding_box()
            assert 0 <= box["y"] <= size["height"] - box["height"]
            assert box["y"] > size["height"] / 2
    stage.show(calibration={"step": "idle"})


@pytest.mark.parametrize(("scheme", "step"), [("light", "idle"), ("dark", "hold"), ("light", "done")])
def test_axe_finds_no_violation(browser, stage, scheme, step):
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    running = {"step": step, "text": "A sentence.", **(FIST if step == "hold" else {})}
    stage.show(state="DISARMED", calibration=running | ({"scores": SCORES, "after": 0.9} if step == "done" else {}))
    with phone_page(browser, stage.url, color_scheme=scheme, bypass_csp=True) as page:
        page.add_script_tag(content=axe)
        for part in PARTS:
            open_part(page, part)
            page.wait_for_timeout(200)
            found = page.evaluate("axe.run().then((results) => results.violations)")
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    stage.show(calibration={"step": "idle"})


@pytest.mark.parametrize("path", ["wear", ""], ids=["wearer's page", "live view"])
def test_a_page_takes_less_than_60_kb_a_second_and_the_wearers_page_no_emg(browser, stage, path):
    stage.show(state="ARMED", calibration={"step": "idle"})
    frames = []
    with page_of(browser, "about:blank", PHONE, **TOUCH) as page:
        page.on("websocket", lambda socket: socket.on("framereceived", lambda text: frames.append(str(text))))
        page.goto(f"{stage.url}{path}")
        page.wait_for_selector("#connection.live")
        began, before = page.evaluate("performance.now()"), len(frames)
        page.wait_for_timeout(3000)
        seconds = (page.evaluate("performance.now()") - began) / 1000
        kept = frames[before:]
    assert any('"kind":"emg"' in frame or '"kind":"lines"' in frame for frame in kept) == (path == "")
    rate = sum(map(len, kept)) / seconds
    print(f"\n{rate / 1000:.1f} kB/s for /{path}")
    assert rate <= MOST_BYTES_PER_S


def test_the_page_asks_for_few_files_and_little_of_a_slow_phone(browser, stage):
    """Prints how long a processor that is four times slower takes; asserts what makes it short, not the time."""
    asked = []
    with page_of(browser, "about:blank", PHONE, **TOUCH) as page:
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.on("response", lambda response: asked.append(len(response.body())))
        page.goto(f"{stage.url}wear")
        page.wait_for_selector("#connection.live")
        ready_ms = page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
        live_ms = page.evaluate("performance.now()")
        page.wait_for_timeout(200)
    print(f"\ninteractive after {ready_ms:.0f} ms, live within {live_ms:.0f} ms, on a {SLOWER} times slower processor")
    assert len(asked) <= 30
    assert sum(asked) <= 120_000


def test_the_models_of_the_hand_can_be_chosen_and_the_check_answers(browser, paired):
    _, here = paired
    with phone_page(browser, here) as page:
        open_part(page, "models")
        page.wait_for_selector("#models li")
        assert "synth" in page.inner_text("#models")
        open_part(page, "hand")
        page.tap("#check")
        wait_text(page, "#check-text", "Checking")
        wait_text(page, "#check-text", "findings|works|in order")
        assert page.locator("#check").is_enabled()


def test_nothing_on_the_page_needs_a_shell(browser, stage):
    with phone_page(browser, stage.url) as page:
        for part in PARTS:
            open_part(page, part)
            assert not re.search(r"`|sudo|--|terminal", page.inner_text("main"))
