"""Asks a board something outside a session: repeats a message, without a word into the board's boot loader."""

from __future__ import annotations

import time
from collections.abc import Iterator

from myobridge.wire import messages as m
from myobridge.wire.frame import FrameDecoder, encode
from myobridge.wire.link import SerialLink
from myobridge.wire.quiet import Quiet


def answers(link: SerialLink, message: m.Message, *, every_s: float, within_s: float) -> Iterator[bytes]:
    """Sends a message every `every_s`, for `within_s` from now, and yields each intact frame that arrives meanwhile.

    Raises:
        LinkLost: the port is gone.
    """
    frames, began_s, send_s = FrameDecoder(), time.monotonic(), 0.0
    quiet = Quiet(began_s)
    while (now_s := time.monotonic()) < began_s + within_s:
        if now_s >= send_s and quiet.may_ask(now_s):
            send_s = now_s + every_s
            link.write(b"\0" + encode(message.TYPE, 0, message.pack()))
        if link.wait(every_s):
            for frame in frames.feed(link.read()):
                quiet.hear(time.monotonic())
                yield frame
