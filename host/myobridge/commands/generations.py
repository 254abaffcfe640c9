"""`myobridge generations`: the generations of the wearer's model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import JSON, give_to_daemon, say, write_json
from myobridge.errors import UserError, printable

if TYPE_CHECKING:
    from myobridge.model.generations import Generation, Generations


@click.command()
@click.argument("mine", type=click.Path(path_type=Path))
@click.option("--use", "number", type=click.IntRange(min=1), help="Put this generation into MINE.")
@click.option(
    "--add",
    "added",
    type=click.Path(path_type=Path),
    help="Put this model file into MINE as a new generation, unless MINE has had it before.",
)
@click.option("--port", help="Serial port of the hand. A daemon that runs there gets the model of --use or --add.")
@JSON
def generations(mine: Path, number: int | None, added: Path | None, port: str | None, json_to: str | None) -> None:
    """List the generations of the model file MINE: number, date, what made the generation, and its score.

    Each calibration makes a generation. `myobridge calibrate --undo` goes back to the generation before.
    """
    from myobridge.model.generations import Generations

    history, swapped = Generations(mine), False
    if number is not None and added is not None:
        raise UserError("--use and --add are two ways to change the model; leave one of them out.")
    if added is not None:
        say(f"{mine} is generation {_add(history, added)}.")
        swapped = give_to_daemon(port, mine)
    if number is not None:
        say(f"{mine} is generation {history.use(number)}.")
        swapped = give_to_daemon(port, mine)
    kept = history.kept()
    if not kept:
        _model_in(mine, "give the --out of your calibrations")
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


def _add(history: Generations, added: Path) -> Generation:
    """Makes a generation of a model file; a file that is one already changes nothing, so that it undoes no calibration.

    Raises:
        UserError: the file is not a model, or a file cannot be written.
    """
    from hashlib import sha256

    from myobridge.model.generations import UNKNOWN

    data = _model_in(added, "give the path of an .onnx file")
    kept = history.kept()
    here = next((one for one in kept if one.in_place), None)
    if here and any(one.facts.digest == sha256(data).hexdigest() for one in kept):
        return here
    return history.keep(data, UNKNOWN, f"copied from {added.name}")


def _model_in(path: Path, what_to_do: str) -> bytes:
    """The bytes of a model file.

    Raises:
        UserError: there is no such file, or it is not a model.
    """
    from myobridge.files import check_file
    from myobridge.model.check import check_model

    try:
        check_file(path)
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"There is no model {path} ({error.strerror}); {what_to_do}.") from error
    check_model(data, path)
    return data
