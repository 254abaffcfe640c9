"""`myobridge servos --view`: the keys in a browser."""

import json
import time
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed

from browser import PHONE, chromium, page_of, wait_state, wait_text
from myobridge.feed.tap import HandTapReader
from processes import running, simulated_hand
from viewers import address_in, get, watch

REPEAT_S = 0.05
MOTION_ENDS_S = 0.2
TAP_S = 0.02


@pytest.fixture(autouse=True)
def own_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@contextmanager
def page_on(hand):
    """The address of the page; the command has no terminal."""
    with running("servos", "--port", hand.port, "--view", "--view-port", 0) as process:
        yield address_in(process.stderr)


def wish(viewer, do):
    viewer.send(json.dumps({"do": do}))


def until_state(viewer, state):
    """The page's heartbeat goes on until the hand is in this state."""
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        wish(viewer, "here")
        with suppress(TimeoutError):
            if json.loads(viewer.recv(timeout=0.2))["state"] == state:
                return
    raise AssertionError(f"the hand is not {state}")


def armed(viewer):
    until_state(viewer, "DISARMED")
    wish(viewer, "arm")
    until_state(viewer, "ARMED")


def ended(hand):
    hand.process.terminate()
    hand.process.wait(60)
    return hand.summary["state"], hand.summary["reason"]


def hold(viewer, do, seconds):
    """What a page sends while a button is held; the time of the last repeat."""
    for _ in range(round(seconds / REPEAT_S)):
        wish(viewer, do)
        last_s = time.monotonic()
        time.sleep(REPEAT_S)
    return last_s


def test_a_page_that_is_closed_in_mid_motion_ends_the_motion_and_disarms(tmp_path):
    tap = HandTapReader(tmp_path / "tap")
    with simulated_hand(tmp_path, "--tap", tmp_path / "tap") as hand, page_on(hand) as url:
        with watch(url) as viewer:
            armed(viewer)
            last_s = hold(viewer, "longer", 1.0)
        poses = []
        while time.monotonic() < last_s + 1.5:
            if (look := tap.newest(TAP_S)) is not None:
                poses.append((time.monotonic(), look.applied_deg[0]))
        assert poses[-1][1] > 92, "the middle is 90°"
        moving = [at_s for at_s, deg in poses if deg != poses[-1][1]]
        assert max(moving, default=last_s) - last_s <= MOTION_ENDS_S + 2 * TAP_S
        with watch(url) as viewer:
            until_state(viewer, "DISARMED")


def test_a_page_that_falls_silent_is_left_and_the_hand_disarmed(tmp_path):
    with simulated_hand(tmp_path) as hand, page_on(hand) as url:
        with watch(url) as viewer:
            armed(viewer)
            with pytest.raises(ConnectionClosed, match="silent"):
                while True:
                    viewer.recv(timeout=30)
        with watch(url) as viewer:
            until_state(viewer, "DISARMED")


def test_one_page_at_a_time_moves_the_hand(tmp_path):
    with simulated_hand(tmp_path) as hand, page_on(hand) as url, watch(url) as viewer:
        armed(viewer)
        with watch(url) as second, pytest.raises(ConnectionClosed, match="another page"):
            second.recv(timeout=30)
        wish(viewer, "next")
        until_state(viewer, "ARMED")


@pytest.mark.parametrize("text", ["", "{}", '{"do":"fly"}', '{"do":"arm","x":1}', "\xff"])
def test_what_is_no_wish_closes_the_page_and_disarms(tmp_path, text):
    with simulated_hand(tmp_path) as hand, page_on(hand) as url:
        with watch(url) as viewer:
            armed(viewer)
            viewer.send(text)
            with pytest.raises(ConnectionClosed, match="not a wish"):
                while True:
                    viewer.recv(timeout=30)
        with watch(url) as viewer:
            until_state(viewer, "DISARMED")


def test_the_page_is_for_its_own_address_only(tmp_path):
    with simulated_hand(tmp_path) as hand, page_on(hand) as url:
        assert get(url)[0] == 200
        assert get(url, Host="evil.example")[0] == 403
        assert get(url + "index.html")[0] == 404, "the live view is another page"
        with pytest.raises(Exception, match="403"), watch(url, origin="http://evil.example"):
            pass


def test_estop_from_the_page_ends_the_command_and_stays(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with running("servos", "--port", hand.port, "--view", "--view-port", 0) as process:
            with watch(address_in(process.stderr)) as viewer:
                armed(viewer)
                wish(viewer, "estop")
                assert process.wait(60) == 1
            assert "The hand is in emergency stop" in process.stderr.read()
        assert ended(hand)[0] == "ESTOP"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("size", [None, PHONE], ids=["desktop", "phone"])
def test_a_button_that_is_held_moves_the_servo_and_marks_are_saved(tmp_path, size):
    with (
        simulated_hand(tmp_path) as hand,
        page_on(hand) as url,
        chromium() as browser,
        page_of(browser, url, size) as page,
    ):
        wait_state(page, "DISARMED")
        page.click("#arm")
        wait_state(page, "ARMED")
        for hold_key, mark in (("longer", "closed"), ("shorter", "open")):
            button = page.locator(f"[data-hold={hold_key}]")
            button.hover()
            page.mouse.down()
            page.wait_for_timeout(2500)
            page.mouse.up()
            page.wait_for_timeout(400)
            before = page.inner_text("tr.chosen td:nth-child(4)")
            page.wait_for_timeout(400)
            assert page.inner_text("tr.chosen td:nth-child(4)") == before, "let go, it stands still"
            page.click(f"[data-do={mark}]")
            wait_text(page, "#note", f"The thumb is {mark} at")
        page.click("[data-do=save]")
        wait_text(page, "#note", "Saved in the board")
        wait_state(page, "DISARMED")
        page.click("#arm")
        wait_state(page, "ARMED")
        page.keyboard.press("Escape")
        wait_state(page, "NO CONNECTION")
    assert hand.summary["state"] == "ESTOP"
