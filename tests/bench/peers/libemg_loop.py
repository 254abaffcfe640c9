"""LibEMG's online pipeline on our hand: its shared memory, windows and predictor, with the same ONNX network.

A streamer process, written like LibEMG's own streamers, fills the shared memory. OnlineEMGRegressor, in a second
process, takes windows out of it and predicts. That process also writes the setpoints to the port, which is the shortest
way.

    python libemg_loop.py PORT MODEL SECONDS JSON   (in the environment of the peers)
"""

import json
import os
import sys
import time
from multiprocessing import Array, Event, Lock, Process, Value
from pathlib import Path

import numpy as np
from libemg.data_handler import OnlineDataHandler
from libemg.emg_predictor import EMGRegressor, OnlineEMGRegressor
from libemg.shared_memory_manager import SharedMemoryManager

from myobridge.bench.minimal_loop import VALID_4MS, Hand, WindowNetwork
from myobridge.wire import messages as m
from myobridge.wire.emg import parse_emg
from myobridge.wire.frame import FrameDecoder

BUFFER_SAMPLES = 2000
"""As in LibEMG's streamers; longer than a window."""
MOST = 10_000
"""Number of latencies that are kept."""


class Streamer(Process):
    """Reads the port and puts samples, newest first, into the shared memory."""

    def __init__(self, hand, channels, items):
        super().__init__(daemon=True)
        self.hand, self.channels, self.items = hand, channels, items
        self.started, self.newest, self.read_s = Event(), Value("q"), Value("d")

    def run(self):
        memory, frames = SharedMemoryManager(), FrameDecoder()
        for item in self.items:
            memory.create_variable(*item)
        self.hand.start()
        gain = self.hand.gain
        self.started.set()
        while True:
            data = os.read(self.hand.fd, 4096)
            read_s = time.monotonic()
            for frame in frames.feed(data):
                emg = parse_emg(frame, self.channels) if frame[0] == m.Emg.TYPE else None
                if emg is None:
                    continue
                index, _, counts = emg
                n = len(counts)
                memory.modify_variable("emg", lambda x, new=(counts * gain)[::-1]: np.vstack((new, x))[: len(x)])
                memory.modify_variable("emg_count", lambda x, n=n: x + n)
                self.newest.value, self.read_s.value = index + n - 1, read_s


class Predictor:
    """The network in the form in which LibEMG's regressor takes a model."""

    def __init__(self, path):
        self.path, self.network = path, None

    def fit(self, *_):
        return self

    def predict(self, windows):
        if self.network is None:  # a session cannot be sent to the predictor's process
            self.network = WindowNetwork(self.path)
        angle_cdeg = self.network(windows.astype(np.float32))
        self.network.settle()
        return np.array([angle_cdeg])


class ToTheHand(OnlineEMGRegressor):
    """Writes setpoints instead of datagrams, each with the sample that it is based on."""

    streamer = None

    def _get_data_helper(self):
        taken = super()._get_data_helper()
        self.newest, self.read_s = self.streamer.newest.value, self.streamer.read_s.value
        return taken

    def write_output(self, model_input, _window):
        angle_cdeg = self.predictor.run(model_input).squeeze()
        self.streamer.hand.send(m.Setpoint(tuple(angle_cdeg.tolist()), VALID_4MS, self.newest))
        self.latencies_s[self.written.value % MOST] = time.monotonic() - self.read_s
        self.written.value += 1


def cpu_s(pid):
    """Processor seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid):
    """Peak resident memory of a process."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def run(port, model, seconds):
    spec = WindowNetwork(model).spec
    channels = len(spec.channels)
    items = [["emg", (BUFFER_SAMPLES, channels), np.double, Lock()], ["emg_count", (1, 1), np.int32, Lock()]]
    streamer = Streamer(Hand(port, spec), channels, items)
    streamer.start()
    regressor = EMGRegressor(Predictor(model))
    online = ToTheHand(regressor, spec.window_samples, spec.hop_samples, OnlineDataHandler(items), features=None)
    online.streamer, online.latencies_s, online.written = streamer, Array("d", MOST), Value("q")
    if not streamer.started.wait(10):
        sys.exit("The board sent no samples to LibEMG's streamer within 10 s.")
    online.run(block=False)
    time.sleep(1.0)  # the pipeline begins with a full window
    pids = [os.getpid(), streamer.pid, online.process.pid]
    began_s, before_s = time.monotonic(), [cpu_s(pid) for pid in pids]
    time.sleep(seconds)
    used_s, took_s = sum(map(cpu_s, pids)) - sum(before_s), time.monotonic() - began_s
    said = {"cpu_seconds_per_second": round(used_s / took_s, 4), "rss_mb": round(sum(map(rss_mb, pids)), 1)}
    online.stop_running()
    streamer.terminate()
    latencies_ms = 1000 * np.array(online.latencies_s[: min(MOST, online.written.value)])
    said["latency_ms"] = {f"p{p}": round(float(np.percentile(latencies_ms, p)), 3) for p in (50, 99)}
    return said


if __name__ == "__main__":
    Path(sys.argv[4]).write_text(json.dumps(run(sys.argv[1], sys.argv[2], float(sys.argv[3]))), encoding="ascii")
