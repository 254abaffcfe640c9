"""Kills a recording process at random moments and counts what each kill costs.

`python tests/kill_recorder.py --kills 3000` prints the most that a kill cost, in milliseconds of the stream: in the
file as it was left, and in the part of it that the disk had confirmed, which is what a pulled plug leaves.
"""

import argparse
import json
import mmap
import os
import signal
import struct
import tempfile
import time
from pathlib import Path
from random import Random

from myobridge.recording import Header, RecordingWriter
from myobridge.recording.log import read_log
from myobridge.wire import messages as m
from myobridge.wire.frame import encode
from virtual_hand import device_config

FS_HZ, CHANNELS, SAMPLES_PER_FRAME, TURN_S = 2000, 4, 5, 0.005
IDENT = m.Ident(m.MAJOR, m.MINOR, 0, m.PROTO_HASH, (0, 1, 0), 0, m.Board.SIMULATED, 7, 1, 0, 16, 10, 2_000_000)
SHARED = struct.Struct("<QQd")
"""Samples handed to the writer, bytes that the disk has, and the longest wait for it in seconds: outlives the child."""


def record(path: Path, shared: mmap.mmap) -> None:
    """The child: a stream in real time, 10 samples every 5 ms, of which a read may end within a frame."""
    real_sync, longest_s = os.fdatasync, 0.0

    def sync(fd: int) -> None:
        nonlocal longest_s
        size, began_s = os.fstat(fd).st_size, time.monotonic()
        real_sync(fd)
        longest_s = max(longest_s, time.monotonic() - began_s)
        shared[8:24] = struct.pack("<Qd", size, longest_s)

    os.fdatasync = sync
    writer = RecordingWriter(path, Header(ident=IDENT, config=device_config()))
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
        shared[:8] = struct.pack("<Q", index - SAMPLES_PER_FRAME * (cut > 0))
        time.sleep(TURN_S)


def kill_once(path: Path, random: Random) -> tuple[float, float, float]:
    """Milliseconds lost in the file, milliseconds lost on the disk, longest wait for the disk in milliseconds."""
    shared = mmap.mmap(-1, SHARED.size)
    child = os.fork()
    if child == 0:
        try:
            record(path, shared)
        finally:
            os._exit(1)
    while SHARED.unpack(shared)[0] == 0:
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.4))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    handed, disk_bytes, longest_s = SHARED.unpack(shared)
    left = samples_in(path)
    with path.open("r+b") as file:
        file.truncate(disk_bytes)
    return (handed - left) / FS_HZ * 1e3, (handed - samples_in(path)) / FS_HZ * 1e3, longest_s * 1e3


def samples_in(path: Path) -> int:
    """Samples in the file, which must be the stream's beginning without a fault."""
    log = read_log(path)
    damage = log.damage
    assert (damage.crc_errors, damage.length_errors, damage.malformed, log.samples_lost) == (0, 0, 0, 0), damage
    assert all(int(row[0]) == k % 509 for k, row in enumerate(log.counts[:, :1]))
    return len(log.counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random = Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        rows = [kill_once(Path(folder) / f"{k}.myo", random) for k in range(options.kills)]
    killed, unplugged, waited = zip(*rows, strict=True)
    most = {"kill_ms": max(killed), "plug_ms": max(unplugged), "slowest_sync_ms": round(max(waited), 1)}
    print(json.dumps({"kills": options.kills, "most_lost": most}))


if __name__ == "__main__":
    main()
