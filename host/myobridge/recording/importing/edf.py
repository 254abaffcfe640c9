"""EDF and EDF+ (16 bits), BDF and BDF+ (24 bits), with the tables of a BIDS dataset beside the file.

edfio reads a BDF file into five times its size. So it gets some records at a time here, as a small file of their own.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from myobridge.recording.edf import HEADER_BYTES
from myobridge.recording.extras import need
from myobridge.recording.importing.bids import look_beside
from myobridge.recording.importing.edf_annotations import Times, times_of
from myobridge.recording.importing.found import Blocks, Column, Found, Marks, cut_short, damaged
from myobridge.recording.importing.mapping import Mapping
from myobridge.recording.importing.names import unit_word

RECORD_COUNT: Final = slice(236, 244)
BLOCK_BYTES: Final = 1 << 20
BDF_BEGINS: Final = b"\xff"


@dataclass(frozen=True)
class _Records:
    """A file as its records: the header, the samples of each signal in a record, the bytes of a record, the records."""

    path: Path
    edfio: Any
    header: bytes
    samples: Sequence[int]
    record_bytes: int
    number: int

    @property
    def form(self) -> str:
        """EDF or BDF."""
        return "BDF" if self.header.startswith(BDF_BEGINS) else "EDF"

    def part(self, first: int, number: int) -> Any:
        """edfio's view of some records."""
        with self.path.open("rb") as file:
            file.seek(len(self.header) + first * self.record_bytes)
            data = io.BytesIO(self.header + file.read(number * self.record_bytes))
        try:
            with warnings.catch_warnings(action="ignore"):  # the header has the number of all records
                return self.edfio.read_bdf(data) if self.form == "BDF" else self.edfio.read_edf(data)
        except Exception as error:  # edfio parses texts with int() and float()
            raise damaged(self.path, self.form, error) from error

    @cached_property
    def first(self) -> Any:
        """edfio's view of the first record, for what the header says."""
        return self.part(0, 1)

    def read(self, wanted: Sequence[int]) -> Blocks:
        """Values of the signals with these indices, in their units."""
        at_once = max(1, BLOCK_BYTES // self.record_bytes)
        for first in range(0, self.number, at_once):
            signals = self.part(first, at_once).signals
            yield np.stack([signals[index].data for index in wanted], axis=1)

    def times(self) -> Times:
        """The annotations, and the times of the records."""
        content = np.memmap(self.path, np.uint8, "r", len(self.header), (self.number, self.record_bytes))
        width = 3 if self.form == "BDF" else 2
        ends = width * np.cumsum(self.samples)
        signals = []
        for k, end in enumerate(ends.tolist()):
            if self.header[HEADER_BYTES + 16 * k : HEADER_BYTES + 16 * (k + 1)].strip().endswith(b"DF Annotations"):
                signals.append([row.tobytes() for row in content[:, end - width * self.samples[k] : end]])
        duration_s = float(self.header[244:252])
        if duration_s <= 0:
            raise ValueError(f"records of {duration_s:g} s")
        return times_of(signals, self.number, duration_s)


def look(path: Path) -> Found:
    """Looks at the signals.

    Raises:
        UserError: edfio is not installed, or the file is damaged or cut short.
    """
    records = _records(path)
    try:
        columns = [
            Column(
                signal.label,
                "",
                records.number * signal.samples_per_data_record,
                signal.sampling_frequency,
                unit_word(signal.physical_dimension),
                _step(signal),
            )
            for signal in records.first.signals
        ]
        adc_bits = _adc_bits(records.first.signals)
        times = records.times()
    except (ValueError, ArithmeticError, AttributeError, IndexError) as error:
        raise damaged(path, records.form, error) from error
    beside = look_beside(path)

    def marks(column: Column) -> Marks:
        found = times.marks(round((column.rate_hz or 0) * times.duration_s))
        return replace(found, events=beside.events(column.rate_hz or 1.0) or found.events)

    says = Mapping(adc_bits=adc_bits, pose=beside.poses or None)
    return Found(path, records.form, columns, records.read, says, marks, beside.texts or times.texts)


def _records(path: Path) -> _Records:
    edfio = need("edfio", "Importing EDF and BDF", "import")
    size = path.stat().st_size
    with path.open("rb") as file:
        fixed = file.read(HEADER_BYTES)
        try:
            length, said, signals = int(fixed[184:192]), int(fixed[RECORD_COUNT]), int(fixed[252:256])
            header = fixed + file.read(max(0, length - HEADER_BYTES))
            at = HEADER_BYTES + 216 * signals
            samples = [int(header[k : k + 8]) for k in range(at, at + 8 * signals, 8)]
        except ValueError as error:
            if size < HEADER_BYTES or size < _length(fixed):
                raise cut_short(path, "its header is not whole") from error
            raise damaged(path, "EDF", error) from error
    record_bytes = (3 if header.startswith(BDF_BEGINS) else 2) * sum(samples)
    whole = (size - len(header)) // record_bytes if record_bytes else 0
    if said > whole or not whole:
        raise cut_short(path, f"it holds {whole} of {said} records")
    return _Records(path, edfio, header, samples, record_bytes, whole if said < 0 else said)


def _length(fixed: bytes) -> int:
    """Length of the header that its first bytes declare; 0 if they do not."""
    text = fixed[184:192].strip()
    return int(text) if text.isdigit() else 0


def _adc_bits(signals: Sequence[Any]) -> int | None:
    """The width of the counts, if all signals are counts of one width."""
    bits = {int(np.ceil(np.log2(one.digital_max - one.digital_min + 1))) for one in signals}
    counts = not any(unit_word(one.physical_dimension) for one in signals)
    return bits.pop() if counts and len(bits) == 1 and bits <= {*range(8, 17)} else None


def _step(signal: Any) -> float | None:
    """The value of one count."""
    digits = signal.digital_max - signal.digital_min
    step = (signal.physical_max - signal.physical_min) / digits if digits else 0.0
    return abs(step) or None
