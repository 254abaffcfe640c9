"""Peak memory of the process, and time, of reading and exporting a recording.

python tests/bench/bench_memory.py [--minutes 60] [--channels 8] [--fs 2000]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from peak_memory import long_recording, peak_mb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--fs", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = long_recording(Path(folder) / "r.myo", options.minutes, options.channels, options.fs)
        npz = log.with_suffix(".npz")
        print(f"{'':24}  most MB   seconds")
        for source, form in [(log, "npz"), (log, "csv"), (log, "edf"), (log, "bids"), (npz, "csv"), (npz, "edf")]:
            out = npz if (source, form) == (log, "npz") else Path(folder) / f"out.{form}"
            out.unlink(missing_ok=True)
            show(f"{source.suffix} to {form}", "export", source, "--to", form, "--out", out)
        for source in (log, npz):
            show(f"inspect {source.suffix}", "inspect", source, "--plots", folder)


def show(name: str, *arguments: object) -> None:
    began_s = time.monotonic()
    print(f"{name:24} {peak_mb(*arguments):8.0f} {time.monotonic() - began_s:9.1f}", flush=True)


if __name__ == "__main__":
    main()
