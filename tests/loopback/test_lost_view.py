"""A view that dies or hangs while a page has control: the daemon itself disarms the hand."""

import json
import signal
from contextlib import contextmanager, suppress
from threading import Thread

import pytest
from websockets.exceptions import ConnectionClosed

from myobridge.feed import FeedClient
from processes import running, simulated_hand, wait_for_emg
from viewers import address_in, until, watch


@contextmanager
def armed_by_a_page(folder):
    """The feed of a daemon whose hand a page has armed, and the process of the view."""
    with simulated_hand(folder) as hand, running("run", "--port", hand.port, "--model", "synth"):
        wait_for_emg(hand.port)
        with running("view", "--port", hand.port, "--view-port", 0, "--control") as process:
            with watch(address_in(process.stdout)) as viewer, FeedClient(hand.port) as feed:
                feed.subscribe("snapshots")
                until(viewer, "look", lambda look: look["snapshot"]["withheld"] == "no")
                viewer.send(json.dumps({"do": "arm"}))
                assert until(viewer, "answer")["ok"]
                Thread(target=read, args=(viewer,), daemon=True).start()
                yield feed, process, viewer


def read(viewer):
    """A page that nobody reads answers no ping, and is lost."""
    with suppress(ConnectionClosed):
        for _ in viewer:
            pass


def until_state(feed, state, most=2000):
    for _ in range(most):
        look = feed.receive(30)
        if look.state == state:
            return look
    raise AssertionError(f"the hand was never {state}")


def still_armed(feed, snapshots):
    return all(feed.receive(30).state == "ARMED" for _ in range(snapshots))


@pytest.mark.slow
def test_a_view_that_is_killed_while_a_page_has_control_leaves_a_disarmed_hand(tmp_path):
    with armed_by_a_page(tmp_path) as (feed, process, _):
        until_state(feed, "ARMED")
        assert still_armed(feed, 75), "a view that lives renews its lease"
        process.kill()
        assert "gone for 2 s" in until_state(feed, "DISARMED").note


@pytest.mark.slow
def test_a_view_that_hangs_while_a_page_has_control_leaves_a_disarmed_hand(tmp_path):
    with armed_by_a_page(tmp_path) as (feed, process, _):
        until_state(feed, "ARMED")
        process.send_signal(signal.SIGSTOP)
        try:
            assert "gone for 2 s" in until_state(feed, "DISARMED").note
        finally:
            process.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_a_view_that_is_killed_after_its_page_gave_up_control_changes_nothing(tmp_path):
    with armed_by_a_page(tmp_path) as (feed, process, viewer):
        until_state(feed, "ARMED")
        viewer.send(json.dumps({"control": "give", "page": "0a" * 8}))
        assert still_armed(feed, 25)
        process.kill()
        assert still_armed(feed, 75)
