"""Measures the trial of a model: time and memory of its process, for shipped models and for hostile ones.

python tests/bench/bench_trial.py [FILE …]

Each model is opened by a Python process of its own. Memory is the peak of the process that runs the trial.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from hostile_models import HOSTILE
from myobridge.model.shipped import shipped_models

ASKER = """
import json, resource, sys, time
from pathlib import Path
from myobridge.errors import UserError
from myobridge.model.load import read_model
began_s, said = time.monotonic(), "passes"
try:
    model = read_model(Path(sys.argv[1]))
    model.begin_trial()
    while not model.ready():
        time.sleep(0.001)
except UserError as refused:
    said = str(refused).removeprefix(sys.argv[1]).strip()
took_s, usage = time.monotonic() - began_s, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([took_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said]))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        files = dict(shipped_models()) | {file: Path(file) for file in sys.argv[1:]}
        files |= {what: write(Path(name, f"{at}.onnx")) for at, (what, (write, _)) in enumerate(HOSTILE.items())}
        print(f"{'file':28}{'kB':>8}{'s':>7}{'CPU s':>7}{'MB':>6}  says")
        for what, path in files.items():
            run = subprocess.run([sys.executable, "-c", ASKER, path], capture_output=True, text=True, check=True)
            took_s, cpu_s, peak_mb, said = json.loads(run.stdout)
            print(f"{what:28}{path.stat().st_size / 1024:8.1f}{took_s:7.2f}{cpu_s:7.2f}{peak_mb:6.0f}  {said:.60}")


if __name__ == "__main__":
    main()
