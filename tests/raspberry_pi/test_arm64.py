"""The processors, Python versions and wheels of Raspberry Pis, under qemu. Shows that everything runs, not how fast."""

import json
import os
import shlex
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest

import shipped_angles
from arm64_root import SYSTEMS, System
from loopback.processes import feed_of
from myobridge.daemon.service.board import Board, any_arduino
from myobridge.daemon.service.hand import ONLY, Hand
from myobridge.daemon.service.texts import rule_text
from myobridge.model.file import METADATA_KEY, decode_spec, encode_spec
from myobridge.model.shipped import shipped_models

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("arm64_roots")]

CPUS = ("cortex-a53", "cortex-a72")
"""Processors of Raspberry Pi 3 and Zero 2 W, and of Raspberry Pi 4. qemu refuses instructions that they lack:
onnxruntime 1.21.0, which pyproject.toml excludes, ends here with an illegal instruction, as it does on a Pi."""
TOLERANCE_DEG = 1e-3
SELF_TEST_S = 10
NATIVE = Path(__file__).parent / "native"
HOP_MS = 50
"""qemu is too slow for a decision every 5 ms."""
MAX_AGE_MS = 1000
"""Long, because qemu's delays say nothing about a Pi."""
PUNCTUAL = ("chrt", "--rr", "1")
"""A real board answers in time however busy this machine is; the daemon takes such a priority by itself."""


def name_of(value) -> str:
    return f"python{value.python}" if isinstance(value, System) else value


def start(command: list[str], system: System, cpu: str = CPUS[1]) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = system.environment
    environment["PYTHONPATH"] = os.pathsep.join((str(NATIVE), environment["PYTHONPATH"]))
    return subprocess.Popen(command, env=environment | {"ARM64_PYTHON": str(interpreter(system, cpu))}, **pipes)


def interpreter(system: System, cpu: str) -> Path:
    """A script that runs the system's Python on this processor; `native/sitecustomize.py` makes it sys.executable."""
    script = system.root / f"python3-{cpu}"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(system.command(cpu))} "$@"\n')
    script.chmod(0o755)
    return script


def punctual(command: list[str]) -> list[str]:
    """The command with real-time priority, if this user may set one."""
    permitted = subprocess.run([*PUNCTUAL, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    return [*PUNCTUAL, *command] if permitted else command


def output(process: subprocess.Popen, timeout_s: float = 300) -> str:
    """Standard output of the process; return code -4 means that the processor lacks an instruction."""
    out, errors = process.communicate(timeout=timeout_s)
    assert process.returncode == 0, errors
    return out


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("system", SYSTEMS, ids=name_of)
def test_the_shipped_models_decide_as_on_this_machine(system, cpu):
    there = json.loads(output(start(system.command(cpu, shipped_angles.__file__), system, cpu)))
    for name, path in shipped_models().items():
        here = shipped_angles.angles(path)
        assert len(here) > 50
        assert np.ptp(here) > 10, "the model's output is constant, so the comparison would show nothing"
        np.testing.assert_allclose(there[name], here, rtol=0, atol=TOLERANCE_DEG, err_msg=name)


@pytest.fixture
def slow_model(tmp_path):
    """The shipped demo model with fewer decisions per second."""
    model = onnx.load(shipped_models()["synth"])
    entry = next(entry for entry in model.metadata_props if entry.key == METADATA_KEY)
    spec = decode_spec(entry.value, tmp_path)
    hop = int(spec.fs_hz * HOP_MS / 1000)
    history_hops = spec.history_hops * spec.hop_samples // hop
    del model.metadata_props[:]
    slow = encode_spec(msgspec.structs.replace(spec, hop_samples=hop, history_hops=history_hops))
    onnx.helper.set_model_props(model, {METADATA_KEY: slow})
    onnx.save(model, tmp_path / "slow.onnx")
    return tmp_path / "slow.onnx"


@contextmanager
def hand_of(system: System, cpu: str, folder):
    """The port of a simulated hand, which also runs under qemu."""
    arguments = ("--link", folder / "hand", "--json", folder / "hand.json")
    hand = start(punctual(system.command(cpu, "-m", "myobridge", "simulate", *arguments)), system, cpu)
    try:
        yield hand.stdout.readline().strip()
        hand.send_signal(signal.SIGINT)
        output(hand)
    finally:
        hand.kill()


@pytest.mark.parametrize(("system", "cpu"), list(zip(SYSTEMS, CPUS, strict=True)), ids=name_of)
def test_the_daemon_moves_the_hand_for_ten_seconds(system, cpu, slow_model, tmp_path):
    with hand_of(system, cpu, tmp_path) as port:
        (tmp_path / "slow.toml").write_text(f"[safety]\nmax_age_ms = {MAX_AGE_MS}\n")
        slow = ("--model", slow_model, "--config", tmp_path / "slow.toml")
        arguments = ("--port", port, *slow, "--json", "-")
        daemon = start(punctual(system.command(cpu, "-m", "myobridge", "run", *arguments)), system, cpu)
        try:
            with feed_of(port, within_s=300) as feed:
                until_s = time.monotonic() + 300  # the trial of the model loads onnxruntime once more
                while not feed.request("arm").ok:
                    assert time.monotonic() < until_s
            time.sleep(SELF_TEST_S)
            daemon.send_signal(signal.SIGINT)
            told = json.loads(output(daemon))
        finally:
            daemon.kill()
    hand = json.loads((tmp_path / "hand.json").read_text())
    assert told["seconds"] >= SELF_TEST_S
    assert told["crc_errors"] == told["reconnects"] == 0
    assert told["commands_sent"] > 0
    assert hand["range_rejects"] == 0
    assert (hand["state"], hand["reason"]) == ("DISARMED", "host_disarmed")


@pytest.mark.parametrize("hand", [ONLY, Hand("left")], ids=["the only hand", "one of two"])
@pytest.mark.parametrize("board", [any_arduino(), Board(('KERNEL=="ttyAMA0"',), "ttyAMA")], ids=["usb", "gpio"])
def test_udev_accepts_the_rule_of_the_service(board, hand, tmp_path):
    system, path = SYSTEMS[-1], tmp_path / "70-myobridge.rules"  # `udevadm verify` came with systemd 254
    command = system.command(CPUS[-1], "verify", "--no-style", path, program="udevadm")
    path.write_text(rule_text(board, hand), encoding="utf-8")
    assert "Fail:    0" in output(start(command, system))
    path.write_text(rule_text(board, hand).replace("SYMLINK", "SYMLONK"), encoding="utf-8")
    assert start(command, system).wait(60) == 1
