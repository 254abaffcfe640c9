"""A host's session, the bridge and a simulated board in virtual time, with a stream whose faults a test sets."""

from collections import deque

import numpy as np

from myobridge.daemon.bridge.scale import Scale
from myobridge.daemon.bridge.stream import Block, Stream
from myobridge.daemon.bridge.translate import Translator
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.wire import messages as m
from myobridge.wire.emg import parse_emg
from myobridge.wire.frame import PAYLOAD, FrameDecoder
from virtual_hand import STEP_S, ConstantSource, VirtualHand

CHANNELS = 8
POSE = (4000,) * m.SERVOS


class BridgedHand(VirtualHand):
    """The stream has 8 channels. Faults: silent, delay_s, speed, shift_s (of the time stamps), lost (once).

    Each sample's channel 0 is its true number, modulo 30000.
    """

    def __init__(self, fs_hz=200.0, samples_per_frame=1, board=None, **config):
        self.fs_hz = fs_hz
        self.silent, self.delay_s, self.shift_s, self.speed, self.lose_samples = False, 0.0, 0.0, 1.0, 0
        self.told, self.emg = [], []
        self._sampled, self._due, self._skipped = 0, 0.0, 0
        self._on_the_way = deque()
        self.translator = Translator(Stream(CHANNELS, fs_hz, "uV", None), Scale(16, 1.0), self.told.append)
        self._host_bytes, self._board_bytes = FrameDecoder(), FrameDecoder()
        config = {
            "channel_mask": (1 << CHANNELS) - 1,
            "sample_period_ticks": round(2_000_000 / fs_hz),
            "samples_per_frame": samples_per_frame,
            **config,
        }
        super().__init__(board or SimulatedFirmware(ConstantSource(fs_hz, channels=2), boot_id=1), **config)

    @property
    def newest(self):
        """Number of the newest sample that the host has got; -1: none."""
        return self.emg[-1][0] + len(self.emg[-1][2]) - 1 if self.emg else -1

    def step(self, host=True):
        self.now_s = round(self.now_s + STEP_S, 6)
        to_board, to_host = b"", b""
        for frame in self._host_bytes.feed(bytes(self._to_device)):
            forward, back = self.translator.from_host(frame)
            to_board, to_host = to_board + forward, to_host + back
        self._to_device.clear()
        self.firmware.receive(to_board, self.now_s)
        self.firmware.advance(self.now_s)
        for frame in self._board_bytes.feed(self.firmware.outgoing(self.now_s)):
            to_host += self.translator.from_board(frame, self.now_s)
        to_host += b"".join(self._streamed())
        for frame in self._to_host.feed(to_host) if host else []:
            if frame[0] == m.Emg.TYPE:
                self.emg.append(parse_emg(frame, self.config.channel_mask.bit_count()))
                continue
            message = m.BY_TYPE[frame[0]].unpack(frame[PAYLOAD])
            self.received.append(message)
            self.session.on_frame(frame, self.now_s)
        if host:
            self.session.poll(self.now_s)

    def _streamed(self):
        """The amplifier takes samples, which travel for `delay_s`; the bridge gets those that arrive now."""
        while self._due <= self.now_s:
            if not self.silent and not self.lose_samples:
                self._on_the_way.append((self.now_s + self.delay_s, self._due, self._sampled, self._skipped))
                self._skipped = 0
            elif self.lose_samples:
                self.lose_samples -= 1
                self._skipped += 1
            self._sampled += 1
            self._due += 1 / (self.fs_hz * self.speed)
        while self._on_the_way and self._on_the_way[0][0] <= self.now_s:
            _, taken_s, number, skipped = self._on_the_way.popleft()
            values = np.zeros((1, CHANNELS))
            values[0, 0] = number % 30000
            stamps = np.array([taken_s + self.shift_s])
            yield from self.translator.from_stream(Block(values, stamps, np.array([skipped]), self.now_s))

    def stream_up(self):
        self.run_until(lambda: self.newest > 20, within_s=5)
        return self

    def decide(self, seconds, angle_cdeg=POSE, every_s=0.01, after_step=lambda: None):
        """A host that sends setpoints as long as new samples come, and checks the age of none."""
        based_on = self.newest
        for step in range(round(seconds / STEP_S)):
            if step % round(every_s / STEP_S) == 0 and self.session.may_move and self.newest != based_on:
                based_on = self.newest
                self.session.setpoint(angle_cdeg, 25, based_on)
            self.step()
            after_step()

    def arm(self):
        self.session.request_arm()
        self.run_until(lambda: self.session.may_move, within_s=1)
        return self
