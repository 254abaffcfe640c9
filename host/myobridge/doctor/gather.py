"""Gathers facts about the port's file and this computer, from /proc, /sys and the C library. Changes nothing.

`root` is the root of the file system, so that a test can provide its own.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np

from myobridge.decoder.latency import hop_times_ms
from myobridge.doctor.facts import PortFacts, SystemFacts
from myobridge.doctor.files import read
from myobridge.doctor.takers import brltty_takes, modem_manager_asks
from myobridge.model.load import Model
from myobridge.settings import Settings
from myobridge.wire.link import group_of

CAP_IPC_LOCK: Final = 1 << 14
CAP_SYS_NICE: Final = 1 << 23
INFERENCES: Final = 50
HOLDER_WORDS: Final = 6
ROOT: Final = Path("/")


def gather_port(path: str, root: Path = ROOT) -> PortFacts:
    """Facts about the port's file, before the port is opened."""
    port = Path(path)
    exists = port.exists()
    real = port.resolve()
    return PortFacts(
        path=path,
        exists=exists,
        permitted=exists and os.access(path, os.R_OK | os.W_OK),
        group=group_of(path),
        holders=_holders(real, root) if exists else (),
        brltty_takes=brltty_takes(real, root),
        modem_manager_asks=modem_manager_asks(real, root),
    )


def usb_latency_ms(path: str, root: Path = ROOT) -> int | None:
    """Latency timer of an FTDI adapter, which opening the port may have set to 1; None for other adapters."""
    text = read(root / "sys/bus/usb-serial/devices" / Path(path).resolve().name / "latency_timer")
    return int(text) if text.isdigit() else None


def _holders(port: Path, root: Path) -> tuple[str, ...]:
    """`command (process PID)` of the other processes that have the port open; other users' processes are hidden."""
    holders = []
    for process in (root / "proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            is_holder = any(fd.readlink() == port for fd in (process / "fd").iterdir())
        except OSError:
            continue
        if is_holder:
            words = " ".join(read(process / "cmdline").split("\0")[:HOLDER_WORDS])
            shown = "".join(c for c in words if c.isprintable())  # a process's name may contain control characters
            holders.append(f"{shown.strip()} (process {process.name})")
    return tuple(holders)


def gather_system(config: Settings, folder: Path, root: Path = ROOT) -> SystemFacts:
    """Facts about this computer, with the free space in `folder`."""
    governors = sorted((root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor"))
    may_fifo, may_lock = _permissions(config.realtime.fifo_priority, root)
    return SystemFacts(
        python_bits=64 if sys.maxsize > 1 << 32 else 32,
        onnxruntime=_version("onnxruntime"),
        governors=tuple(filter(None, map(read, governors))),
        throttled=_throttled(root),
        may_fifo=may_fifo,
        may_lock=may_lock,
        disk_free_mb=shutil.disk_usage(folder).free // 10**6,
    )


def inference_ms(model: Model) -> float:
    """Median time of one inference on this computer, in milliseconds."""
    return round(float(np.median(hop_times_ms([model], turns=1, calls=INFERENCES))), 3)


def _permissions(fifo_priority: int, root: Path) -> tuple[bool, bool]:
    """Whether a process of this user may use SCHED_FIFO, and may lock memory."""
    held = read(root / "proc/self/status").partition("CapEff:")[2].split()
    capabilities = int(held[0], 16) if held else 0
    rtprio = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    memlock = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    may_fifo = bool(capabilities & CAP_SYS_NICE) or rtprio == resource.RLIM_INFINITY or rtprio >= fifo_priority
    return may_fifo, bool(capabilities & CAP_IPC_LOCK) or memlock == resource.RLIM_INFINITY


def _throttled(root: Path) -> int | None:
    """The throttling bits of a Raspberry Pi, from its firmware or its voltage monitor; None on other computers."""
    text = read(root / "sys/devices/platform/soc/soc:firmware/get_throttled") or _vcgencmd(root)
    if text:
        try:
            return int(text, 16)
        except ValueError:
            return None
    for monitor in (root / "sys/class/hwmon").glob("hwmon*"):
        if read(monitor / "name") == "rpi_volt":
            return int(read(monitor / "in0_lcrit_alarm") == "1")
    return None


def _vcgencmd(root: Path) -> str:
    command = shutil.which("vcgencmd", path=os.fspath(root / "usr/bin"))
    if command is None:
        return ""
    try:
        answer = subprocess.run([command, "get_throttled"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip().removeprefix("throttled=")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
