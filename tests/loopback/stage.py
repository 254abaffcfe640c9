"""A view with a played daemon: `stage.py --channels 16` shows snapshots that its standard input changes line by line.

Each line is a JSON object of fields of a Snapshot; `null` ends the daemon, and an empty object brings it back.
"""

import argparse
import asyncio
import functools
import json
import sys
import threading
import time

import msgspec
import numpy as np

from myobridge import SERVOS
from myobridge.feed import Snapshot
from myobridge.settings import Settings
from myobridge.view import page, server
from myobridge.view.traces import Columns, Spectrum
from myobridge.view.watch import SPECTRUM_PERIOD_S

COLUMNS_PER_S = 250
PERIOD_S = 0.04
STEP_HZ = 2.0
FOLLOWS = "The hand is armed and follows."
STOPPED = "The hand is stopped by an emergency stop."
ANSWERS = {"arm": FOLLOWS, "estop": STOPPED}


def first_look(channels: int) -> Snapshot:
    """An armed hand; all electrodes but the third are good."""
    return Snapshot(
        t_s=0.0,
        state="ARMED",
        reason="host_armed",
        explained=FOLLOWS,
        blocked="",
        may_move=True,
        withheld="no",
        model="played",
        channels=tuple(f"electrode {i + 1}" for i in range(channels)),
        servos=tuple(SERVOS),
        level=[1.0] * channels,
        contact=["flat" if i == 2 else "good" for i in range(channels)],
        predicted_deg=[30.0, 120.0, 120.0, 100.0, 60.0],
        applied_deg=[40.0, 100.0, 120.0, 90.0, 70.0],
        supply_mv=0,
        samples_received=123456,
        frames_lost=0,
        samples_lost=0,
        crc_errors=0,
        unexpected_frames=0,
        reconnects=0,
        commands_sent=1234,
        write_drops=0,
        feed_drops=0,
        latency_ms={"p50": 0.41, "p99": 0.97},
        fs_hz=2000.0,
        note="",
    )


class PlayedWatch(threading.Thread):
    """Replaces `watch.Watch`."""

    channels = 4

    def __init__(self, port, publish, amplifier):
        super().__init__(daemon=True)
        self._publish = publish
        self._look = first_look(self.channels)
        self._is_there = True
        self._is_over = threading.Event()

    def stop(self):
        self._is_over.set()

    def _listen(self):
        for line in sys.stdin:
            changes = json.loads(line)
            self._is_there = changes is not None
            self._look = msgspec.convert({**msgspec.to_builtins(self._look), **(changes or {})}, Snapshot)

    def run(self):
        threading.Thread(target=self._listen, daemon=True).start()
        random, column = np.random.default_rng(1), 0
        began_s = spectra_s = time.monotonic()
        while not self._is_over.wait(PERIOD_S):
            if not self._is_there:
                self._publish(page.Link(up=False, text="No daemon runs on /dev/ttyACM0."))
                continue
            self._publish(page.Link(up=True, text="The daemon on /dev/ttyACM0 runs and is waiting for the hand."))
            self._publish(page.Look(snapshot=self._look))
            if self._look.state == "LOST":
                continue
            new = int((time.monotonic() - began_s) * COLUMNS_PER_S) - column
            loud = 80 + 70 * np.sin((column + np.arange(new))[:, None] / 90 + np.arange(self.channels))
            high = np.abs(random.normal(0, loud)).astype(np.int16)
            high[:, np.array(self._look.contact) == "flat"] = 0
            self._publish(page.emg(Columns(column, -high, high, np.ones(new, bool)), COLUMNS_PER_S))
            column += new
            if time.monotonic() < spectra_s:
                continue
            spectra_s = time.monotonic() + SPECTRUM_PERIOD_S
            hz = STEP_HZ * np.arange(251)
            power_db = 20 - 25 * np.log10(1 + (hz - 90) ** 2 / 9000) + random.normal(0, 1, (self.channels, 251))
            power_db[:, 25] += 20
            self._publish(page.lines(Spectrum(STEP_HZ, power_db, 50, np.full(self.channels, 20.0))))


class PlayedOrders:
    """Replaces `orders.Orders`: a daemon that grants every order."""

    def __init__(self, port, memory, tell, control):
        pass

    async def renew(self):
        pass

    async def run(self):
        await asyncio.Event().wait()

    async def pass_on(self, order):
        return page.Answer(do=order.do, ok=True, text=ANSWERS.get(order.do, f"{order.do} was ordered."))


def main():
    """Serves the view until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--channels", type=int, default=4)
    parser.add_argument("--without-control", action="store_true")
    options = parser.parse_args()
    PlayedWatch.channels = options.channels
    server.Watch, server.Orders = PlayedWatch, PlayedOrders
    say = functools.partial(print, flush=True)
    server.serve_view("/dev/ttyACM0", "127.0.0.1", 0, control=not options.without_control, say=say, settings=Settings())


if __name__ == "__main__":
    main()
