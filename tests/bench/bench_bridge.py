"""Measures what the bridge adds to a stream of the lab streaming layer, and what it loses.

python tests/bench/bench_bridge.py [--seconds 30] [--channels 8] [--fs 2000]

An amplifier sends numbered samples. One client receives them from LSL directly, another as a host at the bridge's port.
The difference of the two arrivals is what the bridge adds. The amplifier and the clients are processes of their own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from myobridge.board import board_config
from myobridge.channels import spec_for
from myobridge.feed.port_stream import PortStream
from myobridge.settings import Settings
from myobridge.wire.emg import parse_emg
from myobridge.wire.link import SerialLink

TESTS = Path(__file__).parent.parent
sys.path += [str(TESTS), str(TESTS / "loopback")]
from own_lsl import pylsl  # noqa: E402 - its folder is known from here on

WRAP = 20_000
"""Channel 0 counts the samples modulo WRAP, channel 1 the wraps."""


def in_time():
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))


def rows(first, n, channels):
    number = np.arange(first, first + n)
    values = np.zeros((n, channels), np.float32)
    values[:, 0], values[:, 1] = number % WRAP, number // WRAP
    return values


def numbers(values):
    return values[:, 0].astype(np.int64) + WRAP * values[:, 1].astype(np.int64)


def amplifier(channels, fs_hz, over):
    """Sends each sample when it is due; its stamp is that time."""
    in_time()
    info = pylsl.StreamInfo("Bench", "EMG", channels, fs_hz, pylsl.cf_float32, "bench")
    info.desc().append_child("channels").append_child("channel").append_child_value("unit", "uV")
    outlet, sent, began_s = pylsl.StreamOutlet(info), 0, pylsl.local_clock()
    while not over.is_set():
        time.sleep(0.0004)
        due = int((pylsl.local_clock() - began_s) * fs_hz)
        if due > sent:
            stamps = began_s + np.arange(sent + 1, due + 1) / fs_hz
            outlet.push_chunk(rows(sent, due - sent, channels), stamps.tolist())
            sent = due


def direct(over, to):
    """Receives from LSL without the bridge, and saves number and arrival of each sample."""
    in_time()
    inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", "Bench", timeout=20)[0])
    inlet.open_stream(10)
    seen, at_s = [], []
    while not over.is_set():
        values, stamps = inlet.pull_chunk(0.2, 1024, min_samples=1, as_numpy=True)
        if len(stamps):
            seen.append(numbers(values))
            at_s.append(np.full(len(stamps), time.monotonic()))
    np.savez(to, number=np.concatenate(seen), at_s=np.concatenate(at_s))


def host(port, channels, fs_hz, seconds):
    """A host that listens at the bridge: numbers and arrivals of the samples, and how many were lost."""

    in_time()
    seen, at_s, firsts = [], [], []

    def hear(frame, now_s):
        if (emg := parse_emg(frame, channels)) and stream.board:
            first, _, counts = emg
            firsts.append(first)
            seen.append(numbers(counts))
            at_s.append(np.full(len(counts), now_s))

    stream = PortStream(
        SerialLink(port), lambda ident: board_config(ident, spec_for(fs_hz, channels), Settings()), hear
    )
    stream.start()
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        stream.receive(0.1)
    stream.close()
    number = np.concatenate(seen)
    return number, np.concatenate(at_s), int((np.diff(number) - 1).sum()), firsts[0]


def measure(channels, fs_hz, seconds, folder):
    context = get_context("spawn")
    over = context.Event()
    clients = [
        context.Process(target=amplifier, args=(channels, fs_hz, over)),
        context.Process(target=direct, args=(over, folder / "direct.npz")),
    ]
    command = [sys.executable, "-m", "myobridge"]
    with ExitStack() as stack:
        for client in clients:
            client.start()
        board = subprocess.Popen(
            [*command, "simulate", "--fs", str(fs_hz), "--channels", "1"], stdout=subprocess.PIPE, text=True
        )
        stack.callback(board.terminate)
        options = [
            "--emg",
            "lsl:Bench",
            "--hand",
            board.stdout.readline().strip(),
            "--json",
            str(folder / "bridge.json"),
        ]
        bridge = subprocess.Popen([*command, "bridge", *options], stdout=subprocess.PIPE, text=True)
        stack.callback(bridge.terminate)
        result = host(bridge.stdout.readline().strip(), channels, fs_hz, seconds)
        bridge.terminate()
        bridge.wait(20)
        over.set()
        for client in clients:
            client.join(20)
    return result, json.loads((folder / "bridge.json").read_text())


def report(seconds, channels, fs_hz, result, summary, folder):
    (number, at_s, lost, first), straight = result, np.load(folder / "direct.npz")
    newest = np.append(np.diff(at_s) > 0, True)  # the newest sample of each read
    both, here, there = np.intersect1d(number[newest], straight["number"], return_indices=True)
    added_ms = 1000 * (at_s[newest][here] - straight["at_s"][there])
    p50, p95, p99 = np.percentile(added_ms, (50, 95, 99))
    print(f"{channels} channels at {fs_hz:g} Hz for {seconds:g} s: {len(number)} samples, from {first} on")
    print(f"lost: {lost} (stream: {summary['samples_lost']}, host's port: {summary['drops']} frames)")
    quantiles = f"p50 {p50:.2f}  p95 {p95:.2f}  p99 {p99:.2f}  max {added_ms.max():.2f}"
    print(f"bridge minus direct, {len(both)} reads: {quantiles} ms")
    for key, what in (("emg_added_ms", "read → written"), ("emg_age_ms", "time stamp → written")):
        print(f"{what}: " + "  ".join(f"{name} {value:.2f}" for name, value in summary[key].items()) + " ms")
    print(f"processor {summary['cpu_seconds_per_second']:.3f} s/s, memory {summary['rss_mb']:.0f} MB")
    return lost


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--fs", type=float, default=2000.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result, summary = measure(options.channels, options.fs, options.seconds, folder)
        sys.exit(report(options.seconds, options.channels, options.fs, result, summary, folder) != 0)


if __name__ == "__main__":
    main()
