"""A phone as a client: it proves that it is paired, and signs its messages. It uses a name of a network."""

import json
import socket
from contextlib import contextmanager
from urllib.parse import urlsplit

from websockets.sync.client import connect

from myobridge.view.phones import phone_number
from myobridge.view.proof import connection_key, new_nonce, phone_proof, sign, view_proof

NAME = "hand.test"
"""A name that is not of this computer, so that the view takes the client for a phone."""


class PhoneClient:
    """One connection of a phone."""

    def __init__(self, socket, key):
        self.socket, self.key, self.n = socket, key, 0

    def challenged(self):
        """The nonce of the view's challenge."""
        message = json.loads(self.socket.recv(timeout=20))
        assert message["kind"] == "challenge"
        return message["nonce"]

    def proof(self, view_nonce):
        nonce = new_nonce()
        self._connection = connection_key(self.key, view_nonce, nonce)
        self.expects = view_proof(self.key, view_nonce, nonce)
        proof = phone_proof(self.key, view_nonce, nonce)
        return json.dumps({"phone": phone_number(self.key), "nonce": nonce, "proof": proof})

    def come_in(self):
        self.socket.send(self.proof(self.challenged()))
        welcome = json.loads(self.socket.recv(timeout=20))
        assert welcome["kind"] == "welcome"
        assert welcome["proof"] == self.expects
        return self

    def signed(self, **say):
        self.n += 1
        text = json.dumps(say)
        return json.dumps({"n": self.n, "mac": sign(self._connection, self.n, text), "say": text})

    def say(self, **say):
        self.socket.send(self.signed(**say))


@contextmanager
def phone(url, key):
    """A connection that has not proved anything yet."""
    port = urlsplit(url).port
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    with connect(f"ws://{NAME}:{port}/socket", sock=raw, origin=f"http://{NAME}:{port}") as connection:
        yield PhoneClient(connection, key)
