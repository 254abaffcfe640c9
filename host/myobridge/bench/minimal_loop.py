"""The least that turns EMG frames into setpoints: what the daemon's loop is compared with.

It speaks the daemon's wire protocol and does nothing else: it does not reconnect, fill gaps, filter, check or limit.
GRAPH is `window`, which computes the whole window at each decision, or `streaming`, which computes a hop's share, as
the daemon does.

    python -m myobridge.bench.minimal_loop PORT MODEL GRAPH SECONDS JSON
"""

from __future__ import annotations

import json
import os
import sys
import termios
import time
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from myobridge.board import board_config
from myobridge.decoder.inference import StreamingDecoder
from myobridge.decoder.window import Window
from myobridge.metrics import ProcessCost
from myobridge.model.file import METADATA_KEY, ModelSpec, decode_spec
from myobridge.model.load import open_model
from myobridge.settings import Settings
from myobridge.wire import messages as m
from myobridge.wire.emg import parse_emg, sample_bits
from myobridge.wire.frame import PAYLOAD, FrameDecoder, encode

VALID_4MS: Final = 25
READ_BYTES: Final = 4096


class Network(Protocol):
    """Decides at every hop."""

    spec: ModelSpec

    def decide(self, window: Window) -> list[int] | None:
        """Centidegrees (5,); None while the window is not full."""

    def settle(self) -> None:
        """Work that the next decision needs and this setpoint does not wait for."""


class WindowNetwork:
    """A model file's own graph, which computes the whole window anew."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.spec = decode_spec(self._session.get_modelmeta().custom_metadata_map[METADATA_KEY], path)
        rest_deg = np.array(self.spec.rest_pose_deg, np.float32)
        self._angles, self._history = rest_deg, np.tile(rest_deg, (1, 2))

    def decide(self, window: Window) -> list[int] | None:  # noqa: D102 - its protocol says it
        return self(np.ascontiguousarray(window.view[None])) if window.full else None

    def __call__(self, emg: NDArray[np.float32]) -> list[int]:
        """Centidegrees (5,) of a window (1, channels, window)."""
        self._angles = self._session.run(["angles"], {"emg": emg, "history": self._history})[0][0]
        return cdeg(self._angles)

    def settle(self) -> None:  # noqa: D102 - its protocol says it
        self._history[0, m.SERVOS :], self._history[0, : m.SERVOS] = self._history[0, : m.SERVOS], self._angles


class StreamingNetwork:
    """A model file's streaming graph, which computes a hop's share; the tapes are the daemon's."""

    def __init__(self, path: Path) -> None:
        model = open_model(path)
        self.spec, self._decoder = model.spec, StreamingDecoder(model)
        self.settle = self._decoder.settle

    def decide(self, window: Window) -> list[int] | None:  # noqa: D102 - its protocol says it
        angles = self._decoder(window)
        return None if angles is None else cdeg(angles)


GRAPHS: Final[dict[str, Callable[[Path], Network]]] = {"window": WindowNetwork, "streaming": StreamingNetwork}


def cdeg(angles_deg: NDArray[np.float32]) -> list[int]:
    """Degrees (5,) in centidegrees."""
    return [int(100 * angle + 0.5) for angle in angles_deg.tolist()]


class Hand:
    """A board that streams after `start`. It is never armed, because what it does with setpoints is not measured.

    gain: float32 (1, channels), converts counts (n, channels) to the network's input; frame_samples: in an EMG frame.
    `start` sets both.
    """

    def __init__(self, port: str, spec: ModelSpec) -> None:
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd, termios.TCSANOW)
        self._spec = spec
        self._seq = 0
        self.gain = np.ones((1, len(spec.channels)), np.float32)
        self.frame_samples = 1

    def send(self, message: m.Message) -> None:
        """Writes a message to the port."""
        self._seq = (self._seq + 1) & 0xFF
        os.write(self.fd, encode(message.TYPE, self._seq, message.pack()))

    def start(self) -> None:
        """Greets and configures the board, and starts its stream."""
        frames = FrameDecoder()
        self.send(m.Hello(m.MAJOR, m.MINOR, 0, m.PROTO_HASH))
        while True:
            for frame in frames.feed(os.read(self.fd, READ_BYTES)):
                if frame[0] == m.Ident.TYPE:
                    self._configure(m.Ident.unpack(frame[PAYLOAD]))
                elif frame[0] == m.ConfigAck.TYPE:
                    self.send(m.Start(m.ConfigAck.unpack(frame[PAYLOAD]).config_crc))
                    return

    def _configure(self, ident: m.Ident) -> None:
        config = board_config(ident, self._spec, Settings())
        self.gain = np.float32(2 / (1 << sample_bits(ident, config))) / np.array([self._spec.scale_fs], np.float32)
        self.frame_samples = config.samples_per_frame
        self.send(config)


def run(port: str, network: Network, seconds: float) -> dict[str, Any]:
    """Runs for this many seconds from the start of the stream; latency and cost."""
    spec, frames, latencies_s = network.spec, FrameDecoder(), list[float]()
    channels, hop = len(spec.channels), spec.hop_samples
    hand = Hand(port, spec)
    hand.start()
    window = Window(channels, spec.window_samples, hand.frame_samples)
    started_s, cost = time.monotonic(), ProcessCost()
    while time.monotonic() - started_s < seconds:
        data = os.read(hand.fd, READ_BYTES)
        read_s = time.perf_counter()
        for frame in frames.feed(data):
            emg = parse_emg(frame, channels) if frame[0] == m.Emg.TYPE else None
            if emg is None:
                continue
            index, _, counts = emg
            window.append(counts * hand.gain, 0)
            end = index + len(counts)
            if end % hop == 0 and (angle_cdeg := network.decide(window)):
                hand.send(m.Setpoint(tuple(angle_cdeg), VALID_4MS, end - 1))
                latencies_s.append(time.perf_counter() - read_s)
                network.settle()
    cpu = cost.cpu_seconds_per_second()
    hand.send(m.Stop())
    return {
        "latency_ms": {f"p{p}": round(1000 * float(np.percentile(latencies_s, p)), 3) for p in (50, 99)},
        "cpu_seconds_per_second": round(cpu, 4),
        "rss_mb": round(cost.rss_mb(), 1),
    }


def main(port: str, model: str, graph: str, seconds: str, said: str) -> None:
    """Runs the loop and writes its summary."""
    summary = run(port, GRAPHS[graph](Path(model)), float(seconds))
    Path(said).write_text(json.dumps(summary), encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
