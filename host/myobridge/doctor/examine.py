"""One examination: facts are gathered in order, as far as each allows the next."""

from __future__ import annotations

import time
from pathlib import Path

from myobridge.doctor.electrodes import channel_facts
from myobridge.doctor.facts import Facts
from myobridge.doctor.gather import gather_port, gather_system, inference_ms, usb_latency_ms
from myobridge.doctor.guide import Guide, Stretch, listen
from myobridge.doctor.stream import DaemonSource, PortSource, Source
from myobridge.errors import UserError
from myobridge.feed import NoDaemon
from myobridge.feed.boot_loader import is_old_nanos
from myobridge.model.load import Model
from myobridge.settings import Settings
from myobridge.wire.link import LinkLost, PortInUse, SerialLink
from myobridge.wire.messages import Board
from myobridge.wire.session import SessionFailed


def examine(port: str, model: Model, config: Settings, seconds: float, guide: Guide | None, folder: Path) -> Facts:
    """Gathers everything about the hand on `port` and about this computer.

    guide: asks the wearer for rest and for a fist; None: only listens.
    folder: where recordings would go.

    Ctrl-C ends it early: the facts that are known by then are returned, and say so.
    """
    facts = Facts(port=gather_port(port), system=gather_system(config, folder))
    try:
        if facts.port.permitted and (source := _open(facts, model, config)):
            _converse(facts, source, config, seconds, guide)
            facts.port.old_boot_loader = _may_be_old_nano(facts) and is_old_nanos(port)
        facts.port.usb_latency_ms = usb_latency_ms(port)
        if facts.source != "daemon":  # beside a running daemon it would take its processor
            facts.system.inference_ms, facts.system.hop_ms = inference_ms(model), model.spec.hop_ms
    except KeyboardInterrupt:
        facts.interrupted = True
    return facts


def _converse(facts: Facts, source: Source, config: Settings, seconds: float, guide: Guide | None) -> None:
    facts.source = source.kind
    try:
        source.start()
        _measure(facts, source, config, seconds, guide)
    except LinkLost as error:
        facts.trouble = "port_unusable", f"{facts.port.path} was lost: {error}."
    except UserError as error:
        facts.trouble = _what_failed(source, error), str(error)
    finally:
        source.close()
        facts.device = source.device


def _open(facts: Facts, model: Model, config: Settings) -> Source | None:
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


def _may_be_old_nano(facts: Facts) -> bool:
    """It is worth a reset to know; the hand holds nothing then, and no emergency stop is lifted."""
    if facts.source != "port" or facts.device is None or facts.stream is None:
        return facts.trouble is not None and facts.trouble[0] == "no_answer"
    return facts.device.board == Board.UNO.name.lower() and "estop_latched" not in facts.stream.blockers


def _what_failed(source: Source, error: UserError) -> str:
    """The finding behind a conversation that broke off."""
    if source.stopped:
        return "emergency_stop"
    return "no_answer" if source.device is None and isinstance(error, SessionFailed) else "device_refused"


def _measure(facts: Facts, source: Source, config: Settings, seconds: float, guide: Guide | None) -> None:
    """Listens to a hand that streams: at rest, and in a fist if there is a guide to ask for it."""
    rest: Stretch | None = None
    fist: Stretch | None = None
    try:
        if guide is None:
            rest = listen(source, seconds)
        else:
            rest = guide.rest(source, seconds)
            fist = guide.fist(source)
            guide.done()
    except KeyboardInterrupt:
        facts.interrupted = True
    finally:
        if guide is not None:
            guide.leave()
    if guide is None and rest is None:
        rest = 0, source.listener.mark()
    _sum_up(facts, source, config, rest, fist)


def _sum_up(facts: Facts, source: Source, config: Settings, rest: Stretch | None, fist: Stretch | None) -> None:
    """What was heard, up to the end or to the Ctrl-C."""
    listener, device = source.listener, source.device
    assert device is not None
    facts.stream = listener.facts(time.monotonic())
    if rest is not None:
        clock = listener.clock
        facts.channels = channel_facts(
            listener.stretch(*rest),
            listener.stretch(*fist) if fist else None,
            source.names,
            clock.fs_hz if clock.rate_off else clock.nominal_hz,  # hum is where it is, whatever the board was told
            device.adc_bits,
            config.safety,
        )
