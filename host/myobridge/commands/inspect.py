"""`myobridge inspect`: what is in a recording."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import JSON, interruptible, write_json, wrote


@click.command()
@click.argument("recording", type=click.Path(path_type=Path))
@JSON
@click.option(
    "--plots",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw traces, spectra and amplitudes into this folder (PNG).",
)
def inspect(recording: Path, json_to: str | None, plots: Path | None) -> None:
    """Say what is in a recording (.myo or .npz).

    A .myo file may be damaged, or may still be growing.
    """
    from myobridge.recording.open import open_recording
    from myobridge.recording.summary import as_text, summarize

    file = open_recording(recording)
    summary = summarize(file)
    if json_to != "-":
        click.echo(as_text(summary))
    write_json(summary, json_to)
    if plots is not None:
        from myobridge.recording.pictures import draw

        with interruptible(lambda: f"Drawing {recording} was interrupted; every picture in {plots} is whole."):
            for path in draw(file, plots):
                wrote(path, "picture")
