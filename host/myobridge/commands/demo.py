"""`myobridge demo`: the whole system without hardware."""

from __future__ import annotations

import click

from myobridge.commands.options import FIRMWARE, JSON, PLAIN, VIEW_PORT, say, write_json


@click.command()
@click.option(
    "--seconds", default=30.0, type=click.FloatRange(min=0, min_open=True), help="Length of the demo, in seconds."
)
@click.option("--headless", is_flag=True, help="Show nothing while the demo runs; print the summary only.")
@click.option("--view", is_flag=True, help="Serve the live view, so that a browser shows the demo.")
@VIEW_PORT
@PLAIN
@click.option("--seed", default=1, help="Seed of the simulated wearer's movements and noise.")
@FIRMWARE
@JSON
def demo(
    seconds: float, headless: bool, view: bool, view_port: int, seed: int, firmware: str | None, json_to: str | None
) -> None:
    """Run the whole system without hardware: a simulated wearer and hand, and the daemon that drives the hand.

    The terminal shows a moving picture. With --view, with --plain, or in a terminal that cannot draw, it shows a line
    every few seconds.
    """
    from rich.console import Console

    from myobridge.simulator.demo import draw, run_demo, tell
    from myobridge.view.drawable import can_draw
    from myobridge.view.terminal import COLUMNS, ROWS, summary_rows, summary_table

    console = Console()
    drawable = can_draw(console, COLUMNS, ROWS)
    show = None if headless else draw(console) if drawable and not view else tell(say)
    summary = run_demo(seconds, seed, firmware, show, view_port if view else None)
    if json_to != "-":
        if drawable:
            console.print(summary_table(summary))
        else:
            for name, figures in summary_rows(summary):
                click.echo(f"{name}: {figures}")
    write_json(summary, json_to)
