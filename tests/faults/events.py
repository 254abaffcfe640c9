"""Runs thousands of random events from a seed, in simulated time, under predicates that must hold at all times.

python tests/faults/events.py --minutes 60 --seed 1      as long as this takes, in minutes of a processor
python tests/faults/events.py --seed 1 --episode 17      one episode again, which tells its events

The daemon, its session and its feed are the real ones; the hand, the line and the clock are simulated (`scene.py`), so
the same seed always gives the same story. A violation prints the predicate, the newest events, and as few events as
still lead to it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from event_kinds import KINDS
from predicates import Violated
from scene import Scene

EPISODE_S: Final = 90.0
SETTLED_S: Final = 1.5
"""The first event happens when the first daemon may stream."""
LAST_EVENTS: Final = 12
SHRINKING_S: Final = 60.0
"""Processor time to shorten the story of a violation."""


class Event(NamedTuple):
    """One event. seed: of all its choices, so that it stays the same without the other events."""

    t_s: float
    kind: str
    seed: int

    def __str__(self) -> str:
        return f"{self.t_s:8.3f} s  {self.kind}"


@dataclass
class Told:
    """How an episode ended."""

    seconds: float
    violated: Violated | None
    states: Counter[str] = field(default_factory=Counter)


def plan(seed: int, episode: int) -> list[Event]:
    """The events of an episode: often many at once, sometimes none for a long time."""
    random = Random(f"{seed}:{episode}")
    pace_s = random.choice((0.1, 0.5, 0.5, 2.0))
    names, weights = list(KINDS), [kind.weight * random.choice((0, 1, 1, 3)) for kind in KINDS.values()]
    events, t_s = [], SETTLED_S * random.random()
    while t_s < EPISODE_S:
        events.append(Event(round(t_s, 3), random.choices(names, weights)[0], random.randrange(1 << 32)))
        t_s += random.expovariate(1 / pace_s) if random.random() < 0.97 else random.uniform(1, 20)
    return events


def play(events: Sequence[Event], seed: int, seconds: float = EPISODE_S) -> Told:
    """Plays the events in a new scene."""
    with tempfile.TemporaryDirectory(prefix="myobridge-events-") as folder:
        scene = Scene(Path(folder), seed)
        began_s = scene.now_s
        for event in events:
            act = KINDS[event.kind].do
            scene.world.at(began_s + event.t_s, lambda act=act, event=event: act(scene, Random(event.seed)))
        try:
            scene.run(seconds)
        except Violated as violated:
            return Told(scene.now_s - began_s, violated, scene.hand.seen)
        return Told(scene.now_s - began_s, None, scene.hand.seen)


def shortest(events: Sequence[Event], seed: int, found: Told) -> Sequence[Event]:
    """The fewest events that still violate the same predicate, as far as the time allows."""
    assert found.violated is not None
    until_s = time.process_time() + SHRINKING_S
    events = [event for event in events if event.t_s <= found.seconds]
    step = len(events)
    while step:
        at = 0
        while at < len(events) and time.process_time() < until_s:
            fewer = [*events[:at], *events[at + step :]]
            again = play(fewer, seed, found.seconds + 1.0).violated
            if again is not None and again.predicate is found.violated.predicate:
                events = fewer
            else:
                at += step
        step //= 2
    return events


def explain(seed: int, episode: int, events: Sequence[Event], told: Told) -> str:
    """A violation as text."""
    happened = [event for event in events if event.t_s <= told.seconds]
    few = shortest(events, seed + episode, told)
    return "\n".join(
        (
            f"Seed {seed}, episode {episode}, after {told.seconds:.3f} s and {len(happened)} events:",
            str(told.violated),
            "The newest events:",
            *(f"  {event}" for event in happened[-LAST_EVENTS:]),
            f"These {len(few)} suffice:",
            *(f"  {event!r}" for event in few),
        )
    )


def main() -> int:
    """Runs, and reports what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0, help="of processor time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--episode", type=int, help="this one only")
    asked = parser.parse_args()
    happened: Counter[str] = Counter()
    states: Counter[str] = Counter()
    simulated_s, until_s = 0.0, time.process_time() + 60 * asked.minutes
    for episode in [asked.episode] if asked.episode is not None else count():
        if simulated_s and time.process_time() > until_s:
            break
        events = plan(asked.seed, episode)
        told = play(events, asked.seed + episode)
        if told.violated is not None:
            print(explain(asked.seed, episode, events, told), file=sys.stderr)
            return 1
        happened.update(event.kind for event in events)
        states.update(told.states)
        simulated_s += told.seconds
    print(f"Seed {asked.seed}: {happened.total()} events in {simulated_s / 3600:.2f} simulated hours, no violation.")
    print("The hand became:", ", ".join(f"{name} {times}" for name, times in sorted(states.items())))
    print("| event | times |\n|---|---|")
    for name in KINDS:
        print(f"| {name} | {happened[name]} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
