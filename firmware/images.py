"""Builds the firmware of every board into the host's package, from where `myobridge flash` takes it.

    python firmware/images.py            build all and write host/myobridge/feed/flashing/images
    python firmware/images.py --check    build and compare; exit status 1: one is stale; 3: other compilers

The same sources and the same compilers make the same bytes; images.json names the compilers. Needs all toolchains
(README.md). Python 3.11 or newer, standard library only.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
FOLDER: Final = HERE.parent / "host" / "myobridge" / "feed" / "flashing" / "images"
INDEX: Final = "images.json"
COMPILERS: Final = {"avr": "avr-gcc", "rp2": "arm-none-eabi-gcc"}
OTHER_COMPILERS: Final = 3
"""Exit status: nothing can be said."""
SUFFIX: Final = {"avr": ".hex", "rp2": ".uf2"}


def compilers() -> dict[str, str]:
    """What each family's compiler says of itself.

    Raises:
        FileNotFoundError: one is not installed.
    """
    said = {
        family: subprocess.run([name, "--version"], check=True, capture_output=True, text=True).stdout
        for family, name in COMPILERS.items()
    }
    return {family: text.splitlines()[0] for family, text in said.items()}


def boards() -> dict[str, dict[str, str]]:
    """Each board's make variables, by their names without the board's."""
    found = {}
    for path in sorted((HERE / "src" / "boards").glob("*/board.mk")):
        name = path.parent.name
        text = path.read_text(encoding="utf-8")
        found[name] = dict(re.findall(rf"^(\w+)_{name} := (.*)$", text, re.M))
    return found


def build(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Builds into `folder`; the index, and each file."""
    known = boards()
    targets = [str(folder / name / f"firmware{SUFFIX[row['FAMILY']]}") for name, row in known.items()]
    made = subprocess.run(
        ["make", "-j2", "-O", "-C", HERE, f"BUILD={folder}", *targets], check=True, capture_output=True, text=True
    )
    commands = re.findall(r"-DBUILD_REVISION=0x(\w+)UL.*?-o \S*?(\w+)/firmware\.elf", made.stdout, re.S)
    by_board = {board: int(build_id, 16) for build_id, board in commands}
    files, rows = {}, {}
    for name, row in known.items():
        file = f"{name}{SUFFIX[row['FAMILY']]}"
        files[file] = (folder / name / f"firmware{SUFFIX[row['FAMILY']]}").read_bytes()
        rows[name] = {"file": file, "sha256": hashlib.sha256(files[file]).hexdigest(), "build": by_board[name]}
        rows[name] |= {"family": row["FAMILY"]} | ({"avrdude": row["AVRDUDE"]} if "AVRDUDE" in row else {})
    version = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return {"version": version, "compilers": compilers(), "boards": rows}, files


def main(arguments: list[str]) -> int:
    """Writes, or with `--check` only compares."""
    if "--check" in arguments and (FOLDER / INDEX).exists():
        made_by = json.loads((FOLDER / INDEX).read_text(encoding="utf-8"))["compilers"]
        if made_by != compilers():
            print(f"The images were made by other compilers: {', '.join(made_by.values())}.", file=sys.stderr)
            return OTHER_COMPILERS
    with TemporaryDirectory() as scratch:
        index, files = build(Path(scratch))
    files[INDEX] = (json.dumps(index, indent=2) + "\n").encode()
    stale = [
        name for name, data in files.items() if not (FOLDER / name).exists() or (FOLDER / name).read_bytes() != data
    ]
    stale += [path.name for path in FOLDER.glob("*") if path.name not in files]
    if "--check" in arguments:
        for name in stale:
            print(f"{name} is not current: run `python firmware/images.py`.", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name in stale:
        (FOLDER / name).unlink(missing_ok=True)
        if name in files:
            (FOLDER / name).write_bytes(files[name])
            print(f"wrote {(FOLDER / name).relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
