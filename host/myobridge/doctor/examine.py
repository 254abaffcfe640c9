"""One examination: facts are gathered in order, as far as each allows the next."""

from __future__ import annotations

import time
from pathlib import Path

from myobridge.config import Config
from myobridge.doctor.electrodes import channel_facts
from myobridge.doctor.facts import Facts
from myobridge.doctor.gather import gather_port, gather_system, inference_ms, usb_latency_ms
from myobridge.doctor.guide import Guide, listen
from myobridge.doctor.sources import DaemonSource, PortSource, Source
from myobridge.errors import UserError
from myobridge.feed import NoDaemon
from myobridge.model import Model
from myobridge.wire.link import LinkLost, PortInUse, SerialLink
from myobridge.wire.session import SessionFailed


def examine(port: str, model: Model, config: Config, seconds: float, guide: Guide | None, folder: Path) -> Facts:
    """Gathers everything about the hand on `port` and about this computer.

    guide: asks the wearer for rest and for a fist; None: only listens.
    folder: where recordings would go.
    """
    facts = Facts(port=gather_port(port), system=gather_system(config, folder))
    source = _open(facts, model, config) if facts.port.permitted else None
    if source is not None:
        facts.source = source.kind
        try:
            source.start()
            _measure(facts, source, config, seconds, guide)
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
    if guide is None:
        rest, fist = listen(source, seconds), None
    else:
        try:
            rest, fist = guide.rest(source, seconds), guide.fist(source)
        finally:
            guide.leave()
    listener, device = source.listener, source.device
    facts.stream = listener.facts(time.monotonic())
    assert device is not None
    facts.channels = channel_facts(
        listener.stretch(*rest),
        listener.stretch(*fist) if fist else None,
        source.names,
        listener.fs_hz,
        device.adc_bits,
        config.safety,
    )
