"""Turns each real-time setting of the daemon on and off: a setting stays in `realtime.py` only if it helps here.

sudo python tests/bench/bench_realtime.py [--seconds 5] [--turns 2] [--load 3] [--setting large]

`fifo` runs beside --load busy processes per core. During `lock` the kernel pushes the daemon's pages out three times,
as it does when memory is short. `collect` and `large` run alone; many short turns tell more than few long ones. The
hand runs at a higher priority than all of them. Needs Linux 5.10 or newer.
"""

import argparse
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from threading import Thread

from myobridge.bench import live
from myobridge.daemon.realtime import enter_realtime
from myobridge.model.load import open_model
from myobridge.model.shipped import find_model
from myobridge.settings import load_settings

PIDFD_OPEN, PROCESS_MADVISE, MADV_PAGEOUT = 434, 440, 21
HAND_PRIORITY = 45
PATCHES = {
    "fifo": "import os; os.sched_setscheduler = lambda *_: None",
    "lock": "import myobridge.daemon.realtime as r; r.MCL_CURRENT = r.MCL_FUTURE = r.MCL_ONFAULT = 0",
    "collect": "import myobridge.daemon.realtime as r; r.stop_collecting = lambda: None",
    "large": "import myobridge.daemon.realtime as r; r.use_large_pages = lambda: None",
}
"""Code that turns each setting off."""
LIBC = ctypes.CDLL(None, use_errno=True)


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def push_out(pid: int) -> None:
    """Asks the kernel to push out all pages that are not locked (process_madvise(2))."""
    pidfd = LIBC.syscall(PIDFD_OPEN, pid, 0)
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        start, end = (int(number, 16) for number in line.split()[0].split("-"))
        if not line.endswith("]") or "[heap]" in line:
            area = Iovec(start, end - start)
            LIBC.syscall(PROCESS_MADVISE, pidfd, ctypes.byref(area), 1, MADV_PAGEOUT, 0)
    os.close(pidfd)


def push_out_now_and_then(port: str) -> None:
    """Pushes the pages of this port's daemon out three times."""
    time.sleep(2.0)
    for _ in range(3):
        time.sleep(0.7)
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            words = process.read_text(errors="replace").split("\0")
            if port in words and "run" in words and words[0] == sys.executable:
                push_out(int(process.parent.name))


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Runs processes that never sleep."""
    spin = "import os; os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))\nwhile True: pass"
    spinning = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def daemon(setting: str, on: bool, model: Path, seconds: float, own: Path) -> live.Command:
    """`myobridge run` with or without the setting; with its own libraries, because shared pages stay in memory."""

    def command(port: Path, said: Path) -> list[str]:
        python, _, _, *run = live.daemon(model, None, seconds)(port, said)
        if setting == "lock":
            Thread(target=push_out_now_and_then, args=(str(port),)).start()
        start = f"{'' if on else PATCHES[setting]}\nfrom myobridge.cli import main; main()"
        path = os.pathsep.join([str(own), os.environ.get("PYTHONPATH", "")])
        return ["env", f"PYTHONPATH={path}", "chrt", "-o", "0", python, "-c", start, *run]

    return command


def main() -> None:
    """Prints one row per run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--load", type=int, default=3)
    parser.add_argument("--setting", choices=PATCHES, help="measure this setting only")
    options = parser.parse_args()
    if refused := enter_realtime(HAND_PRIORITY):
        sys.exit(refused[0])
    model = find_model("synth")
    source, config = live.emg_for(open_model(model).spec), load_settings(None)
    print(f"{'setting':10}{'':5}{'p50':>9}{'p99':>9}{'max ms':>9}{'late hops':>11}{'lost':>7}{'setpoints':>11}")
    with tempfile.TemporaryDirectory() as name:
        for package in ("numpy", "onnxruntime"):
            folder = Path(find_spec(package).origin).parent
            shutil.copytree(folder, Path(name, package))
            if (libraries := folder.with_name(f"{package}.libs")).exists():
                shutil.copytree(libraries, Path(name, libraries.name))
        for setting in [options.setting] if options.setting else PATCHES:
            times_ms: dict[bool, list[dict[str, float]]] = {True: [], False: []}
            for turn in range(2 * options.turns):
                on = turn % 2 == 0
                with busy(options.load * (os.cpu_count() or 1) if setting == "fifo" else 0):
                    said = live.run_loop(daemon(setting, on, model, options.seconds, Path(name)), source, config).said
                ms = said["latency_ms"]
                times_ms[on].append(ms)
                print(
                    f"{setting:10}{'on' if on else 'off':5}{ms['p50']:9.2f}{ms['p99']:9.2f}{ms['max']:9.2f}"
                    f"{said['deadline_misses']:11}{said['samples_lost']:7}{said['commands_sent']:11}",
                    flush=True,
                )
            pairs = list(zip(times_ms[True], times_ms[False], strict=True))
            ratios = (f"{p} {median(one[p] / other[p] for one, other in pairs):.3f}" for p in ("p50", "p99"))
            print(f"{setting}: on / off, median of turns: {', '.join(ratios)}")


if __name__ == "__main__":
    main()
