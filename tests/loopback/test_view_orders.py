"""The way of an order from a page to the daemon, above all of an ESTOP, with faulty daemons and without one."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest

from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.feed import About, FeedClient, feed_path
from myobridge.feed.server import MAX_LISTENERS, Feed
from myobridge.view.orders import Orders
from myobridge.view.page import Order
from myobridge.view.server import MAX_CONTROLLERS, MAX_VIEWERS
from myobridge.view.viewer import ORDERS_PER_S
from processes import command, running, simulated_hand
from tiny_model import tiny_spec
from viewers import get, until, view, watch

HALF_OPEN = 200


@pytest.fixture
def port(tmp_path, monkeypatch):
    """A port with a feed and a memory for this test alone."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return str(tmp_path / "hand")


@pytest.fixture
def memory(port):
    """The memory of a board that was used before and is not stopped."""
    memory = EstopMemory(port)
    assert not memory.said
    return memory


class Daemon:
    """A feed that the test polls, and the requests to it; `answers` may be switched off."""

    def __init__(self, port):
        spec = tiny_spec()
        about = About(port=port, model_path="m", spec=spec, ident=None, config=None, wall_minus_monotonic_s=0.0)
        self._feed = Feed(port, lambda: about)
        self.asked = []
        self.answers = True

    async def serve(self):
        try:
            while True:
                for ask in self._feed.poll():
                    self.asked.append(ask.request.do)
                    if self.answers:
                        ask.answer(True, f"{ask.request.do} done")
                await asyncio.sleep(0.001)
        finally:
            self._feed.close()


@contextmanager
def served(daemon):
    task = asyncio.create_task(daemon.serve())
    try:
        yield
    finally:
        task.cancel()


class View:
    """`Orders`, which runs beside the test, and the messages to viewers after the answers."""

    def __init__(self, port, memory):
        self.told = []
        self.orders = Orders(port, memory, self.told.append, lambda: ("view", ""))

    async def __aenter__(self):
        self._task = asyncio.create_task(self.orders.run())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def order(self, do, seen_s=0.0):
        return self.orders.pass_on(Order(do, seen_s))

    async def has_told(self, what):
        async with asyncio.timeout(20):
            while not any(what in answer.text for answer in self.told):
                await asyncio.sleep(0.01)


@pytest.fixture
def hasty(monkeypatch):
    """Shortens times of several seconds."""
    monkeypatch.setattr("myobridge.view.orders.CONFIRM_S", 0.1)
    monkeypatch.setattr("myobridge.view.orders.ANSWER_S", 0.2)
    monkeypatch.setattr("myobridge.view.orders.RETRY_S", 0.02)


# --- one view's orders, and the daemon behind them ----------------------------------------------------------


def test_orders_are_answered_by_the_daemon(port, memory):
    async def story():
        daemon = Daemon(port)
        with served(daemon):
            async with View(port, memory) as view:
                for do in ("arm", "disarm", "estop", "lift"):
                    assert (await view.order(do)).text == f"{do} done"
                assert view.told == []
        assert daemon.asked == ["arm", "disarm", "estop", "lift"]

    asyncio.run(story())
    assert not memory.said  # the daemon remembers it itself


def test_an_order_is_not_sent_once_another_page_has_control(port, memory):
    async def story():
        daemon, pages = Daemon(port), iter(["1", "2"])
        with served(daemon):
            async with View(port, memory) as view:
                view.orders._control = lambda: ("view", next(pages))
                assert "Another page took control" in (await view.order("arm")).text
                assert (await view.order("estop")).ok
        assert daemon.asked == ["estop"]

    asyncio.run(story())


def test_an_estop_does_not_wait_for_earlier_orders_and_is_never_mistaken_for_another(port, memory, hasty):
    async def story():
        daemon = Daemon(port)
        daemon.answers = False
        with served(daemon):
            async with View(port, memory) as view:
                await asyncio.gather(*(view.order(do) for do in ("arm", "estop", "estop", "arm")))
        assert daemon.asked.count("estop") >= 1  # the feed merges two of one poll, see test_feed.py
        assert daemon.asked[0] == "estop"

    asyncio.run(story())


@pytest.mark.parametrize("do", ["arm", "disarm", "lift"])
def test_without_a_daemon_orders_other_than_estop_are_refused_and_not_stored(port, memory, hasty, do):
    async def story():
        async with View(port, memory) as view:
            answer = await view.order(do)
            assert not answer.ok
            assert "No daemon runs" in answer.text
            daemon = Daemon(port)
            with served(daemon):
                assert (await view.order("disarm")).ok
                await asyncio.sleep(0.2)
        assert daemon.asked == ["disarm"]

    asyncio.run(story())


def test_without_a_daemon_an_estop_is_remembered_and_delivered_to_the_next_daemon(port, memory, hasty):
    async def story():
        async with View(port, memory) as view:
            answer = await view.order("estop")
            assert not answer.ok
            assert "No daemon answers. Switch the servo power off." in answer.text
            assert "remembered" in answer.text
            assert memory.said
            daemon = Daemon(port)
            with served(daemon):
                await view.has_told("estop done")
                await asyncio.sleep(0.2)
        assert daemon.asked == ["estop"]  # once: it was confirmed

    asyncio.run(story())


def test_an_estop_that_a_person_has_lifted_meanwhile_is_not_delivered(port, memory, hasty):
    async def story():
        async with View(port, memory) as view:
            await view.order("estop")
            memory.lift()
            daemon = Daemon(port)
            with served(daemon):
                await asyncio.sleep(0.3)
                assert (await view.order("arm")).ok
        assert daemon.asked == ["arm"]

    asyncio.run(story())


def test_a_stuck_daemon_gets_the_estop_until_it_confirms_it(port, memory, hasty):
    async def story():
        daemon = Daemon(port)
        daemon.answers = False
        with served(daemon):
            async with View(port, memory) as view:
                answer = await view.order("estop")
                assert not answer.ok
                assert "not confirmed" in answer.text
                assert "servo power off" in answer.text
                assert memory.said
                daemon.answers = True
                await view.has_told("estop done")
        assert set(daemon.asked) == {"estop"}

    asyncio.run(story())


def test_the_end_of_the_daemon_during_a_request_is_reported_and_the_next_daemon_gets_the_estop(port, memory, hasty):
    async def story():
        first, second = Daemon(port), None
        first.answers = False
        async with View(port, memory) as view:
            with served(first):
                asking = [asyncio.create_task(view.order(do)) for do in ("arm", "estop")]
                while "estop" not in first.asked:
                    await asyncio.sleep(0.001)
            armed, stopped = await asyncio.gather(*asking)
            assert not armed.ok
            assert "remembered" in stopped.text
            second = Daemon(port)
            with served(second):
                await view.has_told("estop done")
        assert second.asked == ["estop"]

    asyncio.run(story())


def test_an_estop_that_cannot_be_remembered_is_reported_and_still_delivered(port, memory, hasty, monkeypatch):
    def fail(_memory):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EstopMemory, "remember", fail)

    async def story():
        async with View(port, memory) as view:
            assert "could not be remembered" in (await view.order("estop")).text
            daemon = Daemon(port)
            with served(daemon):
                await view.has_told("estop done")

    asyncio.run(story())


@pytest.mark.parametrize("do", ["arm", "estop"])
def test_after_any_error_an_order_is_answered_and_so_is_the_next(port, memory, monkeypatch, do):
    async def story():
        daemon = Daemon(port)
        with served(daemon):
            async with View(port, memory) as view:
                with monkeypatch.context() as broken:
                    broken.setattr(Orders, "_ask", lambda *_: 1 / 0)
                    answer = await view.order(do)
                    assert not answer.ok
                    assert "servo power off" in answer.text
                assert (await view.order(do)).ok

    asyncio.run(story())


@pytest.mark.parametrize("said", [b"\xff" * 40, b"\x01\0\0\0R{", b"\x02\0\0\0R[]", b"\0\0\0\0S"])
def test_nonsense_from_the_socket_is_answered_with_a_sentence(port, memory, hasty, said):
    async def story():
        path = feed_path(port)
        path.parent.mkdir(mode=0o700, exist_ok=True)

        async def talk(_reader, writer):
            writer.write(said)
            await writer.drain()

        async with await asyncio.start_unix_server(talk, path), View(port, memory) as view:
            for do in ("arm", "estop", "estop"):
                answer = await view.order(do)
                assert not answer.ok
                assert answer.text

    asyncio.run(story())


def test_a_daemon_that_accepts_no_connections_delays_no_order(port, memory, hasty):
    async def story():
        daemon = Daemon(port)  # it is not polled
        with ExitStack() as crowd, suppress(BlockingIOError):
            while True:
                client = crowd.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                client.setblocking(False)
                client.connect(os.fspath(feed_path(port)))
        async with View(port, memory) as view:
            assert "accepts no connections" in (await view.order("disarm")).text
            assert "remembered" in (await view.order("estop")).text
            with served(daemon):
                await view.has_told("estop done")

    asyncio.run(story())


# --- a running view -----------------------------------------------------------------------------------------


@pytest.fixture
def controlled(port):
    with view(port, "--control") as url:
        yield url


def stop(viewer):
    viewer.send('{"do":"estop"}')
    return until(viewer, "answer", lambda answer: answer["do"] == "estop")


def test_a_view_answers_every_estop_and_tells_all_viewers(controlled, memory):
    with watch(controlled) as viewer, watch(controlled) as other:
        for _ in range(3):
            assert "Switch the servo power off" in stop(viewer)["text"]
            assert not until(other, "answer")["ok"]
    assert memory.said


def test_no_limit_applies_to_estops(controlled):
    with watch(controlled) as viewer:
        for _ in range(5 * ORDERS_PER_S):
            viewer.send('{"do":"estop"}')
        for _ in range(5 * ORDERS_PER_S):
            assert until(viewer, "answer")["do"] == "estop"
        assert stop(viewer)


def test_beyond_the_places_for_viewers_there_are_places_for_orders(controlled):
    with ExitStack() as crowd:
        viewers = [crowd.enter_context(watch(controlled)) for _ in range(MAX_CONTROLLERS)]
        sees_emg = [until(viewer, "hello")["emg"] for viewer in viewers]
        assert sees_emg == [True] * MAX_VIEWERS + [False] * (MAX_CONTROLLERS - MAX_VIEWERS)
        assert stop(viewers[-1])


def test_a_full_feed_is_reported_by_the_view_and_blocks_no_estop(port, memory):
    async def story():
        daemon = Daemon(port)
        with served(daemon):
            with ExitStack() as crowd:
                for _ in range(MAX_LISTENERS):
                    listener = crowd.enter_context(await asyncio.to_thread(FeedClient, port))
                    await asyncio.to_thread(listener.subscribe, "bytes")
                with view(port, "--control") as url, watch(url) as viewer:
                    await asyncio.to_thread(until, viewer, "link", lambda link: "too many listeners" in link["text"])
                    assert (await asyncio.to_thread(stop, viewer))["text"] == "estop done"
                    crowd.pop_all().close()
                    await asyncio.to_thread(until, viewer, "link", lambda link: link["up"])  # it kept watching
        assert daemon.asked == ["estop"]

    asyncio.run(story())


def test_constantly_renewed_half_open_connections_delay_neither_an_estop_nor_a_new_viewer(controlled):
    host, number = controlled.split("/")[2].split(":")
    with watch(controlled) as viewer, ExitStack() as crowd:
        half_open = []

        def renew(connections):
            for _ in range(connections):
                client = crowd.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex((host, int(number)))
                half_open.append(client)
            for client in half_open[:-HALF_OPEN]:
                client.close()

        renew(HALF_OPEN)
        for _ in range(8):
            renew(20)
            assert "servo power off" in stop(viewer)["text"]
            renew(20)
            assert get(controlled)[0] == 200
            with watch(controlled) as new:
                renew(20)
                assert stop(new)


@pytest.mark.slow
def test_an_arm_from_a_frozen_page_is_as_old_as_the_snapshot_that_the_person_saw(tmp_path):
    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, "--model", "synth"):
        with view(hand.port, "--control") as url, watch(url) as viewer:
            look = until(viewer, "look", lambda look: look["snapshot"]["withheld"] == "no")["snapshot"]
            viewer.send(json.dumps({"do": "arm", "seen_s": look["at_s"] - 60}))
            answer = until(viewer, "answer")
            assert not answer["ok"]
            assert "60 s old" in answer["text"]
            while not answer["ok"]:  # on a busy machine the newest snapshot may be old, too
                look = until(viewer, "look")["snapshot"]
                viewer.send(json.dumps({"do": "arm", "seen_s": look["at_s"]}))
                answer = until(viewer, "answer")


@pytest.mark.slow
def test_a_stopped_daemon_is_reported_and_gets_the_estop_when_it_continues(tmp_path):
    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, "--model", "synth", "--arm") as daemon:
        with view(hand.port, "--control") as url, watch(url) as viewer:
            until(viewer, "look", lambda look: look["snapshot"]["state"] == "ARMED")
            daemon.send_signal(signal.SIGSTOP)
            try:
                began_s = time.monotonic()
                assert "Switch the servo power off" in stop(viewer)["text"]
                assert time.monotonic() - began_s < 30
            finally:
                daemon.send_signal(signal.SIGCONT)
            until(viewer, "look", lambda look: look["snapshot"]["state"] == "ESTOP")
            assert EstopMemory(hand.port).said
            viewer.send(json.dumps({"do": "lift"}))
            assert until(viewer, "answer", lambda answer: answer["do"] == "lift")["ok"]
    assert hand.summary["state"] != "ARMED"


@pytest.mark.slow
def test_a_terminal_that_blocks_the_printed_address_does_not_block_the_view(port):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while os.write(writer, b"x" * 4096):
            pass
    os.set_blocking(writer, True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    process = subprocess.Popen(command("view", "--port", port, "--view-port", number, "--control"), stdout=writer)
    try:
        with watch_when_there(f"http://127.0.0.1:{number}/") as viewer:
            assert stop(viewer)
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)


def watch_when_there(url):
    until_s = time.monotonic() + 60
    while True:
        try:
            return watch(url)
        except OSError:
            assert time.monotonic() < until_s
            time.sleep(0.05)
