"""The feed: its subscribers get their messages, and no client can harm the loop."""

import fcntl
import json
import os
import resource
import select
import socket
import stat
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myobridge.errors import UserError
from myobridge.feed import About, Chunk, FeedClient, NoDaemon, Snapshot, feed_path
from myobridge.feed.messages import BYTES, HEAD, REPLY, REQUEST, SNAPSHOT, Reply, Request, Splitter, encode, pack
from myobridge.feed.peer import MAX_REQUEST
from myobridge.feed.place import open_folder
from myobridge.feed.prompts import Prompt, PromptInbox, inbox_path, send_prompt
from myobridge.feed.room import ACCEPTS_A_POLL, MAX_CLIENTS
from myobridge.feed.server import BACKLOG_BYTES, CLIENTS_A_POLL, MAX_LISTENERS, MAX_WAITING, REQUESTS_A_POLL, Feed
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
    """The daemon's loop runs beside the test and grants every request."""
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
    """A connection that may send any bytes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(os.fspath(feed_path(PORT)))
        feed.poll()
        yield client


def waiting_client():
    """A connection that is not accepted yet."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(os.fspath(feed_path(PORT)))
    return client


@contextmanager
def no_descriptor_left():
    """The process cannot open another file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def asking(do, number, **more):
    return pack(REQUEST, json.dumps({"id": number, "do": do, **more}).encode())


def answers(client):
    """All answers to a raw connection."""
    client.setblocking(False)
    splitter, replies = Splitter(1 << 20), []
    with suppress(BlockingIOError):
        while data := client.recv(1 << 16):
            replies += [msgspec.json.decode(payload, type=Reply) for _, payload in splitter.push(data)]
    return replies


def messages(client):
    while (message := client.receive(0.0)) is not None:
        yield message


def test_the_feed_becomes_readable_when_a_client_sends_something(feed):
    def calls():
        return bool(select.select([feed], [], [], 0)[0])

    assert not calls()
    with waiting_client() as client:
        assert calls()
        feed.poll()
        assert not calls()
        client.send(asking("about", 1))
        assert calls()
        feed.poll()
        assert not calls()


# --- what a subscriber gets ---------------------------------------------------------------------------------


def test_subscribers_get_bytes_with_their_time_and_snapshots_in_order(feed):
    with subscriber(feed, "bytes", "snapshots") as first, subscriber(feed, "bytes", "snapshots") as second:
        feed.tell_bytes(1.25, b"\0abc\0")
        feed.tell_snapshot(LOOK)
        feed.tell_bytes(1.5, b"")
        for client in (first, second):
            assert list(messages(client)) == [Chunk(1.25, b"\0abc\0"), LOOK, Chunk(1.5, b"")]


@pytest.mark.parametrize("want", ["bytes", "snapshots"])
def test_a_subscriber_gets_its_messages_until_it_unsubscribes(feed, want):
    with subscriber(feed, want) as client:
        assert feed.wants_snapshots == (want == "snapshots")
        feed.tell_bytes(1.0, b"x")
        feed.tell_snapshot(LOOK)
        assert list(messages(client)) == [Chunk(1.0, b"x") if want == "bytes" else LOOK]
        with attended(feed):
            assert client.request("unsubscribe", want=(want,)).text == "You receive nothing."
        feed.tell_bytes(2.0, b"y")
        feed.tell_snapshot(LOOK)
        assert list(messages(client)) == []


def test_newest_returns_the_last_snapshot(feed):
    with subscriber(feed, "snapshots") as client:
        for t_s in (1.0, 2.0, 3.0):
            feed.tell_snapshot(msgspec.structs.replace(LOOK, t_s=t_s))
        assert client.newest(0.1).t_s == 3.0
        assert client.newest(0.0) is None


def test_subscribing_returns_what_the_daemon_runs(feed):
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


def test_a_client_that_leaves_is_forgotten_and_the_others_stay(feed):
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


def test_messages_for_a_slow_client_are_dropped_and_counted_and_the_others_miss_nothing(feed):
    sent = 4000
    with subscriber(feed, "bytes") as slow, subscriber(feed, "bytes") as quick:
        got = 0
        for i in range(sent):
            feed.tell_bytes(float(i), bytes(500))
            got += sum(1 for _ in messages(quick))
        assert got == sent
        assert feed.drops > 0
        late = []
        for _ in range(50):  # the waiting messages follow when it reads again
            late += [chunk.t_s for chunk in messages(slow)]
            feed.poll()
        assert late == [float(i) for i in range(len(late))]  # whole, in order
        assert len(late) == sent - feed.drops
        assert len(late) * 500 > BACKLOG_BYTES


def test_a_client_that_lags_gets_no_old_snapshots(feed):
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


def test_a_listener_too_many_is_refused_but_may_send_requests(feed):
    with ExitStack() as crowd:
        listeners = [crowd.enter_context(subscriber(feed, "bytes")) for _ in range(MAX_LISTENERS)]
        with FeedClient(PORT) as late, attended(feed):
            with pytest.raises(UserError, match="too many listeners"):
                late.subscribe("snapshots")
            assert late.request("estop").text == "estop"
            assert listeners[0].subscribe("snapshots") == ABOUT  # it keeps its place
            listeners[1].close()
            while len(feed._clients) > MAX_LISTENERS:
                pass
            assert late.subscribe("snapshots") == ABOUT


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
def test_a_malformed_request_is_ignored_and_counted_and_the_next_is_served(feed, message):
    with raw_client(feed) as client:
        client.sendall(message + pack(REQUEST, b'{"id": 7, "do": "arm"}'))
        (ask,) = feed.poll()
        assert (ask.request.id, ask.request.do) == (7, "arm")
        assert feed.refused == 1


def test_a_client_that_announces_too_long_a_message_is_disconnected(feed):
    with raw_client(feed) as client:
        client.sendall(HEAD.pack(MAX_REQUEST + 1, REQUEST))
        assert feed.poll() == []
        assert feed.refused == 1
        assert client.recv(1) == b""


def test_a_request_of_another_version_is_refused_with_a_reason(feed):
    with FeedClient(PORT) as client, attended(feed):
        reply = client.request("dance")
        assert not reply.ok
        assert "does not know" in reply.text
    assert feed.refused == 1


def test_many_requests_at_once_are_passed_on_over_several_polls_and_none_is_lost(feed):
    with raw_client(feed) as client:
        client.sendall(b"".join(asking("arm", number) for number in range(1, 101)))
        heard = [[ask.request.id for ask in feed.poll()] for _ in range(100 // REQUESTS_A_POLL)]
        assert heard == [[number, number + 1] for number in range(1, 100, REQUESTS_A_POLL)]
        assert feed.refused == 0


def test_requests_beyond_the_waiting_limit_are_refused(feed):
    sent = 2 * MAX_WAITING
    with raw_client(feed) as client:
        client.sendall(b"".join(asking("arm", number) for number in range(1, sent + 1)))
        asks = [ask for _ in range(sent) for ask in feed.poll()]
        for ask in asks:
            ask.answer(True, "done")
        replies = answers(client)
        for _ in range(sent):  # the rest that the kernel did not take follows
            feed.poll()
            replies += answers(client)
    heard = {ask.request.id for ask in asks}
    assert {reply.id for reply in replies if not reply.ok} == set(range(1, sent + 1)) - heard
    assert len(replies) == sent
    assert len(asks) >= MAX_WAITING
    assert feed.refused == sent - len(asks)


# --- the way of an emergency stop -------------------------------------------------------------------------------


def test_about_about_and_estop_in_one_write_get_three_answers(feed):
    with raw_client(feed) as client:
        client.sendall(asking("about", 1) + asking("about", 2) + asking("estop", 3))
        (ask,) = feed.poll()
        ask.answer(True, "stopped")
        assert {reply.id for reply in answers(client)} == {1, 2, 3}


@pytest.mark.parametrize("do", ["estop", "disarm"])
@pytest.mark.parametrize("before", ["about", "arm", "model", "subscribe", "dance"])
def test_an_estop_behind_a_thousand_requests_of_one_client_is_served_in_a_few_polls(feed, do, before):
    with raw_client(feed) as client:
        client.sendall(asking(before, 1) * 1000 + asking(do, 2))
        polls = next(n for n in range(1, 100) if do in [ask.request.do for ask in feed.poll()])
        assert polls <= 3


def test_an_estop_in_a_crowd_of_busy_clients_is_served_in_the_next_poll(feed):
    with ExitStack() as crowd:
        clients = [crowd.enter_context(raw_client(feed)) for _ in range(MAX_CLIENTS)]
        for client in clients[:-1]:
            client.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    client.send(asking("arm", 1) * 100)
        for _ in range(10):
            assert len(feed.poll()) == CLIENTS_A_POLL * REQUESTS_A_POLL
        clients[-1].sendall(asking("estop", 2))
        assert feed.poll()[0].request.do == "estop"


@pytest.mark.parametrize("crowd", [16, 40, MAX_CLIENTS, 100])
def test_an_estop_from_the_last_of_many_clients_is_served_in_a_few_polls_and_answered(feed, crowd):
    with ExitStack() as others:
        for _ in range(crowd):
            others.enter_context(waiting_client()).sendall(asking("about", 1))
        with waiting_client() as client:
            client.sendall(asking("estop", 2))
            polls = 1
            while not (asks := [ask for ask in feed.poll() if ask.request.do == "estop"]):
                polls += 1
                assert polls < 10
            assert polls <= 1 + crowd // ACCEPTS_A_POLL
            asks[0].answer(True, "stopped")
            assert [reply.text for reply in answers(client)] == ["stopped"]


def test_new_clients_replace_silent_clients_but_neither_listeners_nor_waiting_clients(feed):
    with subscriber(feed, "bytes") as listener, raw_client(feed) as waits, ExitStack() as crowd:
        waits.sendall(asking("arm", 1))
        (ask,) = feed.poll()
        for _ in range(3 * MAX_CLIENTS):
            crowd.enter_context(raw_client(feed))
        assert len(feed._clients) == MAX_CLIENTS
        ask.answer(True, "armed")
        assert [reply.text for reply in answers(waits)] == ["armed"]
        feed.tell_bytes(1.0, b"x")
        assert list(messages(listener)) == [Chunk(1.0, b"x")]


def test_an_estop_is_served_without_a_free_file_descriptor(feed):
    with ExitStack() as crowd:
        listeners = [crowd.enter_context(subscriber(feed, "bytes")) for _ in range(3)]
        clients = [crowd.enter_context(waiting_client()) for _ in range(3)]
        for client in clients:
            client.sendall(asking("estop", 1))
        with no_descriptor_left():
            heard = sum(len(feed.poll()) for _ in range(20))
        assert heard == len(clients)
        feed.tell_bytes(1.0, b"x")
        assert all(list(messages(listener)) == [Chunk(1.0, b"x")] for listener in listeners)


@pytest.mark.parametrize("after", [HEAD.pack(MAX_REQUEST + 1, REQUEST), bytes(2000), b"\xff" * 9, pack(REQUEST, b"{")])
def test_an_estop_is_served_although_nonsense_follows_it(feed, after):
    with raw_client(feed) as client:
        client.sendall(asking("estop", 1) + after)
        assert [ask.request.do for ask in feed.poll()] == ["estop"]


def test_an_estop_of_a_client_that_does_not_wait_for_the_answer_is_served(feed):
    with raw_client(feed) as client:
        client.sendall(b"" + asking("subscribe", 1, want=["bytes"]))
        feed.poll()
        client.sendall(asking("estop", 2))
    feed.tell_bytes(1.0, b"x")  # notices that the client is gone
    (ask,) = feed.poll()
    ask.answer(True, "stopped")
    feed.poll()
    assert not feed._clients


def test_estops_that_come_together_are_one_for_the_daemon_and_each_is_answered(feed):
    with raw_client(feed) as client:
        client.sendall(asking("disarm", 1) + asking("estop", 2) + asking("estop", 3) + asking("disarm", 4))
        first, second = feed.poll()
        assert (first.request.do, second.request.do) == ("estop", "disarm")
        first.answer(True, "stopped")
        second.answer(False, "it is stopped")
        assert {reply.id: reply.text for reply in answers(client)} == {
            1: "it is stopped", 2: "stopped", 3: "stopped", 4: "it is stopped"
        }  # fmt: skip


@pytest.mark.parametrize("undone", ["arm", "lift"])
@pytest.mark.parametrize("do", ["estop", "disarm"])
def test_requests_that_wait_beside_an_estop_do_not_undo_it(feed, undone, do):
    with raw_client(feed) as one, raw_client(feed) as other:
        one.sendall(asking(undone, 1) * (REQUESTS_A_POLL + 1))
        feed.poll()
        one.sendall(asking(undone, 2))
        other.sendall(asking(do, 1))
        assert [ask.request.do for ask in feed.poll()] == [do]
        assert [reply.ok for reply in answers(one)] == [False, False]
        one.sendall(asking(undone, 3))
        assert [ask.request.do for ask in feed.poll()] == [undone]


def test_if_the_daemon_cannot_describe_itself_the_client_is_told_and_the_loop_continues(feed):
    def broken():
        raise RuntimeError("no session")

    feed._about = broken
    with FeedClient(PORT) as client, attended(feed):
        assert "no session" in client.request("about").text
        assert client.request("estop").text == "estop"
        with pytest.raises(UserError, match="no session"):
            client.subscribe("bytes")


# --- clients of a daemon that is strange, slow or stopped -------------------------------------------------------


def test_a_daemon_that_accepts_no_connections_is_reported_after_a_while(feed, monkeypatch):
    monkeypatch.setattr("myobridge.feed.place.CONNECT_S", 0.05)
    with ExitStack() as crowd, pytest.raises(NoDaemon, match="accepts no connections"):
        while True:  # the feed is not polled
            crowd.enter_context(waiting_client())
            crowd.enter_context(FeedClient(PORT))


def test_a_daemon_that_does_not_answer_is_reported_after_a_while(feed, monkeypatch):
    monkeypatch.setattr("myobridge.feed.client.REPLY_S", 0.05)
    with FeedClient(PORT) as client:
        for _ in range(3):
            with pytest.raises(NoDaemon, match="does not answer"):
                client.request("estop")
        while True:
            with pytest.raises(NoDaemon, match="does not answer"):  # and it takes nothing
                client.request("model", path="x" * 4000)
            if not select.select([], [client], [], 0)[1]:
                break


def test_a_late_answer_is_not_taken_for_the_answer_to_another_request(feed, monkeypatch):
    with FeedClient(PORT) as client:
        with monkeypatch.context() as hasty:
            hasty.setattr("myobridge.feed.client.REPLY_S", 0.01)
            with pytest.raises(NoDaemon):
                client.request("arm")
        with attended(feed):
            assert client.request("disarm").text == "disarm"


@pytest.mark.parametrize("changes", [{"level": [None]}, {"state": 3}, {"channels": None}, {"latency_ms": {"p50": "x"}}])
def test_a_snapshot_of_another_version_is_skipped_and_reported(feed, changes):
    look = msgspec.json.encode(msgspec.to_builtins(LOOK) | changes)
    with subscriber(feed, "bytes", "snapshots") as client:
        assert not client.misunderstood
        for subscribed in feed._subscribed["snapshots"]:
            feed._send(subscribed, pack(SNAPSHOT, look), BACKLOG_BYTES)
        feed.tell_bytes(1.0, b"x")
        assert list(messages(client)) == [Chunk(1.0, b"x")]
        assert "different versions" in client.misunderstood


def test_an_about_of_another_version_is_an_error_and_requests_continue(feed):
    class OtherAbout(msgspec.Struct):
        port: int = 1

    feed._about = OtherAbout
    with FeedClient(PORT) as client, attended(feed):
        with pytest.raises(UserError, match="different versions"):
            client.subscribe("bytes")
        assert client.request("estop").text == "estop"


@pytest.mark.parametrize("said", [HEAD.pack(1 << 31, REPLY), pack(REPLY, b"{"), pack(REPLY, b"[]"), pack(BYTES, b"")])
def test_a_daemon_that_sends_nonsense_is_an_error(feed, said):
    with FeedClient(PORT) as client:
        feed.poll()
        (peer,) = feed._clients.values()
        peer.send(said, BACKLOG_BYTES)
        with pytest.raises(NoDaemon, match="different versions"):
            client.receive(1.0)


def test_names_that_are_not_utf8_have_question_marks(feed):
    feed._about = lambda: msgspec.structs.replace(ABOUT, port="/dev/\udcff")
    with FeedClient(PORT) as client, attended(feed):
        assert client.request("about").about.port == "/dev/?"
        assert client.request("model", path="/a/\udcff").text == "model /a/?"
    feed.tell_snapshot(msgspec.structs.replace(LOOK, note="\udcff"))


def test_a_request_in_pieces_is_served_when_it_is_whole(feed):
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
            with suppress(OSError):  # it was disconnected
                client.sendall(piece)
            assert feed.poll() == []


def test_the_daemon_may_answer_a_client_that_is_gone(feed):
    with raw_client(feed) as client:
        client.sendall(pack(REQUEST, b'{"id": 7, "do": "arm"}'))
        (ask,) = feed.poll()
    ask.answer(True, "too late")
    ask.answer(True, "much too late")


# --- where it is --------------------------------------------------------------------------------------------


def test_only_the_user_can_open_it(feed, runtime_folder):
    assert stat.S_IMODE((runtime_folder / "myobridge").stat().st_mode) == 0o700
    assert stat.S_IMODE(feed_path(PORT).stat().st_mode) == 0o600


def test_a_folder_that_others_can_open_is_refused_by_both_sides(feed, runtime_folder):
    (runtime_folder / "myobridge").chmod(0o777)
    with pytest.raises(NoDaemon):
        FeedClient(PORT)
    with pytest.raises(UserError, match=r"open to others.*XDG_RUNTIME_DIR"):
        Feed("/dev/ttyACM1", lambda: ABOUT)


def test_without_a_runtime_directory_the_feed_is_in_the_users_own_temporary_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert feed_path(PORT).parent == tmp_path / f"myobridge-{os.getuid()}"


@pytest.mark.parametrize("named", ["", "/none/such"])
def test_a_temporary_folder_that_does_not_exist_is_skipped(monkeypatch, named):
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


def test_folders_with_long_names_work_like_short_ones(monkeypatch, tmp_path):
    long = tmp_path / ("x" * 120) / ("y" * 120)
    long.mkdir(parents=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    with opened() as feed:
        assert feed_path(PORT).is_relative_to(long)
        assert feed_path(PORT).is_socket()
        with FeedClient(PORT) as client, attended(feed):
            assert client.request("estop").text == "estop"
        with pytest.raises(UserError, match="in use"):
            Feed(PORT, lambda: ABOUT)
        with closing(PromptInbox(inbox_path(feed_path(PORT)))) as inbox:
            assert send_prompt(feed_path(PORT), Prompt(title="Fist"))
            assert inbox.newest().title == "Fist"
    assert not [path for path in (long / "myobridge").iterdir() if path.is_socket()]


def test_where_sockets_need_short_names_a_short_folder_is_taken(monkeypatch, tmp_path):
    monkeypatch.setattr("myobridge.feed.place.BY_DESCRIPTOR", tmp_path / "none")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 120)))
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("x" * 120)))
    (tmp_path / ("x" * 120)).mkdir()
    assert feed_path(PORT).parent == Path("/tmp", f"myobridge-{os.getuid()}")


def test_a_daemon_whose_start_hangs_is_not_waited_for(runtime_folder, monkeypatch):
    monkeypatch.setattr("myobridge.feed.place.CONNECT_S", 0.05)
    (runtime_folder / "myobridge").mkdir(mode=0o700)
    starting = open_folder(runtime_folder / "myobridge")
    fcntl.flock(starting, fcntl.LOCK_EX)
    with pytest.raises(UserError, match="does not finish its start"):
        Feed(PORT, lambda: ABOUT)
    os.close(starting)


def test_ports_have_feeds_of_their_own_with_short_names(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert feed_path("/dev/ttyACM0") != feed_path("/dev/ttyACM1")
    assert feed_path("/a/hand") != feed_path("/b/hand")
    assert feed_path("hand") == feed_path(tmp_path / "hand")
    assert len(feed_path("/x" * 200 + "/" + "y" * 200).name) < 50


def test_the_socket_of_a_killed_daemon_is_replaced_and_that_of_a_living_one_is_not(feed):
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


def test_when_the_daemon_ends_its_socket_disappears_and_clients_get_an_error(feed):
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


def test_a_request_sends_only_the_fields_that_it_needs_so_that_a_daemon_of_another_version_stops_the_hand():
    assert json.loads(encode(Request(1, "estop", asked_s=2.0))) == {"id": 1, "do": "estop", "asked_s": 2.0}
