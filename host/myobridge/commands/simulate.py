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
    from myobridge.simulator.script import FingerScript, HandWatcher

SHIPPED_SYNTH: Final = (2000.0, 4)
"""Sampling rate in Hz and channels of the shipped model `synth`."""
FRONT_END_HZ: Final = tuple(250 << halved for halved in range(7))
FRONT_END_BITS: Final = 16


@click.command()
@click.option(
    "--source",
    default="synth",
    help="Where the EMG comes from: synth, or a recording (.myo, .npz), which is played at its own rate.",
)
@click.option("--fs", "fs_hz", default=2000.0, type=click.FloatRange(100, 20000), help="Sampling rate of synth in Hz.")
@click.option("--channels", default=4, type=click.IntRange(1, 64), help="Number of channels of synth.")
@click.option("--seed", default=0, help="Seed of synth and of the line faults.")
@click.option(
    "--wearer",
    default=0,
    type=click.IntRange(min=0),
    help="Number of the simulated wearer, whose forearm synth models.",
)
@click.option(
    "--seat",
    default=0,
    type=click.IntRange(min=0),
    help="Where the ring of electrodes of synth sits: 0 is the usual place, each other number another morning.",
)
@click.option(
    "--follow-cues",
    is_flag=True,
    help="Let the simulated wearer follow the prompts of a guided recording on this port, and the poses that the hand "
    "acts.",
)
@click.option(
    "--front-end",
    is_flag=True,
    help="Stand for a board with a front end of 24 bits: synth gives samples of 16 bits at a rate of the front end, "
    "and the board tells when an electrode is off.",
)
@FIRMWARE
@click.option("--loop", is_flag=True, help="Play the recording again when it ends.")
@click.option("--link", type=click.Path(path_type=Path), help="Make a symbolic link to the port at this path.")
@click.option(
    "--faults",
    default="",
    show_default="none",
    help="Faults of the line, joined by commas: flips=P, lost=P (probabilities), burst=BYTES@EVERY_S, "
    "stall=MS@EVERY_S, unplug=S@AT_S.",
)
@SECONDS
@JSON
@click.option("--tap", type=click.Path(path_type=Path), help="Send snapshots of the hand to this Unix datagram socket.")
@click.option(
    "--fault-orders",
    type=click.Path(path_type=Path),
    help="Take faults that begin and end while the hand runs from this Unix datagram socket.",
)
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    help="Write servo angles and true angles to this file (.npz) at the end.",
)
def simulate(
    source: str,
    fs_hz: float,
    channels: int,
    seed: int,
    wearer: int,
    seat: int,
    follow_cues: bool,
    front_end: bool,
    firmware: str | None,
    loop: bool,
    link: Path | None,
    faults: str,
    seconds: float | None,
    json_to: str | None,
    tap: Path | None,
    fault_orders: Path | None,
    trace: Path | None,
) -> None:
    """Simulate a hand: a virtual serial port, EMG at the board's inputs, and five servos.

    The port's name is printed on standard output, for programs. Standard error says how to drive the hand.
    """
    from myobridge.feed.tap import HandTap
    from myobridge.simulator.fault_orders import FaultInbox
    from myobridge.simulator.hand import SimulatedHand
    from myobridge.simulator.line_faults import parse_line_faults
    from myobridge.simulator.pty_port import PtyPort
    from myobridge.simulator.real_firmware import RealFirmwareHand
    from myobridge.simulator.script import HandWatcher

    line_faults = parse_line_faults(faults)
    if follow_cues and (source != "synth" or link is None):
        raise UserError("--follow-cues works with --source synth, and needs --link as the port's name; add --link.")
    watched = HandWatcher()
    if source == "synth":
        script = _cued(watched, link, seed) if follow_cues and link else None
        emg = _synth(fs_hz, channels, seed, wearer, seat, script, front_end)
    else:
        emg = _recorded(Path(source), loop)
    hand: SimulatedHand | RealFirmwareHand
    if firmware is None:
        port = PtyPort(link)
        hand = SimulatedHand(emg, port, line_faults, seed, front_end=front_end)
        watched.safety = hand.firmware.safety
        hand.tap = HandTap(tap) if tap else None
        hand.orders = FaultInbox(fault_orders) if fault_orders else None
        _introduce(link or port.path, emg)
        hand.run(seconds)
    else:
        if faults or tap or fault_orders or front_end:
            raise UserError(
                "--faults, --front-end, --tap and --fault-orders work with the simulated firmware only; leave them out "
                "with --firmware."
            )
        hand = RealFirmwareHand(firmware, emg, link)
        for path in hand.run(seconds):
            _introduce(path, emg)
    if trace is not None:
        wrote(hand.trace.save(trace), "servos and true angles")
    write_json(hand.summary(), json_to)


def _cued(watched: HandWatcher, link: Path, seed: int) -> FingerScript:
    """A wearer who does what the hand acts, and follows the prompts on the port `link`."""
    from myobridge.feed.audience import follow
    from myobridge.simulator.script import CuedScript

    prompted = follow(link)
    return CuedScript(lambda: watched() or prompted(), seed)


def _synth(
    fs_hz: float, channels: int, seed: int, wearer: int, seat: int, script: FingerScript | None, front_end: bool
) -> EmgSource:
    from myobridge.simulator.synth import SynthOptions, SynthSource

    if front_end and fs_hz not in FRONT_END_HZ:
        rates = ", ".join(map(str, FRONT_END_HZ))
        raise UserError(f"A front end cannot sample at {fs_hz:g} Hz; choose one of {rates}.")
    bits = FRONT_END_BITS if front_end else SynthOptions.adc_bits
    return SynthSource(
        SynthOptions(fs_hz=fs_hz, channels=channels, adc_bits=bits, seed=seed, wearer=wearer, seat=seat, script=script)
    )


def _recorded(path: Path, loop: bool) -> EmgSource:
    from myobridge.recording import Recording
    from myobridge.simulator.recorded import RecordedSource

    return RecordedSource(Recording.load(path), loop=loop)


def _introduce(port: str | Path, emg: EmgSource) -> None:
    """Prints the port for programs, and for people how to drive the hand and how to end it."""
    click.echo(port)
    sys.stdout.flush()
    fits = (emg.fs_hz, emg.channels) == SHIPPED_SYNTH
    command = shlex.join(["myobridge", "run", "--port", str(port), "--model", "synth" if fits else "MODEL", "--arm"])
    needs = "" if fits else f" MODEL is a model for {emg.channels} channels at {emg.fs_hz:g} Hz."
    say(f"The simulated hand is on {port}. To drive it, run `{command}` in another terminal.{needs} Ctrl-C ends this.")
