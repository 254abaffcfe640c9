"""The firmware's portable C, compiled for this machine and called through cffi.

`HAND_C_LIBRARY` names a library that is already compiled (a mutant), `HAND_C_COVERAGE` a folder for gcov's counts.
"""

from __future__ import annotations

import atexit
import os
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

from cffi import FFI

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ROOT / "firmware" / "src"
LIBRARY: Final = os.environ.get("HAND_C_LIBRARY")
COVERAGE: Final = os.environ.get("HAND_C_COVERAGE")
FAKES: Final = Path(__file__).parent / "c"
HEADERS: Final = (
    "safety.h",
    "servo_map.h",
    "configure.h",
    "limits.h",
    "panel.h",
    "emg.h",
    "dispatch.h",
    "link.h",
    "fake_board.h",
)
WARNINGS: Final = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wundef", "-Werror")


def portable_sources() -> list[Path]:
    """All C files that know no hardware, and the board in memory that they run on here."""
    return [path for path in sorted(SOURCES.glob("*.c")) if path.name != "main.c"] + [FAKES / "fake_board.c"]


def without_bodies(text: str) -> str:
    """C declarations with every function body, and everything that only bodies need, taken out."""
    kept = []
    at = 0
    for match in re.finditer(r"static inline [^;{]*\)\s*\{", text):
        if match.start() < at:
            continue
        kept.append(text[at : match.start()])
        depth, at = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
    return "".join([*kept, text[at:]])


def declarations(folder: Path) -> str:
    """What the headers declare, as cffi takes it: preprocessed, without the system's own headers."""
    empty = folder / "empty"
    empty.mkdir()
    for name in ("stdint.h", "stdbool.h", "assert.h", "string.h"):
        (empty / name).write_text("", encoding="utf-8")
    includes = "".join(f'#include "{name}"\n' for name in HEADERS)
    command = ["gcc", "-E", "-P", "-nostdinc", f"-I{empty}", f"-I{SOURCES}", f"-I{FAKES}", "-"]
    done = subprocess.run(command, input=includes, capture_output=True, text=True, check=True)
    return without_bodies(done.stdout)


def compile_command(*options: str | Path) -> list[str | Path]:
    """gcc, with the firmware's own warnings."""
    return ["gcc", "-std=c11", "-fPIC", *WARNINGS, f"-I{SOURCES}", f"-I{FAKES}", *options]


def compile_library(folder: Path) -> Path:
    """Compiles all portable sources into a library in `folder`."""
    extra = ["--coverage", "-O0", FAKES / "coverage.c"] if COVERAGE else ["-O1"]
    library = folder / "hand.so"
    subprocess.run(compile_command("-shared", "-o", library, *extra, *portable_sources()), cwd=folder, check=True)
    return library


@cache
def load() -> tuple[FFI, Any]:
    """(ffi, lib) of the compiled sources; compiles them on the first call of a process."""
    ffi = FFI()
    with tempfile.TemporaryDirectory(prefix="hand-c-") as name:
        ffi.cdef(declarations(Path(name)))
        library = Path(LIBRARY) if LIBRARY else compile_library(Path(COVERAGE or name))
        lib = ffi.dlopen(str(library))
    if COVERAGE:
        ffi.cdef("void coverage_dump(void);")
        atexit.register(lib.coverage_dump)
    return ffi, lib
