"""The view's thread that listens to the daemon: it survives every message and every error, and viewers are told."""

import time
from contextlib import contextmanager, suppress
from threading import Event, Thread

import msgspec
import pytest
from test_feed import LOOK, PORT

from myobridge.feed import About
from myobridge.feed.messages import SNAPSHOT, pack
from myobridge.feed.server import BACKLOG_BYTES, Feed
from myobridge.settings import AmplifierSettings
from myobridge.view import page
from myobridge.view.watch import Watch
from tiny_model import tiny_spec

ABOUT = About(port=PORT, model_path="m", spec=tiny_spec(), ident=None, config=None, wall_minus_monotonic_s=0.0)
PATIENCE_S = 30


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("myobridge.view.watch.RETRY_S", 0.01)


@contextmanager
def daemon(says):
    """A feed whose loop calls `says` repeatedly."""
    feed, over = Feed(PORT, lambda: ABOUT), Event()

    def loop():
        while not over.wait(0.005):
            feed.poll()
            says(feed)

    thread = Thread(target=loop)
    thread.start()
    try:
        yield feed
    finally:
        over.set()
        thread.join()
        feed.close()


class Viewers:
    """Collects the published messages; the first `refuses` messages raise."""

    def __init__(self, refuses=0):
        self.told = []
        self._refuses = refuses

    def __call__(self, message):
        if self._refuses:
            self._refuses -= 1
            raise RuntimeError("no room for it")
        self.told.append(message)

    def wait(self, kind, where=lambda _message: True):
        until_s = time.monotonic() + PATIENCE_S
        while not any(isinstance(message, kind) and where(message) for message in list(self.told)):
            assert time.monotonic() < until_s, f"no such {kind.__name__} came"
            time.sleep(0.005)


@contextmanager
def watching(viewers):
    watch = Watch(PORT, viewers, AmplifierSettings())
    watch.start()
    try:
        yield watch
        assert watch.is_alive()
    finally:
        watch.stop()


def look(feed):
    feed.tell_snapshot(LOOK)


def test_viewers_are_told_when_daemons_start_and_end():
    viewers = Viewers()
    with watching(viewers):
        viewers.wait(page.Link, lambda link: "No daemon runs" in link.text)
        for _ in range(2):
            viewers.told.clear()
            with daemon(look):
                viewers.wait(page.Look)
            viewers.wait(page.Link, lambda link: not link.up)


def test_an_exception_does_not_end_the_thread():
    viewers = Viewers(refuses=2)
    with daemon(look), watching(viewers):
        viewers.wait(page.Look)


def test_a_failure_is_reported(monkeypatch):
    def broken(*_):
        raise RuntimeError("an odd sampling rate")

    viewers = Viewers()
    with monkeypatch.context() as odd, daemon(look), watching(viewers):
        odd.setattr("myobridge.view.watch.Traces", broken)
        viewers.wait(page.Link, lambda link: "an odd sampling rate" in link.text)
        odd.undo()
        viewers.wait(page.Look)


def test_a_snapshot_of_another_version_is_reported_and_the_next_are_shown():
    odd = [True]

    def says(feed):
        if odd:
            text = msgspec.json.encode(msgspec.to_builtins(LOOK) | {"level": [None]})
            for client in feed._subscribed["snapshots"]:
                with suppress(OSError):
                    client.send(pack(SNAPSHOT, text), BACKLOG_BYTES)
        else:
            look(feed)

    viewers = Viewers()
    with daemon(says), watching(viewers):
        viewers.wait(page.Link, lambda link: "different versions" in link.text)
        odd.clear()
        viewers.wait(page.Look)


@pytest.mark.parametrize(
    ("settings_gain", "of_model_uv", "uv_per_count"),
    [(None, None, None), (None, 5120.0, 5.0), (1000.0, None, 5e6 / 1000 / 1024), (1000.0, 5120.0, 5e6 / 1000 / 1024)],
)
def test_the_gain_is_that_of_the_settings_or_else_of_the_model(monkeypatch, settings_gain, of_model_uv, uv_per_count):
    spec = msgspec.structs.replace(tiny_spec(), skin_range_uv=of_model_uv)
    monkeypatch.setitem(globals(), "ABOUT", msgspec.structs.replace(ABOUT, spec=spec))
    expected = None if uv_per_count is None else pytest.approx(uv_per_count)
    viewers = Viewers()
    watch = Watch(PORT, viewers, AmplifierSettings(gain=settings_gain))
    with daemon(look):
        watch.start()
        viewers.wait(page.Units, lambda said: said.uv_per_count == expected)
        watch.stop()
