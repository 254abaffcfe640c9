"""A running daemon, watched and commanded through its feed."""

import json
import os
import signal
import socket
import stat
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest

from myobridge.errors import printable
from myobridge.feed import Chunk, FeedClient, NoDaemon, Snapshot, feed_path
from myobridge.feed.messages import LOST, REQUEST, pack
from myobridge.feed.server import SNAPSHOT_S
from myobridge.wire import messages as m
from myobridge.wire.emg import parse_emg
from myobridge.wire.frame import FrameDecoder
from processes import feed_of, myobridge, running, simulated_hand
from tiny_model import tiny_spec, write_tiny_model

FS_HZ = 1000
FRAME_SAMPLES = 5


@pytest.fixture
def model(tmp_path):
    return write_tiny_model(tmp_path / "tiny.onnx")


def daemon_on(hand, model, *arguments):
    return running("run", "--port", hand.port, "--model", model, *arguments)


def messages_of(feed, seconds):
    until_s = time.monotonic() + seconds
    while (left_s := until_s - time.monotonic()) > 0:
        if (message := feed.receive(left_s)) is not None:
            yield message


def looks_until(feed, condition, within_s=60):
    for look in messages_of(feed, within_s):
        if isinstance(look, Snapshot) and condition(look):
            return look
    raise AssertionError("it was not to be seen in time")


def emg_of(chunks, channels=2):
    frames = FrameDecoder()
    for chunk in chunks:
        for frame in frames.feed(chunk.data):
            if frame[0] == m.Emg.TYPE:
                yield parse_emg(frame, channels)
    assert frames.counters.crc_errors <= 1  # the subscription may begin within a frame


def test_subscribers_get_the_exact_bytes_and_snapshots_with_names_and_reasons(tmp_path, model):
    with simulated_hand(tmp_path, "--fs", FS_HZ, "--channels", 2) as hand, daemon_on(hand, model) as daemon:
        with feed_of(hand.port) as feed, feed_of(hand.port) as other:
            other.subscribe("bytes")
            about = feed.subscribe("bytes", "snapshots")
            looks_until(feed, lambda look: look.predicted_deg)
            received = list(messages_of(feed, 2.0))
            about = feed.request("about").about
            also_received = sum(len(chunk.data) for chunk in messages_of(other, 0.5))
        assert stat.S_IMODE(feed_path(hand.port).stat().st_mode) == 0o600
        daemon.send_signal(signal.SIGINT)
        daemon.wait(60)
        assert not feed_path(hand.port).exists()

    chunks = [message for message in received if isinstance(message, Chunk)]
    assert np.diff([chunk.t_s for chunk in chunks]).min() > 0
    indices = [index for index, _, _ in emg_of(chunks)]
    assert indices[-1] - indices[0] == pytest.approx(2.0 * FS_HZ, rel=0.1)
    assert set(np.diff(indices)) == {FRAME_SAMPLES}  # none is missing
    assert also_received > sum(len(chunk.data) for chunk in chunks)

    assert about.spec == tiny_spec()
    assert about.ident.adc_bits == 10
    assert about.config.channel_mask == 0b11
    assert about.model_path == str(model)

    looks = [message for message in received if isinstance(message, Snapshot)]
    assert len(looks) == pytest.approx(2.0 / SNAPSHOT_S, rel=0.3)
    look = looks[-1]
    assert look.channels == about.spec.channels
    assert look.servos[0] == "thumb"
    assert len(look.level) == len(look.contact) == 2
    assert (look.state, look.explained) == ("DISARMED", "The hand is disarmed.")
    assert (look.model, look.feed_drops, look.unexpected_frames) == ("tiny", 0, 0)


def test_requests_through_the_feed_arm_disarm_and_stop_the_hand(tmp_path):
    with simulated_hand(tmp_path) as hand:
        with daemon_on(hand, "synth", "--json", tmp_path / "run.json"), feed_of(hand.port) as feed:
            feed.subscribe("snapshots")
            looks_until(feed, lambda look: look.predicted_deg)
            for do, state in (("arm", "ARMED"), ("disarm", "DISARMED"), ("arm", "ARMED"), ("estop", "ESTOP")):
                reply = feed.request(do)
                assert reply.ok, reply.text
                look = looks_until(feed, lambda look, state=state: look.state == state)
                assert look.may_move == (state == "ARMED")
            assert "in force" in look.blocked
            assert not feed.request("arm").ok
    assert hand.summary["state"] == "ESTOP"
    assert json.loads((tmp_path / "run.json").read_text())["state"] == "ESTOP"


def test_another_model_takes_over_while_the_stream_continues(tmp_path, model):
    wider = write_tiny_model(tmp_path / "wider.onnx", tiny_spec(name="wider", window_samples=80, hop_samples=10))
    foreign = write_tiny_model(tmp_path / "three.onnx", tiny_spec(channels=tuple("abc"), scale_fs=(1.0,) * 3))
    other_rate = write_tiny_model(tmp_path / "fast.onnx", tiny_spec(fs_hz=2000.0))
    with simulated_hand(tmp_path, "--fs", FS_HZ, "--channels", 4) as hand:
        with daemon_on(hand, model, "--json", tmp_path / "run.json") as daemon, feed_of(hand.port) as feed:
            feed.subscribe("bytes", "snapshots")
            looks_until(feed, lambda look: look.predicted_deg)
            refused = {path: feed.request("model", path=str(path)) for path in (foreign, other_rate, tmp_path / "no")}
            assert feed.request("arm").ok
            refused["armed"] = feed.request("model", path=str(wider))
            assert feed.request("disarm").ok
            assert not any(reply.ok for reply in refused.values())
            assert "takes 3 channels at 1000 Hz, but the board streams 2 at 1000 Hz" in refused[foreign].text
            assert "2000 Hz, but the board streams 2 at 1000 Hz" in refused[other_rate].text
            assert "There is no model" in refused[tmp_path / "no"].text
            assert "disarm it first" in refused["armed"].text

            taken_over = feed.request("model", path=str(wider))
            assert (taken_over.ok, taken_over.text) == (True, "The model is now wider.")
            assert feed.request("about").about.model_path == str(wider)
            assert looks_until(feed, lambda look: look.predicted_deg and look.model == "wider")
            assert feed.request("arm").ok
            received = list(messages_of(feed, 0.5))
            daemon.send_signal(signal.SIGINT)
            daemon.wait(60)
    indices = [index for index, _, _ in emg_of([message for message in received if isinstance(message, Chunk)])]
    assert set(np.diff(indices)) == {FRAME_SAMPLES}
    summary = json.loads((tmp_path / "run.json").read_text())
    assert (summary["model"], summary["window_samples"]) == ("wider", 80)
    assert (summary["samples_lost"], summary["restarts"], summary["reconnects"]) == (0, 0, 0)
    assert summary["samples_received"] == pytest.approx(summary["seconds"] * FS_HZ, rel=0.05)


def test_snapshots_say_that_the_hand_is_lost_and_that_it_is_back(tmp_path, model):
    with simulated_hand(tmp_path, "--fs", FS_HZ, "--channels", 2, "--faults", "unplug=1@3") as hand:
        with daemon_on(hand, model, "--arm"), feed_of(hand.port) as feed:
            feed.subscribe("snapshots")
            looks_until(feed, lambda look: look.state == "ARMED")
            lost = looks_until(feed, lambda look: look.state == LOST)
            assert "reconnecting" in lost.note
            assert not lost.may_move
            assert feed.request("arm").text == lost.explained
            back = looks_until(feed, lambda look: "connected again" in look.note)
            assert back.state == "DISARMED"
            assert back.reconnects > 0


def test_a_second_daemon_is_refused_and_the_feed_of_a_killed_daemon_is_replaced(tmp_path, model):
    with simulated_hand(tmp_path, "--fs", FS_HZ, "--channels", 2) as hand:
        with daemon_on(hand, model) as first, feed_of(hand.port) as feed:
            second = myobridge("run", "--port", hand.port, "--model", model)
            assert second.returncode == 1
            (line,) = second.stderr.splitlines()
            assert f"{hand.port} is in use by another program" in line
            assert feed.subscribe("snapshots")
            looks_until(feed, lambda look: look.state == "DISARMED")
            first.kill()
            with pytest.raises(NoDaemon, match="has ended"):
                list(messages_of(feed, 10))
        assert feed_path(hand.port).exists()
        with daemon_on(hand, model), feed_of(hand.port) as feed:
            feed.subscribe("snapshots")
            looks_until(feed, lambda look: look.state == "DISARMED")


@pytest.mark.slow
def test_a_crowd_that_floods_the_feed_does_not_stop_the_hand(tmp_path):
    flood = [
        pack(REQUEST, b'{"id": 1, "do": "about"}') * 100,
        pack(REQUEST, b'{"id": 1, "do": "model", "path": "/dev/zero"}') * 20,
        pack(REQUEST, b'{"id": 1, "do": "subscribe", "want": ["bytes", "snapshots"]}') * 50,
        pack(REQUEST, b"{") * 500,
        bytes(range(256)) * 16,
    ]
    with simulated_hand(tmp_path) as hand, ExitStack() as crowd:
        with daemon_on(hand, "synth", "--arm", "--json", tmp_path / "run.json"):
            with feed_of(hand.port) as feed:
                feed.subscribe("snapshots")
                looks_until(feed, lambda look: look.state == "ARMED")
            until_s = time.monotonic() + 60
            while time.monotonic() < until_s:
                client = crowd.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                client.setblocking(False)
                for message in flood:
                    with suppress(OSError):  # the queue is full, or the client was disconnected
                        client.connect(os.fspath(feed_path(hand.port)))
                    with suppress(OSError):
                        client.send(message)
                time.sleep(0.01)
    summary = json.loads((tmp_path / "run.json").read_text())
    assert summary["state"] == "ARMED"
    assert summary["feed_refused"] > 0
    assert summary["samples_lost"] == 0


@pytest.mark.slow
def test_a_client_that_stops_reading_harms_no_other_and_is_counted(tmp_path, model):
    with simulated_hand(tmp_path, "--fs", FS_HZ, "--channels", 2) as hand:
        with daemon_on(hand, model, "--json", tmp_path / "run.json"), feed_of(hand.port) as reads:
            reads.subscribe("bytes")
            with FeedClient(hand.port) as sleeps:
                sleeps.subscribe("snapshots")
                chunks = list(messages_of(reads, 12.0))
    indices = [index for index, _, _ in emg_of(chunks)]
    assert set(np.diff(indices)) == {FRAME_SAMPLES}
    summary = json.loads((tmp_path / "run.json").read_text())
    assert summary["feed_drops"] > 0
    assert summary["feed_refused"] == summary["unexpected_frames"] == summary["samples_lost"] == 0


@pytest.mark.parametrize("name", [b"other", b"tty\xff"], ids=["a link", "a name that is no text"])
def test_a_daemon_is_found_by_another_name_of_its_port_and_reports_its_own(tmp_path, name):
    with simulated_hand(tmp_path) as hand:
        other = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
        Path(other).symlink_to(Path(hand.port).resolve())
        for port, asked in ((hand.port, other), (other, hand.port)):
            with running("run", "--port", port, "--model", "synth") as daemon:
                with feed_of(asked) as feed:
                    assert feed.request("about").about.port == printable(port)
                assert daemon.poll() is None
