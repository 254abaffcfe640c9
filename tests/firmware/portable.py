"""The firmware's portable C, compiled for this machine and called through cffi.

`HAND_C_SOURCES` names another folder in place of firmware/src (a mutant), `HAND_C_COVERAGE` a folder for gcov's counts.
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
SOURCES: Final = Path(os.environ.get("HAND_C_SOURCES", ROOT / "firmware" / "src"))
COVERAGE: Final = os.environ.get("HAND_C_COVERAGE")
FAKES: Final = Path(__file__).parent / "c"
HEADERS: Final = ("safety.h", "servo_map.h", "configure.h", "emg.h", "dispatch.h", "link.h", "fake_board.h")
WARNINGS: Final = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wundef", "-Werror")


def portable_sources(folder: Path = SOURCES) -> list[Path]:
    """All C files that know no hardware."""
    return [path for path in sorted(folder.glob("*.c")) if path.name != "main.c"]


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


@cache
def load() -> tuple[FFI, Any]:
    """(ffi, lib) of the compiled sources; compiles them on the first call of a process."""
    folder = Path(COVERAGE) if COVERAGE else Path(tempfile.mkdtemp(prefix="hand-c-"))
    library = folder / "hand.so"
    sources = [*portable_sources(), FAKES / "fake_board.c"]
    extra = ["--coverage", "-O0", str(FAKES / "coverage.c")] if COVERAGE else ["-O1"]
    command = ["gcc", "-std=c11", "-shared", "-fPIC", *WARNINGS, f"-I{SOURCES}", f"-I{FAKES}", *extra]
    subprocess.run([*command, "-o", library, *sources], cwd=folder, check=True)
    ffi = FFI()
    ffi.cdef(declarations(folder))
    if COVERAGE:
        ffi.cdef("void coverage_dump(void);")
    lib = ffi.dlopen(str(library))
    if COVERAGE:
        atexit.register(lib.coverage_dump)
    return ffi, lib
