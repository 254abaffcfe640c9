"""Lets paired phones in: each proves that it has a key, and its connection ends when the phone is revoked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.frames import CloseCode

from myobridge.errors import UserError
from myobridge.view import page
from myobridge.view.access import is_loopback
from myobridge.view.handshakes import REQUEST_S
from myobridge.view.phones import Phone, Phones
from myobridge.view.proof import Seal, connection_key, decode_proof, new_nonce, phone_proof, same, view_proof

LOOK_S: Final = 0.5
"""How often the file of the phones is looked at."""
HERE: Final = "a page on this computer"
UNPAIRED: Final = "this phone is not paired"


@dataclass
class Guest:
    """Somebody who was let in. phone: None for a page on this computer, which signs nothing."""

    phone: Phone | None = None
    seal: Seal | None = None

    @property
    def name(self) -> str:
        """What other pages call this page."""
        return self.phone.name if self.phone else HERE


class Door:
    """The paired phones of now. `phones` None: the view serves no phones, and asks nobody for a proof."""

    def __init__(self, phones: Phones | None) -> None:
        self._phones = phones
        self._stamp: object = None
        self.paired: list[Phone] = []
        self.look()

    @property
    def is_open(self) -> bool:
        """Whether a phone may come in."""
        return bool(self.paired)

    def look(self) -> bool:
        """Reads the paired phones again if they have changed; returns whether they have."""
        if self._phones is None or (stamp := self._phones.stamp) == self._stamp:
            return False
        self._stamp = stamp
        before = self.paired
        try:
            self.paired = self._phones.read()
        except UserError:  # `--paired` says why; until it can be read, which is tried again, nobody gets in
            self.paired, self._stamp = [], None
        return self.paired != before

    async def watch(self, changed: Callable[[], object]) -> None:
        """Looks at the phones until cancelled."""
        while self._phones is not None:
            await asyncio.sleep(LOOK_S)
            if self.look():
                changed()

    async def admit(self, connection: ServerConnection) -> Guest | None:
        """Lets a page in, or closes its connection and returns None. A phone has REQUEST_S to prove itself, once."""
        if self._phones is None or _is_here(connection):
            return Guest()
        nonce = new_nonce()
        await connection.send(page.encode(page.Challenge(nonce=nonce)))
        try:
            async with asyncio.timeout(REQUEST_S):
                proof = decode_proof(await connection.recv())
        except (msgspec.DecodeError, UnicodeDecodeError, TimeoutError):
            await connection.close(CloseCode.POLICY_VIOLATION, UNPAIRED)
            return None
        phone = next((phone for phone in self.paired if phone.number == proof.phone), None)
        if phone is None or not same(phone_proof(phone.key, nonce, proof.nonce), proof.proof):
            await connection.close(CloseCode.POLICY_VIOLATION, UNPAIRED)
            return None
        answer = view_proof(phone.key, nonce, proof.nonce)
        await connection.send(page.encode(page.Welcome(name=phone.name, proof=answer)))
        return Guest(phone, Seal(connection_key(phone.key, nonce, proof.nonce)))


def _is_here(connection: ServerConnection) -> bool:
    """Whether the page was opened on this computer, by a name of this computer alone.

    Another name may be a stranger's page that made its own name point here (DNS rebinding); the page must then prove
    itself, like a phone.
    """
    peer = connection.remote_address
    host = connection.request.headers.get("Host", "") if connection.request else ""
    return bool(peer) and is_loopback(peer[0]) and is_loopback(urlsplit(f"//{host}").hostname or "")
