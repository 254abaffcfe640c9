"""Tables of text: CSV, TSV, and what OpenBCI and BrainFlow write."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from myobridge.errors import UserError
from myobridge.recording.importing.found import Blocks, Column, Found, cut_short
from myobridge.recording.importing.mapping import Mapping
from myobridge.recording.importing.names import unit_in
from myobridge.recording.importing.text_layout import (
    Layout,
    decoded,
    fields,
    hide_quoted,
    is_number,
    layout_of,
    preamble_number,
    shown,
)
from myobridge.recording.importing.text_numbers import NoNumber, UnevenRow, fields_of, numbers_of

HEAD_BYTES: Final = 256 << 10
BLOCK_BYTES: Final = 1 << 20
LONGEST_ROW: Final = 64 << 10
OPENBCI: Final = "%OpenBCI"
UNIX_S: Final = 1e9
"""BrainFlow's times are seconds since 1970."""


@dataclass(frozen=True)
class _Table:
    """A file, and the offset in bytes of its first row of numbers."""

    path: Path
    layout: Layout
    at: int
    columns: Sequence[Column]

    def read(self, wanted: Sequence[int]) -> Blocks:
        """The columns block by block."""
        line, delimiter = self.layout.line, ord(self.layout.delimiter)
        for data in _whole_rows(self.path, self.at):
            lines = data.count(b"\n")
            rows = _plain(data, self.layout)
            try:
                begins, ends = fields_of(rows, delimiter, self.layout.width)
                yield self._values(rows, begins[:, wanted], ends[:, wanted], wanted)
            except (UnevenRow, NoNumber) as problem:
                raise self._mistake(data, line, wanted) from problem
            line += lines

    def _values(
        self, rows: bytes, begins: NDArray[np.int64], ends: NDArray[np.int64], wanted: Sequence[int]
    ) -> NDArray[Any]:
        """The numbers of these fields; a text is the index of its first appearance."""
        known = {k: texts for k, index in enumerate(wanted) if (texts := self.columns[index].texts) is not None}
        if not known:
            return numbers_of(rows, begins, ends)
        values = np.empty(begins.shape)
        numeric = [k for k in range(len(wanted)) if k not in known]
        values[:, numeric] = numbers_of(rows, begins[:, numeric], ends[:, numeric])
        for k, texts in known.items():
            values[:, k] = _codes(rows, begins[:, k], ends[:, k], texts, self.layout.delimiter)
        return values

    def _mistake(self, data: bytes, line: int, wanted: Sequence[int]) -> UserError:
        """The error about the first wrong row of a block that begins at this line."""
        layout, rows = self.layout, data.decode(errors="replace").split("\n")
        last = len(rows) - 1
        for number, row in enumerate(rows[:last], line):
            values = fields(row, layout.delimiter)
            if not row.strip():
                continue
            where = f"{self.path}, line {number}"
            if len(values) != layout.width:
                if number == line + last - 1 and len(values) < layout.width:
                    return cut_short(self.path, f"line {number} has {len(values)} of {layout.width} values")
                hint = " with decimal points" if layout.delimiter == "," and len(values) > layout.width else ""
                return UserError(
                    f"{where} has {len(values)} values and the table has {layout.width} columns; correct that line, "
                    f"or save the table again{hint}."
                )
            for index in wanted:
                column = self.columns[index]
                if column.texts is None and not is_number(values[index], layout.delimiter):
                    what = f"'{values[index]}', which is not a number" if values[index] else "nothing"
                    return UserError(
                        f"{where}: the column '{column.name}' holds {what}; correct that line, or leave the column out."
                    )
        return UserError(f"{self.path}, line {line}: a row is not a row of numbers; save the table again.")


def look(path: Path) -> Found:
    """Looks at a table of text.

    Raises:
        UserError: the file is not UTF-8, or holds no table of numbers.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        whole = not file.read(1)
    mark = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    layout = layout_of(decoded(head[mark:]), whole=whole)
    if layout is None:
        raise UserError(f"{path} is text without a table of numbers; choose a file that is an EMG recording.")
    at = mark
    for _ in range(layout.line - 1):
        at = head.index(b"\n", at) + 1
    return _found(path, layout, at)


def _found(path: Path, layout: Layout, at: int) -> Found:
    openbci = bool(layout.preamble) and layout.preamble[0].startswith(OPENBCI)
    names = layout.names or tuple(f"column {k + 1}" for k in range(layout.width))
    columns = [
        Column(name, "", unit=unit_in(name), texts=[] if k in layout.texts else None) for k, name in enumerate(names)
    ]
    table = _Table(path, layout, at, columns)
    form = {",": "CSV", ";": "CSV", "\t": "TSV", " ": "text"}[layout.delimiter]
    rate_hz = preamble_number(layout.preamble, r"(?:sample|sampling)[ _]?(?:rate|frequency)(?: *\(?hz\)?)?")
    if openbci:
        channels = preamble_number(layout.preamble, "Number of channels")
        unnamed = tuple(f"{k + 2}" for k in range(int(channels or 0))) if layout.names is None else None
        says = Mapping(rate_hz=rate_hz, unit="uV", channels=unnamed)
        return Found(path, "OpenBCI", columns, table.read, says)
    if layout.names is None and layout.delimiter == "\t" and (clock := _clock(table)) is not None:
        return Found(path, "BrainFlow", columns, table.read, Mapping(unit="uV", time=columns[clock].name))
    return Found(path, form, columns, table.read, Mapping(rate_hz=rate_hz))


def _clock(table: _Table) -> int | None:
    """The column of times since 1970, as BrainFlow writes it."""
    numeric = [k for k, column in enumerate(table.columns) if column.texts is None]
    values = next(table.read(numeric), np.zeros((0, len(numeric))))[:1000]
    if len(values) < 2:
        return None
    times = (values > UNIX_S).all(axis=0) & (np.diff(values, axis=0) >= 0).all(axis=0)
    return numeric[int(np.argmax(times))] if times.any() else None


def _whole_rows(path: Path, at: int) -> Iterator[bytes]:
    """The file from this offset in blocks that end with a line."""
    with path.open("rb") as file:
        file.seek(at)
        rest = b""
        while data := file.read(BLOCK_BYTES):
            data = rest + data
            end = data.rfind(b"\n") + 1
            if not end and len(data) > LONGEST_ROW:
                raise UserError(f"{path} has a line of more than {LONGEST_ROW >> 10} KiB; choose a table of numbers.")
            rest = data[end:]
            if end:
                yield data[:end]
        if rest.strip():
            yield rest + b"\n"


def _plain(data: bytes, layout: Layout) -> bytes:
    """The rows without what their numbers do not need: line ends of Windows, spaces, empty lines."""
    if b"\r" in data:
        data = data.replace(b"\r", b"")
    if b'"' in data:
        data = hide_quoted(data.decode("latin-1"), layout.delimiter).encode("latin-1")
    if layout.delimiter == " ":
        data = re.sub(rb"[ \t]+", b" ", data).replace(b"\n ", b"\n").replace(b" \n", b"\n").removeprefix(b" ")
    else:
        data = data.replace(f"{layout.delimiter} ".encode(), layout.delimiter.encode())
    if layout.decimal_comma:
        data = data.replace(b",", b".")
    while b"\n\n" in data:
        data = data.replace(b"\n\n", b"\n")
    return data.removeprefix(b"\n")


def _codes(
    rows: bytes, begins: NDArray[np.int64], ends: NDArray[np.int64], texts: list[str], delimiter: str
) -> list[int]:
    """For each field the index of its text in `texts`, which grows."""
    known = {text: k for k, text in enumerate(texts)}
    codes = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        text = shown(rows[begin:end].decode(errors="replace"), delimiter)
        codes.append(known.setdefault(text, len(known)))
    texts[:] = known
    return codes
