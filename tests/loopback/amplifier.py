"""An amplifier in the laboratory: a real LSL outlet in this process, fed in real time by a thread."""

import os
import threading
import time
from contextlib import contextmanager, suppress

import numpy as np

from own_lsl import pylsl

TURN_S = 0.002


class Amplifier:
    """Sends `rows` (n, channels) again and again at fs_hz. Its faults may be changed while it sends.

    late_s: age of the samples when they are sent. shift_s: error of the time stamps. paused: nothing is sent, and the
    samples of that time are lost. speed: true rate over the nominal rate. skip: so many samples are lost.
    """

    def __init__(self, name, rows, fs_hz, *, unit="", form=pylsl.cf_float32, at_once=1):
        info = pylsl.StreamInfo(name, "EMG", rows.shape[1], fs_hz, form, f"test-{name}")
        channels = info.desc().append_child("channels")
        for n in range(rows.shape[1]):
            channel = channels.append_child("channel")
            channel.append_child_value("label", f"EMG {n + 1}")
            channel.append_child_value("unit", unit)
        self.late_s = self.shift_s = 0.0
        self.paused = False
        self.speed = 1.0
        self.skip = 0
        self.sent = 0
        self._rows, self._fs_hz, self._at_once = rows, fs_hz, at_once
        self._over, self._open = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._send, args=(info,), daemon=True)
        self._thread.start()
        self._open.wait()

    def _send(self, info):
        with suppress(OSError):  # an amplifier is not late because other tests run here; LSL's threads inherit it
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        self._outlet = pylsl.StreamOutlet(info)
        self._open.set()
        at, due_s = 0, pylsl.local_clock()
        while not self._over.wait(TURN_S):
            now_s = pylsl.local_clock()
            period_s = 1 / (self._fs_hz * self.speed)
            ready = int((now_s - due_s) / period_s) // self._at_once * self._at_once
            if ready <= 0:
                continue
            stamps = due_s + period_s * np.arange(1, ready + 1) - self.late_s + self.shift_s
            rows = self._rows.take(np.arange(at, at + ready), axis=0, mode="wrap")
            at, due_s = at + ready, due_s + ready * period_s
            skip = min(self.skip, ready)
            self.skip -= skip
            if not self.paused and skip < ready:
                self._outlet.push_chunk(np.ascontiguousarray(rows[skip:]), stamps[skip:].tolist())
                self.sent += ready - skip

    def close(self):
        self._over.set()
        self._thread.join()
        del self._outlet


@contextmanager
def amplifier(name, rows, fs_hz, **options):
    sender = Amplifier(name, rows, fs_hz, **options)
    try:
        yield sender
    finally:
        sender.close()


def wait_until(condition, within_s=30.0):
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "the condition did not hold in time"
        time.sleep(0.02)
