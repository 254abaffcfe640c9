"""One examination: gathers facts in order, as long as each step makes the next possible."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from myobridge.board import board_config
from myobridge.channels import channels_config
from myobridge.doctor.electrodes import channel_facts
from myobridge.doctor.facts import Facts
from myobridge.doctor.gather import gather_port, gather_system, inference_ms, usb_latency_ms
from myobridge.doctor.guide import Guide, Stretch, listen
from myobridge.doctor.stream import DaemonSource, PortSource, Source
from myobridge.errors import UserError
from myobridge.feed import NoDaemon
from myobridge.feed.boot_loader import is_old_nanos
from myobridge.model.file import ModelSpec
from myobridge.model.load import Model
from myobridge.settings import Settings
from myobridge.wire.handshake import SessionFailed
from myobridge.wire.link import LinkLost, PortInUse, SerialLink
from myobridge.wire.messages import Board


def examine(
    port: str, spec: ModelSpec, model: Model | None, config: Settings, seconds: float, guide: Guide | None, folder: Path
) -> Facts:
    """Gathers the facts about the hand on `port` and about this computer.

    spec: the channels and the rate to ask the board for.
    model: None: no network is timed, because `spec` is from `channels_only`.
    guide: asks the wearer for rest and for a fist; None: the doctor only listens.
    folder: where recordings would go.

    Ctrl-C ends the examination early; the returned facts say so.
    """
    facts = Facts(port=gather_port(port), system=gather_system(config, folder))
    try:
        if facts.port.permitted and (source := _open(facts, spec, model, config)):
            _converse(facts, source, config, seconds, guide)
            facts.port.old_boot_loader = _may_be_old_nano(facts) and is_old_nanos(port)
        facts.port.usb_latency_ms = usb_latency_ms(port)
        if model is not None and facts.source != "daemon":  # a running daemon needs the processor
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


def _open(facts: Facts, spec: ModelSpec, model: Model | None, config: Settings) -> Source | None:
    """The feed of the daemon on the port, else the port itself; None, with `facts.trouble` set, if neither opens."""
    port = facts.port.path
    try:
        return DaemonSource(port)
    except NoDaemon:
        pass
    try:
        configure = channels_config if model is None else board_config
        return PortSource(
            SerialLink(port, config.link.baud), spec.channels, partial(configure, spec=spec, config=config)
        )
    except PortInUse as error:
        holders = facts.port.holders
        facts.trouble = "port_busy", f"{port} is held by {' and '.join(holders)}." if holders else str(error)
    except UserError as error:
        facts.trouble = "port_unusable", str(error)
    return None


def _may_be_old_nano(facts: Facts) -> bool:
    """Whether to reset the board to find out: never while an emergency stop is in force."""
    if facts.source != "port" or facts.device is None or facts.stream is None:
        return facts.trouble is not None and facts.trouble[0] == "no_answer"
    return facts.device.board == Board.UNO.name.lower() and "estop_latched" not in facts.stream.blockers


def _what_failed(source: Source, error: UserError) -> str:
    """The finding for a conversation that failed."""
    if source.stopped:
        return "emergency_stop"
    return "no_answer" if source.device is None and isinstance(error, SessionFailed) else "device_refused"


def _measure(facts: Facts, source: Source, config: Settings, seconds: float, guide: Guide | None) -> None:
    """Listens to a streaming hand: at rest, and in a fist if a guide asks for one."""
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
    """The facts of the stream, up to the end or to Ctrl-C."""
    listener, device = source.listener, source.device
    assert device is not None
    facts.stream = listener.facts(time.monotonic())
    if rest is not None:
        clock = listener.clock
        facts.channels = channel_facts(
            listener.stretch(*rest),
            listener.stretch(*fist) if fist else None,
            source.names,
            clock.fs_hz if clock.rate_off else clock.nominal_hz,  # hum has its true frequency only at the true rate
            device.adc_bits,
            config.safety,
        )
