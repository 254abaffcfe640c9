"""Times networks of other channel counts and rates, which `tests/bench/make_networks.py` makes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from myobridge.bench.live import emg_for
from myobridge.board import samples_per_frame
from myobridge.decoder.acquisition import AcquisitionCounters, EmgGate
from myobridge.decoder.pipeline import Pipeline
from myobridge.metrics import Distribution
from myobridge.model.load import Model, open_model
from myobridge.settings import Settings
from myobridge.simulator.recorded import RecordedSource
from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder, encode

ALL_CHANNELS: Final = (4, 8, 16, 32, 64)
ALL_FS_HZ: Final = (1000, 2000, 4000)
ARCHIVE: Final = Path(__file__).parent / "networks.zip"
TURNS: Final = 300

Row = dict[str, Any]


def file_name(channels: int, fs_hz: int) -> str:
    """Name of a network in the archive."""
    return f"{channels}x{fs_hz}.onnx"


def unpack(folder: Path) -> dict[tuple[int, int], Path]:
    """(channels, sampling rate in Hz) → model file, small sizes first."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(folder)
    return {(c, fs_hz): folder / file_name(c, fs_hz) for c in ALL_CHANNELS for fs_hz in ALL_FS_HZ}


def turn_times(model: Model, source: RecordedSource, config: Settings) -> Distribution:
    """Times of a turn without a port: from the bytes of a hop to the bytes of its setpoint."""
    spec, counters = model.spec, AcquisitionCounters()
    channels, hop = len(spec.channels), spec.hop_samples
    n = samples_per_frame(hop, channels, config.acquisition.max_samples_per_frame)
    frames, gate = FrameDecoder(), EmgGate(channels, n, source.adc_bits, counters)
    pipeline, times = Pipeline(model, config, source.adc_bits, counters), Distribution()
    warm_up = spec.window_samples // hop + 10
    for turn in range(warm_up + TURNS):
        data = _hop_bytes(source, turn * hop, hop, n)
        began_s = perf_counter()
        for frame in frames.feed(data):
            for index, _, counts in gate.take(frame):
                for decision in pipeline.push(index, counts):
                    angle_cdeg = tuple([int(100 * angle + 0.5) for angle in decision.angles_deg])
                    if angle_cdeg:
                        encode(m.Setpoint.TYPE, 0, m.Setpoint(angle_cdeg, 0, index).pack())
        if turn >= warm_up:
            times.add(perf_counter() - began_s)
    return times


def _hop_bytes(source: RecordedSource, index: int, hop: int, n: int) -> bytes:
    counts = source.read(hop)[0].astype("<i2")
    starts = np.arange(0, hop, n).tolist()
    bodies = [m.Emg(index + at, n, 0).pack() + counts[at : at + n].tobytes() for at in starts]
    return b"".join([encode(m.Emg.TYPE, 0, body) for body in bodies])


def room(folder: Path, config: Settings) -> list[Row]:
    """For each size, how long a turn takes, and whether that is less than a hop."""
    rows = []
    for (channels, fs_hz), path in unpack(folder).items():
        model = open_model(path)
        times = turn_times(model, emg_for(model.spec), config).summary_ms()
        row = {"channels": channels, "fs_hz": fs_hz, "hop_ms": model.spec.hop_ms, "turn_ms": times}
        rows.append({**row, "in_time": times["p99"] < model.spec.hop_ms})
    return rows


def largest(rows: list[Row]) -> Row | None:
    """The size with the most samples per second, then the most channels, whose turn takes less than a hop."""
    in_time = [row for row in rows if row["in_time"]]
    return max(in_time, key=lambda row: (row["channels"] * row["fs_hz"], row["channels"]), default=None)
