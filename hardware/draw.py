"""Writes the drawings and the generated tables of this folder; `--check` only says which ones are not current.

    python hardware/draw.py [--check]

Pin numbers come from firmware/src/boards/*/pins.h, the supply's limit from firmware/protocol.toml. Needs schemdraw:
`pip install -e '.[drawing]'` in the repository.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from drawing.amplifiers import amplifiers, gains
from drawing.circuits import circuits
from drawing.forearm import placement, rings
from drawing.front_end import chip_table, front_end_table
from drawing.hand import channels, linkage
from drawing.hand_parts import hand_tables
from drawing.parts import part_tables
from drawing.pins import Board, pin_table, read_board
from drawing.reckoning import power_tables
from drawing.signals import divider_table, filter_table, filter_text
from drawing.small_boards import SmallBoard, pinout, read_small_board, small_pin_table
from drawing.small_parts import circuit_table
from drawing.wiring import wiring

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parent / "firmware"
BOARDS = FIRMWARE / "src" / "boards"
TITLES = {"mega2560": "Arduino Mega 2560", "uno": "Arduino Uno"}
"""As they stand in a drawing; other boards are called as in protocol.toml."""


def headers(family: str) -> dict[str, str]:
    """The pins.h of each board of a family that has pins of its own, by the board's name."""
    made = sorted(BOARDS.glob("*/board.mk"))
    names = [p.parent.name for p in made if f"FAMILY_{p.parent.name} := {family}\n" in p.read_text(encoding="utf-8")]
    texts = {name: (BOARDS / name / "pins.h").read_text(encoding="utf-8") for name in names}
    return {name: text for name, text in texts.items() if "SERVO_PINS(X)" in text}


def boards() -> list[Board]:
    """Every Arduino."""
    return [read_board(name, TITLES[name], text) for name, text in headers("avr").items()]


def small_boards() -> list[SmallBoard]:
    """Every board with an RP2040."""
    rows = tomllib.loads((FIRMWARE / "protocol.toml").read_text(encoding="utf-8"))["board"]
    return [read_small_board(name, rows[name]["title"], text) for name, text in headers("rp2").items()]


def with_tables(text: str, tables: dict[str, str]) -> str:
    """The document with each block `<!-- generated:NAME --> … <!-- end -->` filled anew."""
    for name, body in tables.items():
        head, opening, rest = text.partition(f"<!-- generated:{name} -->\n")
        _, closing, tail = rest.partition("<!-- end -->")
        if not closing:
            raise SystemExit(f"A document has no block '<!-- generated:{name} --> … <!-- end -->'; put it back.")
        text = f"{head}{opening}{body}\n{closing}{tail}"
    return text


def supply_min_mv() -> int:
    """The servo supply below which the firmware stops."""
    limits = tomllib.loads((FIRMWARE / "protocol.toml").read_text(encoding="utf-8"))["limits"]
    return int(limits["supply_min_mv"])


def tables() -> dict[str, dict[str, str]]:
    """The generated blocks of each document."""
    all_boards = boards()
    wired = {f"pins-{board.name}": pin_table(board) for board in all_boards}
    wired |= {f"small-{board.name}": circuit_table(board) for board in all_boards}
    small = small_boards()
    wired |= {"pins-rp2040": small_pin_table([board for board in small if not board.front_end])}
    wired |= {f"pins-{board.name}": front_end_table(board) for board in small if board.front_end}
    wired |= {"front-end": chip_table()}
    return {
        "WIRING.md": wired | {"filter-text": filter_text(), "filter": filter_table()},
        "POWER.md": power_tables(all_boards) | {"divider": divider_table(all_boards[0], supply_min_mv())},
        "HAND.md": hand_tables(all_boards[0]) | {"hand-channels": channels(all_boards)},
        "BOM.md": part_tables(all_boards) | {"amplifiers": amplifiers(), "gains": gains()},
    }


def current() -> dict[Path, str]:
    """The text of each generated file."""
    images = {"electrodes-rings": rings(), "electrodes-arm": placement(), "hand": linkage(boards())}
    for board in boards():
        images |= {f"wiring-{board.name}": wiring(board), f"circuits-{board.name}": circuits(board)}
    images |= {f"pins-{board.name}": pinout(board) for board in small_boards()}
    files = {HERE / "images" / f"{name}.svg": text for name, text in images.items()}
    for name, blocks in tables().items():
        files[HERE / name] = with_tables((HERE / name).read_text(encoding="utf-8"), blocks)
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
