"""`view --channels` and `doctor --channels`: a board's channels without a model and without a daemon."""

import json

import pytest

from browser import PHONE, chromium, page_of, wait_state, wait_text
from page_messages import columns_of, power_db_of
from processes import myobridge, running, simulated_hand
from viewers import address_in, until, view, watch

SLOW = [pytest.mark.slow, pytest.mark.timeout(400)]
RATES_HZ = {1: 2000, 4: 2000, 8: 2000, 16: 1000, 64: 250}


def hand_of(folder, channels):
    return simulated_hand(folder, "--channels", channels, "--fs", RATES_HZ[channels], "--seed", 1)


@pytest.mark.parametrize("channels", RATES_HZ)
def test_the_view_shows_the_channels_of_a_board_and_loses_nothing(tmp_path, channels):
    with hand_of(tmp_path, channels) as hand, view(hand.port, "--channels", channels) as url, watch(url) as viewer:
        hello = until(viewer, "hello")
        assert hello["scope"]
        assert not hello["control"]
        columns = columns_of(until(viewer, "emg", lambda message: any(columns_of(message))))
        assert {len(column) for column in columns if column} == {2 * channels}
        scope = until(viewer, "scope", lambda message: message["samples_received"] > RATES_HZ[channels])
        assert len(scope["channels"]) == len(scope["contact"]) == channels
        assert len(power_db_of(until(viewer, "lines"))) == channels
    assert hand.summary["state"] == "DISARMED"


def test_a_filter_is_chosen_for_all_pages(tmp_path):
    with hand_of(tmp_path, 4) as hand, view(hand.port, "--channels", 4) as url, watch(url) as one, watch(url) as other:
        one.send('{"filter":"no50"}')
        assert until(other, "filtered")["filter"] == "no50"
        assert until(other, "lines", lambda message: max(message["mains_db"]) < 0)
        with watch(url) as late:
            assert until(late, "filtered")["filter"] == "no50"


@pytest.mark.parametrize("said", ['{"filter":"pink"}', '{"fault":"hum","on":true}', '{"filter":"raw","x":1}'])
def test_a_view_disconnects_a_page_that_asks_for_something_else(tmp_path, said):
    with view(tmp_path / "none") as url, watch(url) as viewer:
        viewer.send(said)
        with pytest.raises(Exception, match="1007"):
            while True:
                viewer.recv(timeout=60)


def test_more_channels_than_the_board_has_are_said_in_the_page(tmp_path):
    with hand_of(tmp_path, 4) as hand, view(hand.port, "--channels", 8) as url, watch(url) as viewer:
        said = until(viewer, "link", lambda message: "refused" in message["text"] or "inputs" in message["text"])
    assert not said["up"]


def test_channels_and_control_exclude_each_other(tmp_path):
    result = myobridge("view", "--port", tmp_path / "none", "--channels", 4, "--control")
    assert result.returncode == 1
    assert result.stderr == (
        "myobridge: --control needs a daemon, and --channels works without one; leave one of them out.\n"
    )


def test_the_doctor_examines_channels_without_a_model(tmp_path):
    with hand_of(tmp_path, 8) as hand:
        result = myobridge("doctor", "--port", hand.port, "--channels", 8, "--no-clench", "--seconds", 1, "--json", "-")
    facts = json.loads(result.stdout)["facts"]
    assert len(facts["channels"]) == 8
    assert facts["system"]["inference_ms"] is None


def test_the_doctor_takes_a_model_or_channels(tmp_path):
    result = myobridge("doctor", "--port", tmp_path / "none", "--channels", 8, "--model", "synth")
    assert result.returncode == 1
    assert result.stderr == "myobridge: --channels and --model exclude each other; leave one of them out.\n"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


class TestInABrowser:
    pytestmark = SLOW

    @pytest.mark.parametrize("channels", RATES_HZ)
    @pytest.mark.parametrize("size", [None, PHONE], ids=["desktop", "phone"])
    def test_each_channel_has_its_trace_its_spectrum_and_its_verdict(self, tmp_path, browser, channels, size):
        with hand_of(tmp_path, channels) as hand, view(hand.port, "--channels", channels) as url:
            with page_of(browser, url, size) as page:
                wait_state(page, "LISTENING")
                wait_text(page, "#channels li:last-child", f"EMG {channels}good contact")
                page.wait_for_selector("#bands li")
                assert page.locator("#channels li").count() == page.locator("#bands li").count() == channels
                tops = page.eval_on_selector_all("#channels li", "all => all.map(li => li.getBoundingClientRect().y)")
                assert all(below - above >= 15 for above, below in zip(tops, tops[1:], strict=False))
                width = (size or {"width": 1280})["width"]
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert not page.is_visible("#hand-card")

    def test_the_scale_is_in_microvolts_where_the_gain_is_given(self, tmp_path, browser):
        (tmp_path / "amplifier.toml").write_text("[amplifier]\ngain = 1000\n")
        options = ("--channels", 4, "--config", tmp_path / "amplifier.toml")
        with hand_of(tmp_path, 4) as hand, view(hand.port, *options) as url, page_of(browser, url) as page:
            wait_text(page, "#emg-scale", r"^±\d+ counts = ±[\d ]+ µV, ")
            page.select_option("#filter", "no60")
            wait_text(page, "#emg-scale", r"^±\d+ counts = ±[\d ]+ µV, ")

    def test_a_board_that_is_unplugged_is_found_again(self, tmp_path, browser):
        options = ("--channels", 4, "--fs", 2000, "--link", tmp_path / "hand", "--faults", "unplug=3@8")
        with running("simulate", *options) as hand:
            hand.stdout.readline()
            with running("view", "--port", tmp_path / "hand", "--channels", 4, "--view-port", 0) as scope:
                with page_of(browser, address_in(scope.stdout)) as page:
                    wait_state(page, "LISTENING")
                    wait_state(page, "NO BOARD")
                    wait_state(page, "LISTENING")
