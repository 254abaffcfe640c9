"""A board has many names: its feed is found under each, and keeps the daemon's name after the board is replugged."""

import os
import pty
from contextlib import closing
from pathlib import Path

import pytest

from myobridge.errors import UserError
from myobridge.feed import About, FeedClient, NoDaemon
from myobridge.feed.audience import Audience, follow
from myobridge.feed.names import claim, names, own_name
from myobridge.feed.place import feed_path, feed_paths
from myobridge.feed.prompts import Prompt
from myobridge.feed.server import Feed
from myobridge.model.file import REST_DEG
from tiny_model import tiny_spec


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path, monkeypatch):
    folder = tmp_path / "r"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))


@pytest.fixture
def board():
    """A device that stands for a board's port: its name."""
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


@pytest.fixture
def link(tmp_path, board):
    """A link like the one of the udev rule."""
    link = tmp_path / "myobridge"
    link.symlink_to(board)
    return link


def feed(port):
    about = About(
        port=str(port), model_path="m.onnx", spec=tiny_spec(), ident=None, config=None, wall_minus_monotonic_s=0.0
    )
    return closing(Feed(str(port), lambda: about))


def found(port):
    try:
        FeedClient(port).close()
    except NoDaemon:
        return False
    return True


def test_a_daemon_is_found_under_every_name_of_its_board(tmp_path, board, link):
    by_id = tmp_path / "usb-Arduino-if00"
    by_id.symlink_to(link)
    (tmp_path / "folder").mkdir()
    with feed(link):
        for name in (link, board, by_id, tmp_path / "folder" / ".." / "myobridge", os.path.relpath(board)):
            assert found(name), name
    assert not found(board)


def test_a_daemon_on_the_device_is_found_under_its_links(board, link):
    with feed(board):
        assert found(link)


def test_a_daemon_is_not_found_under_the_name_of_another_board(link):
    other, slave = pty.openpty()
    with feed(link):
        assert not found(os.ttyname(slave))
        assert not found(link.with_name("none"))
        assert not found("/dev/null")
    os.close(slave)
    os.close(other)


def test_after_a_board_returns_as_another_device_its_daemon_is_found_by_the_new_name_only(board, link):
    other, slave = pty.openpty()
    with feed(link):
        link.unlink()
        link.symlink_to(os.ttyname(slave))
        assert found(link)
        assert found(os.ttyname(slave))
        assert not found(board), "another board may be there by now, and an ESTOP must not reach the wrong board"
    os.close(slave)
    os.close(other)


def test_a_second_daemon_on_the_same_board_is_refused_under_any_name(board, link):
    with feed(link), pytest.raises(UserError, match="a myobridge daemon"):
        Feed(board, lambda: None)


def test_the_name_of_a_killed_daemon_finds_no_daemon_and_blocks_none(board, link):
    feed_path(link).parent.mkdir(mode=0o700)
    claim(feed_path(link), link)
    assert not found(board)
    with feed(board):
        assert found(link)


def test_a_daemon_that_ends_removes_its_name(link):
    with feed(link):
        assert feed_path(link).exists()
    assert not [path for path in feed_path(link).parent.iterdir() if path.suffix in (".sock", ".port")]


def test_any_name(tmp_path):
    for name in (b"\xff\xfetty", b"a" * 200, b" \n"):
        port = tmp_path / os.fsdecode(name)
        port.symlink_to("/dev/null")
        assert own_name(port).isascii()
        assert len(own_name(port)) < 60
        with feed(port):
            assert found(port)


def test_a_port_that_cannot_be_a_path_has_a_name_but_no_daemon():
    assert len(names("a\0b", [Path("/none")])) == 1
    assert not found("a\0b")


def test_a_prompt_reaches_the_wearer_under_any_name_of_a_port_with_a_daemon(board, link):
    with feed(link):
        asked = follow(link)
        audience = Audience(board)
        audience.tell(Prompt(title="Rest", angles_deg=REST_DEG))
        assert asked() == REST_DEG
        # A simulator that was killed may have left its link in /tmp, and the system gives its device's number again.
        given, *others = feed_paths(board)
        assert given == feed_path(board)
        assert feed_path(link) in others
