"""The proof of a phone and the signatures of its messages."""

import json

import msgspec
import pytest

from myobridge.view.proof import Forged, Seal, connection_key, new_nonce, phone_proof, sign, view_proof

KEY = "AAECAwQFBgcICQoLDA0ODw"
VIEW, PAGE = "00" * 16, "11" * 16
CONNECTION = connection_key(KEY, VIEW, PAGE)


def signed(n, say, connection=CONNECTION):
    return json.dumps({"n": n, "mac": sign(connection, n, say), "say": say})


def test_proof_of_the_phone_proof_of_the_view_and_key_of_the_connection_differ():
    assert len({phone_proof(KEY, VIEW, PAGE), view_proof(KEY, VIEW, PAGE), CONNECTION.hex()}) == 3


def test_every_nonce_is_new_and_changes_the_proof():
    nonces = {new_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert len({phone_proof(KEY, nonce, PAGE) for nonce in nonces}) == 1000


def test_messages_are_opened_in_their_order():
    seal = Seal(CONNECTION)
    assert [seal.opened(signed(n, f"say {n}")) for n in (1, 2, 3)] == ["say 1", "say 2", "say 3"]


@pytest.mark.parametrize(
    "forged",
    [
        signed(1, "first"),
        signed(3, "third"),
        signed(0, "zero"),
        signed(2, "second", connection_key(KEY, VIEW, "22" * 16)),
        signed(2, "second").replace("second", "secund"),
        signed(2, "second").replace('"n": 2', '"n": 3'),
    ],
    ids=["replayed", "out of order", "before the first", "of another connection", "changed", "renumbered"],
)
def test_a_message_that_the_phone_did_not_say_here_is_refused(forged):
    seal = Seal(CONNECTION)
    seal.opened(signed(1, "first"))
    with pytest.raises(Forged):
        seal.opened(forged)
    assert seal.opened(signed(2, "second")) == "second"


@pytest.mark.parametrize("text", ["", "[]", '{"do":"arm"}', '{"n":1,"mac":"","say":""}', signed(1, "x" * 257), b"\xff"])
def test_a_message_without_a_signature_is_refused(text):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        Seal(CONNECTION).opened(text)
