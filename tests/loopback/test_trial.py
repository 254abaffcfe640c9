"""`myobridge trial` on a running daemon, in a terminal and in the page."""

import json
import re
import signal
from contextlib import contextmanager

import pytest

from browser import DESKTOP, PHONE, chromium, page_of, wait_text
from processes import running
from viewers import address_in, get

pytestmark = pytest.mark.real_time


@contextmanager
def daemon_of(folder, monkeypatch, *options):
    """A daemon on a simulated hand whose wearer follows prompts; gives the daemon's process."""
    monkeypatch.chdir(folder)
    with running("simulate", "--link", "hand", "--follow-cues", "--seed", 1) as hand:
        hand.stdout.readline()
        with running("run", "--port", "hand", "--model", "synth", *options) as daemon:
            yield daemon


def test_a_person_who_stops_a_trial_keeps_what_was_done_and_the_hand_stays_disarmed(tmp_path, monkeypatch):
    with daemon_of(tmp_path, monkeypatch, "--view", "--view-port", 0) as daemon:
        address_in(daemon.stderr)
        with running("trial", "--port", "hand", "--task", "practice", "--seed", 1, "--out", "t.myo") as trial:
            for line in trial.stderr:
                if "Next:" in line:
                    break
            trial.send_signal(signal.SIGINT)
            said, stdout = trial.stderr.read(), trial.stdout.read()
            assert trial.wait(30) == 0, said
    assert "ended early, after 1 of 8 targets" in stdout
    assert "the angles that the daemon commands" in stdout
    result = json.loads((tmp_path / "t.trial.json").read_text(encoding="utf-8"))
    assert (result["finished"], len(result["targets"])) == (False, 1)
    assert "armed" not in daemon.stderr.read().replace("disarmed", "")


def test_the_page_shows_the_target_the_hand_and_the_result(tmp_path, monkeypatch):
    with daemon_of(tmp_path, monkeypatch, "--view", "--view-port", 0) as daemon, chromium() as browser:
        url = address_in(daemon.stderr)
        with page_of(browser, url + "trial", DESKTOP) as page, page_of(browser, url, PHONE) as phone:
            wait_text(page, "#title", "^No trial runs$")
            with running("trial", "--port", "hand", "--task", "practice", "--targets", 1, "--seed", 1) as trial:
                page.wait_for_selector('#game[data-stage="target"]')
                name = page.inner_text("#title")
                assert page.locator("#bars li").count() == 5
                assert "target" in page.get_attribute("#bars .zone", "aria-valuetext") or "more" in page.get_attribute(
                    "#bars .zone", "aria-valuetext"
                )
                phone.wait_for_selector("#prompt-trial:not([hidden])")
                assert phone.inner_text("#prompt-title") == name
                page.wait_for_selector('#game[data-stage="done"]')
                assert trial.wait(30) == 0
            assert "1 targets reached" in page.inner_text("#result")
            assert "points" in page.inner_text("#score")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            phone.goto(url + "trial")
            assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_of_the_trial_needs_the_token_as_the_live_view_does(tmp_path, monkeypatch):
    with daemon_of(tmp_path, monkeypatch, "--view", "--view-port", 0, "--bind", "0.0.0.0") as daemon:
        url, _, token = re.sub("//[^:]+", "//127.0.0.1", address_in(daemon.stderr)).partition("?")
        assert get(f"{url}trial?{token}")[0] == 200
        assert get(f"{url}trial")[0] == 403
