"""The simulator at the pace of the wall clock, on a virtual serial port, as `myobridge simulate --firmware` uses it."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import serial
from sim_hand import build_firmware, build_simulator
from sim_host import config

from myobridge.simulator.real_firmware import build_loader
from myobridge.wire.frame import PAYLOAD, FrameDecoder, encode
from myobridge.wire.link import SerialLink
from myobridge.wire.messages import (
    BAUD,
    MAJOR,
    MINOR,
    PROTO_HASH,
    ConfigAck,
    Emg,
    Hello,
    Ident,
    Message,
    ResetCause,
    Start,
)

PATIENCE_S = 20.0


@contextmanager
def simulator(*options: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Runs the simulator; gives the process and its port."""
    command = [build_simulator(), build_firmware("mega2560"), "--board", "mega2560", "--realtime", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        word, port = process.stdout.readline().split()
        assert word == "port"
        try:
            yield process, port
        finally:
            process.send_signal(signal.SIGTERM)


def heard(port: serial.Serial, kind: int, seconds: float) -> bytes | None:
    """Payload of the next frame of one kind, if it comes in time."""
    decoder = FrameDecoder()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for frame in decoder.feed(port.read(port.in_waiting or 1)):
            if frame[0] == kind:
                return frame[PAYLOAD]
    return None


def expect(port: serial.Serial, kind: int) -> bytes:
    """Payload of the next frame of one kind, which is on its way."""
    payload = heard(port, kind, PATIENCE_S)
    assert payload is not None, f"no frame of type {kind:#x} within {PATIENCE_S} s"
    return payload


def send(port: serial.Serial, message: Message) -> None:
    port.write(encode(message.TYPE, 0, message.pack()))


def greet(port: serial.Serial, after_boot: int | None = None) -> Ident:
    """Says HELLO until it is answered by another boot: a board that starts up is deaf."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        send(port, Hello(MAJOR, MINOR, 1, PROTO_HASH))
        payload = heard(port, Ident.TYPE, 0.1)
        if payload is not None and (ident := Ident.unpack(payload)).boot_id != after_boot:
            return ident
    raise AssertionError(f"no answer to HELLO within {PATIENCE_S} s")


def start_streaming(port: serial.Serial) -> Ident:
    ident = greet(port)
    send(port, config(ident.tick_hz))
    ack = ConfigAck.unpack(expect(port, ConfigAck.TYPE))
    send(port, Start(ack.config_crc))
    expect(port, Emg.TYPE)
    return ident


@pytest.mark.real_time
def test_it_keeps_pace_and_sleeps_in_between(tmp_path: Path) -> None:
    before_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    began = time.monotonic()
    options = ("--link", tmp_path / "hand", "--seconds", "2", "--json", tmp_path / "stats")
    with simulator(*options) as (process, name), serial.Serial(name, BAUD, timeout=0.1) as port:
        start_streaming(port)
        with suppress(serial.SerialException):  # the simulator has left
            while process.poll() is None:
                port.read(port.in_waiting or 1)
    took_s = time.monotonic() - began
    busy_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before_s
    stats = json.loads((tmp_path / "stats").read_text())
    print(f"{stats['seconds']:.2f} s in {took_s:.2f} s, {busy_s:.2f} s of CPU, {stats['pace']}")
    assert stats["seconds"] == pytest.approx(2, abs=0.01)
    assert took_s > 1.99
    assert stats["pace"]["slipped_ms"] < 500, "this machine cannot run the firmware in real time"
    assert busy_s < 1.4
    assert not (tmp_path / "hand").exists()


@pytest.mark.real_time
def test_a_host_that_does_not_read_costs_only_its_own_bytes(tmp_path: Path) -> None:
    options = ("--seconds", "2", "--json", tmp_path / "stats")
    with simulator(*options) as (process, name), serial.Serial(name, BAUD, timeout=0.1) as port:
        start_streaming(port)
        process.wait()
    stats = json.loads((tmp_path / "stats").read_text())
    assert stats["seconds"] == pytest.approx(2, abs=0.01)
    assert stats["pace"]["bytes_host_did_not_read"] > 0


def test_a_test_can_pull_the_reset_line_while_it_runs() -> None:
    with simulator() as (process, name), serial.Serial(name, BAUD, timeout=0.1) as port:
        first = start_streaming(port)
        assert process.stdin is not None
        process.stdin.write("reset\n")
        process.stdin.flush()
        second = greet(port, after_boot=first.boot_id)
    assert second.reset_cause == ResetCause.EXTERNAL


def resets(process: subprocess.Popen[str]) -> int:
    """How often the board was reset by now, power-on included."""
    assert process.stdin is not None and process.stdout is not None
    time.sleep(0.2)  # for what was done to the port
    process.stdin.write("stats\n")
    process.stdin.flush()
    process.stdout.readline()
    count: int = json.loads(process.stdout.readline())["reset_count"]
    return count


def test_opening_the_port_resets_a_board_as_it_is_sold_unless_dtr_was_left_on() -> None:
    with simulator("--loader", build_loader("mega2560")) as (process, name):
        assert resets(process) == 1
        for _ in range(2):
            with closing(SerialLink(name)):
                assert resets(process) == 2
        link = SerialLink(name)
        assert resets(process) == 2
        with serial.Serial(name, BAUD):  # a second opening is none to DTR
            assert resets(process) == 2
        assert resets(process) == 2
        link.hang_up()
        assert resets(process) == 2
        with closing(SerialLink(name)):
            assert resets(process) == 3


def test_without_a_loader_the_port_resets_nothing() -> None:
    with simulator() as (process, name):
        SerialLink(name).hang_up()
        SerialLink(name).hang_up()
        assert resets(process) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no-such.elf", "--board", "uno", "--lockstep"], "cannot load no-such.elf"),
        (["x.elf", "--board", "teensy", "--lockstep"], "usage"),
        (["x.elf", "--board", "uno"], "usage"),
        (
            [build_firmware, "--board", "uno", "--lockstep", "--emg", "no-such", "--channels", "4"],
            "cannot read the EMG",
        ),
    ],
)
def test_what_it_cannot_use_it_says_in_one_line(arguments, sentence):
    arguments = [str(a("uno")) if callable(a) else a for a in arguments]
    result = subprocess.run([build_simulator(), *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("hand-sim: ") and sentence in result.stderr
