"""The terminal view of a running daemon: pure functions from snapshots to rich renderables."""

from __future__ import annotations

from typing import Any, Final

from rich.align import Align
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from myobridge import SERVOS
from myobridge.feed import Snapshot
from myobridge.feed.tap import HandSnapshot

WIDTH: Final = 84
COLUMNS, ROWS = 80, 24
"""The smallest terminal that holds the view."""
BAR: Final = 44
FULL_LEVEL: Final = 3.0
"""An EMG bar is full at three times the usual level in training."""
CLOSED_DEG: Final = 180
STATE_STYLE: Final = {
    "ARMED": "bold black on green",
    "HOLD": "bold black on yellow",
    "RELAX": "bold black on yellow",
    "DISARMED": "bold black on cyan",
}
NOT_BAD: Final = ("good", "unknown")
"""Contacts that are good, or not checked yet."""
ALARM_STYLE: Final = "bold white on red"


def bar(share: float, style: str, marker: float | None = None) -> Text:
    """A bar of `share` of BAR cells, in eighths of a cell, with an optional marker at another share."""
    share = min(max(share, 0.0), 1.0)
    eighths = round(share * BAR * 8)
    cells = "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")
    text = Text(cells.ljust(BAR, "·"), style="grey30")
    text.stylize(style, 0, len(cells))
    if marker is not None:
        at = min(int(min(max(marker, 0.0), 1.0) * BAR), BAR - 1)
        text = text[:at] + Text("◆", style="bold yellow") + text[at + 1 :]
    return text


def render(snapshot: Snapshot | None, hand: HandSnapshot | None) -> RenderableType:
    """The whole view."""
    if snapshot is None:
        return Panel(Align.center("Waiting for the first window …", vertical="middle"), title="myobridge", height=5)
    body = Group(_header(snapshot), "", _emg(snapshot), "", _fingers(snapshot, hand), "", _gauges(snapshot))
    return Panel(body, title="[bold]myobridge[/] · simulated wearer → serial port → network → hand", width=WIDTH)


def _header(look: Snapshot) -> Text:
    state = (f" {look.state} ", STATE_STYLE.get(look.state, ALARM_STYLE))
    text = Text.assemble(state, (f" {look.t_s:6.1f} s   ", "dim"))
    if look.withheld != "no":
        text.append(f" no setpoints: {look.withheld.replace('_', ' ')} ", "bold black on yellow")
    text.append(f"\n{look.explained}")
    if look.note:
        text.append(f"\n{look.note}", "yellow")
    return text


def _grid(*rows: tuple[RenderableType, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(*row)
    return table


def _emg(look: Snapshot) -> RenderableType:
    rows: list[tuple[RenderableType, ...]] = []
    for channel, (level, contact) in enumerate(zip(look.level, look.contact, strict=True)):
        bad = contact not in NOT_BAD
        verdict = Text(contact, "bold red") if bad else Text(f"{level:4.2f}")
        rows.append((f"channel {channel + 1:<3}", bar(level / FULL_LEVEL, "red" if bad else "cyan"), verdict))
    title = Text.assemble(("EMG          ", "bold"), ("level of each channel", "dim"))
    return Group(title, _grid(*rows))


def _fingers(look: Snapshot, hand: HandSnapshot | None) -> RenderableType:
    applied = hand.applied_deg if hand else look.applied_deg
    truth = hand.truth_deg if hand else []
    title = Text.assemble(("Hand         ", "bold"), ("█ servo", "green"))
    if truth:
        title.append("   ◆ the wearer's finger", "yellow")
    title.append("   0° open … 180° closed", "dim")
    rows: list[tuple[RenderableType, ...]] = []
    for i, name in enumerate(SERVOS):
        marker = truth[i] / CLOSED_DEG if truth else None
        rows.append((f"{name:11}", bar(applied[i] / CLOSED_DEG, "green", marker), f"{applied[i]:4.0f}°"))
    return Group(title, _grid(*rows))


def _gauges(look: Snapshot) -> RenderableType:
    whole = not (look.samples_lost or look.crc_errors)
    lost = Text(f"{look.samples_lost} samples, {look.crc_errors} bad frames", "green" if whole else "red")
    latency = look.latency_ms
    return _grid(
        ("sample → setpoint", f"p50 {latency['p50']:.2f} ms   p99 {latency['p99']:.2f} ms"),
        ("lost", lost),
        ("setpoints sent", f"{look.commands_sent}"),
        ("sample clock", f"{look.fs_hz:.1f} Hz"),
    )


def spoken(look: Snapshot, hand: HandSnapshot | None) -> str:
    """The view as sentences, for screen readers and for a terminal that cannot draw."""
    applied = hand.applied_deg if hand else look.applied_deg
    fingers = ", ".join(f"{name} {angle:.0f}°" for name, angle in zip(SERVOS, applied, strict=True))
    sentences = [f"After {look.t_s:.0f} s: {look.explained}", f"Servos (0° is open, 180° is closed): {fingers}."]
    if look.withheld != "no":
        sentences.append(f"No setpoints are sent: {look.withheld.replace('_', ' ')}.")
    bad = [f"{n} is {contact}" for n, contact in enumerate(look.contact, 1) if contact not in NOT_BAD]
    if bad:
        sentences.append(f"Channel {', channel '.join(bad)}.")
    sentences.append(f"Samples lost: {look.samples_lost}.")
    return " ".join(sentences)


def summary_rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """The summary of a run as rows: a quantity and its figures."""
    latency, delay = summary["latency_ms"], summary["sample_to_command_ms"]
    error, start = summary["mae_deg"], summary["start_to_first_command_s"]
    return [
        ("hand follows the wearer within", "–" if error is None else f"{error:.1f}° on average, all delays included"),
        ("setpoints", f"{summary['commands_sent']}, {summary['commands_per_second']:.0f} a second"),
        ("read → setpoint written", f"p50 {latency['p50']:.2f} ms, p99 {latency['p99']:.2f} ms"),
        ("sampled → setpoint written", f"p50 {delay['p50']:.1f} ms, p99 {delay['p99']:.1f} ms"),
        ("lost", f"{summary['samples_lost']} of {summary['samples_received'] + summary['samples_lost']} samples"),
        ("start to first setpoint", "–" if start is None else f"{start:.2f} s"),
        ("processor, memory", f"{summary['cpu_seconds_per_second']:.3f} s/s, {summary['rss_mb']:.0f} MB"),
        ("state at the end", summary["state"]),
    ]


def summary_table(summary: dict[str, Any]) -> RenderableType:
    """The summary of a run as a table."""
    return Panel(_grid(*summary_rows(summary)), title="myobridge demo", width=WIDTH)
