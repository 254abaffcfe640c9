"""Changes safety.c or limits.c in one place at a time and runs its tests: a change that no test notices is named.

    python tests/firmware/mutate.py            # all of safety.c, some ten minutes
    python tests/firmware/mutate.py --subject limits.c
    python tests/firmware/mutate.py --sample 20

Exit status 1 if a mutant survives that mutants.toml does not explain.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from portable import SOURCES, compile_command, portable_sources

HERE: Final = Path(__file__).parent
SUBJECT: Final = SOURCES / "safety.c"
TESTS: Final = {
    "safety.c": ("test_c_setpoints.py", "test_c_motion.py", "test_c_states.py", "test_c_guide.py"),
    "limits.c": ("test_c_limits.py",),
}
"""Each subject's tests."""
BEGINS: Final = r"(?=static const struct rule RULES|static uint16_t field\()"
"""Where the code of a subject begins that is worth changing."""
TIMEOUT_S: Final = 60

SWAPS: Final = {
    "<": ("<=", ">"),
    "<=": ("<", ">"),
    ">": (">=", "<"),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "&&": ("||",),
    "||": ("&&",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "|": ("&",),
    "&": ("|",),
    "true": ("false",),
    "false": ("true",),
}
"""Words and binary operators, and what takes their place."""
STATES: Final = ("BOOT", "DISARMED", "ARMED", "HOLD", "RELAX", "FAULT", "ESTOP")
VALUES: Final = (
    "REASON_",
    "RESULT_",
    "BLOCKER_",
    "MAX_",
    "RESUME_",
    "STALL_",
    "SUPPLY_",
    "SLEW_",
    "FIRST_",
    "RELAX_",
    "GUIDE_",
)
"""How the named constants begin whose value matters."""

OPERATOR: Final = re.compile(r"(?<= )(?:<=|>=|==|!=|&&|\|\||[<>+\-*/&|])(?=[ \n])|\b(?:true|false)\b")
NOT: Final = re.compile(r"!(?=\w)")
NUMBER: Final = re.compile(r"\b(?:0x[0-9A-F]+|\d+)[UL]*\b")
CONSTANT: Final = re.compile(r"\b[A-Z][A-Z_0-9]+\b")
STATEMENT: Final = re.compile(r"^ +(?!return|const |uint|bool |enum |struct )\w[^\n{}]*;$", re.MULTILINE)
CONDITION: Final = re.compile(r"\bif \((.*)\) \{$", re.MULTILINE)
RETURN: Final = re.compile(r"\breturn (?!true|false|RESULT)(.+);$", re.MULTILINE)


class Mutant(NamedTuple):
    """`text`[`start`:`end`] of the subject replaced by `new`."""

    start: int
    end: int
    new: str

    def describe(self, text: str) -> str:
        number = text.count("\n", 0, self.start) + 1
        line = text.splitlines()[number - 1].strip()
        return f"{number}: `{line}`: `{text[self.start : self.end].strip()}` -> `{self.new.strip() or 'nothing'}`"


def code_only(text: str) -> str:
    """`text` from BEGINS on, with everything that is no code blanked out; offsets stay."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    head = re.compile(r"\A.*?" + BEGINS, re.DOTALL)
    comment = re.compile(r"/\*.*?\*/", re.DOTALL)
    check = re.compile(r"^static_assert\(.*?;$", re.DOTALL | re.MULTILINE)
    for pattern in (head, comment, check):
        text = pattern.sub(blank, text)
    return text


def another(constant: str) -> str | None:
    """What a named constant is changed into; None if it is no value."""
    if constant.startswith("STATE_"):
        return f"STATE_{STATES[(STATES.index(constant[6:]) + 1) % len(STATES)]}"
    if "SLEW" in constant:
        return f"(2 * {constant})"  # one more would round to the same step
    return f"({constant} + 1)" if constant.startswith(VALUES) else None


def mutants(text: str) -> Iterator[Mutant]:
    """All mutants of the subject."""
    code = code_only(text)
    for match in OPERATOR.finditer(code):
        for new in SWAPS[match[0]]:
            yield Mutant(match.start(), match.end(), new)
    for match in NOT.finditer(code):
        yield Mutant(match.start(), match.end(), "")
    for match in NUMBER.finditer(code):
        yield Mutant(match.start(), match.end(), f"({match[0]} + 1)")
    for match in CONSTANT.finditer(code):
        if (new := another(match[0])) is not None:
            yield Mutant(match.start(), match.end(), new)
    for match in STATEMENT.finditer(code):
        yield Mutant(match.start(), match.end(), ";")
    for pattern in (CONDITION, RETURN):
        for match in pattern.finditer(code):
            yield Mutant(match.start(1), match.end(1), f"!({match[1]})")


class Workshop:
    """Compiles mutants and runs the tests on them."""

    def __init__(self, folder: Path, subject: Path) -> None:
        self.folder = folder
        self.subject = subject
        self.others = folder / "others.o"
        sources = [path for path in portable_sources() if path != subject]
        objects = []
        for source in sources:
            objects.append(folder / f"{source.stem}.o")
            subprocess.run(compile_command("-c", "-O1", "-o", objects[-1], source), check=True)
        subprocess.run(["ld", "-r", "-o", self.others, *objects], check=True)

    def killed_by(self, text: str) -> str | None:
        """What noticed the mutant; None if nothing did."""
        source, library = self.folder / self.subject.name, self.folder / "mutant.so"
        source.write_text(text, encoding="utf-8")
        options = ["-shared", "-O1", "-w", "-o", library, source, self.others]
        if subprocess.run(compile_command(*options), capture_output=True, check=False).returncode:
            return "the compiler"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            *(str(HERE / t) for t in TESTS[self.subject.name]),
        ]
        environment = {**os.environ, "HAND_C_LIBRARY": str(library)}
        try:
            done = subprocess.run(
                command, env=environment, cwd=self.folder, capture_output=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return "the clock"
        return "the tests" if done.returncode else None


def main() -> int:
    """Runs the mutants and prints the survivors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="only so many, chosen at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--subject", choices=TESTS, default=SUBJECT.name)
    options = parser.parse_args()
    subject = SOURCES / options.subject
    text = subject.read_text(encoding="utf-8")
    explained = tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))["equivalent"]
    chosen = list(mutants(text))
    total = len(chosen)
    if options.sample:
        chosen = random.Random(options.seed).sample(chosen, options.sample)
    survivors, equivalent, compiler = [], 0, 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        workshop = Workshop(Path(name), subject)
        for mutant in chosen:
            killer = workshop.killed_by(text[: mutant.start] + mutant.new + text[mutant.end :])
            compiler += killer == "the compiler"
            if killer is None:
                description = mutant.describe(text)
                if any(known["line"] in description and known["change"] in description for known in explained):
                    equivalent += 1
                else:
                    survivors.append(description)
                    print(f"SURVIVED {description}", flush=True)
    ran = len(chosen) - compiler
    print(f"{total} mutants, {ran} compiled and run: {ran - equivalent - len(survivors)} killed, ", end="")
    print(f"{equivalent} equivalent (mutants.toml says why), {len(survivors)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
