"""`myobridge backup`: one file with a wearer's models, settings and servo limits."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path

import click

from myobridge.commands.options import CONFIG, NAME, say, wrote

NOT_THERE = "Paired phones and recordings are not in the backup; pair the phones again, and copy the recordings."


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@NAME
@click.option(
    "--model",
    "mine",
    type=click.Path(path_type=Path),
    help="The wearer's model; its generations come along.",
    show_default="the model of the hand's service",
)
@CONFIG
@click.option("--port", help="Port of the hand, where no daemon runs: adds the servo limits that the board stores.")
@click.option("--diary", "with_diary", is_flag=True, help="Add the diary.")
def backup(file: Path, name: str, mine: Path | None, config: Path | None, port: str | None, with_diary: bool) -> None:
    """Write one FILE with the wearer's models, all their generations, the settings and the servo limits.

    FILE must not exist yet, is private, and holds no secrets. `myobridge restore` brings everything back, on this
    computer or on another one.
    """
    from myobridge.calibration.servos.board import Board
    from myobridge.daemon.backup.archive import packed
    from myobridge.daemon.backup.wearer import collected
    from myobridge.daemon.diary.store import diary_of
    from myobridge.daemon.permission.estop_memory import usb_name
    from myobridge.daemon.service.hand import Hand
    from myobridge.files import draft
    from myobridge.settings import load_settings

    hand, limits, settings = Hand(name), None, load_settings(config)
    if port:
        board = Board(port, settings)
        board.close()
        limits = board.held
    diary = diary_of(port or hand.link) if with_diary else None
    entries = collected(mine or hand.model, config, diary, limits)
    about = {
        "myobridge": version("myobridge"),
        "made_s": time.time(),
        "hand": name,
        "board": (usb_name(port) or "") if port else "",
    }
    with draft(file, new=True) as half:
        half.chmod(0o600)
        half.write_bytes(packed(entries, about))
    say(f"In the backup: {in_words(entries)}.")
    say(NOT_THERE)
    wrote(file, "backup")


def in_words(entries: dict[str, bytes]) -> str:
    """What a backup holds."""
    from myobridge.daemon.backup.archive import CONFIG as SETTINGS
    from myobridge.daemon.backup.archive import DIARY, GENERATIONS, LIMITS

    generations = sum(name.startswith(GENERATIONS) and name.endswith(".onnx") for name in entries)
    said = [f"the model, {generations} generation{'' if generations == 1 else 's'}"]
    said += ["the settings" if SETTINGS in entries else "no settings"]
    said += ["the servo limits" if LIMITS in entries else "no servo limits"]
    return ", ".join([*said, "the diary" if any(name.startswith(DIARY) for name in entries) else "no diary"])
