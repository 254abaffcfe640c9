"""`myobridge simulate`: a hand without hardware."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from myobridge.commands.options import FIRMWARE, JSON, SECONDS, say, write_json, wrote
from myobridge.errors import UserError

if TYPE_CHECKING:
    from myobridge.simulator.emg_source import EmgSource

SHIPPED_SYNTH: Final = (2000.0, 4)
"""Sampling rate in Hz and channels of the shipped model `synth`."""


@click.command()
@click.option("--source", default="synth", help="synth, or a recording (.myo, .npz) to play at its own rate.")
@click.option("--fs", "fs_hz", default=2000.0, type=click.FloatRange(100, 20000), help="Sampling rate of synth in Hz.")
@click.option("--channels", default=4, type=click.IntRange(1, 64), help="Number of electrodes of synth.")
@click.option("--seed", default=0, help="Seed of synth, of the line faults and of the board's ids.")
@click.option("--wearer", default=0, type=click.IntRange(min=0), help="Whose forearm synth is; 0 is the demo's.")
@click.option("--follow-cues", is_flag=True, help="The wearer of synth does what a guided recording on this port asks.")
@FIRMWARE
@click.option("--loop", is_flag=True, help="Begin a recording again when it is over.")
@click.option("--link", type=click.Path(path_type=Path), help="Keep a symbolic link to the port here.")
@click.option(
    "--faults",
    default="",
    show_default=False,
    help="What goes wrong on the line: flips=P, lost=P, burst=BYTES@EVERY_S, stall=MS@EVERY_S, unplug=S@AT_S; "
    "several are joined by commas.",
)
@SECONDS
@JSON
@click.option("--tap", type=click.Path(path_type=Path), help="Send looks at the hand to this Unix datagram socket.")
@click.option("--trace", type=click.Path(path_type=Path), help="Write servo and true angles to this .npz at the end.")
def simulate(
    source: str,
    fs_hz: float,
    channels: int,
    seed: int,
    wearer: int,
    follow_cues: bool,
    firmware: str | None,
    loop: bool,
    link: Path | None,
    faults: str,
    seconds: float | None,
    json_to: str | None,
    tap: Path | None,
    trace: Path | None,
) -> None:
    """Be a hand: a virtual serial port with EMG at its inputs and five simulated servos.

    The name of the port is printed on standard output, for programs; what to do with it follows on standard error.
    """
    from myobridge.feed.audience import follow
    from myobridge.feed.tap import HandTap
    from myobridge.recording import Recording
    from myobridge.simulator.hand import SimulatedHand
    from myobridge.simulator.line_faults import parse_line_faults
    from myobridge.simulator.pty_port import PtyPort
    from myobridge.simulator.real_firmware import RealFirmwareHand
    from myobridge.simulator.recorded import RecordedSource
    from myobridge.simulator.script import CuedScript
    from myobridge.simulator.synth import SynthOptions, SynthSource

    line_faults = parse_line_faults(faults)
    if follow_cues and (source != "synth" or link is None):
        raise UserError("--follow-cues is of --source synth, and needs --link for a name to follow; add it.")
    emg: EmgSource
    if source == "synth":
        script = CuedScript(follow(link), seed) if follow_cues and link else None
        emg = SynthSource(SynthOptions(fs_hz=fs_hz, channels=channels, seed=seed, wearer=wearer, script=script))
    else:
        emg = RecordedSource(Recording.load(Path(source)), loop=loop)
    hand: SimulatedHand | RealFirmwareHand
    if firmware is None:
        port = PtyPort(link)
        hand = SimulatedHand(emg, port, line_faults, seed)
        hand.tap = HandTap(tap) if tap else None
        _introduce(link or port.path, emg)
        hand.run(seconds)
    else:
        if faults or tap:
            raise UserError("--faults and --tap are of the simulated firmware; leave them out with --firmware.")
        hand = RealFirmwareHand(firmware, emg, link)
        for path in hand.run(seconds):
            _introduce(path, emg)
    if trace is not None:
        wrote(hand.trace.save(trace), "servos and true angles")
    write_json(hand.summary(), json_to)


def _introduce(port: str | Path, emg: EmgSource) -> None:
    """Where the hand is, for programs; how to drive it and how to end it, for people."""
    click.echo(port)
    sys.stdout.flush()
    fits = (emg.fs_hz, emg.channels) == SHIPPED_SYNTH
    command = shlex.join(["myobridge", "run", "--port", str(port), "--model", "synth" if fits else "MODEL", "--arm"])
    needs = "" if fits else f" MODEL is a model for {emg.channels} channels at {emg.fs_hz:g} Hz."
    say(f"The simulated hand is on {port}. To drive it, run `{command}` in another terminal.{needs} Ctrl-C ends it.")
