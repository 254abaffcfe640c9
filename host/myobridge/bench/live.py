"""Runs a loop, the daemon or a minimal loop, in a process of its own against a simulated hand in this process.

The hand keeps the timing of the line. It measures, in the same way for every loop, how old the newest sample of a
setpoint is when the setpoint arrives.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any, Final, NamedTuple

from myobridge.errors import UserError
from myobridge.metrics import Distribution
from myobridge.model.file import ModelSpec
from myobridge.recording import Recording
from myobridge.settings import Settings
from myobridge.simulator.firmware import SimulatedFirmware
from myobridge.simulator.hand import SimulatedHand
from myobridge.simulator.line_faults import LineFaults
from myobridge.simulator.pty_port import PtyPort
from myobridge.simulator.recorded import RecordedSource
from myobridge.simulator.synth import SynthOptions, SynthSource

SOURCE_S: Final = 4.0
"""Length of the EMG that is played in a loop. It is made beforehand, so that the hand keeps its timing."""
GRACE_S: Final = 20.0
"""Extra seconds that a loop may take to start, to fill the window and to end."""

Command = Callable[[Path, Path], list[str]]
"""(port, file for the loop's JSON) → the command that starts the loop."""


class Run(NamedTuple):
    """Result of one run of a loop.

    said: the loop's own summary.
    sample_age: time from the newest sample of a window to the arrival of its setpoint at the hand.
    """

    said: dict[str, Any]
    sample_age: Distribution


def emg_for(spec: ModelSpec) -> RecordedSource:
    """Endless EMG with the model's channels and rate."""
    options = SynthOptions(fs_hz=spec.fs_hz, channels=len(spec.channels), seed=1)
    counts, _ = SynthSource(options).read(int(SOURCE_S * spec.fs_hz))
    return RecordedSource(Recording(counts, spec.fs_hz, options.adc_bits), loop=True)


def as_installed() -> dict[str, str]:
    """This environment without PYTHONDONTWRITEBYTECODE, because an installed package has compiled modules."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run_loop(command: Command, source: RecordedSource, config: Settings) -> Run:
    """Runs a loop until it ends.

    Raises:
        UserError: the loop failed; the sentence quotes its last line.
    """
    with tempfile.TemporaryDirectory(prefix="myobridge-") as name:
        folder = Path(name)
        port, said = folder / "hand", folder / "said.json"
        hand = SimulatedHand(source, PtyPort(port), LineFaults(), seed=1)
        hand.firmware = SimulatedFirmware(source, baud=config.link.baud)
        with subprocess.Popen(
            command(port, said),
            env=as_installed(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            errors: list[str] = []

            def watch() -> None:
                errors.append(process.communicate()[1])
                hand.stop()

            watcher = Thread(target=watch)
            watcher.start()
            try:
                hand.run(None)
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                watcher.join(GRACE_S)
        if process.returncode or not said.exists():
            printed = errors[0].strip().splitlines() or [f"it printed nothing and returned {process.returncode}."]
            raise UserError(f"A measured loop failed: {printed[-1].removeprefix('myobridge: ')}")
        return Run(json.loads(said.read_text(encoding="utf-8")), hand.firmware.setpoint_age)


def daemon(model: Path, config: Path | None, seconds: float) -> Command:
    """The command `myobridge run`."""

    def command(port: Path, said: Path) -> list[str]:
        run = [sys.executable, "-m", "myobridge", "run", "--arm", "--port", str(port), "--model", str(model)]
        run += ["--seconds", str(seconds), "--json", str(said)]
        return run + (["--config", str(config)] if config else [])

    return command


def minimal(model: Path, graph: str, seconds: float) -> Command:
    """The command that runs `minimal_loop.py` with one of its GRAPHS."""
    start = [sys.executable, "-m", "myobridge.bench.minimal_loop"]
    return lambda port, said: [*start, str(port), str(model), graph, str(seconds), str(said)]
