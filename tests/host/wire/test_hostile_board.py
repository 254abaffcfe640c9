"""A board, or an attacker on the port, may send anything with a correct CRC: the daemon never crashes."""

import time

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myobridge.daemon.connection import Connection
from myobridge.daemon.stats import RunStats
from myobridge.decoder.acquisition import Acquisition, AcquisitionCounters
from myobridge.errors import UserError
from myobridge.model.load import open_model
from myobridge.settings import Settings
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.uplink import PASS_S
from myobridge.wire import messages as m
from myobridge.wire.frame import PAYLOAD, FrameDecoder, encode
from myobridge.wire.handshake import Phase
from myobridge.wire.link import LinkLost
from tiny_model import write_tiny_model


class Silence:
    fs_hz, channels, adc_bits = 1000.0, 2, 10

    def read(self, samples):
        return np.zeros((samples, 2), np.int16), None


class TakenOver:
    """A link to a good board that an attacker takes over: the frames of the script follow the last good frame."""

    def __init__(self, script):
        self.device = SimulatedFirmware(Silence())
        self.script = iter(script)
        self.taken_over = False
        self.setpoints = 0
        self.called = False

    def wake_at(self, _waiting):
        pass

    def wait(self, _timeout_s, *, deaf=True):
        return True

    def read(self):
        if self.taken_over:
            data = next(self.script, None)
            if data is None:
                raise LinkLost("the script is over")
            return data
        now_s = time.monotonic()
        self.device.advance(now_s)
        return self.device.outgoing(now_s + 1)

    def write(self, frame):
        if frame[1:2] == bytes([m.Setpoint.TYPE]):
            self.setpoints += 1
        self.device.receive(frame, time.monotonic())
        return True


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return open_model(write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx"))


def connect(model, link):
    frames = FrameDecoder()
    return Connection(link, model, Settings(), frames, RunStats(model.spec, 0.0, frames.counters))


UPLINK = [kind for kind in m.BY_TYPE if kind & 0x80]


@st.composite
def hostile_frame(draw):
    kind = draw(st.sampled_from(UPLINK))
    right_length = m.PAYLOAD_BYTES[kind]
    payload = draw(st.one_of(st.binary(min_size=right_length, max_size=right_length), st.binary(max_size=80)))
    return encode(kind, draw(st.integers(0, 255)), payload)


@settings(max_examples=100, deadline=None)
@given(st.lists(hostile_frame(), max_size=30), st.sampled_from(Phase))
def test_any_frames_with_a_correct_crc_end_in_one_sentence_and_move_nothing(model, script, phase):
    link = TakenOver(script)
    connection = connect(model, link)
    with pytest.raises((LinkLost, UserError)) as ended:
        while True:
            link.taken_over |= connection.session.phase.value >= phase.value
            connection.turn()
            connection.session.request_arm()
    assert str(ended.value)
    assert link.setpoints == 0


def test_random_indices_and_full_scale_counts_give_whole_hops():
    rng = np.random.default_rng(0)
    acquisition = Acquisition(2, 5, 40, AcquisitionCounters())
    for _ in range(3000):
        counts = rng.integers(-32768, 32768, (int(rng.integers(1, 20)), 2)).astype(np.int16)
        for hop in acquisition.push(int(rng.integers(0, 1 << 32)), counts):
            assert hop.counts.shape == (5, 2)


@pytest.mark.parametrize(
    "changes", [{"adc_bits": 0}, {"adc_bits": 200}, {"max_channels": 0}, {"tick_hz": 0}, {"tick_hz": 7}]
)
def test_an_ident_that_cannot_be_true_is_refused(model, changes):
    link = TakenOver([])
    session = connect(model, link).session
    session.poll(0.0)
    session.hear(0.1)
    session.poll(0.1)
    link.device.advance(time.monotonic() + PASS_S)
    ident = next(f for f in FrameDecoder().feed(link.device.outgoing(1e9)) if f[0] == m.Ident.TYPE)
    lie = msgspec.structs.replace(m.Ident.unpack(ident[PAYLOAD]), **changes)
    with pytest.raises(UserError, match=r"\.$"):
        session.on_frame(encode_decoded(lie), 0.11)


def encode_decoded(message):
    return FrameDecoder().feed(encode(message.TYPE, 0, message.pack()))[0]
