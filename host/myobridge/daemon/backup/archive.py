"""The file of a backup: a ZIP archive without compression, so that the sizes it declares are the sizes it has.

`about.json` comes first and lists every other entry with its size and SHA-256. A reader takes the file as hostile: it
writes nothing before every entry has been checked, and takes no path, link or mode from the archive.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from myobridge.errors import UserError
from myobridge.files import check_file

FORMAT: Final = 1
ABOUT: Final = "about.json"
MODEL: Final = "model.onnx"
CONFIG: Final = "config.toml"
LIMITS: Final = "limits.json"
GENERATIONS: Final = "generations/"
DIARY: Final = "diary/"
NAMES: Final = re.compile(
    r"model\.onnx|config\.toml|limits\.json|generations/(\d{6,9}\.(onnx|json)|in-place)|diary/\d{6,9}\.jsonl"
)
"""The only names that a backup may have. None leads out of its folder."""
MOST_BYTES: Final = 256_000_000
MOST_ENTRIES: Final = 300
MOST_ABOUT_BYTES: Final = 100_000


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size and SHA-256 of an entry."""

    size: Annotated[int, msgspec.Meta(ge=0, le=MOST_BYTES)]
    digest: str


class About(msgspec.Struct, frozen=True):
    """What a backup is. hand: its name; empty for the only hand. board: on which the servo limits were stored."""

    format: int
    myobridge: str
    made_s: float
    hand: str
    board: str
    entries: dict[str, Entry]


class Backup(msgspec.Struct, frozen=True):
    """A backup whose entries have been checked: what it is, and its entries by name."""

    about: About
    entries: dict[str, bytes]

    def below(self, folder: str) -> dict[str, bytes]:
        """The entries of a folder, by their names in it."""
        return {name.removeprefix(folder): data for name, data in self.entries.items() if name.startswith(folder)}


def packed(entries: Mapping[str, bytes], about: Mapping[str, Any]) -> bytes:
    """The bytes of a backup. about: the fields of About without format and entries."""
    listed = {name: Entry(len(data), sha256(data).hexdigest()) for name, data in entries.items()}
    head = msgspec.json.encode(About(format=FORMAT, entries=listed, **about))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {ABOUT: head, **entries}.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def unpacked(path: Path) -> Backup:
    """Reads and checks a backup.

    Raises:
        UserError: the file is not a whole backup, or a newer version has made it.
    """
    try:
        check_file(path)
        if path.stat().st_size > MOST_BYTES:
            raise _Bad("it is too large")
        with zipfile.ZipFile(path) as archive:
            return _checked(archive)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}); give the path of a backup.") from error
    except _Newer as newer:
        raise UserError(
            f"{path} was made by myobridge {newer}, which is newer than this one; update myobridge, then restore."
        ) from None
    except (_Bad, zipfile.BadZipFile, msgspec.MsgspecError, ValueError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{path} is not a whole backup ({error}); use another copy of the backup.") from error


class _Bad(Exception):
    """Why a file is not a backup."""


class _Newer(Exception):
    """The version that made the backup."""


def _checked(archive: zipfile.ZipFile) -> Backup:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(infos) > MOST_ENTRIES or len(set(names)) != len(names) or ABOUT not in names:
        raise _Bad("its list of entries is not that of a backup")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size or info.flag_bits & 1:
            raise _Bad(f"its entry {info.filename} is compressed or encrypted")
        if info.filename != ABOUT and not NAMES.fullmatch(info.filename):
            raise _Bad(f"a backup has no entry {info.filename}")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _Bad(f"its entry {info.filename} is a link or a folder")
    about = _about(archive, archive.getinfo(ABOUT))
    if set(about.entries) != {*names} - {ABOUT} or sum(info.file_size for info in infos) > MOST_BYTES:
        raise _Bad("its entries are not those that it lists")
    entries = {}
    for name, entry in about.entries.items():
        data = _read(archive, archive.getinfo(name), entry.size)
        if sha256(data).hexdigest() != entry.digest:
            raise _Bad(f"its entry {name} is damaged")
        entries[name] = data
    return Backup(about, entries)


def _about(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> About:
    data = _read(archive, info, info.file_size if info.file_size <= MOST_ABOUT_BYTES else -1)
    head = msgspec.json.decode(data)
    if isinstance(head, dict) and isinstance(head.get("format"), int) and head["format"] > FORMAT:
        raise _Newer(str(head.get("myobridge", "of another version"))[:40])
    return msgspec.convert(head, About)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> bytes:
    if info.file_size != size:
        raise _Bad(f"its entry {info.filename} has another size than it lists")
    with archive.open(info) as file:
        return file.read(size)
