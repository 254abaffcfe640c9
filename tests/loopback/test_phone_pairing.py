"""A phone at the view's door, and strangers in the same network who listen, repeat, change and flood."""

import json
import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from myobridge.view.handshakes import MAX_UNFINISHED
from myobridge.view.phones import Phones
from phones import phone
from processes import myobridge
from viewers import until, view, watch

ELSEWHERE = "127.0.0.2"
"""Reaches a view that serves the network, and no view that serves 127.0.0.1 alone."""


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phones")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def phones(state):
    return Phones()


@pytest.fixture(scope="module")
def url(state):
    with view(state / "hand", "--phones", "--control") as url:
        yield url


def eventually(what, within_s=20):
    until_s = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until_s
        time.sleep(0.05)


def is_open(url):
    try:
        socket.create_connection((ELSEWHERE, urlsplit(url).port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def is_served(url):
    try:
        socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.fixture(scope="module")
def anna(url, phones):
    """A phone that stays paired."""
    return known(url, phones.pair("Anna"))


def known(url, paired):
    """Waits until the view has read that this phone is paired."""
    eventually(lambda: comes_in(url, paired.key))
    return paired


def comes_in(url, key):
    try:
        with phone(url, key) as client:
            client.come_in()
    except (ConnectionClosed, OSError):
        return False
    return True


def test_the_view_serves_other_computers_only_while_a_phone_is_paired(url, phones):
    eventually(lambda: not is_open(url))
    phones.pair("a phone")
    eventually(lambda: is_open(url))
    phones.revoke("a phone")
    eventually(lambda: not is_open(url))
    eventually(lambda: is_served(url))
    with watch(url) as viewer:
        assert until(viewer, "hello")["control"]


def test_a_paired_phone_comes_in_and_its_orders_arrive(url, anna):
    with phone(url, anna.key) as client:
        client.come_in()
        assert until(client.socket, "hello")["control"]
        for do in ("arm", "disarm"):
            client.say(do=do)
            assert "No daemon runs" in until(client.socket, "answer", lambda answer, do=do: answer["do"] == do)["text"]


def test_a_page_of_this_computer_needs_no_proof_but_a_foreign_name_that_points_here_does(url, anna):
    with watch(url) as viewer:
        assert until(viewer, "hello")
    with phone(url, anna.key) as stranger:
        stranger.challenged()


@pytest.mark.parametrize("wrong", ["key", "unknown", "nonsense", "order", "estop"])
def test_who_cannot_prove_a_pairing_sees_nothing_and_orders_nothing(url, anna, wrong):
    with phone(url, anna.key) as client:
        nonce = client.challenged()
        if wrong in ("key", "unknown"):
            client.key = "A" * 22
        proof = json.loads(client.proof(nonce))
        if wrong == "key":
            proof["phone"] = anna.number
        said = {"nonsense": "[]", "order": '{"do":"arm"}', "estop": '{"do":"estop"}'}.get(wrong, json.dumps(proof))
        client.socket.send(said)
        with pytest.raises(ConnectionClosed) as closed:
            client.socket.recv(timeout=20)
        assert closed.value.rcvd.reason == "this phone is not paired"


def test_a_recorded_proof_opens_no_other_connection(url, anna):
    with phone(url, anna.key) as client:
        recorded = client.proof(client.challenged())
        client.socket.send(recorded)
        assert json.loads(client.socket.recv(timeout=20))["kind"] == "welcome"
    with phone(url, anna.key) as thief:
        thief.challenged()
        thief.socket.send(recorded)
        with pytest.raises(ConnectionClosed):
            thief.socket.recv(timeout=20)


@pytest.mark.parametrize("attack", ["replayed", "reordered", "changed", "of another session", "unsigned"])
def test_an_order_that_the_phone_did_not_give_here_and_now_ends_the_connection(url, anna, attack):
    with phone(url, anna.key) as earlier:
        earlier.come_in()
        of_another_session = earlier.signed(do="arm")
    with phone(url, anna.key) as client:
        client.come_in()
        first, second = client.signed(do="disarm"), client.signed(do="arm")
        sent = {
            "replayed": [first, first],
            "reordered": [second],
            "changed": [first.replace("disarm", "arm")],
            "of another session": [of_another_session],
            "unsigned": ['{"do":"arm"}'],
        }[attack]
        for message in sent:
            client.socket.send(message)
        with pytest.raises(ConnectionClosed):
            until(client.socket, "answer", lambda answer: answer["do"] == "arm")


def test_an_estop_of_a_paired_phone_needs_no_signature_and_no_patience(url, anna):
    with phone(url, anna.key) as client:
        client.come_in()
        for _ in range(50):
            client.socket.send('{"do":"estop"}')
        for _ in range(50):
            assert "emergency stop" in until(client.socket, "answer")["text"]


def test_a_flood_of_wrong_attempts_keeps_no_paired_phone_out(url, anna):
    with ExitStack() as crowd:
        for _ in range(2 * MAX_UNFINISHED):
            crowd.enter_context(socket.create_connection((ELSEWHERE, urlsplit(url).port)))  # silent
        for _ in range(100):
            with phone(url, "A" * 22) as client:
                client.socket.send(client.proof(client.challenged()))
        with phone(url, anna.key) as client:
            client.come_in()
            client.say(do="disarm")
            assert until(client.socket, "answer")


def test_a_revoked_phone_is_put_out_and_the_others_stay(url, phones, anna):
    gone = known(url, phones.pair("a lost phone"))
    with phone(url, gone.key) as one, phone(url, anna.key) as other:
        one.come_in()
        other.come_in()
        phones.revoke("a lost phone")
        with pytest.raises(ConnectionClosed):
            until(one.socket, "never")
        other.say(do="disarm")
        assert until(other.socket, "answer")


def test_pages_share_control_and_a_lost_page_disarms_the_hand(url, phones, anna):
    ben = known(url, phones.pair("Ben"))
    with phone(url, anna.key) as one, phone(url, ben.key) as other:
        one.come_in()
        other.come_in()
        one.say(control="take", page="0a" * 8)  # a page of an earlier test may have it for 2 s
        assert until(one.socket, "holder", lambda holder: holder["you"])
        assert until(other.socket, "holder", lambda holder: holder["name"] == "Anna")["you"] is False
        other.say(do="arm")
        assert "Anna has control" in until(other.socket, "answer", lambda answer: "control" in answer["text"])["text"]
        other.say(control="ask", page="0b" * 8)
        assert until(one.socket, "holder", lambda holder: holder["asker"])["asker"] == "Ben"
        one.say(control="give", page="0a" * 8)
        assert until(other.socket, "holder", lambda holder: holder["you"])
        one.say(control="take", page="0a" * 8)
        assert until(other.socket, "holder", lambda holder: not holder["you"])["name"] == "Anna"
        one.socket.socket.shutdown(socket.SHUT_RDWR)  # the phone is gone, without a word
        assert until(other.socket, "holder", lambda holder: not holder["name"])
        answer = until(other.socket, "answer", lambda answer: "gone" in answer["text"])
        assert answer["do"] == "disarm"
        assert "The connection of Anna was gone for 2 s" in answer["text"]


def test_the_commands_pair_list_and_revoke(state, phones):
    paired = myobridge("view", "--pair", "--name", "Anna's phone")
    assert paired.returncode == 0
    key = phones.read()[-1].key
    assert f"#{key}" in paired.stdout
    assert "█" in paired.stdout
    assert "Anna's phone" in myobridge("view", "--paired").stdout
    assert key not in myobridge("view", "--paired").stdout
    assert "shut out" in myobridge("view", "--revoke", "Anna's phone").stderr
    assert "Anna's phone" not in myobridge("view", "--paired").stdout
