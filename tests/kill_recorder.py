"""Kills a recording process at random moments and measures the loss of each kill.

`python tests/kill_recorder.py --kills 10000 --jobs 4` prints the losses in milliseconds of the stream: from the file
(`kill`), and from the part that the disk had confirmed (`plug`), which is what a power cut leaves. It also prints how
long the system was blocking the recorder at that moment.
"""

import argparse
import json
import mmap
import os
import signal
import struct
import tempfile
import time
from multiprocessing import Pool
from pathlib import Path
from random import Random
from typing import NamedTuple

from myobridge.recording import Header, RecordingWriter
from myobridge.recording.log import read_log
from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from virtual_hand import board_config

FS_HZ, CHANNELS, SAMPLES_PER_FRAME, TURN_S = 2000, 4, 5, 0.005
IDENT = m.Ident(m.MAJOR, m.MINOR, 0, m.PROTO_HASH, (0, 1, 0), 0, m.Board.SIMULATED, 7, 1, 0, 16, 10, 2_000_000)
HANDED, WRITING_S, DISK_BYTES, SYNC_TOOK_S, SYNCING_S = range(5)
"""Values that the child shares and that outlive it: samples given to the writer; time since which it has been writing;
bytes that the disk has; duration of the last wait for the disk; time since which it has been waiting. A time is 0 while
the child does not write or wait.
"""
Shared = memoryview
"""A view of numbers that are stored in one step; `struct` would store bytes, and a kill could leave half a number."""


class Waits:
    """Reports the child's writes and waits while they last."""

    def __init__(self, shared: Shared) -> None:
        self._shared, self._write, self._sync = shared, os.write, os.fdatasync

    def write(self, fd: int, data: bytes) -> int:
        self._shared[WRITING_S] = time.monotonic()
        written = self._write(fd, data)
        self._shared[WRITING_S] = 0.0
        return written

    def sync(self, fd: int) -> None:
        size, began_s = os.fstat(fd).st_size, time.monotonic()
        self._shared[SYNCING_S] = began_s
        self._sync(fd)
        self._shared[DISK_BYTES] = float(size)
        self._shared[SYNC_TOOK_S] = time.monotonic() - began_s
        self._shared[SYNCING_S] = 0.0


def record(path: Path, shared: Shared) -> None:
    """The child: records a stream in real time, 10 samples every 5 ms, in reads that may end within a frame."""
    waits = Waits(shared)
    os.write, os.fdatasync = waits.write, waits.sync
    writer = RecordingWriter(path, Header(ident=IDENT, config=board_config()))
    index, cut = 0, 0
    line = b""
    while True:
        for _ in range(2):
            samples = b"".join(struct.pack("<hhhh", *[(index + k) % 509] * CHANNELS) for k in range(SAMPLES_PER_FRAME))
            line += encode(m.Emg.TYPE, index // SAMPLES_PER_FRAME & 255, m.Emg(index, 5, 0).pack() + samples)
            index += SAMPLES_PER_FRAME
        cut = (cut + 7) % 40
        writer.bytes(time.monotonic(), line[: len(line) - cut])
        line = line[len(line) - cut :]
        shared[HANDED] = float(index - SAMPLES_PER_FRAME * (cut > 0))
        time.sleep(TURN_S)


class Cost(NamedTuple):
    """Loss of a kill in milliseconds of the stream, and the time for which the system was blocking the recorder."""

    kill_ms: float
    plug_ms: float
    write_wait_ms: float
    sync_wait_ms: float


def kill_once(path: Path, random: Random) -> Cost:
    """Lets a recorder run for a moment, kills it, and reads the file."""
    shared = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")
    child = os.fork()
    if child == 0:
        try:
            record(path, shared)
        finally:
            os._exit(1)
    while not shared[HANDED]:
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.4))
    os.kill(child, signal.SIGKILL)
    now_s = time.monotonic()
    os.waitpid(child, 0)
    handed, writing_s, disk_bytes, took_s, syncing_s = shared[:5]
    left = samples_in(path)
    with path.open("r+b") as file:
        file.truncate(int(disk_bytes))
    write_wait_s = now_s - writing_s if writing_s else 0.0
    sync_wait_s = took_s + (now_s - syncing_s if syncing_s else 0.0)
    lost_s = (handed - left) / FS_HZ, (handed - samples_in(path)) / FS_HZ
    path.unlink()
    return Cost(*(round(1e3 * seconds, 1) for seconds in (*lost_s, write_wait_s, write_wait_s + sync_wait_s)))


def samples_in(path: Path) -> int:
    """Number of samples in the file, which must be an undamaged beginning of the stream."""
    log = read_log(path)
    damage = log.damage
    assert (damage.crc_errors, damage.length_errors, damage.malformed, log.samples_lost) == (0, 0, 0, 0), damage
    assert all(int(row[0]) == k % 509 for k, row in enumerate(log.counts[:, :1]))
    return len(log.counts)


def cost(rows: list[tuple[float, float]]) -> dict[str, float]:
    """Of pairs (milliseconds lost, milliseconds blocked): the largest, and how many are above 100."""
    return {
        "most_ms": max(lost for lost, _ in rows),
        "over_100_ms": sum(lost > 100 for lost, _ in rows),
        "over_100_ms_beyond_wait": sum(lost - waited > 100 for lost, waited in rows),
        "longest_wait_ms": max(waited for _, waited in rows),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1, help="recorders that run at the same time")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Pool(options.jobs) as pool:
        kills = [(Path(folder) / f"{k}.myo", Random(f"{options.seed}.{k}")) for k in range(options.kills)]
        rows = pool.starmap(kill_once, kills, chunksize=1)
    kill = cost([(row.kill_ms, row.write_wait_ms) for row in rows])
    plug = cost([(row.plug_ms, row.sync_wait_ms) for row in rows])
    summary = {"kills": len(rows), "kill": kill, "plug": plug}
    print(json.dumps(summary, indent=2))


if __name__ == "__main__":
    main()
