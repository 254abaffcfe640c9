"""`myobridge import`: a recording of another program or amplifier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from myobridge.commands.options import interruptible, wrote
from myobridge.errors import UserError

if TYPE_CHECKING:
    from myobridge.recording.importing.mapping import Mapping

NINAPRO_B = "ninapro-b"


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The .npz recording to write.")
@click.option("--look", is_flag=True, help="Show what is in the files and what the import takes; write no recording.")
@click.option(
    "--map",
    "map_path",
    type=click.Path(path_type=Path),
    help="Mapping file (TOML); --look writes it if it does not exist.",
)
@click.option("--rate", "rate_hz", type=click.FloatRange(1, 100_000), help="Sampling rate in Hz.")
@click.option("--unit", type=click.Choice(["V", "mV", "uV", "counts"]), help="Unit of the channels' values.")
@click.option("--uv-per-count", type=click.FloatRange(min=0, min_open=True), help="µV that become one count.")
@click.option("--zero", type=float, help="Value at which the EMG is zero, such as 512 for counts from 0 to 1023.")
@click.option("--adc-bits", type=click.IntRange(8, 16), help="Width of a count in bits.")
@click.option("--channels", metavar="LIST", help="Channels: names or numbers of columns, such as 2-9 or EMG1,EMG2.")
@click.option("--label", metavar="COLUMN", help="Column of labels, or events for the events of the file.")
@click.option("--repetition", metavar="COLUMN", help="Column of repetitions.")
@click.option("--run", metavar="COLUMN", help="Column that changes where a new take begins.")
@click.option("--angles", metavar="LIST", help="Five columns of finger angles in degrees, thumb first.")
@click.option("--time", metavar="COLUMN", help="Column of times in seconds.")
@click.option("--poses", metavar="FILE", help="Poses of the labels: a TOML file as for record, or ninapro-b.")
def import_(
    files: tuple[Path, ...],
    out: Path | None,
    look: bool,
    map_path: Path | None,
    poses: str | None,
    **options: str | float | None,
) -> None:
    """Make a recording of files of other programs: CSV, EDF, BDF, XDF, MATLAB, NumPy, HDF5, OpenBCI, BrainFlow.

    Several files become the takes of one recording. `--look` shows what is in a file.
    """
    from myobridge.recording.importing.mapping import read_mapping
    from myobridge.recording.importing.run import import_files, look_at, write_mapping

    said = _mapping(options, poses)
    if map_path is not None and map_path.exists():
        said = said.over(read_mapping(map_path))
    elif map_path is not None and not look:
        raise UserError(
            f"There is no mapping {map_path}; `myobridge import {files[0]} --look --map {map_path}` writes one."
        )
    if look:
        click.echo(look_at(files, said))
        if map_path is not None and not map_path.exists():
            write_mapping(files[0], said, map_path)
            wrote(map_path, "mapping")
        return
    if out is None:
        raise UserError("import needs the name of the recording; give it with --out R.npz, or look first with --look.")
    with interruptible(lambda: "The import was interrupted, so it wrote nothing; run it again."):
        recording, uv_per_count = import_files(files, said, out)
    seconds = len(recording.counts) / recording.fs_hz
    scale = "" if uv_per_count is None else f", 1 count is {uv_per_count:g} µV"
    wrote(out, f"{seconds:.1f} s of {recording.channels} channels at {recording.fs_hz:g} Hz{scale}")


def _mapping(options: dict[str, str | float | None], poses: str | None) -> Mapping:
    """The options in the words of the mapping."""
    import msgspec

    from myobridge.calibration.poses import load_poses
    from myobridge.recording.importing.mapping import Mapping
    from myobridge.recording.importing.ninapro import EXERCISE_B

    named = None
    if poses is not None:
        named = EXERCISE_B if poses == NINAPRO_B else tuple(pose.labelled for pose in load_poses(Path(poses)))
    said: dict[str, object] = {key: value for key, value in options.items() if value is not None}
    for key in ("channels", "angles"):
        if key in said:
            said[key] = [name.strip() for name in str(said[key]).split(",") if name.strip()]
    return msgspec.structs.replace(msgspec.convert(said, Mapping), pose=named)
