"""A guided recording in virtual time: a scripted wearer, a file, and everything that may go wrong."""

import os
import signal

import numpy as np
import pytest

from myobridge.calibration.plan import Stage, Timing, Walk, schedule
from myobridge.calibration.poses import load_poses
from myobridge.calibration.recorder import GIVE_UP_S, GuidedRecording
from myobridge.errors import UserError
from myobridge.feed import Chunk
from myobridge.model.file import REST_DEG
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from virtual_hand import board_config

FS_HZ = 2000
FRAME = 5
CHANNELS = range(4)
POSES = load_poses()[:4]
TIMING = Timing(repetitions=2, hold_s=2, rest_s=1, ready_s=1)
IDENT = m.Ident(m.MAJOR, m.MINOR, 0, m.PROTO_HASH, (0, 1, 0), 0, m.Board.SIMULATED, 7, 1, 0, 4, 10, 2_000_000)


class Wearer:
    """A source of bytes in virtual time whose wearer follows the prompts; each turn takes 20 ms."""

    daemon = False
    electrodes = ()
    ident = IDENT
    config = board_config()

    def __init__(self):
        self.now_s = 100.0
        self.prompts = []
        self.away = lambda _now_s: False
        self.spoil = lambda counts, _now_s: counts
        self.closed = False
        self._rng = np.random.default_rng(1)
        self._index = 0

    def _emg(self, samples):
        """Noise that grows with the distance of the requested pose from rest."""
        asked = self.prompts[-1].angles_deg if self.prompts else REST_DEG
        level = 3 + 0.5 * np.abs(np.subtract(asked, REST_DEG))[: len(CHANNELS)]
        return np.rint(level * self._rng.standard_normal((samples, len(CHANNELS)))).astype(np.int16)

    def tell(self, prompt):
        self.prompts.append(prompt)

    def leave(self):
        self.closed = True

    def receive(self, timeout_s):
        if not timeout_s:
            return None
        self.now_s += timeout_s
        samples = round(timeout_s * FS_HZ)
        counts = self.spoil(self._emg(samples), self.now_s)
        data = b""
        for at in range(0, samples, FRAME):
            head = m.Emg(self._index + at, FRAME, 0).pack()
            data += encode(m.Emg.TYPE, 0, head + counts[at : at + FRAME].astype("<i2").tobytes())
        self._index += samples
        return None if self.away(self.now_s) else Chunk(self.now_s, data)


class Fingers:
    """A screen with somebody who presses keys; `keys` gives the keys for each look."""

    interactive = True

    def __init__(self, keys=lambda _look: ""):
        self.looks = []
        self._keys = keys
        self._new = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return

    def show(self, look):
        self.looks.append(look)
        self._new = True

    def pressed(self):
        pressed = self._keys(self.looks[-1]) if self._new else ""
        self._new = False
        return pressed

    @property
    def titles(self):
        titles = [look.title for look in self.looks]
        return [b for a, b in zip(["", *titles], titles, strict=False) if a != b]


class Session:
    """A recording that has ended, and everything that was shown."""

    def __init__(self, folder, keys=lambda _look: "", before=lambda _session: None, poses=POSES):
        self.path = folder / "r.myo"
        self.wearer, self.fingers = Wearer(), Fingers(keys)
        holds = schedule(poses, TIMING.repetitions, seed=1)
        header = Header(ident=IDENT, config=self.wearer.config, poses=tuple(pose.labelled for pose in poses))
        with RecordingWriter(self.path, header) as self.writer:
            before(self)
            self.guided = GuidedRecording(
                self.wearer, self.writer, Walk(holds, TIMING), poses[0], self.fingers, self.wearer,
                clock=lambda: self.wearer.now_s,
            )  # fmt: skip
            self.outcome = self.guided.run()

    @property
    def recording(self):
        return Recording.load(self.path)

    def seconds(self, label, repetition):
        r = self.recording
        return np.sum((r.label == label) & (r.repetition == repetition)) / FS_HZ


def once(title, key, after_s=0.5):
    """Presses a key in the first stage of this title, after this share of the stage."""
    pressed = []

    def keys(look):
        if look.title == title and not pressed and look.stage_s - look.stage_left_s >= after_s:
            pressed.append(key)
            return key
        return ""

    return keys


def test_every_pose_is_recorded_with_its_label_repetition_and_its_muscles(tmp_path):
    session = Session(tmp_path)
    assert (session.outcome.holds_kept, session.outcome.problem, session.outcome.remarks) == (6, "", [])
    recording = session.recording
    assert [pose.name for pose in recording.poses] == [pose.name for pose in POSES]
    assert recording.counts.shape[1] == 4
    for label in (1, 2, 3):
        for repetition in (0, 1):
            assert session.seconds(label, repetition) == pytest.approx(2, abs=0.1)
    assert set(recording.repetition) == {0, 1}, "countdown and pause are not in the recording"
    assert session.outcome.recorded_s == pytest.approx(len(recording.counts) / FS_HZ)
    rest, fist = (recording.counts[recording.label == label].astype(float).std() for label in (0, 2))
    assert fist > 2 * rest, "although the release is part of the rest"


def test_the_wearer_sees_a_countdown_each_pose_and_the_time_left(tmp_path):
    fingers = Session(tmp_path).fingers
    assert fingers.titles[0] == "Get ready"
    assert sorted(fingers.titles[2::2]) == sorted(["Fist", "Open hand", "Pinch"] * 2)
    assert set(fingers.titles[1::2]) == {"Rest"}
    left_s = [look.left_s for look in fingers.looks]
    assert left_s == sorted(left_s, reverse=True)
    holds = [look for look in fingers.looks if look.stage is Stage.HOLD]
    assert all(look.angles_deg == look.coming_deg for look in holds)
    assert all(look.angles_deg == POSES[0].angles_deg for look in fingers.looks if look.stage is Stage.REST)


def test_the_browser_shows_the_prompts_and_clears_them_at_the_end(tmp_path):
    wearer = Session(tmp_path).wearer
    told = [prompt for prompt in wearer.prompts if prompt.title == "Fist"]
    assert told[0].text == POSES[2].how
    assert told[0].angles_deg == POSES[2].angles_deg
    assert told[0].seconds_left == pytest.approx(2, abs=0.1)
    assert wearer.closed


@pytest.mark.parametrize("title", ["Fist", "Rest"])
def test_r_repeats_the_last_pose_and_only_the_second_hold_counts(tmp_path, title):
    after_first = once("Fist", "r") if title == "Fist" else after("Fist", "Rest", "r")
    session = Session(tmp_path, after_first)
    assert session.fingers.titles.count("Fist") == 3
    assert session.outcome.redone == 1
    assert session.outcome.holds_kept == 6
    assert session.seconds(2, 0) == pytest.approx(2, abs=0.1)


def after(first, title, key):
    """Presses a key in a stage that follows another stage."""
    seen = []

    def keys(look):
        if look.title == first:
            seen.append(look)
        elif look.title == title and seen and seen[-1] is not None:
            seen.append(None)
            return key if seen.count(None) == 1 else ""
        return ""

    return keys


def test_p_pauses_and_continues_without_losing_samples(tmp_path):
    seen = []

    def keys(look):
        if look.title == "Fist" and look.stage_left_s < 1 and not seen:
            seen.append(look)
            return "p"
        if look.stage is Stage.PAUSED:
            seen.append(look)
            return " " if len(seen) == 50 else ""
        return ""

    session = Session(tmp_path, keys)
    assert session.fingers.titles.count("Paused") == 1
    assert session.fingers.titles.count("Get ready") == 2
    assert session.outcome.holds_kept == 6
    assert session.seconds(2, 0) == pytest.approx(2, abs=0.1)
    assert set(session.recording.repetition) == {0, 1}


def test_q_stops_and_keeps_the_recording(tmp_path):
    second = schedule(POSES, TIMING.repetitions, seed=1)[1].pose
    session = Session(tmp_path, once(second.name, "q", after_s=1))
    assert session.outcome.problem == "The recording was stopped."
    assert session.outcome.holds_kept == 1
    assert session.seconds(second.label, 0) == pytest.approx(1, abs=0.15)


def test_a_signal_stops_as_q_does_and_handlers_are_restored(tmp_path):
    before = signal.getsignal(signal.SIGINT)

    def interrupt(look):
        if look.title == "Fist":
            os.kill(os.getpid(), signal.SIGINT)
        return ""

    session = Session(tmp_path, interrupt)
    assert session.outcome.problem == "The recording was stopped."
    assert len(session.recording.counts)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_remark_on_a_flat_channel_follows_its_hold_and_not_the_next_good_one(tmp_path):
    def loose(session):
        def spoil(counts, now_s):
            if now_s < 104.1:
                counts = counts.copy()
                counts[:, 2] = 0
            return counts

        session.wearer.spoil = spoil

    session = Session(tmp_path, before=loose)
    said = "Channel 3 is flat: press its electrode on and check its plug."
    assert session.outcome.remarks == [said]
    noted = [look.notes for look in session.fingers.looks]
    assert (said,) in noted
    assert noted[-1] == ()


@pytest.mark.parametrize("gone_s", [102.1, 103.0, 103.8])
def test_a_recording_waits_for_a_lost_link_and_repeats_the_interrupted_pose(tmp_path, gone_s):
    """The first pose is held from 102 to 104 s."""

    def unplug(session):
        session.wearer.away = lambda now_s: gone_s < now_s < 112.0

    session = Session(tmp_path, before=unplug)
    assert session.fingers.titles.count("Waiting for the board") == 1
    assert session.outcome.redone == 1
    assert session.outcome.holds_kept == 6
    for label in (1, 2, 3):
        for repetition in (0, 1):
            assert session.seconds(label, repetition) == pytest.approx(2, abs=0.1)
    assert len(list(session.recording.takes())) > 1, "samples on both sides of the gap are not joined"


def test_without_keys_a_recording_ends_when_the_board_does_not_come_back(tmp_path):
    def unplug(session):
        session.fingers.interactive = False
        session.wearer.away = lambda now_s: now_s > 108

    session = Session(tmp_path, before=unplug)
    assert session.outcome.problem == "No samples arrived for 60 s."
    assert session.wearer.now_s == pytest.approx(108 + GIVE_UP_S, abs=1)
    assert session.outcome.holds_kept == 2
    assert len(session.recording.counts)


def test_a_board_that_comes_back_with_another_config_ends_the_recording_and_keeps_it(tmp_path):
    def exchange(session):
        def away(now_s):
            if now_s > 106:
                raise UserError("The hand came back with other channels.")
            return False

        session.wearer.away = away

    session = Session(tmp_path, before=exchange)
    assert session.outcome.problem == "The hand came back with other channels."
    assert session.outcome.holds_kept == 1
    assert len(session.recording.counts)


def test_a_full_disk_ends_the_recording_and_the_outcome_says_so(tmp_path):
    def fill(look):
        if look.title == "Fist":
            sessions[0].writer.problem = "The disk is full."
        return ""

    sessions = []
    session = Session(tmp_path, fill, before=sessions.append)
    assert session.outcome.problem == "The disk is full."
    assert session.outcome.holds_kept < 6
