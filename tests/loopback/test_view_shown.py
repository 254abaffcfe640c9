"""The page in each state, with few and many channels, also for impaired eyes; the test plays the daemon."""

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from browser import DESKTOP, PHONE, chromium, page_of, wait_state, wait_text
from myobridge.view.server import MAX_VIEWERS
from stage import FOLLOWS, STOPPED
from viewers import address_in, watch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
STAGE = Path(__file__).with_name("stage.py")
READABLE = 4.5
"""WCAG 2.1, 1.4.3: contrast of text."""
STOP = {"state": "ESTOP", "estop": True, "explained": STOPPED, "may_move": False, "note": STOPPED}
DISARMED = {"state": "DISARMED", "explained": "The hand is disarmed.", "may_move": False}
LOST = {"state": "LOST", "explained": "The hand is not connected.", "may_move": False}


class Stage:
    """A view with a played daemon."""

    def __init__(self, *arguments):
        command = [sys.executable, str(STAGE), *map(str, arguments)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = address_in(self.process.stdout)

    def play(self, **changes):
        self._say(changes)

    def end_daemon(self):
        self._say(None)

    def _say(self, words):
        print(json.dumps(words), file=self.process.stdin, flush=True)

    def end(self):
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture
def stage(tmp_path, monkeypatch):
    with staged(tmp_path, monkeypatch) as stage:
        yield stage


@contextmanager
def staged(tmp_path, monkeypatch, *arguments):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    stage = Stage(*arguments)
    try:
        yield stage
    finally:
        stage.end()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def boxes(page, selector):
    return page.eval_on_selector_all(selector, "all => all.map(one => one.getBoundingClientRect().toJSON())")


def within(inner, outer):
    return (
        inner["top"] >= outer["top"] - 1
        and inner["bottom"] <= outer["bottom"] + 1
        and inner["left"] >= outer["left"] - 1
        and inner["right"] <= outer["right"] + 1
    )


# --- few channels and many ----------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 4, 8, 16])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, {"width": 320, "height": 568}], ids=["desktop", "phone", "small"])
def test_labels_are_beside_their_traces_and_spectra_are_plots(browser, tmp_path, monkeypatch, channels, size):
    with staged(tmp_path, monkeypatch, "--channels", channels) as stage, page_of(browser, stage.url, size) as page:
        page.wait_for_selector("#bands li")
        (canvas,) = boxes(page, "#emg")
        (card,) = boxes(page, "#emg-card")
        assert within(canvas, card)
        labels = boxes(page, "#channels li")
        assert len(labels) == channels
        band = canvas["height"] / channels
        for row, label in enumerate(labels):
            top = canvas["top"] + row * band
            assert within(label, {**canvas, "top": top, "bottom": top + band}), f"the label of trace {row}"
        (card,), cells = boxes(page, "#spectrum-card"), boxes(page, "#bands li")
        assert len(cells) == channels
        assert all(within(cell, card) for cell in cells)
        words = page.eval_on_selector_all(
            "#bands li",
            "all => all.map(li => li.lastChild.getBoundingClientRect().bottom - li.getBoundingClientRect().y)",
        )
        assert min(cell["height"] - head for cell, head in zip(cells, words, strict=True)) > 60
        assert all(
            page.eval_on_selector_all(
                "#bands b, #channels b", "all => all.map(b => b.scrollWidth <= b.clientWidth + 1)"
            )
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


# --- states -------------------------------------------------------------------------------------------------


def test_the_answer_to_an_order_disappears_when_the_cable_is_unplugged(browser, stage):
    stage.play(**DISARMED)
    with page_of(browser, stage.url) as page:
        wait_state(page, "DISARMED")
        page.click("#arm")
        wait_text(page, "#note", FOLLOWS)
        stage.play(state="ARMED", explained=FOLLOWS)
        wait_state(page, "ARMED")
        stage.play(**LOST)
        wait_state(page, "LOST")
        assert "follows" not in page.inner_text("#status")


def test_a_sentence_is_shown_once(browser, stage):
    with page_of(browser, stage.url) as page:
        wait_state(page, "ARMED")
        page.click("#estop")
        stage.play(**STOP)
        wait_state(page, "ESTOP")
        page.wait_for_timeout(300)
        assert page.inner_text("#status").count(STOPPED) == 1


def is_bright(page):
    arm = "getComputedStyle(document.getElementById('arm')).backgroundColor"
    colour = "(() => { const p = document.body.appendChild(document.createElement('p')); p.style.color = 'var(--arm)';"
    colour += " const c = getComputedStyle(p).color; p.remove(); return c; })()"
    return page.evaluate(arm) == page.evaluate(colour)


def test_arm_is_bright_only_if_the_hand_can_be_armed(browser, stage):
    stage.play(**DISARMED)
    with page_of(browser, stage.url) as page:
        for state, bright in (("DISARMED", True), ("ESTOP", False), ("RELAX", True), ("LOST", False), ("FAULT", True)):
            stage.play(state=state)
            wait_state(page, state)
            assert is_bright(page) == bright, state
        stage.play(state="DISARMED", estop=True)
        wait_state(page, "DISARMED")
        assert not is_bright(page)
        stage.end_daemon()
        wait_state(page, "NO DAEMON")
        assert not is_bright(page)
        stage.play(estop=False)
        wait_state(page, "DISARMED")
        assert is_bright(page)
        stage.end()
        wait_state(page, "NO CONNECTION")
        assert not is_bright(page)


def test_a_hand_that_is_not_connected_is_dim_and_has_no_angles(browser, stage):
    with page_of(browser, stage.url) as page:
        wait_text(page, "#fingers li:first-child", "40°")
        assert page.eval_on_selector("#hand", "hand => getComputedStyle(hand).opacity") == "1"
        for gone in (lambda: stage.play(**LOST), stage.end_daemon):
            gone()
            wait_text(page, "#fingers li:first-child", "–")
            assert float(page.eval_on_selector("#hand", "hand => getComputedStyle(hand).opacity")) < 0.5
            assert "°" not in page.inner_text("#fingers")
            stage.play(state="ARMED")
            wait_text(page, "#fingers li:first-child", "40°")


# --- an emergency stop is lifted ----------------------------------------------------------------------------


def test_lifting_an_emergency_stop_takes_two_steps_in_a_separate_place(browser, stage):
    with page_of(browser, stage.url) as page:
        wait_state(page, "ARMED")
        assert not page.is_visible("#lift")
        stage.play(**STOP)
        page.click("#lift")
        assert page.is_visible("#lift-dialog")
        assert "Nothing is caught" in page.inner_text("#lift-dialog")
        assert page.evaluate("document.activeElement.id") == "lift-keep"
        assert "ordered" not in page.inner_text("#note")
        page.click("#lift-keep")
        assert not page.is_visible("#lift-dialog")
        page.click("#lift")
        page.click("#lift-confirm")
        wait_text(page, "#note", "lift was ordered")
        assert not page.is_visible("#lift-dialog")
        stage.play(**DISARMED, estop=False)
        page.wait_for_selector("#lift", state="hidden")


@pytest.mark.parametrize("way", ["Escape", "Space", "click"])
def test_estop_works_beside_the_lift_dialog(browser, stage, way):
    stage.play(**{**STOP, "note": ""})
    with page_of(browser, stage.url) as page:
        page.click("#lift")
        if way == "click":
            page.click("#estop")
        else:
            page.keyboard.press(way)
        page.wait_for_selector("#lift-dialog", state="hidden")
        assert "lift" not in page.inner_text("#note")


def test_without_control_no_stop_can_be_lifted(browser, tmp_path, monkeypatch):
    with staged(tmp_path, monkeypatch, "--without-control") as stage:
        stage.play(**STOP)
        with page_of(browser, stage.url) as page:
            wait_state(page, "ESTOP")
            assert not page.is_visible("#lift")


def test_a_page_beyond_the_limit_says_that_it_shows_no_emg_and_still_orders(browser, stage):
    with ExitStack() as crowd:
        for _ in range(MAX_VIEWERS):
            crowd.enter_context(watch(stage.url, max_queue=None))
        with page_of(browser, stage.url) as page:
            wait_text(page, "#emg-veil", "Too many pages")
            assert page.is_visible("#emg-veil")
            page.click("#disarm")
            wait_text(page, "#note", "disarm was ordered")


# --- for all eyes and ears ----------------------------------------------------------------------------------


def test_screen_readers_announce_only_state_notes_and_prompts(browser, stage):
    with page_of(browser, stage.url) as page:
        page.wait_for_selector("#fingers .meter")
        live = page.eval_on_selector_all(
            "output, [aria-live], [role=status], [role=alert], [role=log], [role=timer], marquee",
            "all => all.map(one => one.id)",
        )
        assert set(live) == {"state", "note", "prompt-title", "prompt-text"}


CONTRAST = """() => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  };
  const over = (top, below) => below.map((value, i) => top[i] * top[3] + value * (1 - top[3]));
  const behind = (element) => {
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 || !element.parentElement ? own : over(own, behind(element.parentElement));
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const veil = element.closest(".stale .plot");
    const hidden = veil?.querySelector(".veil") && !element.classList.contains("veil");
    if (!texts.currentNode.data.trim() || hidden || !element.checkVisibility()) continue;
    let dimming = 1;
    for (let at = element; at; at = at.parentElement) {
      dimming *= Number(/brightness\\(([\\d.]+)\\)/.exec(getComputedStyle(at).filter)?.[1] ?? 1);
    }
    const ground = behind(element), text = over(rgba(getComputedStyle(element).color), ground);
    const lights = [text, ground].map((colour) => light(colour.map((v) => Math.min(1, v * dimming))));
    const [low, high] = lights.sort((a, b) => a - b);
    found.push([(high + 0.05) / (low + 0.05), `${element.id || element.tagName} ${texts.currentNode.data.trim()}`]);
  }
  return found.sort((a, b) => a[0] - b[0]);
}"""


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_all_text_has_enough_contrast(browser, stage, scheme):
    with page_of(browser, stage.url, color_scheme=scheme) as page:
        page.wait_for_selector("#bands li")
        for state in ("ARMED", "DISARMED", "HOLD", "RELAX", "FAULT", "ESTOP", "LOST"):
            stage.play(state=state, estop=state == "ESTOP", note="Electrode 3 is flat.")
            wait_state(page, state)
            if state == "ESTOP":
                page.click("#lift")
            for button in ("arm", "disarm", "estop"):
                page.hover(f"#{button}")
                (least, what), *others = page.evaluate(CONTRAST)
                assert least >= READABLE, (state, button, what)
                assert len(others) > 30
        stage.end()
        page.keyboard.press("Escape")
        wait_text(page, "#note", "WAS NOT SENT")
        assert page.evaluate(CONTRAST)[0][0] >= READABLE


def test_bars_and_lights_are_visible_with_forced_colours(browser, stage):
    with page_of(browser, stage.url, forced_colors="active") as page:
        page.wait_for_selector("#fingers .meter")
        ground = page.eval_on_selector("#hand-card", "card => getComputedStyle(card).backgroundColor")
        for part, colour in (
            (".meter i", "backgroundColor"),
            (".meter b", "borderLeftColor"),
            (".light", "backgroundColor"),
        ):
            seen = page.eval_on_selector(part, f"part => getComputedStyle(part).{colour}")
            assert seen not in (ground, "rgba(0, 0, 0, 0)"), part
