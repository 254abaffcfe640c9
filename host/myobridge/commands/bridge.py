"""`myobridge bridge`: EMG from another amplifier, servos on a board with our firmware."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import CONFIG, JSON, SECONDS, write_json

if TYPE_CHECKING:
    from myobridge.daemon.bridge.stream import Stream


@click.command()
@click.option(
    "--emg",
    "address",
    required=True,
    metavar="STREAM",
    help="Where the EMG comes from: lsl:NAME, or brainflow:BOARD?option=value&…, such as brainflow:synthetic.",
)
@click.option("--hand", required=True, help="Serial port of the board that moves the hand.")
@click.option(
    "--range",
    "full_range",
    type=click.FloatRange(min=1e-30, max=1e30),
    help="Largest value that the amplifier gives, in the stream's unit; larger values count as clipped.",
    show_default="0.032767 V; integers of 8 or 16 bits as they are",
)
@click.option("--link", type=click.Path(path_type=Path), help="Make a symbolic link to the port at this path.")
@CONFIG
@SECONDS
@JSON
def bridge(
    address: str,
    hand: str,
    full_range: float | None,
    link: Path | None,
    config: Path | None,
    seconds: float | None,
    json_to: str | None,
) -> None:
    """Offer a port on which EMG comes from any amplifier, and the servos are those of a board.

    The EMG is a stream of the lab streaming layer (LSL) or of BrainFlow. The board's own clock still judges how old a
    setpoint is. The port's name is printed on standard output, for programs. This command needs the extra `lsl` or
    `brainflow`.
    """
    from myobridge.daemon.bridge.reader import Reader
    from myobridge.daemon.bridge.run import Bridge
    from myobridge.daemon.bridge.scale import scale_of
    from myobridge.daemon.bridge.stream import open_source
    from myobridge.daemon.bridge.translate import Translator
    from myobridge.daemon.printer import Printer
    from myobridge.daemon.realtime import enter_realtime
    from myobridge.errors import UserError
    from myobridge.settings import load_settings
    from myobridge.simulator.pty_port import PtyPort

    if link is not None and link.absolute() == Path(hand).absolute():
        raise UserError(f"--link and --hand are both {hand}; give the bridge's port another name.")
    settings = load_settings(config)
    refused = enter_realtime(settings.realtime.fifo_priority)  # first: the threads of the stream's library inherit it
    source = open_source(address)
    stream = source.stream
    try:
        scale = scale_of(stream, address, full_range)
        printer = Printer(sys.stderr.fileno())

        def tell(sentence: str) -> None:
            printer.say(f"myobridge: {sentence}")

        reader = Reader(source, lambda: open_source(address), tell)
        translator = Translator(stream, scale, tell)
        carrier = Bridge(partial(PtyPort, link), hand, settings.link.baud, reader, translator, tell)
    except UserError:
        source.close()
        raise
    for sentence in refused:
        tell(sentence)
    name = str(link or carrier.path)
    click.echo(name)
    sys.stdout.flush()
    tell(_introduction(address, stream, hand, name))
    try:
        summary = carrier.run(seconds)
    finally:
        printer.close()
    write_json(summary, json_to)


def _introduction(address: str, stream: Stream, hand: str, name: str) -> str:
    from myobridge.wire.emg import MAX_CHANNELS

    offered = f" (the first {MAX_CHANNELS} are offered)" if stream.channels > MAX_CHANNELS else ""
    drive = shlex.join(["myobridge", "run", "--port", name, "--model", "MODEL"])
    return (
        f"{address} gives {stream.channels} channels{offered} at {stream.fs_hz:g} Hz, and {hand} moves the hand. "
        f"To drive it, run `{drive}` in another terminal."
    )
