"""`myobridge bench`: how fast this machine is."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import CONFIG, JSON, say, write_json, wrote


@click.command()
@click.option("--model", "model_name", default="synth", help="An .onnx file, or a shipped model.")
@CONFIG
@click.option("--growth", "grow", is_flag=True, help="Only the daemon, at 4 to 64 channels and 1 to 4 kHz.")
@click.option("--seconds", default=2.5, type=click.FloatRange(min=1), help="Length of each run of a loop.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="PNG", help="Draw what is measured.")
@JSON
def bench(
    model_name: str, config: Path | None, grow: bool, seconds: float, plot: Path | None, json_to: str | None
) -> None:
    """Measure this machine in a minute, without hardware: wire, network, and the daemon on a simulated hand.

    Beside it runs the least loop that could do the same: ratios hold on another day and another machine, times do not.
    """
    from myobridge.bench import growth, measure, pictures, report
    from myobridge.model.shipped import find_model
    from myobridge.settings import load_settings

    if plot is not None:
        pictures.can_draw(plot)
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
