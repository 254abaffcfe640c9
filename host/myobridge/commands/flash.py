"""`myobridge flash`: puts this version's firmware into a board."""

from __future__ import annotations

import click

from myobridge.commands.options import say


@click.command()
@click.option(
    "--board", metavar="B", help="Board that gets the firmware.", show_default="the one that the board says it is"
)
@click.option("--port", metavar="P", help="Serial port of the board.", show_default="the only one that answers")
@click.option("--again", is_flag=True, help="Write the firmware even if the board has it already.")
def flash(board: str | None, port: str | None, again: bool) -> None:
    """Write this version's firmware into a board, verify it, and greet the board.

    The firmware is part of this package. An Arduino needs avrdude; a board with an RP2040 needs nothing. The hand's
    pulses end, as at any reset.
    """
    from myobridge.feed.flashing.program import program
    from myobridge.feed.flashing.target import find_target

    target = find_target(board, port)
    say(f"On the board{f' at {target.port}' if target.port else ''}: {target.now}.")
    if target.up_to_date and not again:
        say(
            f"This is the firmware of this version ({target.image.described}); nothing is written. Give --again to "
            "write it again."
        )
        return
    say(f"Writing {target.image.described}.")
    program(target)
    say("The board answers with the new firmware.")
