"""Reads TOML files from people and from strangers: in bounded time, with the line of each mistake."""

from __future__ import annotations

import codecs
import tomllib
from bisect import bisect_left
from pathlib import Path
from typing import Any, Final, NamedTuple

from myobridge.errors import UserError
from myobridge.files import check_file

MOST_BYTES: Final = 64 << 10
LONGEST_LINE: Final = 1000
"""In characters; the time of tomllib grows with the square of the length of a dotted key."""
NEWLINE: Final = b"\n"
UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TomlFile(NamedTuple):
    """The tables of a file, and its lines, which show where a key is."""

    tables: dict[str, Any]
    lines: list[str]


def read_toml(path: Path, name: str) -> TomlFile:
    """Reads a file; `name` is its name in errors, such as "the config".

    Raises:
        UserError: the file cannot be read, is too long, is not UTF-8 or not TOML.
    """
    text = _decoded(_read(path, name), path)
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise UserError(f"{path}, line {number} is longer than {LONGEST_LINE} characters; correct that line.")
    try:
        return TomlFile(tomllib.loads(text), lines)
    except tomllib.TOMLDecodeError as error:
        what = str(error).replace("at end of document", f"at end of document, line {len(lines)}")
        raise UserError(f"{path} is not valid TOML ({what}); correct that line.") from error
    except RecursionError as error:
        raise UserError(f"{path}, line {_first_bad_line(lines)} is nested too deeply; correct that line.") from error


def _read(path: Path, name: str) -> bytes:
    try:
        check_file(path)
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"{name.capitalize()} {path} cannot be read ({error.strerror}); check the path.") from error
    if len(data) > MOST_BYTES:
        raise UserError(f"{name.capitalize()} {path} is longer than {MOST_BYTES >> 10} KiB; choose another file.")
    return data


def _decoded(data: bytes, path: Path) -> str:
    """The text, without the byte-order mark that some editors write."""
    if data.startswith(UTF_16):
        raise _not_utf_8(path, "text in UTF-16")
    data = data.removeprefix(codecs.BOM_UTF8)
    if (zero := data.find(b"\0")) >= 0:
        raise _not_utf_8(path, f"a zero byte {_place(data, zero)}, as in UTF-16")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        byte = data[error.start : error.start + 1]
        letter = byte.decode("cp1252", "replace")
        what = f"the byte {byte.hex().upper()} {_place(data, error.start)}, which is '{letter}' in Latin-1"
        raise _not_utf_8(path, what) from error


def _not_utf_8(path: Path, what: str) -> UserError:
    return UserError(f"{path} is not valid TOML (not UTF-8: {what}); save the file as UTF-8.")


def _place(data: bytes, at: int) -> str:
    """Line and column of a byte, both counted from 1."""
    begins = data.rfind(NEWLINE, 0, at) + 1
    return f"at line {data.count(NEWLINE, 0, at) + 1}, column {len(data[begins:at].decode(errors='replace')) + 1}"


def _first_bad_line(lines: list[str]) -> int:
    """The first line, counted from 1, whose nesting is too deep."""

    def fails(length: int) -> bool:
        try:
            tomllib.loads("\n".join(lines[:length]))
        except RecursionError:
            return True
        except tomllib.TOMLDecodeError:
            return False
        return False

    return bisect_left(range(1, len(lines)), x=True, key=fails) + 1
