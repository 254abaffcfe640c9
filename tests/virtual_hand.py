"""A host's session and a simulated firmware, joined by a line in virtual time; one step is one millisecond."""

import numpy as np

from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.wire import messages as m
from myobridge.wire.frame import PAYLOAD, FrameDecoder, encode
from myobridge.wire.session import Session

STEP_S = 0.001


class ConstantSource:
    """Endless EMG in which each channel's counts are its number."""

    def __init__(self, fs_hz=2000.0, channels=4, adc_bits=10):
        self.fs_hz, self.channels, self.adc_bits = fs_hz, channels, adc_bits

    def read(self, samples):
        return np.tile(np.arange(self.channels, dtype=np.int16), (samples, 1)), None


def board_config(**changes):
    """A CONFIG that every rule permits: 4 channels at 2 kHz, 5 samples per frame."""
    fields = {
        "channel_mask": 0b1111,
        "sample_period_ticks": 1000,
        "samples_per_frame": 5,
        "sample_format": m.SampleFormat.INT16,
        "oversampling": 1,
        "servo_min_cdeg": (0,) * m.SERVOS,
        "servo_max_cdeg": (m.ANGLE_MAX_CDEG,) * m.SERVOS,
        "servo_safe_cdeg": (4000,) * m.SERVOS,
        "pulse_0_us": (m.PULSE_MIN_US,) * m.SERVOS,
        "pulse_180_us": (m.PULSE_MAX_US,) * m.SERVOS,
        "servo_period_us": m.SERVO_PERIOD_MAX_US,
        "slew_cdeg_per_s": 40000,
        "hold_ms": m.HOLD_MAX_MS,
        "relax_ms": m.RELAX_MAX_MS,
    }
    return m.Config(**{**fields, **changes})


def unpacked(frame):
    """The message of a good frame."""
    return m.BY_TYPE[frame[0]].unpack(frame[PAYLOAD])


class VirtualHand:
    """One firmware; `connect` begins with a new host. lose: says which messages of either side the line loses."""

    def __init__(self, firmware=None, **config):
        self.now_s = 0.0
        self.firmware = firmware or SimulatedFirmware(ConstantSource(), boot_id=1)
        self.config = board_config(**config)
        self.lose = lambda _message: False
        self.connect()

    def connect(self):
        """Connects a new host; the old host's state is lost."""
        self.sent, self.received, self.emg_frames = [], [], 0
        self._to_device, self._to_host, self._seen = bytearray(), FrameDecoder(), FrameDecoder()
        self.session = Session(self._send, lambda _ident: self.config)

    def _send(self, data):
        for frame in self._seen.feed(data):
            message = unpacked(frame)
            self.sent.append(message)
            if self.lose(message):
                return
        self._to_device += data

    def step(self, host=True):
        """Lets a millisecond pass; without a host, the board's messages are lost."""
        self.now_s = round(self.now_s + STEP_S, 6)
        self.firmware.receive(bytes(self._to_device), self.now_s)
        self._to_device.clear()
        self.firmware.advance(self.now_s)
        arrived = self.firmware.outgoing(self.now_s)
        if not host:
            return
        for frame in self._to_host.feed(arrived):
            if frame[0] == m.Emg.TYPE:
                self.emg_frames += 1
                continue
            message = unpacked(frame)
            if not self.lose(message):
                self.received.append(message)
                self.session.on_frame(frame, self.now_s)
        self.session.poll(self.now_s)

    def run(self, seconds, host=True):
        """Lets time pass."""
        for _ in range(round(seconds / STEP_S)):
            self.step(host)

    def run_until(self, condition, within_s):
        """Lets time pass until the condition holds; the time that this takes."""
        began_s = self.now_s
        while not condition():
            assert self.now_s - began_s < within_s, "the condition did not hold in time"
            self.step()
        return self.now_s - began_s

    def move(self, seconds, angle_cdeg=(4000,) * m.SERVOS, every_s=0.005):
        """Lets the host send setpoints for `seconds`, while it may."""
        for step in range(round(seconds / STEP_S)):
            if step % round(every_s / STEP_S) == 0 and self.session.may_move:
                self.session.setpoint(angle_cdeg, 25, self.firmware.samples_taken - 1)
            self.step()

    def sent_of(self, *kinds):
        return [message for message in self.sent if isinstance(message, kinds)]

    @property
    def state(self):
        return self.firmware.safety.state


def frame_of(message, seq=0):
    """A message as on the wire."""
    return encode(message.TYPE, seq, message.pack())


def body_of(message, seq=0):
    """A message as the decoder gives it."""
    (body,) = FrameDecoder().feed(frame_of(message, seq))
    return body
