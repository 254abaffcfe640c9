"""Runs one target under atheris: `child.py TARGET [options of libFuzzer]`. run.py starts this program."""

import importlib
import sys
from pathlib import Path

import atheris

HERE = Path(__file__).parent
INSTRUMENTED = ["myobridge", "tomllib", "zipfile"]


def main() -> None:
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    with atheris.instrument_imports(include=INSTRUMENTED):
        target = importlib.import_module(f"target_{sys.argv[1]}")
    for seed in target.seeds():  # opens everything once, and checks the seeds
        target.fuzz(seed)
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.fuzz)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
