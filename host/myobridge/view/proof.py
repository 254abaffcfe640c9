"""How a phone proves over plain HTTP that it is paired, and signs what it says. Pure.

The key never leaves phone and Pi. The view says a fresh nonce, the page answers with a nonce of its own and an HMAC of
both (the proof), and the view proves in turn that it knows the key. Both compute a key for this one connection from the
nonces. Each later message of the page carries the next number and an HMAC of number and text with that key. So a
recorded message is worth nothing: not on another connection, not twice, not in another order, not changed.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Annotated, Final

import msgspec

NONCE_BYTES: Final = 16
Nonce = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Mac = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Forged(ValueError):
    """A message that no paired phone has said in this place."""


class Proof(msgspec.Struct, forbid_unknown_fields=True):
    """The first message of a phone. phone: its public number; nonce: the page's own, which nobody has used before."""

    phone: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    nonce: Nonce
    proof: Mac


class Signed(msgspec.Struct, forbid_unknown_fields=True):
    """Every later message of a phone, except ESTOP. n: 1, 2, 3 …; say: the message itself, as JSON."""

    n: int
    mac: Mac
    say: Annotated[str, msgspec.Meta(max_length=256)]


decode_proof = msgspec.json.Decoder(Proof).decode
_decode_signed = msgspec.json.Decoder(Signed).decode


def new_nonce() -> str:
    """A number that is used once."""
    return secrets.token_hex(NONCE_BYTES)


def phone_proof(key: str, view_nonce: str, page_nonce: str) -> str:
    """What only the phone can say."""
    return _mac(_bytes(key), f"myobridge phone {view_nonce} {page_nonce}")


def view_proof(key: str, view_nonce: str, page_nonce: str) -> str:
    """What only the view can answer."""
    return _mac(_bytes(key), f"myobridge view {view_nonce} {page_nonce}")


def connection_key(key: str, view_nonce: str, page_nonce: str) -> bytes:
    """The key of one connection."""
    return bytes.fromhex(_mac(_bytes(key), f"myobridge orders {view_nonce} {page_nonce}"))


def sign(connection: bytes, n: int, say: str) -> str:
    """The signature of the message number `n` of a connection."""
    return _mac(connection, f"{n} {say}")


def same(one: str, other: str) -> bool:
    """Compares in a time that says nothing about the texts."""
    return hmac.compare_digest(one.encode(), other.encode())


class Seal:
    """Checks the signed messages of one connection, in their order."""

    def __init__(self, connection: bytes) -> None:
        self._connection = connection
        self._n = 0

    def opened(self, text: str | bytes) -> str:
        """The message within a signed message.

        Raises:
            Forged: the signature or the number is not the next of this connection.
            DecodeError: it is no signed message.
        """
        signed = _decode_signed(text)
        if signed.n != self._n + 1 or not same(sign(self._connection, signed.n, signed.say), signed.mac):
            raise Forged("A message did not carry the phone's signature.")
        self._n += 1
        return signed.say


def _bytes(key: str) -> bytes:
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))


def _mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), "sha256").hexdigest()
