"""The prompts of a guided recording: JSON datagrams to a Unix socket beside the feed's."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from myobridge.errors import UserError
from myobridge.feed.place import address
from myobridge.model.file import Pose

LIFE_S: Final = 3.0
"""A prompt disappears if it is not sent again within this time, because its sender is gone."""
MAX_BYTES: Final = 4096


Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Angle = Annotated[float, msgspec.Meta(ge=0, le=180)]


class Bar(NamedTuple):
    """One thing that must lie in the target, in degrees: where it should be and where it is."""

    name: Annotated[str, msgspec.Meta(max_length=20)]
    goal: Angle
    here: Angle


class TrialCard(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a page shows of an online trial, beside the title, the text and the target of its prompt.

    applied: the servos' angles are judged; otherwise the daemon's.
    tolerance_deg: how far each bar may be from its goal.
    dwelt: share of the time that the hand has stayed in the target. left: share of the time that is left.
    last: outcome of the last target. score: of practice. result: sentences, once the trial is over.
    """

    stage: Literal["waiting", "ready", "rest", "target", "done"]
    applied: bool
    bars: Annotated[tuple[Bar, ...], msgspec.Meta(max_length=5)]
    tolerance_deg: Angle
    inside: bool
    dwelt: Share
    left: Share
    done: Annotated[int, msgspec.Meta(ge=0)]
    planned: Annotated[int, msgspec.Meta(ge=0)]
    last: Literal["", "reached", "missed", "interrupted"] = ""
    score: int | None = None
    result: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=200)], ...], msgspec.Meta(max_length=8)] = ()


class Prompt(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="prompt"):
    """One card in the page; send it at least once a second. An empty title removes the card.

    progress: finished share of the session.
    angles_deg: the pose to make, thumb to little.
    seconds_left: until the next prompt.
    trial: of an online trial.
    """

    title: Annotated[str, msgspec.Meta(max_length=80)]
    text: Annotated[str, msgspec.Meta(max_length=400)] = ""
    progress: Share | None = None
    angles_deg: Pose | None = None
    seconds_left: Annotated[float, msgspec.Meta(ge=0)] | None = None
    trial: TrialCard | None = None


NO_PROMPT: Final = Prompt(title="")


def inbox_path(feed: Path) -> Path:
    """The path at which the view of the daemon with this feed takes prompts."""
    return feed.with_name(feed.name + ".view")


def send_prompt(feed: Path, prompt: Prompt) -> bool:
    """Sends a prompt to the view, if one is open; never blocks. True if a view took it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outbox:
        outbox.setblocking(False)
        try:
            with address(inbox_path(feed)) as reachable:
                outbox.sendto(msgspec.json.encode(prompt), reachable)
        except OSError:
            return False
    return True


class PromptInbox:
    """The receiving end. If several views of a port are open, the newest gets the prompts."""

    def __init__(self, path: Path) -> None:
        """Raises UserError if others can open the folder of the feeds."""
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with address(path) as reachable:
                path.unlink(missing_ok=True)
                self._socket.bind(reachable)
            path.chmod(0o600)
            self._inode = path.stat().st_ino
        except OSError as error:
            self._socket.close()
            raise UserError(
                f"The view cannot open {path} ({error.strerror or error}); set XDG_RUNTIME_DIR to a folder of your own."
            ) from error
        self._decode = msgspec.json.Decoder(Prompt).decode

    def fileno(self) -> int:
        """For select and event loops."""
        return self._socket.fileno()

    def newest(self) -> Prompt | None:
        """The newest valid prompt that arrived since the last call; None without one."""
        prompt = None
        while True:
            try:
                data = self._socket.recv(MAX_BYTES)
            except BlockingIOError:
                return prompt
            try:
                prompt = self._decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue

    def close(self) -> None:
        """Removes the socket, unless a newer view has replaced it."""
        self._socket.close()
        try:
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        except OSError:
            return
