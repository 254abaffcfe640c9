"""Writes every generated view of protocol.toml; `--check` only says which ones are not current.

    python firmware/generate.py [--check]

Targets: host/myobridge/wire/messages.py (message classes, struct formats), messages.h, board_table.h and crc_table.h in
firmware/src, and the marked tables of firmware/PROTOCOL.md. Python 3.11 or newer, standard library only.
"""

from __future__ import annotations

import json
import sys
import tomllib
import zlib
from pathlib import Path
from typing import Any

from c_header import board_table, c_header, crc_table
from document import document, struct_format

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "protocol.toml"
PROJECT = HERE.parent / "pyproject.toml"
VERSION = HERE / "src" / "version.h"
PYTHON = HERE.parent / "host" / "myobridge" / "wire" / "messages.py"
C = HERE / "src" / "messages.h"
CRC_TABLE = HERE / "src" / "crc_table.h"
BOARD_TABLE = HERE / "src" / "board_table.h"
DOCUMENT = HERE / "PROTOCOL.md"

Spec = dict[str, Any]


def proto_hash(spec: Spec) -> int:
    """CRC-32 of messages and rules as canonical JSON. Comments, docs and the boards may change freely."""

    def bare(node: Any) -> Any:  # noqa: ANN401
        if isinstance(node, dict):
            return {k: bare(v) for k, v in node.items() if k != "doc"}
        return [bare(v) for v in node] if isinstance(node, list) else node

    rules = {key: value for key, value in bare(spec).items() if key != "board"}
    return zlib.crc32(json.dumps(rules, sort_keys=True, separators=(",", ":")).encode())


def camel(name: str) -> str:
    """snake_case to CamelCase."""
    return "".join(part.capitalize() for part in name.split("_"))


# --- Python -----------------------------------------------------------------------------------------------


def python_enum(name: str, members: Spec, bits: bool) -> list[str]:
    """An enumeration's class."""
    lines = [f"class {camel(name)}({'IntFlag' if bits else 'IntEnum'}):"]
    lines += [f"    {key.upper()} = {f'1 << {value}' if bits else value}" for key, value in members.items()]
    return [*lines, "", ""]


def python_message(message: Spec) -> list[str]:
    """A message's class."""
    name, fields = camel(message["name"]), message["fields"]
    lines = [f"class {name}(Struct, frozen=True):", f'    """{message["doc"]}"""', ""]
    for field in fields:
        kind = "tuple[int, ...]" if field.get("count") else "int"
        lines.append(f"    {field['name']}: {kind}" + (f"  # {field['doc']}" if "doc" in field else ""))
    lines.append(f"    TYPE: ClassVar[int] = 0x{message['type']:02X}")
    lines += [f'    STRUCT: ClassVar[struct.Struct] = struct.Struct("{struct_format(message)}")', ""]
    packed = ", ".join(("*" if f.get("count") else "") + f"self.{f['name']}" for f in fields)
    lines += ["    def pack(self) -> bytes:", f"        return self.STRUCT.pack({packed})", ""]
    lines += ["    @classmethod", f"    def unpack(cls, payload: bytes) -> {name}:"]
    if not fields:
        return [*lines, "        cls.STRUCT.unpack(payload)", "        return cls()", "", ""]
    if not any(f.get("count") for f in fields):
        return [*lines, "        return cls(*cls.STRUCT.unpack(payload))", "", ""]
    picks, at = [], 0
    for field in fields:
        count = field.get("count")
        picks.append(f"v[{at}:{at + count}]" if count else f"v[{at}]")
        at += count or 1
    return [*lines, "        v = cls.STRUCT.unpack(payload)", f"        return cls({', '.join(picks)})", "", ""]


def python_module(spec: Spec) -> str:
    """The text of messages.py."""
    lines = [
        '"""Messages of the wire protocol. Generated from firmware/protocol.toml '
        'by firmware/generate.py; do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "import struct",
        "from enum import IntEnum, IntFlag",
        "from typing import ClassVar, Final",
        "",
        "from msgspec import Struct",
        "",
        f"PROTO_HASH: Final = 0x{proto_hash(spec):08X}",
    ]
    constants = {**spec["protocol"], **spec["limits"]}
    lines += [f"{key.upper()}: Final = {value}" for key, value in constants.items()]
    lines += [f"BAUD: Final = {spec['board']['mega2560']['baud']}", "", ""]
    lines += python_enum("board", {name: board["id"] for name, board in spec["board"].items()}, bits=False)
    for name, members in spec["enum"].items():
        lines += python_enum(name, members, bits=False)
    for name, members in spec["bits"].items():
        lines += python_enum(name, members, bits=True)
    for message in spec["message"]:
        lines += python_message(message)
    names = [camel(m["name"]) for m in spec["message"]]
    conversions = [f"    Board.{n.upper()}: {b['slot_conversions']}," for n, b in spec["board"].items()]
    lines += [
        "# Conversions of a channel that each board makes in one slot.",
        "SLOT_CONVERSIONS: Final[dict[int, int]] = {",
    ]
    lines += [*conversions, "}", ""]
    lines += [
        f"Message = {' | '.join(names)}",
        "",
        "BY_TYPE: Final[dict[int, type[Message]]] = {" + ", ".join(f"{n}.TYPE: {n}" for n in names) + "}",
        "",
        "# Payload bytes by type; an Emg's are only its fixed part.",
        "PAYLOAD_BYTES: Final[dict[int, int]] = {t: m.STRUCT.size for t, m in BY_TYPE.items()}",
        "",
    ]
    return "\n".join(lines)


# --- Version ----------------------------------------------------------------------------------------------

VERSION_HEADER = """\
/* What IDENT says about this firmware. Generated from pyproject.toml by firmware/generate.py; do not edit. */
#ifndef VERSION_H
#define VERSION_H

#define FIRMWARE_VERSION {{{}}}

#ifndef BUILD_REVISION
#define BUILD_REVISION 0UL /* the Makefile gives a hash of the sources and the compiler */
#endif

#endif
"""


def version_header(version: str) -> str:
    """The text of version.h: the project's version is the firmware's."""
    return VERSION_HEADER.format(", ".join(f"{part}U" for part in version.split(".")))


def read_spec() -> Spec:
    """protocol.toml, in which a board's row may name another one that it is `like`."""
    spec = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    boards = spec["board"]
    for name, board in boards.items():
        boards[name] = {**boards[board.pop("like")], **board} if "like" in board else board
    return spec


def main(arguments: list[str]) -> int:
    """Writes, or with `--check` only compares; exit status 1 if something is not current."""
    spec = read_spec()
    targets = {
        VERSION: version_header(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"]),
        PYTHON: python_module(spec),
        C: c_header(spec, proto_hash(spec)),
        CRC_TABLE: crc_table(),
        BOARD_TABLE: board_table(spec),
        DOCUMENT: document(DOCUMENT.read_text(encoding="utf-8"), spec, proto_hash(spec)),
    }
    stale = [path for path, text in targets.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.name} is not current: run `python firmware/generate.py`.", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(targets[path], encoding="utf-8")
        print(f"wrote {path.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
