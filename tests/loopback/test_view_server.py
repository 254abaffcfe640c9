"""The view's server as browsers, strangers and attackers meet it, with and without a daemon."""

import asyncio
import json
import socket
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from myobridge.feed import feed_path
from myobridge.feed.prompts import LIFE_S, Prompt, inbox_path, send_prompt
from myobridge.view.server import FILES, MAX_VIEWERS
from myobridge.view.site import HEADERS, KINDS
from myobridge.view.viewer import ORDERS_PER_S, QUEUE_MESSAGES, Viewer
from processes import myobridge, running, simulated_hand
from starvation import eventually
from viewers import address_in, answers, get, until, view, watch


@pytest.fixture(scope="module")
def lonely(tmp_path_factory):
    """A view of a port that no daemon serves: its address, and the port."""
    port = tmp_path_factory.mktemp("view") / "hand"
    with view(port) as url:
        yield url, port


def test_only_the_page_and_its_files_are_served(lonely):
    url, _ = lonely
    for path, content in FILES.items():
        status, head, body = get(url.rstrip("/") + path)
        assert status == 200
        assert f"Content-Type: {KINDS.get(path.rpartition('.')[2], KINDS['html'])}" in head
        assert body.encode() == content
        assert all(f"{name}: {value}" in head for name, value in HEADERS.items())
    for path in ("/nothing", "/../server.py", "/static/app.js", "//etc/passwd", "//[", "/%2e%2e/server.py"):
        assert get(url.rstrip("/") + path)[0] == 404
    assert get(url, "POST")[0] == 405


def test_nothing_on_the_page_comes_from_elsewhere(lonely):
    url, _ = lonely
    for path in FILES:
        body = get(url.rstrip("/") + path)[2].replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in body
        assert "https:" not in body.replace('"https:" ?', "")  # the page's own scheme is looked at
        assert " style=" not in body
        assert "<script>" not in body


def test_a_foreign_name_or_page_gets_nothing(lonely):
    url, _ = lonely
    assert get(url, Host="evil.example")[0] == 403
    for origin in ("http://evil.example", None):
        with pytest.raises(InvalidStatus) as refused, watch(url, origin):
            pass
        assert refused.value.response.status_code == 403


def test_without_a_daemon_the_viewer_is_told_what_to_do(lonely):
    url, port = lonely
    with watch(url) as viewer:
        assert until(viewer, "hello") == {
            "kind": "hello",
            "port": str(port),
            "control": False,
            "emg": True,
            "scope": False,
        }
        link = until(viewer, "link")
    assert not link["up"]
    assert "myobridge run" in link["text"]


def test_control_is_off_unless_asked_for(lonely):
    with watch(lonely[0]) as viewer:
        for do in ("arm", "disarm", "estop"):
            viewer.send(json.dumps({"do": do}))
            answer = until(viewer, "answer")
            assert not answer["ok"]
            assert "Control is off" in answer["text"]


def test_on_another_address_the_token_is_required(tmp_path):
    with view(tmp_path / "hand", "--bind", "0.0.0.0") as url:
        token = url.partition("token=")[2]
        assert len(token) >= 20
        here = f"http://127.0.0.1:{urlsplit(url).port}/"
        assert get(here)[0] == get(f"{here}?token=wrong")[0] == 403
        assert get(f"{here}?token={token}")[0] == 200
        with pytest.raises(InvalidStatus), watch(here):
            pass
        with watch(f"{here}?token={token}") as viewer:
            until(viewer, "hello")
        for name in ("mypi.lan", "pi.fritz.box:8765", "evil.example"):
            assert get(f"{here}?token={token}", Host=name)[0] == 200
            assert get(here, Host=name)[0] == get(f"{here}socket", Host=name, Origin=f"http://{name}")[0] == 403


@pytest.mark.parametrize(
    "messages", [["x" * 1000], ["not JSON"], ['{"do":"reboot"}'], ['{"do":"arm","more":1}'], [b"\xff\x00"], ["[]"]]
)
def test_a_viewer_that_sends_anything_but_an_order_is_disconnected_and_others_stay(lonely, messages):
    with watch(lonely[0]) as good, watch(lonely[0]) as hostile:
        for message in messages:
            hostile.send(message)
        with pytest.raises(ConnectionClosed):
            until(hostile, "never")
        good.send('{"do":"arm"}')
        assert until(good, "answer")


def test_a_viewer_that_sends_too_much_is_disconnected(lonely):
    with watch(lonely[0]) as hostile:
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(100 * ORDERS_PER_S):
                hostile.send('{"do":"estop"}')
            until(hostile, "never")
        assert closed.value.rcvd.reason == "too many messages"


def is_let_in(url):
    with suppress(ConnectionClosed), watch(url) as viewer:
        return until(viewer, "hello")


def test_the_number_of_viewers_is_limited_and_a_viewer_that_leaves_makes_room(lonely):
    viewers = [watch(lonely[0]).__enter__() for _ in range(MAX_VIEWERS)]
    try:
        with pytest.raises(ConnectionClosed), watch(lonely[0]) as one_more:
            until(one_more, "never")
        viewers.pop().close()
        assert eventually(lambda: is_let_in(lonely[0]))
    finally:
        for viewer in viewers:
            viewer.close()


def test_connections_that_send_nothing_or_nonsense_delay_nobody(lonely):
    url, _ = lonely
    address = url.split("/")[2].split(":")
    silent = [socket.create_connection(address) for _ in range(20)]
    try:
        silent[0].sendall(b"\x16\x03\x01" * 1000)
        silent[1].sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000)
        assert get(url)[0] == 200
    finally:
        for connection in silent:
            connection.close()


class StuckBrowser:
    """Takes one message and then blocks."""

    def __init__(self):
        self.taken = []
        self.transport = self
        self.aborted = False

    def abort(self):
        self.aborted = True

    async def send(self, text):
        self.taken.append(text)
        await asyncio.sleep(3600)


def test_a_slow_viewer_loses_the_oldest_messages_and_delays_nobody():
    async def story():
        browser = StuckBrowser()
        viewer = Viewer(browser)
        sending = asyncio.create_task(viewer.send())
        for i in range(10 * QUEUE_MESSAGES):
            viewer.put(str(i))
            await asyncio.sleep(0)
        sending.cancel()
        return browser, viewer

    browser, viewer = asyncio.run(story())
    assert browser.taken == ["0"]
    waiting = [viewer._waiting.get_nowait() for _ in range(QUEUE_MESSAGES)]
    assert waiting == [str(i) for i in range(9 * QUEUE_MESSAGES, 10 * QUEUE_MESSAGES)]


def test_a_slow_viewer_is_told_how_many_messages_it_missed():
    async def story():
        browser = StuckBrowser()
        browser.send = lambda text: asyncio.sleep(0, browser.taken.append(text))
        viewer = Viewer(browser)
        for i in range(QUEUE_MESSAGES + 7):
            viewer.put(str(i))
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await viewer.send()
        return browser.taken

    taken = asyncio.run(story())
    assert taken[:-1] == [str(i) for i in range(7, QUEUE_MESSAGES + 7)]
    assert json.loads(taken[-1]) == {"kind": "dropped", "messages": 7}


def test_a_viewer_that_takes_nothing_for_long_is_disconnected(monkeypatch):
    monkeypatch.setattr("myobridge.view.viewer.SLOW_S", 0.01)
    browser = StuckBrowser()
    viewer = Viewer(browser)
    viewer.put("hello")
    asyncio.run(viewer.send())
    assert browser.aborted


def test_prompts_are_shown_to_all_and_to_late_viewers_until_their_sender_is_gone(lonely):
    url, port = lonely
    prompt = Prompt(title="Fist", text="Close the hand.", progress=0.5, angles_deg=(180,) * 5, seconds_left=2.5)
    with watch(url) as viewer:
        assert send_prompt(feed_path(port), prompt)
        shown = until(viewer, "prompt", lambda message: message["title"])
        assert shown["angles_deg"] == [180] * 5
        assert (shown["progress"], shown["seconds_left"], shown["text"]) == (0.5, 2.5, "Close the hand.")
        with watch(url) as later:
            assert until(later, "prompt") == shown
        began_s = time.monotonic()
        assert until(viewer, "prompt")["title"] == ""
        assert time.monotonic() - began_s > LIFE_S / 2


@pytest.mark.parametrize(
    "data", [b"", b"x", b'{"kind":"prompt","title":1}', b'{"kind":"prompt","title":"a","progress":7}']
)
def test_a_prompt_that_makes_no_sense_is_ignored(lonely, data):
    url, port = lonely
    with watch(url) as viewer, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outbox:
        outbox.sendto(data, str(inbox_path(feed_path(port))))
        send_prompt(feed_path(port), Prompt(title="after"))
        assert until(viewer, "prompt", lambda message: message["title"])["title"] == "after"


def test_without_a_view_send_prompt_returns_false(tmp_path):
    assert not send_prompt(feed_path(tmp_path / "hand"), Prompt(title="Fist"))


def test_a_view_port_in_use_is_one_sentence(lonely, tmp_path):
    taken = lonely[0].rstrip("/").rpartition(":")[2]
    result = myobridge("view", "--port", tmp_path / "hand", "--view-port", taken)
    assert result.returncode == 1
    assert result.stderr == (
        f"myobridge: The view's port {taken} is in use; choose another with --view-port, "
        "or end the program that uses it.\n"
    )


def test_an_address_of_another_computer_is_one_sentence(tmp_path):
    result = myobridge("view", "--port", tmp_path / "hand", "--bind", "203.0.113.1")
    assert result.returncode == 1
    assert result.stderr.startswith("myobridge: The view cannot listen on 203.0.113.1")
    assert len(result.stderr.splitlines()) == 1


def test_a_run_continues_without_its_view_if_the_views_port_is_in_use(lonely, tmp_path):
    taken = lonely[0].rstrip("/").rpartition(":")[2]
    with simulated_hand(tmp_path) as hand:
        result = myobridge(
            "run", "--port", hand.port, "--model", "synth", "--seconds", 8, "--view", "--view-port", taken
        )
    assert result.returncode == 0
    assert f"port {taken} is in use" in result.stderr


@pytest.mark.parametrize("killed", [False, True])
def test_the_view_of_a_run_ends_with_the_run(tmp_path, killed):
    with simulated_hand(tmp_path) as hand:
        run = (
            "run",
            "--port",
            hand.port,
            "--model",
            "synth",
            "--view",
            "--view-port",
            0,
            "--json",
            tmp_path / "run.json",
        )
        with running(*run) as daemon:
            url = address_in(daemon.stderr)
            assert get(url)[0] == 200
            if killed:
                daemon.kill()
            else:
                daemon.terminate()
            daemon.wait(60)
            until_s = time.monotonic() + 60
            while answers(url):
                assert time.monotonic() < until_s, "the view outlives its daemon"
                time.sleep(0.05)
