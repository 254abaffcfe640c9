"""The feed: what a subscriber gets, and what no client can do to the loop."""

import os
import socket
import stat
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myobridge.errors import UserError
from myobridge.feed import About, Chunk, FeedClient, NoDaemon, Snapshot, feed_path
from myobridge.feed.messages import HEAD, REQUEST, pack
from myobridge.feed.peer import MAX_REQUEST
from myobridge.feed.server import BACKLOG_BYTES, CLIENTS_A_POLL, MAX_CLIENTS, REQUESTS_A_POLL, Feed
from tiny_model import tiny_spec

PORT = "/dev/ttyACM0"
ABOUT = About(port=PORT, model_path="m.onnx", spec=tiny_spec(), ident=None, config=None, wall_minus_monotonic_s=0.0)
LOOK = Snapshot(
    t_s=1.5,
    state="ARMED",
    reason="host_armed",
    explained="The hand is armed and follows.",
    blocked="",
    may_move=True,
    withheld="no",
    model="tiny",
    channels=("a", "b"),
    servos=("thumb",),
    level=[0.5, 1.0],
    contact=["good", "flat"],
    predicted_deg=[],
    applied_deg=[40.0],
    supply_mv=0,
    samples_received=10,
    frames_lost=0,
    samples_lost=0,
    crc_errors=0,
    unexpected_frames=0,
    reconnects=0,
    commands_sent=3,
    write_drops=0,
    feed_drops=0,
    latency_ms={"p50": 0.5},
    fs_hz=1000.0,
    note="",
)


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def feed():
    with opened() as feed:
        yield feed


@contextmanager
def opened(port=PORT):
    feed = Feed(port, lambda: ABOUT)
    try:
        yield feed
    finally:
        feed.close()


@contextmanager
def attended(feed):
    """The daemon's loop goes on beside the test, and does whatever it is asked."""
    over = Event()

    def loop():
        while not over.wait(0.001):
            for ask in feed.poll():
                ask.answer(True, f"{ask.request.do} {ask.request.path}".strip())

    thread = Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def subscriber(feed, *want):
    with FeedClient(PORT) as client:
        with attended(feed):
            client.subscribe(*want)
        yield client


@contextmanager
def raw_client(feed):
    """A connection that may send what it likes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(os.fspath(feed_path(PORT)))
        feed.poll()
        yield client


def messages(client):
    while (message := client.receive(0.0)) is not None:
        yield message


# --- what a subscriber gets ---------------------------------------------------------------------------------


def test_subscribers_get_the_bytes_with_their_time_and_the_looks_in_the_order_of_sending(feed):
    with subscriber(feed, "bytes", "snapshots") as first, subscriber(feed, "bytes", "snapshots") as second:
        feed.tell_bytes(1.25, b"\0abc\0")
        feed.tell_snapshot(LOOK)
        feed.tell_bytes(1.5, b"")
        for client in (first, second):
            assert list(messages(client)) == [Chunk(1.25, b"\0abc\0"), LOOK, Chunk(1.5, b"")]


@pytest.mark.parametrize("want", ["bytes", "snapshots"])
def test_a_subscriber_gets_what_he_wants_until_he_wants_it_no_more(feed, want):
    with subscriber(feed, want) as client:
        assert feed.wants_snapshots == (want == "snapshots")
        feed.tell_bytes(1.0, b"x")
        feed.tell_snapshot(LOOK)
        assert list(messages(client)) == [Chunk(1.0, b"x") if want == "bytes" else LOOK]
        with attended(feed):
            assert client.request("unsubscribe", want=(want,)).text == "You get nothing."
        feed.tell_bytes(2.0, b"y")
        feed.tell_snapshot(LOOK)
        assert list(messages(client)) == []


def test_the_newest_look_is_the_last_one(feed):
    with subscriber(feed, "snapshots") as client:
        for t_s in (1.0, 2.0, 3.0):
            feed.tell_snapshot(msgspec.structs.replace(LOOK, t_s=t_s))
        assert client.newest(0.1).t_s == 3.0
        assert client.newest(0.0) is None


def test_subscribing_tells_what_the_daemon_runs(feed):
    with FeedClient(PORT) as client, attended(feed):
        assert client.subscribe("bytes") == ABOUT
        assert client.request("about").about == ABOUT


def test_requests_reach_the_daemon_and_each_gets_its_answer_while_bytes_flow(feed):
    with subscriber(feed, "bytes") as client:
        feed.tell_bytes(1.0, b"before")
        with attended(feed):
            assert client.request("arm").text == "arm"
            assert client.request("lift").text == "lift"
            assert client.request("model", path="/a/model.onnx").text == "model /a/model.onnx"
        assert list(messages(client)) == [Chunk(1.0, b"before")]


# --- subscribers that are gone, slow or too many ------------------------------------------------------------


def test_one_who_is_gone_is_forgotten_and_the_others_go_on(feed):
    with subscriber(feed, "bytes") as stays:
        with subscriber(feed, "bytes"):
            pass
        for _ in range(3):
            feed.tell_bytes(1.0, b"x")
        assert len(list(messages(stays))) == 3
        assert (feed.drops, feed.refused) == (0, 0)
    feed.poll()
    with suppress(NoDaemon):
        feed.tell_bytes(1.0, b"x")  # to nobody


def test_what_a_slow_one_does_not_take_is_dropped_and_counted_and_the_others_miss_nothing(feed):
    sent = 4000
    with subscriber(feed, "bytes") as slow, subscriber(feed, "bytes") as quick:
        got = 0
        for i in range(sent):
            feed.tell_bytes(float(i), bytes(500))
            got += sum(1 for _ in messages(quick))
        assert got == sent
        assert feed.drops > 0
        late = []
        for _ in range(50):  # what waits for him is sent on when he reads again
            late += [chunk.t_s for chunk in messages(slow)]
            feed.poll()
        assert late == [float(i) for i in range(len(late))]  # whole, in order
        assert len(late) == sent - feed.drops
        assert len(late) * 500 > BACKLOG_BYTES


def test_one_who_is_behind_gets_no_old_looks(feed):
    with subscriber(feed, "snapshots") as slow:
        for i in range(3000):
            feed.tell_snapshot(msgspec.structs.replace(LOOK, t_s=float(i)))
        dropped = feed.drops
        assert dropped > 0
        for _ in range(3):
            behind = list(messages(slow))
            feed.poll()
        assert not behind
        feed.tell_snapshot(LOOK)
        assert next(messages(slow)) == LOOK
        assert feed.drops == dropped


def test_too_many_clients_are_told_so(feed):
    clients = [FeedClient(PORT) for _ in range(MAX_CLIENTS)]
    for _ in clients:
        feed.poll()
    with attended(feed), FeedClient(PORT) as late, pytest.raises(UserError, match="too many clients"):
        late.request("about")
    assert feed.refused == 1
    clients.pop().close()
    feed.poll()
    with attended(feed), FeedClient(PORT) as client:
        assert client.request("about").ok


# --- requests that make no sense ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        pack(REQUEST, b""),
        pack(REQUEST, b"{"),
        pack(REQUEST, b"[]"),
        pack(REQUEST, b'{"id": 1}'),
        pack(REQUEST, b'{"id": 1, "do": "dance"}'),
        pack(REQUEST, b'{"id": 1, "do": "arm", "now": true}'),
        pack(REQUEST, b'{"id": 0, "do": "arm"}'),
        pack(REQUEST, b'{"id": 1' + b"0" * 400 + b', "do": "arm"}'),
        pack(REQUEST, b'{"id": 1, "do": "arm", "want": ["everything"]}'),
        pack(REQUEST, b'{"id": 1, "do": "model", "path": "\xff\xfe"}'),
        pack(REQUEST, b"[" * 900),
        pack(ord("S"), b'{"id": 1, "do": "arm"}'),
    ],
)
def test_a_malformed_request_is_ignored_and_counted_and_the_next_one_is_heard(feed, message):
    with raw_client(feed) as client:
        client.sendall(message + pack(REQUEST, b'{"id": 7, "do": "arm"}'))
        (ask,) = feed.poll()
        assert (ask.request.id, ask.request.do) == (7, "arm")
        assert feed.refused == 1


def test_one_who_announces_too_long_a_message_is_put_out(feed):
    with raw_client(feed) as client:
        client.sendall(HEAD.pack(MAX_REQUEST + 1, REQUEST))
        assert feed.poll() == []
        assert feed.refused == 1
        assert client.recv(1) == b""


def test_of_many_requests_at_once_a_few_are_heard_and_the_others_are_counted(feed):
    with raw_client(feed) as client:
        client.sendall(pack(REQUEST, b'{"id": 1, "do": "arm"}') * 100)
        assert len(feed.poll()) == REQUESTS_A_POLL
        assert feed.refused > 0
        while feed.poll():
            pass
        heard = 100 - feed.refused
        client.sendall(pack(REQUEST, b'{"id": 2, "do": "disarm"}'))
        assert [ask.request.do for ask in feed.poll()] == ["disarm"]
        assert 0 < heard < 20


def test_an_emergency_stop_is_heard_in_a_crowd_that_shouts(feed):
    with ExitStack() as crowd:
        clients = [crowd.enter_context(raw_client(feed)) for _ in range(MAX_CLIENTS)]
        for client in clients[:-1]:
            client.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    client.send(pack(REQUEST, b'{"id": 1, "do": "disarm"}') * 100)
        for _ in range(10):
            assert len(feed.poll()) == CLIENTS_A_POLL * REQUESTS_A_POLL
        clients[-1].sendall(pack(REQUEST, b'{"id": 2, "do": "estop"}'))
        polls = next(n for n in range(1, 100) if "estop" in [ask.request.do for ask in feed.poll()])
        assert polls <= MAX_CLIENTS / CLIENTS_A_POLL


def test_a_request_in_pieces_is_heard_when_it_is_whole(feed):
    message = pack(REQUEST, b'{"id": 7, "do": "disarm"}')
    with raw_client(feed) as client:
        for byte in message[:-1]:
            client.sendall(bytes([byte]))
            assert feed.poll() == []
        client.sendall(message[-1:])
        (ask,) = feed.poll()
        assert ask.request.do == "disarm"


@given(st.lists(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda data: pack(REQUEST, data)))))
def test_no_bytes_of_any_client_raise_in_the_loop(pieces):
    with opened() as feed, raw_client(feed) as client:
        for piece in pieces:
            with suppress(OSError):  # it has been put out
                client.sendall(piece)
            assert feed.poll() == []


def test_the_daemon_may_answer_one_who_is_gone(feed):
    with raw_client(feed) as client:
        client.sendall(pack(REQUEST, b'{"id": 7, "do": "arm"}'))
        (ask,) = feed.poll()
    ask.answer(True, "too late")
    ask.answer(True, "much too late")


# --- where it is --------------------------------------------------------------------------------------------


def test_only_the_user_can_open_it(feed, runtime_folder):
    assert stat.S_IMODE((runtime_folder / "myobridge").stat().st_mode) == 0o700
    assert stat.S_IMODE(feed_path(PORT).stat().st_mode) == 0o600


def test_a_folder_that_is_open_to_others_is_believed_by_neither_side(feed, runtime_folder):
    (runtime_folder / "myobridge").chmod(0o777)
    with pytest.raises(NoDaemon):
        FeedClient(PORT)
    with pytest.raises(UserError, match=r"open to others.*XDG_RUNTIME_DIR"):
        Feed("/dev/ttyACM1", lambda: ABOUT)


def test_without_a_runtime_directory_it_is_in_the_users_own_temporary_one(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert feed_path(PORT).parent == tmp_path / f"myobridge-{os.getuid()}"


@pytest.mark.parametrize("named", ["", "/none/such"])
def test_a_temporary_folder_that_is_none_is_passed_over(monkeypatch, named):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TMPDIR", named)
    assert feed_path(PORT).parent == Path("/tmp", f"myobridge-{os.getuid()}")


def test_a_daemon_that_the_system_started_is_found_too(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with monkeypatch.context() as system:
        system.delenv("XDG_RUNTIME_DIR")
        feed = Feed(PORT, lambda: ABOUT)
    with subscriber(feed, "bytes") as client:
        feed.tell_bytes(1.0, b"x")
        assert client.receive(1.0) == Chunk(1.0, b"x")
    feed.close()


def test_ports_have_feeds_of_their_own_with_short_names(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert feed_path("/dev/ttyACM0") != feed_path("/dev/ttyACM1")
    assert feed_path("/a/hand") != feed_path("/b/hand")
    assert feed_path("hand") == feed_path(tmp_path / "hand")
    assert len(feed_path("/x" * 200 + "/" + "y" * 200).name) < 50


def test_what_a_killed_daemon_left_is_replaced_and_a_living_one_is_not_disturbed(feed):
    with pytest.raises(UserError, match="/dev/ttyACM0 is in use by another program"):
        Feed(PORT, lambda: ABOUT)
    with subscriber(feed, "bytes") as client:
        feed.tell_bytes(1.0, b"x")
        assert client.receive(1.0) == Chunk(1.0, b"x")
    feed._listener.close()  # as the kernel does for a killed process: the file stays
    assert feed_path(PORT).exists()
    with opened() as after, subscriber(after, "bytes") as client:
        after.tell_bytes(2.0, b"y")
        assert client.receive(1.0) == Chunk(2.0, b"y")


def test_when_the_daemon_ends_its_socket_goes_and_the_clients_are_told(feed):
    with subscriber(feed, "bytes") as client:
        feed.tell_bytes(1.0, b"last")
        feed.close()
        assert not feed_path(PORT).exists()
        assert client.receive(1.0) == Chunk(1.0, b"last")
        with pytest.raises(NoDaemon, match="has ended"):
            client.receive(1.0)
        with pytest.raises(NoDaemon):
            client.request("arm")
    with pytest.raises(NoDaemon, match="No daemon runs on /dev/ttyACM0"):
        FeedClient(PORT)
