"""The events that people, electrodes, cables, boards and computers cause in a scene. Each has its own `Random`."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec
import neighbours  # noqa: F401
from cable import frame_of
from caller import Caller
from predicates import COMMAND_LINE
from scene import Scene
from wearer import CHANNELS, TROUBLES

from myobridge.daemon.permission import estop_command as stop
from myobridge.feed.messages import REQUEST, Do, pack
from myobridge.settings import SafetySettings, ServoSettings
from myobridge.simulator.line_faults import LineFaults
from myobridge.wire import messages as m
from myobridge.wire.frame import encode

Act = Callable[[Scene, Random], None]


@dataclass(frozen=True)
class Kind:
    """One kind of event. weight: its frequency relative to the others."""

    name: str
    do: Act
    weight: float = 1.0


def _duration_s(random: Random, most_s: float = 20.0) -> float:
    """Often short, sometimes long."""
    return float(min(most_s, 0.02 * 1000 ** random.random()))


# --- people ---------------------------------------------------------------------------------------------


def _caller(scene: Scene, random: Random) -> Caller | None:
    """A client that is connected already, or a new one; None without a daemon."""
    if scene.callers and random.random() < 0.7:
        return random.choice(scene.callers)
    with suppress(OSError):
        return Caller(scene.port, scene.watch, scene.callers)
    return None


def asks(*wishes: Do) -> Act:
    def do(scene: Scene, random: Random) -> None:
        if (caller := _caller(scene, random)) is not None:
            caller.reads = True
            caller.ask(*wishes)

    return do


def _signals(number: signal.Signals) -> Act:
    words = {signal.SIGUSR1: "arm", signal.SIGUSR2: "disarm"}

    def do(scene: Scene, _random: Random) -> None:
        if scene.daemon is not None and number in words:
            scene.watch.command(words[number], number.name)
        scene.signal(number)

    return do


def command_stops(scene: Scene, _random: Random) -> None:
    """`myobridge estop` while no daemon runs."""
    if scene.daemon is None:
        scene.watch.command("estop", COMMAND_LINE)
        stop.stop(str(scene.port))


def command_lifts(scene: Scene, _random: Random) -> None:
    """`myobridge lift-estop` while no daemon runs."""
    if scene.daemon is None:
        scene.watch.command("lift", COMMAND_LINE)
        stop.lift(str(scene.port))


def swap(scene: Scene, random: Random) -> None:
    """Another model: good, hostile, for another board, not a model, or missing."""
    paths = [*map(str, scene.models.values()), "synth", str(scene.folder / "none.onnx"), str(scene.folder / "bad.onnx")]
    (scene.folder / "bad.onnx").write_bytes(random.randbytes(200))
    if (caller := _caller(scene, random)) is not None:
        caller.ask("model", path=random.choice(paths))


def crowd(scene: Scene, random: Random) -> None:
    """Many clients connect, some of which never read; they leave after a while."""
    for _ in range(random.randrange(2, 20)):
        with suppress(OSError):
            caller = Caller(scene.port, scene.watch, scene.callers)
            caller.reads = random.random() < 0.7
            if random.random() < 0.5:
                caller.ask("subscribe")
            scene.later(_duration_s(random), caller.close)


def nonsense(scene: Scene, random: Random) -> None:
    """A client sends anything but a request."""
    with suppress(OSError):
        caller = Caller(scene.port, scene.watch, scene.callers)
        caller.say(random.choice((random.randbytes(500), pack(REQUEST, b"{"), b"\xff" * 9)))
        scene.later(0.1, caller.close)


# --- electrodes and the board ---------------------------------------------------------------------------


def electrode(scene: Scene, random: Random) -> None:
    """One electrode goes bad, and is good again after a while."""
    scene.wearer.trouble(random.choice([*TROUBLES, "lead off"]), random.randrange(len(CHANNELS)))
    scene.later(_duration_s(random), scene.wearer.mend)


def reset(scene: Scene, _random: Random) -> None:
    """Somebody presses the reset button, or the supply fails."""
    scene.hand.reset()


def supply(scene: Scene, random: Random) -> None:
    """The servo supply is low for a while."""
    safety = scene.hand.firmware.safety
    safety.supply_low = True
    scene.later(_duration_s(random), lambda: setattr(safety, "supply_low", False))


def freeze_hand(scene: Scene, random: Random) -> None:
    """The hand freezes, and continues after a while."""
    scene.world.hand_stopped_until_s = scene.now_s + _duration_s(random, 5.0)


# --- the line -------------------------------------------------------------------------------------------


def _ways(scene: Scene, random: Random) -> list:  # type: ignore[type-arg]
    up, down = scene.world.up, scene.world.down
    return random.choice([[up], [down], [up, down]])


def _mend_later(scene: Scene, random: Random, ways: list) -> None:  # type: ignore[type-arg]
    scene.later(_duration_s(random, 8.0), lambda: [way.mend() for way in ways])


def bad_line(scene: Scene, random: Random) -> None:
    """Losses, bit errors, bursts or stalls, in one or both directions."""
    faults = random.choice(
        (
            LineFaults(flips_per_bit=10 ** random.uniform(-5, -2.5)),
            LineFaults(lost_per_byte=10 ** random.uniform(-5, -2)),
            LineFaults(burst_bytes=random.randrange(10, 2000), burst_every_s=0.3),
            LineFaults(stall_ms=random.randrange(20, 600), stall_every_s=0.65),
        )
    )
    ways = _ways(scene, random)
    for way in ways:
        way.damage(faults)
    _mend_later(scene, random, ways)


def silence(scene: Scene, random: Random) -> None:
    """Nothing passes."""
    ways = _ways(scene, random)
    for way in ways:
        way.blocked = True
    _mend_later(scene, random, ways)


def babble(scene: Scene, random: Random) -> None:
    """One byte repeats endlessly in place of everything else."""
    ways = _ways(scene, random)
    for way in ways:
        way.noise = bytes([random.randrange(256)])
    scene.later(random.uniform(0.1, 0.8), lambda: [way.mend() for way in ways])


def rearranged(scene: Scene, random: Random) -> None:
    """Frames arrive twice, late or not at all."""
    own = Random(random.random())
    held: list[bytes] = []

    def alter(kind: int, seq: int, payload: bytes) -> list[bytes]:
        frame = encode(kind, seq, payload)
        chance = own.random()
        if held and chance < 0.5:
            return [frame, held.pop()]
        if chance < 0.55:
            held.append(frame)
            return []
        return [frame] * (0 if chance < 0.6 else 2 if chance < 0.7 else 1)

    ways = _ways(scene, random)
    for way in ways:
        way.alter = alter
    _mend_later(scene, random, ways)


def hostile_bytes(scene: Scene, random: Random) -> None:
    """Random bytes between two frames, in both directions."""
    for way in (scene.world.up, scene.world.down):
        way.inject(random.randbytes(random.randrange(1, 2000)) + b"\0")


def forged_frames(scene: Scene, random: Random) -> None:
    """Intact frames with random content, and setpoints that make no sense. A refusing CONFIG_ACK may end a daemon."""
    for _ in range(random.randrange(1, 20)):
        kind = random.choice([kind for kind in m.BY_TYPE if kind & 0x80 and kind != m.ConfigAck.TYPE])
        size = random.choice((m.PAYLOAD_BYTES[kind], random.randrange(80)))
        scene.world.up.inject(encode(kind, random.randrange(256), random.randbytes(size)))
        angles = tuple(random.randrange(m.ANGLE_MAX_CDEG + 1, 65536) for _ in range(m.SERVOS))
        scene.world.down.inject(frame_of(m.Setpoint(angles, 255, random.randrange(1 << 32))))


def unplug(scene: Scene, random: Random) -> None:
    """The cable is unplugged, and plugged in again."""
    scene.world.plug(False)
    scene.later(_duration_s(random, 8.0), lambda: scene.world.plug(True))


# --- the daemon and its machine -------------------------------------------------------------------------


def freeze_daemon(scene: Scene, random: Random) -> None:
    """SIGSTOP, and SIGCONT after a while."""
    if scene.daemon is not None:  # a daemon that is stopped already continues at its own time
        until_s = scene.now_s + _duration_s(random, 5.0)
        scene.world.daemon_stopped_until_s = max(scene.world.daemon_stopped_until_s, until_s)


def slow_decision(scene: Scene, random: Random) -> None:
    """The next decision takes long."""
    scene.slow_s = _duration_s(random, 2.0)


def end(scene: Scene, random: Random) -> None:
    """The daemon is ended, and started again, maybe with `--arm`."""
    _next_daemon(scene, random)
    scene.signal(random.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)))


def kill(scene: Scene, random: Random) -> None:
    """SIGKILL, and another start."""
    _next_daemon(scene, random)
    scene.kill()


def _next_daemon(scene: Scene, random: Random) -> None:
    scene.down_s = _duration_s(random, 8.0)
    scene.next_arm = random.random() < 0.4


def other_files(scene: Scene, random: Random) -> None:
    """The next daemon gets another configuration and model; the model file of the running daemon is replaced."""
    servo = msgspec.structs.replace(ServoSettings(), slew_deg_per_s=random.choice((60.0, 200.0, 400.0)))
    safety = msgspec.structs.replace(
        SafetySettings(), hold_ms=random.choice((50, 100, 150)), max_age_ms=random.choice((20, 40, 100))
    )
    scene.config = msgspec.structs.replace(scene.config, servo=servo, safety=safety)
    scene.model = random.choice(list(scene.models.values()))
    scene.models["good"].write_bytes(scene.models["other"].read_bytes())


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("ARM at the feed", asks("arm"), 8),
        Kind("DISARM at the feed", asks("disarm"), 2),
        Kind("ESTOP at the feed", asks("estop"), 0.5),
        Kind("lift at the feed", asks("lift"), 1),
        Kind("three wishes in one write", asks("about", "about", "estop"), 0.2),
        Kind("many wishes in one write", asks("arm", "about", "disarm", "arm"), 0.5),
        Kind("SIGUSR1", _signals(signal.SIGUSR1), 5),
        Kind("SIGUSR2", _signals(signal.SIGUSR2), 1),
        Kind("ESTOP by command", command_stops, 0.5),
        Kind("lift by command", command_lifts, 0.5),
        Kind("another model", swap, 2),
        Kind("crowd", crowd, 0.5),
        Kind("nonsense at the feed", nonsense, 0.5),
        Kind("electrode", electrode, 5),
        Kind("reset", reset, 1),
        Kind("supply low", supply, 0.5),
        Kind("hand frozen", freeze_hand, 2),
        Kind("bad line", bad_line, 2),
        Kind("silence", silence, 1),
        Kind("endless bytes", babble, 0.5),
        Kind("frames rearranged", rearranged, 1),
        Kind("hostile bytes", hostile_bytes, 0.5),
        Kind("forged frames", forged_frames, 1),
        Kind("unplugged", unplug, 1),
        Kind("daemon frozen", freeze_daemon, 2),
        Kind("slow decision", slow_decision, 1),
        Kind("daemon ended", end, 0.5),
        Kind("daemon killed", kill, 0.5),
        Kind("other files", other_files, 0.5),
    )
}
