"""`myobridge export`: a recording for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from myobridge.commands.options import interruptible, wrote


@click.command()
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--to", "form", type=click.Choice(["bids", "edf", "npz", "csv"]), required=True, help="Format to write.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write; for bids, the folder of the dataset.",
    show_default="beside the recording",
)
@click.option("--subject", default="01", help="Label of the wearer in a BIDS dataset.")
def export(recording: Path, form: str, out: Path | None, subject: str) -> None:
    """Write a recording for other programs, as EDF+, a BIDS dataset, NumPy arrays or a CSV table.

    A BIDS dataset holds several recordings: give the same --out each time.
    """
    from myobridge.recording.export import export as write
    from myobridge.recording.open import open_recording

    with interruptible(lambda: f"The export of {recording} was interrupted, so it wrote nothing; run it again."):
        file = open_recording(recording)
        path = write(file, form, out, subject)
    wrote(path, f"{file.samples.timeline.samples / file.samples.fs_hz:.1f} s of EMG")
