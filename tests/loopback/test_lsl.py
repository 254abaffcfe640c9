"""The hand as LSL streams, read by a client like a laboratory's. Processes: hand, daemon, `myobridge lsl`."""

import math
import os
import signal
import subprocess
import time
from contextlib import contextmanager

import numpy as np
import pytest

from myobridge.feed.audience import Audience
from myobridge.feed.lsl import StampedEmg
from myobridge.feed.prompts import Prompt
from myobridge.recording import Recording
from myobridge.simulator.pty_port import PtyPort
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder, encode
from own_lsl import pylsl
from processes import command, feed_of, myobridge, running, simulated_hand

FS_HZ = 2000.0
SERVOS = ["thumb", "index", "middle", "ring", "little"]


@contextmanager
def laboratory(folder, *source):
    """A hand, its daemon and its streams; yields the daemon and a function that opens the stream of a name."""
    with (
        simulated_hand(folder, *source) as hand,
        running("run", "--port", hand.port, "--model", "synth") as daemon,
    ):
        feed_of(hand.port).close()
        with running("lsl", "--port", hand.port) as streams:
            inlets = []

            def inlet(name):
                infos = pylsl.resolve_byprop("name", f"myobridge {name}", timeout=20)
                if not infos:
                    streams.send_signal(signal.SIGINT)
                    pytest.fail(f"no stream {name}: {streams.communicate(timeout=60)}")
                inlets.append(pylsl.StreamInlet(infos[0]))
                inlets[-1].open_stream(timeout=10)
                return inlets[-1]

            yield daemon, inlet
            for opened in inlets:
                opened.close_stream()


def pull(inlet, seconds):
    """Samples (n, channels) and stamps (n,) of a number of seconds."""
    samples, stamps, until_s = [], [], time.monotonic() + seconds
    while time.monotonic() < until_s:
        new, times = inlet.pull_chunk(timeout=0.1)
        samples += new
        stamps += times
    return np.array(samples), np.array(stamps)


def pull_until(inlet, wanted, within_s=60):
    """The markers up to the wanted one."""
    seen, until_s = [], time.monotonic() + within_s
    while time.monotonic() < until_s:
        new, _ = inlet.pull_chunk(timeout=0.1)
        seen += [text for (text,) in new]
        if wanted in seen:
            return seen
    return pytest.fail(f"no marker {wanted!r} among {seen}")


@pytest.fixture
def numbered(tmp_path):
    """A recording with numbered samples: channel 0 counts them, channel 1 counts the wraps of channel 0."""
    index = np.arange(60 * int(FS_HZ))
    counts = np.column_stack([index % 10_000, index // 10_000, -(index % 7), index % 3]).astype(np.int16)
    Recording(counts, FS_HZ, adc_bits=16).save(tmp_path / "numbered.npz")
    return "--source", tmp_path / "numbered.npz"


def test_emg_arrives_complete_in_order_at_its_rate_and_with_its_description(tmp_path, numbered):
    with laboratory(tmp_path, *numbered) as (_daemon, open_stream):
        inlet = open_stream("EMG")
        info = inlet.info(timeout=10)
        samples, stamps = pull(inlet, 4)
        now_s = pylsl.local_clock()
    index = samples[:, 0] + 10_000 * samples[:, 1]
    assert len(index) > 3 * FS_HZ
    assert (np.diff(index) == 1).all()
    assert (samples[:, 2] == -(index % 7)).all()
    assert (np.diff(stamps) > 0).all()
    settled = slice(len(stamps) // 2, None)  # the sample clock has measured its first second
    slope_s = np.polyfit(np.arange(len(stamps[settled])), stamps[settled], 1)[0]
    assert 1 / slope_s == pytest.approx(FS_HZ, rel=5e-3)
    assert -0.05 < now_s - stamps[-1] < 1.0  # taken a moment ago, by LSL's own clock
    assert (info.type(), info.channel_count(), info.nominal_srate()) == ("EMG", 4, FS_HZ)
    assert info.channel_format() == pylsl.cf_int16
    channel, labels = info.desc().child("channels").child("channel"), []
    while not channel.empty():
        labels.append(channel.child_value("label"))
        assert (channel.child_value("unit"), channel.child_value("type")) == ("counts", "EMG")
        channel = channel.next_sibling("channel")
    assert labels == [f"EMG {i}" for i in range(1, 5)]
    acquisition = info.desc().child("acquisition")
    assert (acquisition.child_value("model"), acquisition.child_value("adc_bits")) == ("simulated", "16")


def test_angles_and_events_of_a_hand_that_is_armed_and_disarmed(tmp_path):
    with laboratory(tmp_path) as (daemon, open_stream):
        angles, markers = open_stream("angles"), open_stream("markers")
        info = angles.info(timeout=10)
        pull_until(markers, "model synth")  # a new listener gets the present state
        os.kill(daemon.pid, signal.SIGUSR1)
        pull_until(markers, "state ARMED")
        samples, stamps = pull(angles, 2)
        os.kill(daemon.pid, signal.SIGUSR2)
        assert "state DISARMED" in pull_until(markers, "reason host_disarmed")
    assert info.nominal_srate() == pylsl.IRREGULAR_RATE
    assert info.get_channel_labels() == [f"{what} {servo}" for what in ("predicted", "applied") for servo in SERVOS]
    assert len(samples) > 20
    assert (np.diff(stamps) > 0).all()
    seen = samples[~np.isnan(samples).any(axis=1)]
    assert len(seen) and (seen >= 0).all() and (seen <= 180).all()
    assert np.ptp(seen[:, :5]) > 5  # the wearer moves


def test_prompts_for_the_wearer_become_markers(tmp_path):
    with laboratory(tmp_path) as (_daemon, open_stream):
        markers = open_stream("markers")
        pull_until(markers, "model synth")
        audience = Audience(str(tmp_path / "hand"))
        for title in ("Rest", "Fist", "Fist"):
            audience.tell(Prompt(title=title))
            time.sleep(0.1)
        audience.leave()
        seen = pull_until(markers, "cue none")
    assert [text for text in seen if text.startswith("cue")] == ["cue Rest", "cue Fist", "cue none"]


def test_the_end_of_the_daemon_is_reported_in_a_sentence(tmp_path):
    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, "--model", "synth") as daemon:
        feed_of(hand.port).close()
        with running("lsl", "--port", hand.port) as streams:
            time.sleep(1.5)
            daemon.send_signal(signal.SIGINT)
            daemon.communicate(timeout=60)
            _, errors = streams.communicate(timeout=60)
    assert streams.returncode == 1
    assert "has ended" in errors
    assert "Traceback" not in errors


def test_without_a_daemon_lsl_says_what_to_start():
    port = PtyPort(None)
    result = myobridge("lsl", "--port", port.path)
    port.unplug()
    assert result.returncode == 1
    assert "No daemon runs on" in result.stderr


@pytest.mark.parametrize(
    ("hide", "words"),
    [("pylsl", "pip install 'myobridge[lsl]'"), ("liblsl", "finds no liblsl")],
)
def test_without_the_library_lsl_says_what_to_install(tmp_path, hide, words):
    error = "ImportError" if hide == "pylsl" else "RuntimeError"
    (tmp_path / "pylsl.py").write_text(f"raise {error}('not here')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    result = subprocess.run(
        command("lsl", "--port", "x"), env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 1
    assert words in result.stderr
    assert "Traceback" not in result.stderr


# --- time stamps -------------------------------------------------------------------------------------------


def emg_frame(index, samples=5):
    """An EMG frame of one channel whose counts are the index."""
    payload = m.Emg(index % 2**32, samples, 0).pack() + np.arange(index, index + samples).astype("<i2").tobytes()
    (frame,) = FrameDecoder().feed(encode(m.Emg.TYPE, 0, payload))
    return frame


def test_stamps_are_the_times_of_sampling_even_if_the_samples_are_read_late():
    emg, rng = StampedEmg(1, FS_HZ), np.random.default_rng(1)
    errors_ms = []
    for frame in range(4000):
        newest = 5 * frame + 4
        taken_s = 100 + newest / FS_HZ
        late_s = rng.exponential(0.004) if frame % 3 else 0.0
        _, times_s = emg.take(emg_frame(5 * frame), taken_s + late_s)
        errors_ms.append(1000 * (times_s[-1] - taken_s))
    assert np.abs(errors_ms[1000:]).max() < 1


def test_stamps_never_go_back_and_lost_samples_leave_a_gap():
    emg = StampedEmg(1, FS_HZ)
    emg.take(emg_frame(0), 10.5)  # the first sample arrived late
    _, before = emg.take(emg_frame(5), 10.0025)
    assert (np.diff(before) > 0).all() and before[0] > 10.499
    emg = StampedEmg(1, FS_HZ)
    _, first = emg.take(emg_frame(0), 10.0)
    counts, later = emg.take(emg_frame(105), 10.0525)
    assert later[-1] - first[-1] == pytest.approx(105 / FS_HZ)
    assert (emg.lost, counts[0, 0]) == (100, 105)


def test_a_restart_of_the_board_is_not_a_loss_and_indices_wrap():
    emg = StampedEmg(1, FS_HZ)
    emg.take(emg_frame(2**32 - 5), 10.0)
    _, times = emg.take(emg_frame(0), 10.0025)
    assert emg.lost == 0
    _, again = emg.take(emg_frame(0), 20.0)
    assert emg.lost == 0
    assert again[-1] == pytest.approx(20.0)
    assert math.isclose(times[-1], 10.0025)


def test_other_frames_are_not_emg():
    emg = StampedEmg(1, FS_HZ)
    (pong,) = FrameDecoder().feed(encode(m.Pong.TYPE, 0, m.Pong(1, 2, 3).pack()))
    assert emg.take(pong, 1.0) is None
