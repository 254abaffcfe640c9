"""`myobridge generations`: the generations of the wearer's model."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import JSON, give_to_daemon, say, write_json
from myobridge.errors import UserError, printable


@click.command()
@click.argument("mine", type=click.Path(path_type=Path))
@click.option("--use", "number", type=click.IntRange(min=1), help="Put this generation into MINE.")
@click.option("--port", help="Serial port of the hand. A daemon that runs there gets the model of --use.")
@JSON
def generations(mine: Path, number: int | None, port: str | None, json_to: str | None) -> None:
    """List the generations of the model file MINE: number, date, what made the generation, and its score.

    Each calibration makes a generation. `myobridge calibrate --undo` goes back to the generation before.
    """
    from myobridge.model.generations import Generations

    history, swapped = Generations(mine), False
    if number is not None:
        say(f"{mine} is generation {history.use(number)}.")
        swapped = give_to_daemon(port, mine)
    kept = history.kept()
    if not kept and not mine.is_file():
        raise UserError(f"There is no model {mine}; give the --out of your calibrations.")
    if json_to != "-":
        for one in kept:
            click.echo(printable(f"{'>' if one.in_place else ' '} {one}"))
        if not any(one.in_place for one in kept):
            click.echo("The model in place has no generation; the next calibration or change makes one of it.")
    rows = [
        {
            "number": one.number,
            "date": one.date,
            "how": one.facts.how,
            "score": one.facts.score,
            "balanced_accuracy": one.facts.balanced_accuracy,
            "in_place": one.in_place,
        }
        for one in kept
    ]
    write_json({"model": str(mine), "generations": rows, "swapped": swapped}, json_to)
