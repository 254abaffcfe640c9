"""Runs a daemon and a simulated hand for minutes with random faults; nothing may stay wrong.

python tests/faults/soak.py --minutes 30 --seed 1

Between two faults it is quiet for a moment: then it must stream, no counter may rise, and all samples must be accounted
for. The same seed gives the same faults. Exit code 1 and a sentence if something is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from devices import Loop
from rig import FS_HZ, LOOP_S, Rig, leave_nothing_running
from soak_faults import FAULTS, Fault, mend

from myobridge.feed import Snapshot
from myobridge.simulator.synth import SynthOptions, SynthSource
from myobridge.wire import messages as m
from myobridge.wire.messages import Reason, State
from starvation import LATE_S, measured

COUNTERS = ("crc_errors", "frames_lost", "samples_lost", "unexpected_frames", "reconnects", "write_drops", "feed_drops")
LOSSES = {"frames_lost", "samples_lost"}
"""Counters that rise, too, while other programs keep the daemon or the hand from running: the line's buffer is full."""
ACCOUNTED_S = 3.0
UNDER_WAY = 0.1 * FS_HZ
"""Samples that may be under way between the hand and the snapshot that counts them; a snapshot is up to 40 ms old."""
GIVEN_UP_S = 1.5
"""Longest time for which the hand streams to a daemon that has given up: a second of silence and the transport."""
MAX_GROWTH_MB = 3.0
WARM_UP = 0.25
"""Share of the run after which memory must be flat."""


class Wrong(Exception):
    """A fault that the soak found."""


@dataclass
class Soak:
    """One run."""

    rig: Rig
    random: Random
    done: Counter[str] = field(default_factory=Counter)
    recovery_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    memory_mb: list[float] = field(default_factory=list)
    descriptors: set[int] = field(default_factory=set)
    unheard: int = 0
    """Samples sent to a daemon that had given up the session or lost the port."""
    off: int = 0
    """Largest difference between samples sent and samples received + lost at other times."""

    def run(self, seconds: float) -> None:
        """Runs until the time is over.

        Raises:
            Wrong: something stayed wrong.
        """
        until_s = time.monotonic() + seconds
        self.rig.start_daemon()
        self._quiet()
        while time.monotonic() < until_s:
            self._request()
            fault = self.random.choice(FAULTS)
            self._happen(fault)
            self.done[fault.name] += 1

    def _request(self) -> None:
        """A person may send a request."""
        feed = self.rig.feed
        wanted = self.random.choices(("arm", "disarm", "estop", ""), (12, 3, 1, 4))[0]
        if wanted == "arm":
            if self.rig.state is State.HOLD:
                feed.request("disarm")
            reply = feed.request("arm")
            if not reply.ok:
                raise Wrong(f"the hand could not be armed ({self.rig.state.name}): {reply.text}")
        elif wanted:
            feed.request(wanted)
        if wanted == "estop":
            if self.rig.state is not State.ESTOP:
                raise Wrong("the emergency stop did not stop the hand")
            if not (lifted := feed.request("lift")).ok:
                raise Wrong(f"the emergency stop could not be lifted: {lifted.text}")
            self.rig.cable.do(self.rig.device.reset)
            self._quiet()
        self.done[wanted or "nothing asked"] += 1

    def _happen(self, fault: Fault) -> None:
        before, unaccounted, at_s = self._streaming(), self._unaccounted(), time.monotonic()
        with measured() as machine:
            fault.do(self.rig, self.random)
            mended_s = time.monotonic()
            look = self._streaming()
        self.recovery_s[fault.name] = max(self.recovery_s[fault.name], time.monotonic() - mended_s)
        self._armed_by_nobody(at_s)
        if risen := self._risen(before, look, machine.late_s) - fault.may_raise:
            raise Wrong(f"{fault.name} raised {' and '.join(sorted(risen))}")
        self._account(fault, unaccounted, look.reconnects - before.reconnects)
        self._quiet()

    def _armed_by_nobody(self, since_s: float) -> None:
        asked = [kind for t_s, kind in self.rig.witness.asked if t_s >= since_s]
        armed = [seen for seen in self.rig.witness.changes if seen.t_s >= since_s and seen.reason is Reason.HOST_ARMED]
        if m.Arm.TYPE in asked or armed:
            raise Wrong("the hand was armed and nobody had asked")

    def _streaming(self) -> Snapshot:
        try:
            return self.rig.streaming()
        except AssertionError as error:
            raise Wrong(f"stuck: {error}") from error

    def _quiet(self) -> None:
        """Nothing happens, so no counter may rise."""
        time.sleep(0.3)  # frames under way have arrived
        before = self._streaming()
        with measured() as machine:
            time.sleep(self.random.uniform(0.2, 0.6))
            look = self._streaming()
        if risen := self._risen(before, look, machine.late_s):
            raise Wrong(f"{' and '.join(sorted(risen))} rose while nothing was wrong")
        self._watch_process()

    def _risen(self, before: Snapshot, look: Snapshot, late_s: float) -> set[str]:
        """The counters that rose, but for losses on a machine that let every process wait; these are reported."""
        risen = {counter for counter in COUNTERS if getattr(look, counter) != getattr(before, counter)}
        if late_s > LATE_S and risen & LOSSES:
            self.done["losses of a busy machine"] += 1
            risen -= LOSSES
        return risen

    def _watch_process(self) -> None:
        process = Path(f"/proc/{self.rig.daemon.pid}")
        status = (process / "status").read_text()
        self.memory_mb.append(int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6)
        self.descriptors.add(len(list((process / "fd").iterdir())))

    def _unaccounted(self) -> int:
        """Samples sent that the daemon has neither received nor counted as lost, with those under way."""
        look = self.rig.look()
        return sum(self.rig.witness.streamed) - look.samples_received - look.samples_lost

    def _account(self, fault: Fault, before: int, sessions_ended: int) -> None:
        """Waits until all sent samples are accounted for; a busy machine may need a moment."""
        until_s = time.monotonic() + ACCOUNTED_S
        most = UNDER_WAY
        if sessions_ended or fault.cuts:
            most += (sessions_ended + 1) * GIVEN_UP_S * FS_HZ
        while not -UNDER_WAY <= (more := self._unaccounted() - before) <= most:
            if time.monotonic() > until_s:
                raise Wrong(f"{fault.name}: {more} samples are unaccounted for, {sessions_ended} sessions ended")
        if sessions_ended or fault.cuts:
            self.unheard += more
        else:
            self.off = max(self.off, abs(more))

    def judge(self) -> None:
        """Checks what only a whole run shows.

        Raises:
            Wrong: memory or descriptors grew.
        """
        if (growth_mb := growth(self.memory_mb)) > MAX_GROWTH_MB:
            raise Wrong(f"the daemon's memory grew by {growth_mb:.1f} MB")
        if len(self.descriptors) > 1:
            raise Wrong(f"the daemon's open files differ in quiet moments: {sorted(self.descriptors)}")


def growth(memory_mb: list[float]) -> float:
    """Growth of the maximum from the first to the second half of the time after the warm-up."""
    settled = memory_mb[int(WARM_UP * len(memory_mb)) :]
    half = len(settled) // 2
    return max(settled[half:]) - max(settled[: half + 1])


def report(soak: Soak) -> None:
    """Prints the result; the daemon has ended."""
    print("| fault | times | streams again after, worst |\n|---|---|---|")
    for name in sorted(soak.recovery_s):
        print(f"| {name} | {soak.done[name]} | {soak.recovery_s[name]:.2f} s |")
    asked = {name: times for name, times in soak.done.items() if name not in soak.recovery_s}
    print("\nasked:", ", ".join(f"{name} {times}" for name, times in asked.items()))
    print(f"samples sent: {sum(soak.rig.witness.streamed)}, to a daemon that had given up the session: {soak.unheard}")
    print(f"at other times sent and received + lost differed by at most {soak.off}")
    print(f"memory: {soak.memory_mb[0]:.1f} to {soak.memory_mb[-1]:.1f} MB, growth {growth(soak.memory_mb):.2f} MB")
    print(f"open files in quiet moments: {sorted(soak.descriptors)}")
    for name, value in soak.rig.summary.items():
        print(f"{name}: {value}")


def main() -> int:
    """Runs, and reports what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    leave_nothing_running()
    wearer = Loop(SynthSource(SynthOptions(fs_hz=FS_HZ, seed=asked.seed)), LOOP_S)
    with tempfile.TemporaryDirectory(prefix="myobridge-soak-") as folder:
        with Rig(Path(folder), source=wearer, seed=asked.seed) as rig:
            soak, wrong = Soak(rig, Random(asked.seed)), None
            try:
                soak.run(60 * asked.minutes)
                mend(rig)
                rig.end_daemon()
                report(soak)
                soak.judge()
            except Wrong as error:
                wrong = error
                print(rig.said[-2000:], file=sys.stderr)
        if wrong is not None:
            print(f"Seed {asked.seed}, after {sum(soak.done.values())} events: {wrong}.", file=sys.stderr)
    return 0 if wrong is None else 1


if __name__ == "__main__":
    sys.exit(main())
