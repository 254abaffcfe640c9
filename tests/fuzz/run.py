"""Coverage-guided fuzzing of everything that takes bytes from outside.

`python tests/fuzz/run.py --seconds 600` fuzzes each target for ten minutes, from its seeds and from the inputs that
`--corpus` kept in earlier runs. An input that breaks a promise is written to a file `crash-…` in the current folder;
`python tests/fuzz/run.py TARGET --again crash-…` shows the traceback.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
TARGETS = sorted(path.stem.removeprefix("target_") for path in HERE.glob("target_*.py"))
FRESH = ("sh", "-c", '"$@"; exit $?', "sh")
"""A shell between: Linux counts the peak memory of the process that starts another as the other's own."""
LIMITS = ("-max_len=4096", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=1")


class Outcome(NamedTuple):
    """The result of fuzzing one target."""

    runs: int
    edges: int
    """Edges of the program that the run reached."""
    problem: str
    """Output of the fuzzer if a promise was broken; otherwise empty."""


def fuzz(target: str, budget: str, corpus: Path, artifacts: Path) -> Outcome:
    """Fuzzes one target until the budget, an option of libFuzzer, is used up; `corpus` keeps useful inputs."""
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in importlib.import_module(f"target_{target}").seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    command = [sys.executable, HERE / "child.py", target, *LIMITS, budget, f"-artifact_prefix={artifacts}/", corpus]
    done = subprocess.run([*FRESH, *command], capture_output=True, text=True, check=False)
    edges = [int(number) for number in re.findall(r"cov: (\d+)", done.stderr)]
    runs = re.findall(r"stat::number_of_executed_units: *(\d+)", done.stderr)
    problem = done.stdout[-3000:] + done.stderr[-3000:] if done.returncode else ""
    return Outcome(int(runs[0]) if runs else 0, max(edges, default=0), problem)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"any of: {', '.join(TARGETS)}; by default all")
    parser.add_argument("--seconds", type=int, default=60, help="time for each target")
    parser.add_argument("--corpus", type=Path, help="folder that keeps inputs with new coverage")
    parser.add_argument("--again", type=Path, help="run the target once, on this file")
    options = parser.parse_args()
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    if options.again:
        importlib.import_module(f"target_{options.targets[0]}").fuzz(options.again.read_bytes())
        return 0
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for target in options.targets or TARGETS:
            corpus = (options.corpus or Path(folder)) / target
            outcome = fuzz(target, f"-max_total_time={options.seconds}", corpus, Path.cwd())
            failed |= bool(outcome.problem)
            verdict = outcome.problem or "kept"
            print(f"{target:10} {outcome.runs:>10} runs {outcome.edges:>6} edges  {verdict}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
