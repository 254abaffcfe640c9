"""`myobridge bench`: how fast this machine is."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import CONFIG, JSON, say, write_json


@click.command()
@click.option("--model", "model_name", default="synth", help="An .onnx file, or a shipped model.", show_default=True)
@CONFIG
@click.option(
    "--seconds", default=6.0, type=click.FloatRange(min=1), show_default=True, help="Length of each run of a loop."
)
@click.option("--plot", type=click.Path(path_type=Path), metavar="PNG", help="Draw what is measured.")
@JSON
def bench(model_name: str, config: Path | None, seconds: float, plot: Path | None, json_to: str | None) -> None:
    """Measure this machine in a minute, without hardware: wire, network, and the daemon on a simulated hand.

    Beside it runs the least loop that could do the same: ratios hold on another day and another machine, times do not.
    """
    from myobridge.bench.measure import measure
    from myobridge.bench.pictures import can_draw, draw_delays
    from myobridge.bench.report import as_text
    from myobridge.shipped import find_model

    if plot is not None:
        can_draw(plot)
    result = measure(find_model(model_name), config, seconds, say)
    if json_to != "-":
        click.echo(as_text(result))
    write_json(result, json_to)
    if plot is not None:
        draw_delays(result, plot)
        say(f"drew {plot}")
