"""How the daemon's costs grow with the number of channels and the sampling rate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from myobridge.bench import live, sizes
from myobridge.board import samples_per_frame
from myobridge.daemon.realtime import enter_realtime
from myobridge.model.file import ModelSpec
from myobridge.model.load import open_model
from myobridge.settings import Settings, load_settings
from myobridge.wire.emg import MAX_CHANNELS, emg_bits_per_s
from myobridge.wire.messages import BAUD, LINK_LOAD_MAX_PERCENT

BAUDS: Final = (BAUD, 1_000_000, 2_000_000, 4_000_000)


def growth(seconds: float, fifo_priority: int, tell: Callable[[str], None]) -> list[sizes.Row]:
    """Runs the daemon at each size that a board supports and a serial line can carry; one row per size."""
    for refused in enter_realtime(fifo_priority):
        tell(refused)
    rows = []
    with TemporaryDirectory(prefix="myobridge-") as name:
        for path in sizes.unpack(Path(name)).values():
            spec = open_model(path).spec
            config_path = Path(name, "config.toml")
            if (config := _configure(spec, fifo_priority, config_path)) is None:
                tell(f"{spec.name} is left out, because no board or no serial line supports it")
                continue
            tell(f"running {spec.name} for {seconds:g} s at {config.link.baud} baud")
            run = live.run_loop(live.daemon(path, config_path, seconds), live.emg_for(spec), config)
            rows.append(_row(spec, config, run))
    return rows


def _configure(spec: ModelSpec, fifo_priority: int, path: Path) -> Settings | None:
    """Settings with the slowest line that carries this size, written to `path`; None: no line or no board does."""
    channels = len(spec.channels)
    n = samples_per_frame(spec.hop_samples, channels, Settings().acquisition.max_samples_per_frame)
    bits_per_s = emg_bits_per_s(n, channels, spec.fs_hz)
    baud = next((baud for baud in BAUDS if bits_per_s <= LINK_LOAD_MAX_PERCENT / 100 * baud), None)
    if baud is None or channels > MAX_CHANNELS:
        return None
    path.write_text(f"[link]\nbaud = {baud}\n[realtime]\nfifo_priority = {fifo_priority}\n", encoding="ascii")
    return load_settings(path)


def _row(spec: ModelSpec, config: Settings, run: live.Run) -> dict[str, Any]:
    said = run.said
    delay = run.sample_age.spread([i / spec.fs_hz for i in range(spec.hop_samples)])
    keys = ("cpu_seconds_per_second", "latency_ms", "rss_mb", "samples_lost", "decisions", "deadline_misses")
    return {
        "channels": len(spec.channels),
        "fs_hz": round(spec.fs_hz),
        "baud": config.link.baud,
        **{key: said[key] for key in keys},
        "sample_to_hand_ms": delay.summary_ms(),
    }


def as_text(rows: list[sizes.Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| channels | Hz | baud | CPU s/s | p50 ms | p99 ms | MB | lost | late hops |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        latency = row["latency_ms"]
        lines.append(
            f"| {row['channels']} | {row['fs_hz']} | {row['baud']} | {row['cpu_seconds_per_second']:.3f} "
            f"| {latency['p50']:.2f} | {latency['p99']:.2f} | {row['rss_mb']:.0f} | {row['samples_lost']} "
            f"| {row['deadline_misses']} |"
        )
    return "\n".join(lines)
