"""`myobridge demo`: all of it without hardware."""

from __future__ import annotations

import click

from myobridge.commands.options import FIRMWARE, JSON, write_json


@click.command()
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
