"""`myobridge bench`: how fast this machine is."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import CONFIG, JSON, MODEL_HELP, say, write_json, wrote


@click.command()
@click.option("--model", "model_name", default="synth", help=MODEL_HELP)
@CONFIG
@click.option("--growth", "grow", is_flag=True, help="Run the daemon only, at 4 to 64 channels and 1 to 4 kHz.")
@click.option("--seconds", default=2.5, type=click.FloatRange(min=1), help="Length of each run of a loop, in seconds.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="PNG",
    help="Draw the delays (with --growth: the costs) into this PNG file.",
)
@JSON
def bench(
    model_name: str, config: Path | None, grow: bool, seconds: float, plot: Path | None, json_to: str | None
) -> None:
    """Measure in about a minute, without hardware, how fast this machine runs the daemon.

    The daemon and two minimal loops, which only read, decide and write, run in turn on a simulated hand. Compare the
    ratios: they change less from day to day and from machine to machine than the times do.
    """
    from myobridge.bench import growth, measure, pictures, report
    from myobridge.model.shipped import find_model
    from myobridge.settings import load_settings

    if plot is not None:
        pictures.can_draw()
    if grow:
        rows = growth.growth(seconds, load_settings(config).realtime.fifo_priority, say)
        result, text = {"growth": rows}, growth.as_text(rows)
    else:
        result = measure.measure(find_model(model_name), config, seconds, say)
        text = report.as_text(result)
    if json_to != "-":
        click.echo(text)
    write_json(result, json_to)
    if plot is not None:
        draw = pictures.draw_growth if grow else pictures.draw_delays
        draw(result, plot)
        wrote(plot, "picture")
