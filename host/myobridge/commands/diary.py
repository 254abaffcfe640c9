"""`myobridge diary`: the last days of a hand."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import click

from myobridge.commands.options import JSON, say, write_json, wrote
from myobridge.errors import UserError, printable


@click.command()
@click.option("--port", help="Serial port of the hand.", show_default="all hands")
@click.option("--all", "everything", is_flag=True, help="All days that are kept, not only the newest seven.")
@click.option("--csv", "csv_to", type=click.Path(path_type=Path), help="Write a row for each day to this file.")
@JSON
def diary(port: str | None, everything: bool, csv_to: Path | None, json_to: str | None) -> None:
    """Show the diary of the hand: sessions, time armed, models and scores, holds, losses, contact.

    The daemon keeps the diary on this computer; nothing leaves it. `[diary] keep = false` in the settings file ends it.
    """
    from msgspec import to_builtins

    from myobridge.daemon.diary.days import WEEK, days_of, sentences
    from myobridge.daemon.diary.store import all_diaries, diary_of
    from myobridge.files import write_text

    hands, damaged = [], 0
    for store in [diary_of(port)] if port else all_diaries():
        lines, spoilt = store.read()
        damaged += spoilt
        if lines:
            name = next((line.port for line in reversed(lines) if line.port), store.folder.name)
            days = days_of(lines)
            hands.append((name, days if everything else days[-WEEK:]))
    if not hands and port:
        raise UserError(f"There is no diary of {port}; the daemon begins one when it runs on this port.")
    if not hands:
        raise UserError("There is no diary yet; the daemon begins one when it runs.")
    if damaged:
        say(f"{damaged} damaged lines of the diary were left out.")
    if json_to != "-":
        for name, days in hands:
            click.echo(printable(f"Hand on {name}"))
            for day in reversed(days):
                click.echo(f"\n  {day.date}")
                for sentence in sentences(day):
                    click.echo(printable(f"    {sentence}"))
    rows = [{"hand": name, **to_builtins(day)} for name, days in hands for day in days]
    write_json({"days": rows}, json_to)
    if csv_to:
        flat = [{key: _cell(value) for key, value in row.items()} for row in rows]
        text = io.StringIO()
        writer = csv.DictWriter(text, list(flat[0]))
        writer.writeheader()
        writer.writerows(flat)
        write_text(csv_to, text.getvalue())
        wrote(csv_to, "diary")


def _cell(value: object) -> object:
    """A value as one cell of a table."""
    if isinstance(value, dict):
        return "; ".join(f"{name} {count}" for name, count in value.items())
    return "; ".join(map(str, value)) if isinstance(value, list) else value
