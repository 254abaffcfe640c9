"""The demo's page in a real browser: its buttons break something, and the page says what the hand does, and why."""

import socket
import stat

import pytest

from browser import PHONE, arm, chromium, page_of, wait_state, wait_text
from processes import running
from terminals import in_terminal
from viewers import address_in, watch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def url():
    with running("demo", "--view", "--view-port", 0) as demo:
        yield address_in(demo.stderr)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser, url):
    """The demo's page with an armed hand."""
    with page_of(browser, url) as page:
        page.wait_for_selector("#fault-buttons button")
        arm(page)
        yield page


def press(page, label):
    page.click(f"#fault-buttons button:text-is('{label}')")


def test_a_pulled_cable_lets_the_hand_hold_and_open_and_nothing_arms_it_again(page):
    press(page, "Pull the cable")
    wait_text(page, "#fault-text", "^The cable is out.*The hand holds its pose")
    wait_state(page, "LOST")
    wait_text(page, "#fault-text", "The hand is open and its servos are off")
    press(page, "Plug the cable in")
    wait_state(page, "DISARMED")
    wait_text(page, "#fault-text", "Press ARM to go on")
    arm(page)


def test_a_lifted_electrode_is_named_and_withholds_setpoints(page):
    press(page, "Lift electrode 2")
    wait_text(page, "#channels li:nth-child(2)", "mains hum only")
    wait_text(page, "#note", "channel EMG 2 carries little but mains hum")
    wait_text(page, "#fault-text", "^Electrode 2 is off the skin")
    wait_state(page, "(HOLD|RELAX)")
    press(page, "Put electrode 2 back")
    wait_text(page, "#channels li:nth-child(2)", "good contact")
    arm(page)


def test_a_frozen_daemon_is_silent_and_the_board_opens_the_hand_by_itself(page):
    press(page, "Freeze the daemon")
    wait_state(page, "NO DAEMON")
    wait_text(page, "#fault-state", "^RELAX$")
    press(page, "Let the daemon go on")
    wait_state(page, "RELAX")
    arm(page)


def test_a_board_that_was_switched_off_and_on_comes_out_of_an_emergency_stop(page):
    page.click("#estop")
    wait_state(page, "ESTOP")
    page.click("#lift")
    page.click("#lift-confirm")
    wait_text(page, "#status", "switch the board's power off and on")
    press(page, "Switch the board off")
    wait_state(page, "LOST")
    press(page, "Switch the board on")
    wait_state(page, "DISARMED")
    arm(page)


def test_the_page_shows_how_far_the_wearers_fingers_are(page):
    wait_text(page, "#error", r"^\d+° apart$")
    assert page.locator("#fingers .diamond").count() == 5


def test_a_second_page_shows_the_faults_of_the_first(browser, url, page):
    press(page, "Shift the cuff")
    with page_of(browser, url, PHONE) as other:
        wait_text(other, "#fault-buttons", "Put the cuff back")
        assert other.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    press(page, "Put the cuff back")
    wait_text(page, "#fault-buttons", "Shift the cuff")


@pytest.mark.parametrize("said", ['{"fault":"flood","on":true}', '{"fault":"hum"}', '{"fault":"hum","on":true,"x":1}'])
def test_the_demo_disconnects_a_page_that_asks_for_something_else(url, said):
    with watch(url) as viewer:
        viewer.send(said)
        with pytest.raises(Exception, match="1007"):
            while True:
                viewer.recv(timeout=60)


def test_the_demo_opens_the_page_in_the_browser_of_this_computer(tmp_path):
    opened, script = tmp_path / "opened", tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    with in_terminal("demo", "--seconds", 2, "--view-port", 0, BROWSER=str(script)) as terminal:
        said = terminal.read_to_the_end(60)
        assert terminal.process.wait(60) == 0
    address = opened.read_text().strip()
    assert f"View: {address} (control is on). Ctrl-C ends the demo." in said.replace("\n", "")


def test_without_a_browser_the_terminal_shows_the_demo_and_says_so():
    nothing = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    with in_terminal("demo", "--seconds", 2, **nothing) as terminal:
        said = terminal.read_to_the_end(60)
        assert terminal.process.wait(60) == 0
    assert "There is no browser here, so this terminal shows the demo; `--view` serves the page all the same." in said
    assert "thumb" in said
    assert "View: " not in said


def test_a_port_that_is_taken_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with running("demo", "--view", "--view-port", taken) as demo:
            assert demo.wait(60) == 1
            said = demo.stderr.read()
    assert said == (
        f"myobridge: The view's port {taken} is in use; choose another with --view-port, "
        "or end the program that uses it.\n"
    )
