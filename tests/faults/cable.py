"""The cable between a daemon and a hand: it may fail in any way at any time, and it records the hand's messages."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Event, Thread
from typing import NamedTuple, Protocol

from myobridge.simulator.line_faults import FaultyLine, LineFaults
from myobridge.simulator.pty_port import PtyPort
from myobridge.wire import messages as m
from myobridge.wire.frame import MIN_FRAME_BYTES, FrameDecoder, encode

LONGEST_SLEEP_S = 0.005
HAND_PRIORITY = 40
"""Higher than the daemon's."""
STOOD_STILL_S = 0.01
BYTES_PER_S = m.BAUD / 10
Alter = Callable[[int, int, bytes], list[bytes]]
"""Type, seq and payload of a whole frame → the encoded frames that pass in its place."""


class Device(Protocol):
    """The hand at the far end."""

    def fileno(self) -> int | None:
        """A file descriptor that is readable when the hand has sent something; None: only time makes it send."""

    def exchange(self, data: bytes, now_s: float) -> bytes:
        """Takes bytes from the host; returns whole frames."""

    def next_s(self) -> float:
        """When it will next send something unasked."""


class Seen(NamedTuple):
    """The hand reported a change of its state."""

    t_s: float
    state: m.State
    reason: m.Reason


def payload_of(frame: bytes) -> bytes:
    """The payload of an intact frame from the decoder."""
    return frame[2 : len(frame) - (MIN_FRAME_BYTES - 2)]


class Way:
    """One direction of the cable. Changes here apply from the next bytes on."""

    def __init__(self, seed: int) -> None:
        self.blocked = False
        """Nothing passes."""
        self.noise = b""
        """This byte repeats endlessly, as fast as the line can, in place of everything else."""
        self.alter: Alter | None = None
        self._seed = seed
        self._faulty: FaultyLine | None = None
        self._since_s = 0.0
        self._frames = FrameDecoder()
        self._injected: deque[bytes] = deque()
        self._within_frame = False
        self._last_s = time.monotonic()

    def damage(self, faults: LineFaults) -> None:
        """Damages from now on; times in `faults` count from now."""
        self._seed += 1
        self._faulty, self._since_s = FaultyLine(faults, self._seed), time.monotonic()

    def inject(self, data: bytes) -> None:
        """Puts bytes between two frames."""
        self._injected.append(data)

    def mend(self) -> None:
        """Everything passes again, with the bytes that a stall held back."""
        self.blocked, self.noise, self.alter = False, b"", None
        if self._faulty is not None:
            self._injected.append(self._faulty._held)
            self._faulty = None

    def empty(self) -> None:
        """Loses the bytes that are under way."""
        self._injected.clear()
        if self._faulty is not None:
            self._faulty._held = b""

    def carry(self, data: bytes, now_s: float) -> bytes:
        """The bytes that come out at the other end."""
        elapsed_s, self._last_s = now_s - self._last_s, now_s
        if self.noise:
            return self.noise * int(elapsed_s * BYTES_PER_S)
        if self.blocked:
            return b""
        if self.alter is not None:
            data = b"".join(self._altered(data, self.alter))
        if data:
            self._within_frame = data[-1] != 0
        while self._injected and not self._within_frame:
            data += self._injected.popleft()
        return data if self._faulty is None else self._faulty.apply(data, now_s - self._since_s)

    def _altered(self, data: bytes, alter: Alter) -> list[bytes]:
        return [out for f in self._frames.feed(data) for out in alter(f[0], f[1], payload_of(f))]


class Witness:
    """The messages of both ends, as they leave them. Times come from `time.monotonic()`."""

    def __init__(self) -> None:
        self.news = Condition()
        self.status: m.Status | None = None
        self.changes: list[Seen] = []
        self.asked: list[tuple[float, int]] = []
        """Time and type of each host message except SETPOINT and PING."""
        self.setpoint: bytes = b""
        """Payload of the newest SETPOINT."""
        self.setpoint_s = 0.0
        self.emg_s = 0.0
        self.streamed: list[int] = []
        """Samples in each session's EMG frames, with those before a gap."""
        self._heard = False
        """A session is active: between START and the next HELLO."""
        self._host, self._device = FrameDecoder(), FrameDecoder()

    def host_said(self, data: bytes, now_s: float) -> None:
        """Takes what the daemon wrote."""
        for frame in self._host.feed(data):
            if frame[0] == m.Setpoint.TYPE:
                self.setpoint, self.setpoint_s = payload_of(frame), now_s
            elif frame[0] != m.Ping.TYPE:
                with self.news:
                    self.asked.append((now_s, frame[0]))
                    self._heard |= frame[0] == m.Start.TYPE
                    self._heard &= frame[0] != m.Hello.TYPE
                    self.news.notify_all()

    def device_said(self, data: bytes, now_s: float, plugged: bool) -> None:
        """Takes what the hand sent, also if no daemon hears it."""
        for frame in self._device.feed(data):
            if frame[0] == m.Emg.TYPE:
                self.emg_s = now_s
                if plugged and self._heard:
                    self._count(m.Emg.unpack(payload_of(frame)[: m.Emg.STRUCT.size]))
            elif frame[0] == m.Status.TYPE:
                self._note(m.Status.unpack(payload_of(frame)), now_s)

    def _count(self, head: m.Emg) -> None:
        end = head.sample_index + head.n
        if not self.streamed or end < self.streamed[-1]:
            self.streamed.append(0)
        self.streamed[-1] = end

    def _note(self, status: m.Status, now_s: float) -> None:
        with self.news:
            before, self.status = self.status, status
            if before is None or (before.state, before.reason, before.boot_id) != (
                status.state,
                status.reason,
                status.boot_id,
            ):
                self.changes.append(Seen(now_s, m.State(status.state), m.Reason(status.reason)))
            self.news.notify_all()


def hurry(process: int = 0, priority: int = HAND_PRIORITY) -> None:
    """Gives the simulated hand priority, where permitted: a busy machine does not delay a real hand either."""
    with suppress(PermissionError):
        os.sched_setscheduler(process, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))


class Cable(Thread):
    """Carries bytes until `close`."""

    def __init__(self, link: Path, device: Device, seed: int = 0) -> None:
        super().__init__(daemon=True)
        self.device = device
        self.witness = Witness()
        self.up, self.down = Way(2 * seed), Way(2 * seed + 1)
        """From the hand to the daemon, and back."""
        self.plugged = True
        self.stood_still_s = 0.0
        """When the machine last delayed the cable, and with it the hand."""
        self._port = PtyPort(link)
        self._todo: deque[Callable[[], None]] = deque()
        self._stopping = Event()

    def do(self, action: Callable[[], None]) -> float:
        """Runs something in the cable's thread between two turns; returns the time at which it ran."""
        done, at_s = Event(), [0.0]

        def act() -> None:
            action()
            at_s[0] = time.monotonic()
            done.set()

        self._todo.append(act)
        if not done.wait(5):
            raise TimeoutError("the cable stands still")
        return at_s[0]

    def unplug(self) -> float:
        """The port vanishes; the hand continues."""
        return self.do(lambda: self._plug(False))

    def plug(self) -> float:
        """The port returns under its name."""
        return self.do(lambda: self._plug(True))

    def _plug(self, plugged: bool) -> None:
        if plugged == self.plugged:
            return
        (self._port.plug if plugged else self._port.unplug)()
        self.plugged = plugged

    def close(self) -> None:
        """Ends the thread and removes the port."""
        self._stopping.set()
        self.join(5)
        self._plug(False)

    def run(self) -> None:
        hurry()
        now_s = time.monotonic()
        while not self._stopping.is_set():
            while self._todo:
                self._todo.popleft()()
            before_s, now_s = now_s, time.monotonic()
            if now_s - before_s > STOOD_STILL_S:
                self.stood_still_s = now_s
            said = self._port.read() if self.plugged else b""
            self.witness.host_said(said, now_s)
            answered = self.device.exchange(self.down.carry(said, now_s), now_s)
            self.witness.device_said(answered, now_s, self.plugged)
            out = self.up.carry(answered, now_s)
            if out and self.plugged:
                self._port.write(out)
            self._sleep()

    def _sleep(self) -> None:
        sleep_s = max(0.0, min(self.device.next_s() - time.monotonic(), LONGEST_SLEEP_S))
        ends = [fd for fd in (self.device.fileno(), self._port._master if self.plugged else None) if fd is not None]
        select.select(ends, [], [], sleep_s)


def frame_of(message: m.Message, seq: int = 0) -> bytes:
    """A message as bytes on the wire."""
    return encode(message.TYPE, seq, message.pack())


def writable(fd: int, data: bytes) -> bytes:
    """The rest after a non-blocking write."""
    try:
        return data[os.write(fd, data) :]
    except BlockingIOError:
        return data
