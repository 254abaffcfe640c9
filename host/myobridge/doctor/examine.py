"""One examination: facts are gathered in order, as far as each allows the next."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from select import select
from typing import Final

from myobridge.config import Config
from myobridge.decode import Model
from myobridge.doctor.electrodes import channel_facts
from myobridge.doctor.facts import Facts
from myobridge.doctor.gather import gather_port, gather_system, inference_ms, usb_latency_ms
from myobridge.doctor.sources import DaemonSource, PortSource, Source
from myobridge.errors import UserError
from myobridge.feed import NoDaemon
from myobridge.wire.link import LinkLost, PortInUse, SerialLink
from myobridge.wire.session import SessionFailed

CLENCH_S: Final = 3.0
REACTION_S: Final = 1.5
"""From the word to a fist that is held."""
SETTLE_S: Final = 0.5
"""Pressing a key shakes the other arm, too."""
SILENT_S: Final = 1.0


class Guide:
    """Speaks with the person who wears the electrodes; without a terminal, it waits fixed times."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._asks = sys.stdin is not None and sys.stdin.isatty()

    def ask(self, what: str, source: Source) -> None:
        """Waits, while the source is heard, for Enter or for as long as a person needs to do it."""
        if not self._asks:
            self.say(f"{what}; measuring in {REACTION_S:g} s, for there is no terminal to wait at.")
            listen(source, REACTION_S)
            return
        self.say(f"{what}, then press Enter with the other hand.")
        while not select([sys.stdin], [], [], 0)[0]:
            source.turn()
        sys.stdin.readline()
        listen(source, SETTLE_S)


def listen(source: Source, seconds: float) -> tuple[int, int]:
    """Listens for so long; returns the marks of the stretch. Ends early where nothing comes."""
    start, began_s = source.listener.mark(), time.monotonic()
    while (now_s := time.monotonic()) - began_s < seconds:
        source.turn()
        if now_s - max(began_s, source.listener.newest_s) > SILENT_S:
            break
    return start, source.listener.mark()


def examine(
    port: str, model: Model, config: Config, seconds: float, guide: Guide, *, clench: bool, folder: Path
) -> Facts:
    """Gathers everything about the hand on `port` and about this computer; `folder` is where recordings would go."""
    facts = Facts(port=gather_port(port), system=gather_system(config, folder))
    source = _open(facts, model, config) if facts.port.permitted else None
    if source is not None:
        facts.source = source.kind
        try:
            source.start()
            _measure(facts, source, config, seconds, guide if clench else None)
        except LinkLost as error:
            facts.trouble = "port_unusable", f"{port} was lost: {error}."
        except UserError as error:
            facts.trouble = _what_failed(source, error), str(error)
        finally:
            source.close()
            facts.device = source.device
    facts.port.usb_latency_ms = usb_latency_ms(port)
    if facts.source != "daemon":  # beside a running daemon it would take its processor
        facts.system.inference_ms, facts.system.hop_ms = inference_ms(model), model.spec.hop_ms
    return facts


def _open(facts: Facts, model: Model, config: Config) -> Source | None:
    """The daemon's feed if one runs on the port, or else the port; None, with the trouble noted, if it cannot be."""
    port = facts.port.path
    try:
        return DaemonSource(port)
    except NoDaemon:
        pass
    try:
        return PortSource(SerialLink(port, config.link.baud), model.spec, config)
    except PortInUse as error:
        holders = facts.port.holders
        facts.trouble = "port_busy", f"{port} is held by {' and '.join(holders)}." if holders else str(error)
    except UserError as error:
        facts.trouble = "port_unusable", str(error)
    return None


def _what_failed(source: Source, error: UserError) -> str:
    """The finding behind a conversation that broke off."""
    if source.stopped:
        return "emergency_stop"
    return "no_answer" if source.device is None and isinstance(error, SessionFailed) else "device_refused"


def _measure(facts: Facts, source: Source, config: Config, seconds: float, guide: Guide | None) -> None:
    """Listens to a hand that streams: at rest, and in a fist if there is a guide to ask for it."""
    fist = None
    if guide:
        guide.ask("Relax the arm and hold it still", source)
        guide.say(f"Measuring the resting arm for {seconds:g} s…")
    rest = listen(source, seconds)
    if guide:
        guide.ask("Make a firm fist and hold it", source)
        guide.say(f"Measuring the fist for {CLENCH_S:g} s…")
        fist = listen(source, CLENCH_S)
        guide.say("Done: let go.")
    listener, device = source.listener, source.device
    facts.stream = listener.facts()
    assert device is not None
    facts.channels = channel_facts(
        listener.stretch(*rest),
        listener.stretch(*fist) if fist else None,
        source.names,
        listener.fs_hz,
        device.adc_bits,
        config.safety,
    )
