"""`myobridge simulate`: a hand without hardware."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from myobridge.commands.options import FIRMWARE, JSON, SECONDS, write_json
from myobridge.errors import UserError


@click.command()
@click.option("--source", default="synth", help="synth, or a recording (.myo, .npz) to play at its own rate.")
@click.option("--fs", "fs_hz", default=2000.0, type=click.FloatRange(100, 20000), help="Sampling rate of synth.")
@click.option("--channels", default=4, type=click.IntRange(1, 64), help="Electrodes of synth.")
@click.option("--seed", default=0, help="Of synth, of the line faults and of the device's ids.")
@click.option("--wearer", default=0, type=click.IntRange(min=0), help="Whose forearm synth is; 0 is the demo's.")
@click.option("--follow-cues", is_flag=True, help="The wearer of synth does what a guided recording on this port asks.")
@FIRMWARE
@click.option("--loop", is_flag=True, help="Begin a recording again when it is over.")
@click.option("--link", type=click.Path(path_type=Path), help="Keep a symbolic link to the port here.")
@click.option("--faults", default="", help="flips=P,lost=P,burst=BYTES@EVERY_S,stall=MS@EVERY_S,unplug=S@AT_S")
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
    """Be a hand: a virtual serial port with EMG at its inputs and five simulated servos."""
    from myobridge.device.line_faults import parse_line_faults
    from myobridge.device.pty_port import PtyPort
    from myobridge.device.real_firmware import RealFirmwareHand
    from myobridge.device.recorded import RecordedSource
    from myobridge.device.script import CuedScript
    from myobridge.device.simulate import SimulatedHand
    from myobridge.device.source import EmgSource
    from myobridge.device.synth import SynthOptions, SynthSource
    from myobridge.device.tap import HandTap
    from myobridge.guide.audience import follow
    from myobridge.recording import Recording

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
        click.echo(link or port.path)
        sys.stdout.flush()
        hand.run(seconds)
    else:
        if faults or tap:
            raise UserError("--faults and --tap are of the simulated firmware; leave them out with --firmware.")
        hand = RealFirmwareHand(firmware, emg, link)
        for path in hand.run(seconds):
            click.echo(path)
            sys.stdout.flush()
    if trace is not None:
        hand.trace.save(trace)
    write_json(hand.summary(), json_to)
