"""The paired phones of a person: a private file with a name, a date and a secret key for each phone."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec

from myobridge.daemon.permission.estop_memory import state_folder
from myobridge.errors import UserError, printable
from myobridge.files import draft, locked

STORE: Final = "phones.json"
KEY_BYTES: Final = 16
MAX_PHONES: Final = 16
MAX_NAME: Final = 40
MAX_BYTES: Final = 8192


class Phone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A paired phone. key: base64url, as in the fragment of the address; paired: seconds since 1970, UTC."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
    key: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{22}$")]
    paired: int

    @property
    def number(self) -> str:
        """What the phone calls itself in the open: a hash from which nobody computes the key."""
        return phone_number(self.key)

    @property
    def date(self) -> str:
        """The day on which the phone was paired."""
        return datetime.fromtimestamp(self.paired, UTC).strftime("%Y-%m-%d")


def phone_number(key: str) -> str:
    """The public number of the phone that has this key."""
    return hashlib.sha256(f"myobridge phone {key}".encode()).hexdigest()[:16]


_decode = msgspec.json.Decoder(list[Phone]).decode


class Phones:
    """The file of the paired phones. Every view of this person lets them in, if the view is started with `--phones`."""

    def __init__(self, folder: Path | None = None) -> None:
        self._path = (folder or state_folder()) / STORE

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Changes whenever the file changes; zeros without a file."""
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_ino, found.st_size)

    def read(self) -> list[Phone]:
        """All paired phones.

        Raises:
            UserError: the file cannot be read, or somebody else has changed it.
        """
        try:
            with self._path.open("rb") as file:
                return _decode(file.read(MAX_BYTES))
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            raise UserError(
                f"The paired phones in {self._path} cannot be read ({error}), so no phone is let in; "
                "move the file away, and pair the phones again."
            ) from error

    def pair(self, name: str = "") -> Phone:
        """Adds a phone with a new key.

        Raises:
            UserError: the name is taken or too long, there are too many phones, or the file cannot be written.
        """
        self._make_folder()
        with locked(self._path.parent):
            phones = self.read()
            if len(phones) >= MAX_PHONES:
                raise UserError(f"{MAX_PHONES} phones are paired already; revoke a phone with --revoke first.")
            name = printable(name.strip()) or _free_name(phones)
            if len(name) > MAX_NAME:
                raise UserError(f"The phone's name is too long; use up to {MAX_NAME} letters.")
            if any(phone.name == name for phone in phones):
                raise UserError(f"A phone named {name} is paired already; choose another --name, or revoke that phone.")
            phone = Phone(name, secrets.token_urlsafe(KEY_BYTES), int(datetime.now(UTC).timestamp()))
            self._write([*phones, phone])
        return phone

    def revoke(self, name: str) -> Phone:
        """Removes a phone; running views disconnect it within a second.

        Raises:
            UserError: no phone has this name, or the file cannot be written.
        """
        self._make_folder()
        with locked(self._path.parent):
            phones = self.read()
            gone = next((phone for phone in phones if phone.name == name), None)
            if gone is None:
                names = ", ".join(phone.name for phone in phones) or "none"
                raise UserError(f"No phone named {printable(name)} is paired (paired: {names}); `--paired` lists them.")
            self._write([phone for phone in phones if phone is not gone])
        return gone

    def _make_folder(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"The folder {self._path.parent} for the paired phones cannot be made ({error.strerror}); "
                "set XDG_STATE_HOME to a folder of your own."
            ) from error

    def _write(self, phones: list[Phone]) -> None:
        with draft(self._path) as half:
            half.chmod(0o600)
            half.write_bytes(msgspec.json.format(msgspec.json.encode(phones)) + b"\n")


def _free_name(phones: list[Phone]) -> str:
    taken = {phone.name for phone in phones}
    return next(name for name in (f"phone {i}" for i in range(1, MAX_PHONES + 2)) if name not in taken)
