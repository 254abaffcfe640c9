"""Sums a recording up, in numbers and in words, for `myobridge inspect`."""

from __future__ import annotations

from typing import Any

import numpy as np

from myobridge.decoder.contact import Check, CheckedStretches, Contact, judge, measure
from myobridge.decoder.copies import Copies
from myobridge.errors import printable
from myobridge.recording.log import Log
from myobridge.recording.open import RecordingFile
from myobridge.recording.stretches import stretches
from myobridge.recording.timeline import Samples, within_takes
from myobridge.settings import SafetySettings
from myobridge.wire.clock import TOLERANCE
from myobridge.wire.messages import Board, EmgFlag

SLOW_SYNC_MS = 100
CLOCK_MIN_S = 5.0
"""Shortest take on which the sampling rate is measured, because arrival times vary by some milliseconds."""


def summarize(file: RecordingFile) -> dict[str, Any]:
    """The object that `myobridge inspect --json` writes."""
    recording, log = file.samples, file.log
    samples = recording.timeline.samples
    return {
        "file": str(file.path),
        "seconds": round(samples / recording.fs_hz, 3),
        "samples": samples,
        "fs_hz": recording.fs_hz,
        "channels": recording.channels,
        "adc_bits": recording.adc_bits,
        "takes": sum(1 for _ in recording.timeline.takes()),
        "poses": {pose.label: pose.name for pose in recording.poses},
        "repetitions": _repetitions(recording),
        "channel": _channels(file),
        "log": None if log is None else _of_log(log, samples),
    }


def _repetitions(recording: Samples) -> list[dict[str, Any]]:
    """Seconds of each pose in each repetition."""
    totals: dict[tuple[int, str, int], int] = {}
    for stretch in stretches(recording):
        key = stretch.label, stretch.pose, stretch.repetition
        totals[key] = totals.get(key, 0) + stretch.stop - stretch.start
    return [
        {"label": label, "pose": pose, "repetition": repetition, "seconds": round(samples / recording.fs_hz, 3)}
        for (label, pose, repetition), samples in sorted(totals.items())
    ]


def _channels(file: RecordingFile) -> list[dict[str, Any]]:
    totals = _measured(file.samples)
    power, stretches_measured = totals.power, max(1, totals.stretches)
    mains = totals.mains_power / np.maximum(power, 1e-9)
    return [
        {
            "name": name,
            "rms_counts": round(float(np.sqrt(power[k] / stretches_measured)), 2),
            "range_counts": int(totals.high[k] - totals.low[k]),
            "mains_share": round(float(mains[k]), 4) if np.isfinite(mains[k]) else None,
            "saturated_share": round(float(totals.saturated[k] / stretches_measured), 5),
            "bad_share": {
                verdict.name.lower(): round(float(totals.verdicts[verdict, k] / stretches_measured), 4)
                for verdict in Contact
                if verdict
            },
        }
        for k, name in enumerate(file.channel_names)
    ]


class _Totals:
    """Sums over stretches of 200 ms, arrays (channels,), and the number of stretches with each verdict."""

    def __init__(self, channels: int) -> None:
        self.stretches = 0
        self.power, self.mains_power, self.saturated = np.zeros((3, channels))
        self.verdicts = np.zeros((len(Contact), channels), np.int64)
        self.low, self.high = np.full(channels, 1 << 15), np.full(channels, -(1 << 15))

    def add(self, check: Check) -> None:
        """Adds a stretch."""
        measures, channels = check.measures, len(self.power)
        self.stretches += 1
        self.power += measures.rms_counts**2
        self.mains_power += measures.mains_share * measures.rms_counts**2
        self.saturated += measures.saturated_share
        self.verdicts[np.array(check.verdicts), np.arange(channels)] += 1


def _measured(recording: Samples) -> _Totals:
    """Measures each 200 ms that lie within a take, with the daemon's verdicts on them."""
    bits, limits = recording.adc_bits, SafetySettings()
    totals, checked = _Totals(recording.channels), CheckedStretches(recording.channels, recording.fs_hz, bits, limits)
    begins = {take.start for take in recording.timeline.takes()}
    for row, counts in within_takes(recording, checked.samples):
        if row in begins:
            checked.begin()
        totals.add(checked.check(counts))
    for counts in recording.blocks():
        totals.low = np.minimum(totals.low, counts.min(axis=0))
        totals.high = np.maximum(totals.high, counts.max(axis=0))
        if not totals.stretches:  # too short to tell mains hum from EMG
            whole = measure(counts, bits, [np.full((1, len(counts)), np.nan)])
            totals.add(Check(whole, judge(whole, limits, Copies(recording.channels, []))))
    return totals


def _of_log(log: Log, counting: int) -> dict[str, Any]:
    ident, damage = log.header.ident, log.damage
    received = log.samples
    return {
        "started_utc": log.header.started_utc.isoformat(timespec="seconds"),
        "device": {
            "board": Board(ident.board).name.lower() if ident.board in set(Board) else str(ident.board),
            "firmware": ".".join(map(str, ident.firmware_version)),
            "boot_id": ident.boot_id,
        },
        "versions": log.header.versions,
        "measured_fs_hz": measured_rate(log),
        "samples_received": received,
        "samples_discarded": received - counting,
        "samples_lost": log.samples_lost,
        "lost_share": round(log.samples_lost / max(1, received + log.samples_lost), 6),
        "crc_errors": damage.crc_errors,
        "length_errors": damage.length_errors,
        "malformed": damage.malformed,
        "log_frames_lost": log.log_frames_lost,
        "bytes_lost": log.bytes_lost,
        "flagged_frames": {flag.name.lower(): int(log.flagged[flag.bit_length() - 1]) for flag in EmgFlag if flag.name},
        "cues": len(log.cues),
        "notes": [{"at_s": round(note.row / log.header.fs_hz, 3), "text": note.text} for note in log.notes],
        "closed": log.closed,
        "slowest_sync_ms": log.slowest_sync_ms,
        "missing": log.missing(),
    }


def measured_rate(log: Log) -> float | None:
    """Samples per second by the host's clock, over the longest take; None: the take is too short.

    Transport delays the arrivals by varying times, so a line is fitted to all of them (least squares).
    """
    ends = np.append(log.take_rows[1:], log.samples)
    longest = int(np.argmax(ends - log.take_rows))
    inside = (log.mark_row >= log.take_rows[longest]) & (log.mark_row < ends[longest]) & np.isfinite(log.mark_s)
    rows, times_s = log.mark_row[inside].astype(float), log.mark_s[inside]
    if len(rows) < 10 or not CLOCK_MIN_S < times_s[-1] - times_s[0] < 1e9:
        return None
    rows -= rows.mean()
    spread = float(np.sum((times_s - times_s.mean()) ** 2))
    return round(float(np.sum(rows * (times_s - times_s.mean()))) / spread, 3)


def as_text(summary: dict[str, Any]) -> str:
    """The summary as text."""
    lines = [
        f"{summary['file']}: {summary['seconds']:.1f} s of {summary['channels']} channels at {summary['fs_hz']:g} Hz, "
        f"{summary['adc_bits']} bits, {_plural(summary['takes'], 'take')}"
    ]
    log = summary["log"]
    if log is not None:
        rate = "" if log["measured_fs_hz"] is None else f", {log['measured_fs_hz']:.1f} Hz by this host's clock"
        device = log["device"]
        lines.append(
            f"Recorded from {log['started_utc']} on {device['board']} with firmware {device['firmware']}{rate}."
        )
        if abs((log["measured_fs_hz"] or summary["fs_hz"]) / summary["fs_hz"] - 1) > TOLERANCE:
            lines.append(f"The board did not keep its rate of {summary['fs_hz']:g} Hz, so all frequencies are shifted.")
        lines.append(f"Missing: {'; '.join(log['missing']) or 'nothing'}.")
        if log["slowest_sync_ms"] > SLOW_SYNC_MS:
            lines.append(
                f"The disk took up to {log['slowest_sync_ms']} ms to confirm; a power cut could have lost as much."
            )
        if log["samples_discarded"]:
            lines.append(f"Poses were repeated, so {log['samples_discarded'] / summary['fs_hz']:.1f} s do not count.")
        lines += [f"Note at {note['at_s']:.1f} s: {note['text']}" for note in log["notes"]]
    lines += ["", *_repetition_lines(summary["repetitions"]), *_channel_lines(summary["channel"])]
    return "\n".join(printable(line) for line in lines)


def _repetition_lines(repetitions: list[dict[str, Any]]) -> list[str]:
    if not repetitions:
        return ["The recording has no cues.", ""]
    poses: dict[str, list[str]] = {}
    for row in repetitions:
        poses.setdefault(row["pose"], []).append(f"{row['repetition']}: {row['seconds']:.1f} s")
    width = max(map(len, poses))
    return [f"{pose:{width}}  repetition {', '.join(seconds)}" for pose, seconds in poses.items()] + [""]


def _channel_lines(channels: list[dict[str, Any]]) -> list[str]:
    width = max(7, *(len(row["name"]) for row in channels))
    lines = [f"{'channel':{width}}  RMS counts   mains  at ADC limit  bad contact"]
    for row in channels:
        mains = "n/a" if row["mains_share"] is None else f"{row['mains_share']:.1%}"
        bad = ", ".join(f"{name} {share:.0%}" for name, share in row["bad_share"].items() if share)
        lines.append(
            f"{row['name']:{width}}  {row['rms_counts']:10.1f}  {mains:>6}  "
            f"{row['saturated_share']:12.2%}  {bad or '-'}"
        )
    return lines


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
