"""Time and peak memory of the process that imports an hour of 8 channels at 2 kHz, for each format.

python tests/bench/bench_import.py [--minutes 60] [--formats csv edf …]
"""

import argparse
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
    print(f"{'':24}  most MB   seconds   (at most {MOST_MB} MB and {MOST_S} s for an hour)")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.formats:
            writer = WRITERS[name]
            path, out = Path(folder) / f"source.{writer.suffix}", Path(folder) / "r.npz"
            writer.write(path, options.minutes, CHANNELS, FS_HZ)
            began_s = time.monotonic()
            most = peak_mb("import", path, "--out", out, "--rate", FS_HZ, *writer.options)
            print(f"{name:24} {most:8.0f} {time.monotonic() - began_s:9.1f}", flush=True)
            path.unlink()
            out.unlink()


if __name__ == "__main__":
    main()
