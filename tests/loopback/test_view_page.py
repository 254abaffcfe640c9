"""The view's page in a real browser, against the daemon and the simulated hand."""

import time
from contextlib import contextmanager

import numpy as np
import pytest

from browser import PHONE, angles, arm, chromium, page_of, wait_state, wait_text
from myobridge.feed import feed_path
from myobridge.feed.prompts import Prompt, send_prompt
from myobridge.recording import Recording
from processes import running, simulated_hand
from viewers import address_in, view, watch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@contextmanager
def daemon(port, *arguments):
    with running("run", "--port", port, "--model", "synth", *arguments) as process:
        yield process


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    with simulated_hand(tmp_path_factory.mktemp("hand"), "--seed", 1) as hand:
        yield hand


@pytest.fixture(scope="module")
def url(hand):
    """The view of a running daemon, with control."""
    with daemon(hand.port, "--view", "--view-port", 0, "--control") as process:
        yield address_in(process.stderr)


def picture(page, canvas: str) -> str:
    return page.evaluate(f"document.getElementById('{canvas}').toDataURL()")


@pytest.mark.parametrize("canvas", ["emg", "spectrum"])
def test_traces_and_spectra_move(browser, url, canvas):
    with page_of(browser, url) as page:
        page.wait_for_selector("#connection.live")
        page.wait_for_timeout(1500)
        looks = set()
        for _ in range(5):
            looks.add(picture(page, canvas))
            page.wait_for_timeout(300)
    assert len(looks) == 5


def test_it_draws_at_30_frames_a_second_or_more(browser, url):
    with page_of(browser, url) as page:
        page.wait_for_selector("#connection.live")
        best = 0.0
        for _ in range(10):
            page.wait_for_timeout(1000)
            best = max(best, float(page.inner_text("#fps").split()[0]))
            if best >= 30:
                break
    assert best >= 30


def test_fingers_follow_the_predicted_angles(browser, url):
    with page_of(browser, url) as page:
        page.wait_for_selector("#fingers .meter")
        arm(page)
        rows, before = [], picture(page, "hand")
        until_s = time.monotonic() + 60
        while time.monotonic() < until_s:
            if page.inner_text("#state-name") != "ARMED":
                arm(page)
            rows.append(angles(page))
            page.wait_for_timeout(50)
            if len(rows) > 100 and np.ptp(np.array(rows)[:, :, 0], axis=0).min() > 30:
                break
        servo, predicted = np.array(rows)[:, :, 0], np.array(rows)[:, :, 1]
        assert np.ptp(servo, axis=0).min() > 30  # all five moved
        assert np.corrcoef(servo.ravel(), predicted.ravel())[0, 1] > 0.5
        assert picture(page, "hand") != before


def test_the_page_shows_what_the_daemon_reports(browser, url, hand):
    with page_of(browser, url) as page:
        page.wait_for_selector("#connection.live")
        assert hand.port in page.inner_text("#source")
        assert page.locator("#channels li").count() == 4
        assert page.locator("#fingers li").count() == 5
        assert "good contact" in page.inner_text("#channels li:first-child")
        wait_text(page, "#latency-p99", r"\d\.\d\d")
        assert page.inner_text("#samples-lost") == "none"
        assert page.inner_text("#fs-hz").endswith("Hz")
        page.wait_for_selector("#bands li")
        assert "hum" in page.inner_text("#bands li:first-child")


def test_contact_lights_name_the_fault_in_words(browser, tmp_path):
    noise = np.random.default_rng(1).normal(0, 40, (20_000, 4))
    noise[:, 1] = 0
    noise[:, 2] *= 50
    noise[:, 3] = 200 * np.sin(2 * np.pi * 50 * np.arange(20_000) / 2000)
    Recording(noise.clip(-512, 511).astype(np.int16), 2000.0, 10).save(tmp_path / "bad.npz")
    with simulated_hand(tmp_path, "--source", tmp_path / "bad.npz", "--loop") as hand:
        with (
            daemon(hand.port, "--view", "--view-port", 0) as process,
            page_of(browser, address_in(process.stderr)) as page,
        ):
            for channel, words in enumerate(("good contact", "flat", "saturated", "mains hum only"), start=1):
                wait_text(page, f"#channels li:nth-child({channel})", words)
            assert page.locator("#channels li.bad").count() == 3
            wait_text(page, "#bands li:nth-child(4)", r"hum \+\d+ dB")
            wait_text(page, "#spectrum-scale", "50 Hz")
            wait_text(page, "#note", "is flat: check")


def test_losses_are_counted_and_an_unplugged_hand_is_reported_and_found_again(browser, tmp_path):
    with simulated_hand(tmp_path, "--faults", "lost=1e-4,unplug=2@10") as hand:
        with (
            daemon(hand.port, "--view", "--view-port", 0) as process,
            page_of(browser, address_in(process.stderr)) as page,
        ):
            wait_text(page, "#samples-lost", r"\d+ \(")
            wait_text(page, "#crc-errors", r"\d")
            wait_state(page, "LOST")
            wait_text(page, "#state-text", "not connected")
            page.wait_for_selector("#emg-card.stale")
            wait_state(page, "DISARMED")
            page.wait_for_selector("#emg-card:not(.stale)")
            wait_text(page, "#reconnects", "[1-9]")


def test_arm_and_disarm_show_their_answers(browser, url):
    with page_of(browser, url) as page:
        page.wait_for_selector("#connection.live")
        arm(page)
        page.click("#disarm")
        wait_state(page, "DISARMED")
        assert "disarmed" in page.inner_text("#state-text")
        wait_text(page, "#note", "disarmed")


def test_a_hostile_viewer_is_disconnected_and_the_page_continues(browser, url):
    with page_of(browser, url) as page:
        page.wait_for_selector("#connection.live")
        with watch(url) as hostile:
            hostile.send("x" * 100_000)
        page.wait_for_timeout(500)
        before = picture(page, "emg")
        page.wait_for_timeout(500)
        assert picture(page, "emg") != before
        assert page.inner_text("#connection") == "live"


@pytest.mark.parametrize("size", [PHONE, {"width": 320, "height": 568}, {"width": 844, "height": 390}])
def test_on_a_phone_nothing_is_cut_off_and_estop_is_in_reach(browser, url, size):
    with page_of(browser, url, size, has_touch=True, is_mobile=True) as page:
        page.wait_for_selector("#connection.live")
        page.wait_for_selector("#bands li")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        for scroll in (0, 10_000):
            page.evaluate(f"scrollTo(0, {scroll})")
            box = page.locator("#estop").bounding_box()
            assert box["height"] >= 44
            assert box["x"] >= 0
            assert 0 <= box["y"] <= size["height"] - box["height"]
            assert box["x"] + box["width"] <= size["width"]


def test_every_element_has_a_name_for_screen_readers(browser, url):
    with page_of(browser, url) as page:
        page.wait_for_selector("#fingers .meter")
        state = page.locator("#state")
        assert state.get_attribute("aria-live") == "polite"
        assert state.get_attribute("role") == "status"
        assert page.locator("html").get_attribute("lang") == "en"
        for name in ("ARM", "DISARM", "ESTOP Esc or Space", "Switch between dark and light"):
            assert page.get_by_role("button", name=name, exact=True).count() == 1
        assert page.get_by_role("meter").count() == 5
        for servo in ("thumb", "index", "middle", "ring", "little"):
            assert page.get_by_role("meter", name=servo).get_attribute("aria-valuenow").isdigit()
        for canvas in ("EMG of each channel", "The hand", "Spectrum of each channel"):
            assert page.get_by_role("img", name=canvas).count() == 1


def test_dark_and_light_are_remembered(browser, url):
    with page_of(browser, url, color_scheme="dark") as page:
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.click("#theme")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert light != dark
        page.reload()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light


def test_a_recording_shows_its_prompt_with_the_pose(browser, url, hand):
    with page_of(browser, url) as page:
        page.wait_for_selector("#connection.live")
        prompt = Prompt(title="Fist", text="Close the hand.", progress=0.25, angles_deg=(180,) * 5, seconds_left=2.2)
        assert send_prompt(feed_path(hand.port), prompt)
        page.wait_for_selector("#prompt:not([hidden])")
        assert page.inner_text("#prompt-title") == "Fist"
        assert page.inner_text("#prompt-seconds") == "3 s"
        assert page.eval_on_selector("#prompt-progress", "bar => bar.value") == 0.25
        fist = picture(page, "prompt-hand")
        send_prompt(feed_path(hand.port), Prompt(title="Open", angles_deg=(0,) * 5))
        wait_text(page, "#prompt-title", "Open")
        page.wait_for_timeout(100)
        assert picture(page, "prompt-hand") != fist
        page.wait_for_selector("#prompt", state="hidden")


def test_without_control_the_page_says_so_and_sends_nothing(browser, url, hand):
    with view(hand.port) as showing, page_of(browser, showing) as page, page_of(browser, url) as other:
        page.wait_for_selector("#connection.live")
        assert not page.is_visible("#estop")
        assert "Control is off" in page.inner_text("#control-off")
        page.keyboard.press("Escape")
        assert "was not sent" in page.inner_text("#note")
        page.wait_for_timeout(500)
        assert other.inner_text("#state-name") != "ESTOP"


def test_the_page_survives_a_restart_of_the_daemon_and_of_the_view(browser, tmp_path):
    with simulated_hand(tmp_path) as hand:
        with running("view", "--port", hand.port, "--view-port", 0) as served:
            address = address_in(served.stdout)
            with page_of(browser, address) as page:
                wait_state(page, "NO DAEMON")
                assert "myobridge run" in page.inner_text("#state-text")
                for _ in range(2):
                    with daemon(hand.port):
                        page.wait_for_selector("#connection.live")
                        page.wait_for_selector("#emg-card:not(.stale)")
                        before = picture(page, "emg")
                        page.wait_for_timeout(300)
                        assert picture(page, "emg") != before
                    wait_state(page, "NO DAEMON")
                    page.wait_for_selector("#emg-card.stale")
                with daemon(hand.port):
                    page.wait_for_selector("#connection.live")
                    served.terminate()
                    wait_state(page, "NO CONNECTION")
                    again = ("--view-port", address.rstrip("/").rpartition(":")[2])
                    with running("view", "--port", hand.port, *again):
                        page.wait_for_selector("#connection.live")


@pytest.mark.parametrize("way", ["Escape", "Space", "click", "enter"])
def test_estop_stops_the_hand(browser, tmp_path, way):
    with simulated_hand(tmp_path) as hand, daemon(hand.port, "--view", "--view-port", 0, "--control") as process:
        with page_of(browser, address_in(process.stderr)) as page:
            page.wait_for_selector("#connection.live")
            arm(page)
            page.focus("#arm")  # Space must not press it
            match way:
                case "click":
                    page.click("#estop")
                case "enter":
                    page.focus("#estop")
                    page.keyboard.press("Enter")
                case key:
                    page.keyboard.press(key)
            wait_state(page, "ESTOP")
            assert "emergency stop" in page.inner_text("#state-text")
            page.wait_for_timeout(500)
            stopped = [servo for servo, _ in angles(page)]
            page.wait_for_timeout(1500)
            assert [servo for servo, _ in angles(page)] == stopped
            page.click("#arm")
            page.wait_for_timeout(1000)
            assert page.inner_text("#state-name") == "ESTOP"
    assert hand.summary["state"] == "ESTOP"


def test_an_estop_that_cannot_be_sent_is_reported(browser, tmp_path):
    with running("view", "--port", tmp_path / "hand", "--view-port", 0, "--control") as served:
        with page_of(browser, address_in(served.stdout)) as page:
            wait_state(page, "NO DAEMON")
            page.keyboard.press("Escape")
            wait_text(page, "#note", "No daemon")
            served.terminate()
            wait_state(page, "NO CONNECTION")
            page.keyboard.press("Escape")
            assert "WAS NOT SENT" in page.inner_text("#note")
