"""Time and peak memory of the process that imports an hour of 8 channels at 2 kHz, for each format.

The processor's seconds are the command's own; the clock's seconds depend on what else the machine does.

python tests/bench/bench_import.py [--minutes 60] [--formats csv edf …]
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from foreign_files import WRITERS
from peak_memory import peak_mb

CHANNELS, FS_HZ = 8, 2000
MOST_S, MOST_MB = 20, 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--formats", nargs="+", choices=WRITERS, default=[*WRITERS])
    options = parser.parse_args()
    print(f"{'':24}  most MB   processor s   clock s   (at most {MOST_MB} MB and {MOST_S} s for an hour)")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.formats:
            writer = WRITERS[name]
            path, out = Path(folder) / f"source.{writer.suffix}", Path(folder) / "r.npz"
            writer.write(path, options.minutes, CHANNELS, FS_HZ)
            began_s, used_s = time.monotonic(), processor_s()
            most = peak_mb("import", path, "--out", out, "--rate", FS_HZ, *writer.options)
            took_s, used_s = time.monotonic() - began_s, processor_s() - used_s
            print(f"{name:24} {most:8.0f} {used_s:13.1f} {took_s:9.1f}", flush=True)
            path.unlink()
            out.unlink()


def processor_s() -> float:
    """Seconds of processor time of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
