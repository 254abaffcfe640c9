"""Writes the drawings and the generated tables of this folder; `--check` only says which ones are not current.

    python hardware/draw.py [--check]

Pin numbers come from firmware/src/boards/*/pins.h. Python 3.11 or newer, standard library only.
"""

from __future__ import annotations

import sys
from pathlib import Path

from drawing.forearm import placement, rings
from drawing.pins import Board, pin_table, read_board
from drawing.reckoning import gains, power_tables
from drawing.wiring import wiring

HERE = Path(__file__).resolve().parent
BOARDS = HERE.parent / "firmware" / "src" / "boards"
TITLES = {"mega2560": "Arduino Mega 2560", "uno": "Arduino Uno"}


def boards() -> list[Board]:
    """Every board with a pins.h."""
    headers = sorted(BOARDS.glob("*/pins.h"))
    return [read_board(h.parent.name, TITLES[h.parent.name], h.read_text(encoding="utf-8")) for h in headers]


def with_tables(text: str, tables: dict[str, str]) -> str:
    """The document with each block `<!-- generated:NAME --> … <!-- end -->` filled anew."""
    for name, body in tables.items():
        head, opening, rest = text.partition(f"<!-- generated:{name} -->\n")
        _, closing, tail = rest.partition("<!-- end -->")
        if not closing:
            raise SystemExit(f"A document has no block '<!-- generated:{name} --> … <!-- end -->'; put it back.")
        text = f"{head}{opening}{body}\n{closing}{tail}"
    return text


def current() -> dict[Path, str]:
    """What every generated file should hold."""
    all_boards = boards()
    files = {HERE / "images" / f"wiring-{board.name}.svg": wiring(board) for board in all_boards}
    files[HERE / "images" / "electrodes-rings.svg"] = rings()
    files[HERE / "images" / "electrodes-arm.svg"] = placement()
    documents = {
        "WIRING.md": {f"pins-{board.name}": pin_table(board) for board in all_boards},
        "POWER.md": power_tables(),
        "BOM.md": {"gains": gains()},
    }
    for name, tables in documents.items():
        files[HERE / name] = with_tables((HERE / name).read_text(encoding="utf-8"), tables)
    return files


def main(arguments: list[str]) -> int:
    """Writes what is not current, or with `--check` names it and returns 1."""
    files = current()
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.name} is not current: run `python hardware/draw.py`.", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(files[path], encoding="utf-8")
        print(f"wrote {path.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
