"""The least that turns EMG frames into setpoints: the yardstick for the daemon's loop.

It speaks the same wire, and does without all else: no reconnect, no gaps, no doubts, no filter, no limits.

    python -m myobridge.bench.minimal_loop PORT MODEL SECONDS JSON
"""

from __future__ import annotations

import json
import os
import sys
import termios
import time
import tty
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from myobridge.board import board_config
from myobridge.metrics import ProcessCost
from myobridge.model.file import METADATA_KEY, decode_spec
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.emg import parse_emg
from myobridge.wire.frame import PAYLOAD, FrameDecoder, encode

VALID_4MS: Final = 25


class Network:
    """A model file, and what its metadata says."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.spec = spec = decode_spec(self._session.get_modelmeta().custom_metadata_map[METADATA_KEY], path)
        self.channels, self.window, self.hop = len(spec.channels), spec.window_samples, spec.hop_samples
        self._history = np.tile(np.array(spec.rest_pose_deg, np.float32), (1, 2))

    def gain(self, adc_bits: int) -> NDArray[np.float32]:
        """What turns counts (channels, n) into what the network takes, (channels, 1)."""
        return np.float32(2 / (1 << adc_bits)) / np.array(self.spec.scale_fs, np.float32)[:, None]

    def __call__(self, emg: NDArray[np.float32]) -> list[int]:
        """Centidegrees (5,) of a window (1, channels, window)."""
        angles = self._session.run(["angles"], {"emg": emg, "history": self._history})[0][0]
        self._history[0, m.SERVOS :], self._history[0, : m.SERVOS] = self._history[0, : m.SERVOS], angles
        return [int(100 * angle + 0.5) for angle in angles]


class Hand:
    """A port, from HELLO to START. It is never armed: what it would do with setpoints is not measured."""

    def __init__(self, port: str, network: Network) -> None:
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd, termios.TCSANOW)
        self._seq = 0
        self._spec = network.spec
        self.adc_bits = 0
        self.send(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH))

    def send(self, message: m.Message) -> None:
        """Writes a message to the port."""
        self._seq = (self._seq + 1) & 0xFF
        os.write(self.fd, encode(message.TYPE, self._seq, message.pack()))

    def starts(self, frame: bytes) -> bool:
        """Answers what comes before the stream; True when that has been asked for."""
        if frame[0] == m.Ident.TYPE:
            ident = m.Ident.unpack(frame[PAYLOAD])
            self.adc_bits = ident.adc_bits
            self.send(board_config(ident, self._spec, Settings()))
        elif frame[0] == m.ConfigAck.TYPE:
            self.send(m.Start(m.ConfigAck.unpack(frame[PAYLOAD]).config_crc))
            return True
        return False


def run(port: str, model: str, seconds: float) -> dict[str, Any]:
    """Runs for so many seconds from the start of the stream; what it cost."""
    network, frames = Network(Path(model)), FrameDecoder()
    window, hop, filled = network.window, network.hop, 0
    ring = np.zeros((network.channels, 4 * window), np.float32)
    latencies_s: list[float] = []
    gain = np.zeros((network.channels, 1), np.float32)
    hand = Hand(port, network)
    started_s, cost = float("inf"), ProcessCost()
    while time.monotonic() - started_s < seconds:
        data = os.read(hand.fd, 4096)
        read_s = time.perf_counter()
        for frame in frames.feed(data):
            emg = parse_emg(frame, network.channels) if frame[0] == m.Emg.TYPE else None
            if emg is None:
                if hand.starts(frame):
                    started_s, cost, gain = time.monotonic(), ProcessCost(), network.gain(hand.adc_bits)
                continue
            index, _, counts = emg
            n = len(counts)
            if filled + n > ring.shape[1]:
                ring[:, :window] = ring[:, filled - window : filled]
                filled = window
            ring[:, filled : filled + n] = counts.T * gain
            filled += n
            if filled >= window and (index + n) % hop == 0:
                angle_cdeg = network(np.ascontiguousarray(ring[None, :, filled - window : filled]))
                hand.send(m.Setpoint(tuple(angle_cdeg), VALID_4MS, index + n - 1))
                latencies_s.append(time.perf_counter() - read_s)
    cpu = cost.cpu_seconds_per_second()
    hand.send(m.Stop())
    return {
        "latency_ms": {f"p{p}": round(1000 * float(np.percentile(latencies_s, p)), 3) for p in (50, 99)},
        "cpu_seconds_per_second": round(cpu, 4),
        "rss_mb": round(cost.rss_mb(), 1),
    }


if __name__ == "__main__":
    Path(sys.argv[4]).write_text(json.dumps(run(sys.argv[1], sys.argv[2], float(sys.argv[3]))), encoding="ascii")
