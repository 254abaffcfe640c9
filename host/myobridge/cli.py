"""The command line. Commands import what they need when they run, so that the daemon starts quickly."""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the imports ends quietly; `run` and others set their own

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from myobridge.errors import UserError

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # before numpy: its threads cost memory and latency, and gain nothing

MODEL = click.option(
    "--model", "model_name", required=True, help="An .onnx file, or a shipped model: synth, biopatrec."
)
CONFIG = click.option("--config", type=click.Path(path_type=Path), help="A TOML file; the defaults do without one.")
FIRMWARE = click.option(
    "--firmware", type=click.Choice(["mega2560", "uno"]), help="Run the real firmware in its simulator (from a clone)."
)
TAP = click.option(
    "--tap", type=click.Path(path_type=Path), help="Send snapshots to this Unix datagram socket (for views)."
)
SECONDS = click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after so many seconds.")
JSON = click.option("--json", "json_to", metavar="F", help="Write the summary to this file, or to - for the terminal.")


class _Commands(click.Group):
    """Prints a user's mistake as one sentence and leaves with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"myobridge: {error}", err=True)
            sys.exit(1)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
@click.version_option(package_name="myobridge")
def main(debug: bool) -> None:
    """Surface EMG in over a serial port, five servo angles of a prosthetic hand out.

    A research prototype, not a medical device.
    """


def write_json(summary: dict[str, Any], to: str | None) -> None:
    """Writes the summary where `--json` said."""
    if to is None:
        return
    text = json.dumps(summary, indent=2)
    if to == "-":
        click.echo(text)
        return
    try:
        Path(to).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"The summary cannot be written to {to} ({error.strerror}); choose another file.") from error


def say(text: str) -> None:
    """A sentence for the person at the terminal, apart from any JSON."""
    click.echo(f"myobridge: {text}", err=True)


@main.command()
@click.option("--port", required=True, help="Serial port of the hand; `myobridge devices` lists them.")
@MODEL
@CONFIG
@click.option("--arm", is_flag=True, help="Let the hand move. Without it the daemon streams and predicts only.")
@SECONDS
@JSON
@TAP
def run(
    port: str,
    model_name: str,
    config: Path | None,
    arm: bool,
    seconds: float | None,
    json_to: str | None,
    tap: Path | None,
) -> None:
    """Run the daemon: EMG from the port, through the model, back as setpoints.

    SIGUSR1 asks the hand to arm (again), SIGUSR2 disarms it; Ctrl-C disarms it and ends.
    """
    from myobridge.config import load_config
    from myobridge.decode import open_model
    from myobridge.loop import Daemon
    from myobridge.metrics import process_start_s
    from myobridge.realtime import enter_realtime, stop_collecting
    from myobridge.shipped import find_model
    from myobridge.tap import Tap

    settings = load_config(config)
    model = open_model(find_model(model_name))
    daemon = Daemon(port, model, settings, arm=arm, started_s=process_start_s())
    daemon.say = say
    daemon.install_signals()
    if tap is not None:
        daemon.tap = Tap(tap)
    for refused in enter_realtime(settings.realtime.fifo_priority):
        say(refused)
    stop_collecting()
    write_json(daemon.run(seconds), json_to)


@main.command()
@click.option("--source", default="synth", help="synth, or a recording (.npz) to play at its own rate.")
@click.option("--fs", "fs_hz", default=2000.0, type=click.FloatRange(100, 20000), help="Sampling rate of synth.")
@click.option("--channels", default=4, type=click.IntRange(1, 16), help="Electrodes of synth.")
@click.option("--seed", default=0, help="Of synth, of the line faults and of the device's ids.")
@FIRMWARE
@click.option("--loop", is_flag=True, help="Begin a recording again when it is over.")
@click.option("--link", type=click.Path(path_type=Path), help="Keep a symbolic link to the port here.")
@click.option("--faults", default="", help="flips=P,lost=P,burst=BYTES@EVERY_S,stall=MS@EVERY_S,unplug=S@AT_S")
@SECONDS
@JSON
@TAP
@click.option("--trace", type=click.Path(path_type=Path), help="Write servo and true angles to this .npz at the end.")
def simulate(
    source: str,
    fs_hz: float,
    channels: int,
    seed: int,
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
    from myobridge.device.simulate import SimulatedHand
    from myobridge.device.source import EmgSource
    from myobridge.device.synth import SynthOptions, SynthSource
    from myobridge.recording import Recording
    from myobridge.tap import Tap

    line_faults = parse_line_faults(faults)
    emg: EmgSource
    if source == "synth":
        emg = SynthSource(SynthOptions(fs_hz=fs_hz, channels=channels, seed=seed))
    else:
        emg = RecordedSource(Recording.load(Path(source)), loop=loop)
    hand: SimulatedHand | RealFirmwareHand
    if firmware is None:
        port = PtyPort(link)
        hand = SimulatedHand(emg, port, line_faults, seed)
        hand.tap = Tap(tap) if tap else None
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


@main.command()
@click.option("--seconds", default=30.0, type=click.FloatRange(min=0, min_open=True), help="Length of the demo.")
@click.option("--headless", is_flag=True, help="Draw nothing; print the summary only.")
@click.option("--seed", default=1, help="Of the simulated wearer's movements and noise.")
@FIRMWARE
@JSON
def demo(seconds: float, headless: bool, seed: int, firmware: str | None, json_to: str | None) -> None:
    """Show it all without hardware: a simulated wearer and hand, and the daemon, as two processes."""
    from myobridge.demo import run_demo

    summary = run_demo(seconds, headless=headless, seed=seed, firmware=firmware, print_summary=json_to != "-")
    write_json(summary, json_to)


@main.command()
@click.argument("ports", nargs=-1)
@JSON
def devices(ports: tuple[str, ...], json_to: str | None) -> None:
    """List serial ports and the hands that answer on them; name PORTS to ask those only.

    Asking opens each port, which resets an Arduino, and sends it a greeting.
    """
    from myobridge.devices import list_ports, probe

    rows = [probe(port) for port in ports or list_ports()]
    if json_to != "-":
        for row in rows:
            click.echo(f"{row['port']:24} {row['answer']}")
        if not rows:
            click.echo("No serial port found; plug the hand in, or run `myobridge simulate` and name its port here.")
    write_json({"devices": rows}, json_to)


@main.command()
@click.argument("recording", type=click.Path(path_type=Path))
@MODEL
@CONFIG
@JSON
@click.option("--out", type=click.Path(path_type=Path), help="Write every decision to this .npz.")
def replay(recording: Path, model_name: str, config: Path | None, json_to: str | None, out: Path | None) -> None:
    """Run a recording through the daemon's own pipeline, as fast as it goes."""
    from myobridge.config import load_config
    from myobridge.decode import open_model
    from myobridge.recording import Recording
    from myobridge.replay import replay_summary
    from myobridge.shipped import find_model

    summary, decisions = replay_summary(
        Recording.load(recording), open_model(find_model(model_name)), load_config(config), recording
    )
    if out is not None:
        decisions.save(out)
    if json_to is None:
        json_to = "-"
    write_json(summary, json_to)
