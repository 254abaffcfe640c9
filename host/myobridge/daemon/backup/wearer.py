"""Collects what belongs to a wearer's hand for a backup, and puts a backup back in place."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from itertools import count
from pathlib import Path
from typing import Final

import msgspec

from myobridge.daemon.backup.archive import CONFIG, DIARY, GENERATIONS, LIMITS, MODEL, NAMES, Backup
from myobridge.daemon.diary.store import Store
from myobridge.errors import UserError
from myobridge.files import locked, refusals, settle, unnamed, write_bytes
from myobridge.model.check import check_model
from myobridge.model.generations import Generations
from myobridge.settings import load_settings
from myobridge.wire import messages as m

PRIVATE: Final = 0o700


def collected(mine: Path, config: Path | None, diary: Store | None, limits: m.Limits | None) -> dict[str, bytes]:
    """The entries of a backup.

    Raises:
        UserError: there is no model, or a file cannot be read.
    """
    if not mine.is_file():
        raise UserError(f"There is no model {mine}; name the wearer's model with --model, or the hand with --name.")
    folder = Generations(mine).folder
    try:
        with locked(folder) if folder.is_dir() else nullcontext():
            entries = {MODEL: mine.read_bytes()}
            entries |= {f"{GENERATIONS}{name}": data for name, data in _history(mine).items()}
        if config:
            entries[CONFIG] = config.read_bytes()
        if diary is not None:
            entries |= {f"{DIARY}{path.name}": path.read_bytes() for path in diary.files()}
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}); use the account of the hand.") from error
    if limits is not None and limits.state == m.LimitsState.STORED:
        entries[LIMITS] = msgspec.json.encode(limits)
    return entries


def check_models(backup: Backup, path: Path) -> None:
    """Checks that the models in a backup are models; `path` is named in the error.

    Raises:
        UserError: an entry is not a model, or the backup has none.
    """
    if MODEL not in backup.entries:
        raise UserError(f"{path} holds no model; use another backup.")
    for name, data in backup.entries.items():
        if name.endswith(".onnx"):
            check_model(data, path / name)


def limits_in(backup: Backup, path: Path) -> m.WriteLimits | None:
    """The servo limits in a backup; None: it holds none.

    Raises:
        UserError: the entry holds no servo limits.
    """
    if LIMITS not in backup.entries:
        return None
    try:
        limits = msgspec.json.decode(backup.entries[LIMITS], type=m.WriteLimits)
        limits.pack()
    except (msgspec.MsgspecError, struct.error) as error:
        raise UserError(f"{path} holds no valid servo limits ({error}); use another copy of the backup.") from error
    return limits


def in_the_way(backup: Backup, mine: Path, config: Path | None) -> list[Path]:
    """The files that a restoration would replace because they differ from the backup."""
    found = [mine] if mine.exists() and not _holds(mine, backup.entries[MODEL]) else []
    folder = Generations(mine).folder
    if folder.exists() and _history(mine) != backup.below(GENERATIONS):
        found.append(folder)
    if config and config.exists() and CONFIG in backup.entries and not _holds(config, backup.entries[CONFIG]):
        found.append(config)
    return found


def put_models(backup: Backup, mine: Path, say: Callable[[str], None]) -> None:
    """Puts model and generations in place; what was there before is put aside, and `say` tells where.

    The generations come as a whole folder, and the model in place changes last, so an interruption leaves the old model
    or the new one.

    Raises:
        UserError: a file cannot be written.
    """
    folder, kept = Generations(mine).folder, backup.below(GENERATIONS)
    with refusals(mine):
        mine.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    if _history(mine) != kept:
        whole = _written(kept, _free(mine.with_name(f"{mine.stem}.restoring")))
        with refusals(folder):
            if folder.exists():
                aside = _free(folder.with_name(f"{folder.name}.before"))
                folder.rename(aside)
                say(f"The generations before are now in {aside}.")
            whole.rename(folder)
    if mine.exists() and not _holds(mine, backup.entries[MODEL]):
        say(f"The model before is now {_copied_aside(mine)}.")
    write_bytes(mine, backup.entries[MODEL])


def put_config(backup: Backup, config: Path, say: Callable[[str], None]) -> None:
    """Puts the settings in place, after a check that this version understands them.

    Raises:
        UserError: this version does not understand the settings, or the file cannot be written.
    """
    data = backup.entries[CONFIG]
    with refusals(config), unnamed(config.parent, config.suffix) as half:
        half.write_bytes(data)
        load_settings(half)
        if config.exists() and not _holds(config, data):
            say(f"The settings before are now {_copied_aside(config)}.")
        settle(half, config)


def put_diary(backup: Backup, diary: Store) -> bool:
    """Puts the diary in place if there is none; returns whether it did.

    Raises:
        UserError: a file cannot be written.
    """
    if diary.files():
        return False
    with refusals(diary.folder):
        diary.folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    for name, data in backup.below(DIARY).items():
        write_bytes(diary.folder / name, data)
    return True


def _written(files: Mapping[str, bytes], folder: Path) -> Path:
    """Writes files into a new private folder, which is removed if one of them cannot be written."""
    with refusals(folder):
        folder.mkdir(mode=PRIVATE)
    try:
        for name, data in files.items():
            write_bytes(folder / name, data)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _history(mine: Path) -> dict[str, bytes]:
    """The files of the generations, by name."""
    folder = Generations(mine).folder
    if not folder.is_dir():
        return {}
    paths = (path for path in sorted(folder.iterdir()) if NAMES.fullmatch(GENERATIONS + path.name))
    return {path.name: path.read_bytes() for path in paths}


def _copied_aside(path: Path) -> Path:
    aside = _free(path.with_name(f"{path.name}.before"))
    with refusals(path):
        write_bytes(aside, path.read_bytes())
    return aside


def _free(path: Path) -> Path:
    """The path, or the path with a number if the name is taken."""
    names = (path.with_name(f"{path.name}{'' if not number else f'-{number}'}") for number in count())
    return next(name for name in names if not name.exists())


def _holds(path: Path, data: bytes) -> bool:
    with suppress(OSError):
        return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
    return False
