"""Makes recordings of any length quickly, and measures the peak memory of a command on one."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from myobridge.model.file import LabelledPose
from myobridge.recording import Header
from myobridge.recording.log_frames import CUE, END, TIME, LogEncoder, LogFrame
from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from virtual_hand import board_config

IDENT = m.Ident(m.MAJOR, m.MINOR, 0, m.PROTO_HASH, (0, 1, 0), 0, m.Board.SIMULATED, 7, 1, 0, 16, 10, 2_000_000)
POSES = (LabelledPose(0, "rest", (40,) * 5), LabelledPose(1, "fist", (180,) * 5))
SAMPLES = 10
"""Samples in a frame."""
HOLD_S = 3
PEAK = """
import sys
from myobridge.cli import main
try:
    main()
finally:
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
"""


def long_recording(path: Path, minutes: float, channels: int = 8, fs_hz: int = 2000) -> Path:
    """Writes noise, cued as rest and fist in turn."""
    config = board_config(channel_mask=(1 << channels) - 1, sample_period_ticks=2_000_000 // fs_hz)
    log, header = LogEncoder(), Header(ident=IDENT, config=config, poses=POSES)
    noise = np.random.default_rng(0).integers(-500, 500, (1000, SAMPLES, channels)).astype("<i2")
    pieces = [counts.tobytes() for counts in noise]
    with path.open("wb") as file:
        file.write(log.header(header))
        for at in range(0, round(60 * minutes * fs_hz), SAMPLES):
            if at % (HOLD_S * fs_hz) == 0:
                hold = at // (HOLD_S * fs_hz)
                file.write(log.frame(LogFrame.CUE, CUE.pack(hold % 2, hold // 2 % 250)))
            if at % (fs_hz // 10) == 0:
                file.write(log.frame(LogFrame.TIME, TIME.pack(at / fs_hz)))
            frame = m.Emg(at, SAMPLES, 0).pack() + pieces[at // SAMPLES % len(pieces)]
            file.write(encode(m.Emg.TYPE, at // SAMPLES & 255, frame))
        file.write(log.frame(LogFrame.END, END.pack(1)))
    return path


def peak_mb(*arguments: object) -> float:
    """Peak resident memory of the process `myobridge ARGUMENTS…` in MB."""
    command = [sys.executable, "-c", PEAK, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-2]) / 1024
