"""`myobridge restore`: brings a wearer's models, settings and servo limits back from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import NAME, say
from myobridge.errors import UserError

if TYPE_CHECKING:
    from myobridge.wire import messages as m


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@NAME
@click.option(
    "--model",
    "mine",
    type=click.Path(path_type=Path),
    help="File that becomes the wearer's model.",
    show_default="the model of the hand's service",
)
@click.option("--config", type=click.Path(path_type=Path), help="File that becomes the settings file.")
@click.option("--port", help="Port of the hand, where no daemon runs: stores the servo limits in this board.")
@click.option("--replace", is_flag=True, help="Replace files that differ; the old files are kept beside them.")
def restore(file: Path, name: str, mine: Path | None, config: Path | None, port: str | None, replace: bool) -> None:
    """Bring everything back from a FILE that `myobridge backup` has written.

    Without --replace, the command changes nothing if a file that differs is in the way. Servo limits are stored in a
    board only with --port. A diary comes back where there is none.
    """
    from myobridge.commands.backup import in_words
    from myobridge.daemon.backup import wearer
    from myobridge.daemon.backup.archive import CONFIG, DIARY, unpacked
    from myobridge.daemon.diary.store import diary_of
    from myobridge.daemon.service.hand import Hand
    from myobridge.files import check_place

    backup, hand = unpacked(file), Hand(name)
    if mine is None and backup.about.hand != name:
        whose = f"the {backup.about.hand} hand (--name {backup.about.hand})" if backup.about.hand else "the only hand"
        raise UserError(f"{file} is a backup of {whose}; name that hand, or choose a file with --model.")
    wearer.check_models(backup, file)
    mine, limits = mine or hand.model, wearer.limits_in(backup, file)
    if mine.is_dir():
        raise UserError(f"{mine} is a folder, so nothing was restored; name the file of the model with --model.")
    if config:
        check_place(config)
    found = wearer.in_the_way(backup, mine, config)
    if found and not replace:
        names = ", ".join(map(str, found))
        raise UserError(f"{names} would be replaced, so nothing was restored; add --replace, which keeps a copy of it.")
    say(f"In the backup: {in_words(backup.entries)}.")
    if port and limits:
        _store(port, limits, backup.about.board)
    if config and CONFIG in backup.entries:
        wearer.put_config(backup, config, say)
    wearer.put_models(backup, mine, say)
    diary_back = bool(backup.below(DIARY)) and wearer.put_diary(backup, diary_of(port or hand.link))
    done = [f"the model to {mine}"]
    done += [f"the settings to {config}"] if config and CONFIG in backup.entries else []
    done += [f"the servo limits to the board on {port}"] if port and limits else []
    done += ["the diary"] if diary_back else []
    say(f"Restored: {', '.join(done)}.")
    if CONFIG in backup.entries and not config:
        say("The settings were left out; name their file with --config.")
    if limits and not port:
        say("The servo limits were left out; end the daemon and add --port to store them in the board.")


def _store(port: str, limits: m.WriteLimits, board_before: str) -> None:
    """Stores servo limits in the board on the port."""
    from myobridge.calibration.servos.board import Board
    from myobridge.daemon.permission.estop_memory import usb_name
    from myobridge.settings import Settings

    if board_before and usb_name(port) != board_before:
        say("The servo limits come from another board; they are right only for the same servos.")
    board = Board(port, Settings())
    try:
        board.store(limits)
    finally:
        board.close()
