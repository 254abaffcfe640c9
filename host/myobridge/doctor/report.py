"""The doctor's report, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, Final

import msgspec

from myobridge.doctor.facts import ChannelFacts, Facts, StreamFacts
from myobridge.doctor.findings import BAD, Finding
from myobridge.errors import printable

INDENT: Final = " " * 10
NARROWEST: Final = 30
"""Columns; a word longer than a line stays whole."""
PPM_BELOW: Final = 0.005
"""A larger error of the clock is shown in per cent."""


def as_json(facts: Facts, findings: Sequence[Finding]) -> dict[str, Any]:
    """The object that `--json` writes; TROUBLESHOOTING.md describes it."""
    plain: dict[str, Any] = msgspec.to_builtins(facts)
    for channel, row in zip(facts.channels, plain["channels"], strict=True):
        ratio = channel.signal_to_rest
        row["signal_to_rest"] = None if ratio is None else round(ratio, 2)
    return {
        "ok": all(finding.severity != BAD for finding in findings),
        "findings": msgspec.to_builtins(list(findings)),
        "facts": plain,
    }


def as_text(facts: Facts, findings: Sequence[Finding], width: int | None = None) -> Iterator[str]:
    """The report's lines: measurements, then findings. They break between words at `width` columns, if given."""
    for line in map(printable, _lines(facts, findings)):
        if width is None or len(line) <= width:
            yield line
        else:
            yield from wrap(
                line, max(width, NARROWEST), subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False
            )


def _lines(facts: Facts, findings: Sequence[Finding]) -> Iterator[str]:
    yield f"port      {facts.port.path}" + (" (through the running daemon)" if facts.source == "daemon" else "")
    if facts.device is not None:
        device = facts.device
        yield f"board     {device.board}, firmware {device.firmware}, {device.adc_bits} bits"
    if facts.stream is not None:
        yield from _stream_lines(facts.stream, facts.source)
    yield from map(_channel_line, facts.channels)
    if facts.system.inference_ms is not None:
        yield f"network   {facts.system.inference_ms:.2f} ms of each {facts.system.hop_ms:g} ms hop"
    for same in _by_id(findings).values():
        yield ""
        for finding in same:
            yield f"{finding.severity.upper():8}  {finding.what}"
        yield f"{INDENT}why: {same[0].why}"
        yield f"{INDENT}do:  {same[0].do}  [{same[0].id}]"
    yield ""
    bad = sum(finding.severity == BAD for finding in findings)
    warnings = len(findings) - bad
    yield f"Total: {_counted(bad, 'bad finding')}, {_counted(warnings, 'warning')}."


def _by_id(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Groups findings by id, so that several channels with the same finding share one explanation."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.id, []).append(finding)
    return groups


def _stream_lines(stream: StreamFacts, source: str) -> Iterator[str]:
    yield f"clock     {_clock(stream)}"
    yield f"arrivals  late by {_spread(stream.late_ms)}"
    damaged = stream.crc_errors + stream.length_errors
    sent = stream.samples_received + stream.samples_lost
    yield f"losses    {stream.samples_lost} of {sent} samples; {damaged} damaged frames"
    trips = "not measured: the daemon holds the port" if source == "daemon" else _spread(stream.round_trip_ms)
    yield f"PING      {trips}"
    yield "servos    " + (f"{stream.supply_mv / 1000:.2f} V" if stream.supply_mv else "supply not measured")


def _clock(stream: StreamFacts) -> str:
    if stream.fs_measured_hz is None:
        return f"not measured: too few samples; {stream.fs_nominal_hz:g} Hz requested"
    error = stream.fs_measured_hz / stream.fs_nominal_hz - 1
    off = f"{1e6 * error:+.0f} ppm" if abs(error) < PPM_BELOW else f"{100 * error:+.1f} %"
    return f"{stream.fs_measured_hz:.2f} Hz, {off} from {stream.fs_nominal_hz:g} Hz, over {stream.seconds:.1f} s"


def _channel_line(channel: ChannelFacts) -> str:
    ratio = channel.signal_to_rest
    clench = "" if ratio is None else f" at rest, {ratio:.1f} times that in a clench"
    return (
        f"channel   {channel.name}: {channel.contact}, {100 * channel.mains_share:.0f} % of the power is mains hum, "
        f"noise {channel.noise_counts:.1f} counts{clench}"
    )


def _spread(ms: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f} ms" for name, value in ms.items()) or "nothing arrived"


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
