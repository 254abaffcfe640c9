"""The least that turns EMG frames into setpoints: the yardstick for the daemon's loop.

No reconnect, no gaps, no checks, no filter state worth the name, no smoothing: read, decode, ring, network, write.

    python -m myobridge.bench.minimal_loop PORT MODEL SECONDS JSON
"""

from __future__ import annotations

import json
import os
import struct
import sys
import termios
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import numpy as np
import onnxruntime as ort

from myobridge.metrics import ProcessCost


def encode(kind: int, seq: int, payload: bytes) -> bytes:
    """One frame on the wire."""
    body = bytes((kind, seq)) + payload
    body += crc32(body).to_bytes(4, "little")
    return b"".join(bytes((len(part) + 1,)) + part for part in body.split(b"\0")) + b"\0"


def decode(data: bytearray) -> Iterator[bytes]:
    """Whole good frames, which are taken out of `data`."""
    while (end := data.find(0)) >= 0:
        chunk, at = data[:end], 0
        del data[: end + 1]
        while at < len(chunk):
            code = chunk[at]
            chunk[at] = 0
            at += code
        if len(chunk) > 6 and crc32(chunk[1:]) == 0x2144DF1C:
            yield bytes(chunk[1:])


def main(port: str, model: str, seconds: float, json_to: str) -> None:  # noqa: PLR0915 - it is to be read from top to bottom
    """Runs for so many seconds from the start of the stream."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    spec = json.loads(session.get_modelmeta().custom_metadata_map["myobridge"])
    channels, window, hop = len(spec["channels"]), spec["window_samples"], spec["hop_samples"]
    per_frame = max(n for n in range(1, 6) if hop % n == 0)
    period = round(2_000_000 / spec["fs_hz"])
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd, termios.TCSANOW)
    config = struct.pack("<HHBB", (1 << channels) - 1, period, per_frame, 1)
    config += struct.pack("<25H", *[0] * 5, *[18000] * 5, *[4000] * 5, *[500] * 5, *[2500] * 5)
    config += struct.pack("<HHH", 40000, 150, 2000)
    crc = crc32(config)
    pending, seq, filled = bytearray(), 0, 0
    latencies: list[float] = []
    ring = np.zeros((channels, 4 * window), np.float32)
    history = np.full((1, 10), 40, np.float32)
    gain = np.float32(1 / 512) / np.array(spec["scale_fs"], np.float32)[:, None]
    os.write(fd, encode(1, 0, struct.pack("<BBHI", 2, 0, 7, 0)))  # another protocol's hash: streams, never arms
    started, cpu = float("inf"), 0.0
    while time.monotonic() - started < seconds:
        pending += os.read(fd, 4096)
        read = time.perf_counter()
        for frame in decode(pending):
            if frame[0] == 0x81:
                os.write(fd, encode(2, 1, config))
            elif frame[0] == 0x82:
                os.write(fd, encode(3, 2, struct.pack("<I", crc)))
                started, cpu = time.monotonic(), time.process_time()
            elif frame[0] == 0x84:
                index, n, _flags = struct.unpack_from("<IBB", frame, 2)
                if filled + n > ring.shape[1]:
                    ring[:, :window] = ring[:, filled - window : filled]
                    filled = window
                samples = np.frombuffer(frame, "<i2", n * channels, 8).reshape(n, channels).T
                ring[:, filled : filled + n] = samples * gain
                filled += n
                if filled >= window and (index + n) % hop == 0:
                    emg = np.ascontiguousarray(ring[None, :, filled - window : filled])
                    angles = session.run(None, {"emg": emg, "history": history})[0][0]
                    history[0, 5:], history[0, :5] = history[0, :5], angles
                    cdeg = [int(100 * a + 0.5) for a in angles]
                    seq = (seq + 1) & 255
                    os.write(fd, encode(8, seq, struct.pack("<5HBI", *cdeg, 25, index + n - 1)))
                    latencies.append(time.perf_counter() - read)
    took = time.monotonic() - started
    os.write(fd, encode(4, seq, b""))
    p50, p99 = (round(1000 * float(np.percentile(latencies, p)), 3) for p in (50, 99))
    cpu_share = round((time.process_time() - cpu) / took, 4)
    said: dict[str, object] = {"latency_ms": {"p50": p50, "p99": p99}, "cpu_seconds_per_second": cpu_share}
    said["rss_mb"] = ProcessCost.rss_mb()
    Path(json_to).write_text(json.dumps(said), encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4])
