"""`myobridge demo`: the whole system without hardware."""

from __future__ import annotations

import os

import click

from myobridge.commands.options import FIRMWARE, JSON, PLAIN, VIEW_PORT, say, write_json

IN_A_TERMINAL_S = 30.0
"""Length of the demo without its page."""


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Length of the demo, in seconds.",
    show_default="until Ctrl-C with a page, else 30",
)
@click.option("--headless", is_flag=True, help="Show nothing while the demo runs; print the summary only.")
@click.option(
    "--view/--no-view",
    default=None,
    help="Show the demo in a browser, or in this terminal.",
    show_default="a browser, where there is one",
)
@VIEW_PORT
@PLAIN
@click.option("--seed", default=1, help="Seed of the simulated wearer's movements and noise.")
@FIRMWARE
@JSON
def demo(
    seconds: float | None,
    headless: bool,
    view: bool | None,
    view_port: int,
    seed: int,
    firmware: str | None,
    json_to: str | None,
) -> None:
    """Run the whole system without hardware: a simulated wearer and hand, and the daemon that drives the hand.

    A page in the browser shows the hand, and has buttons that break something: cable, electrode, daemon and more. Where
    there is no browser, this terminal shows a moving picture. With --plain, or in a terminal that cannot draw, it shows
    a line every few seconds.
    """
    from rich.console import Console

    from myobridge.simulator.demo import run_demo
    from myobridge.simulator.moments import draw, tell
    from myobridge.view.browser import has_browser, open_page
    from myobridge.view.drawable import CANNOT_DRAW, can_draw
    from myobridge.view.terminal import COLUMNS, ROWS, summary_rows, summary_table

    console = Console()
    drawable = can_draw(console, COLUMNS, ROWS)
    if view is None and not headless and console.is_terminal and os.environ.get("TERM", "") not in CANNOT_DRAW:
        view = has_browser()
        if not view:
            say("There is no browser here, so this terminal shows the demo; `--view` serves the page all the same.")
    if seconds is None and not view:
        seconds = IN_A_TERMINAL_S

    def opened(url: str) -> None:
        say(f"View: {url} (control is on). Ctrl-C ends the demo.")
        if not headless and has_browser():
            open_page(url)

    show = None if headless else draw(console) if drawable and not view else tell(say)
    summary = run_demo(seconds, seed, firmware, show, view_port if view else None, opened)
    if json_to != "-":
        if drawable:
            console.print(summary_table(summary))
        else:
            for name, figures in summary_rows(summary):
                click.echo(f"{name}: {figures}")
    write_json(summary, json_to)
