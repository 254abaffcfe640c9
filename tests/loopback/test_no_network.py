"""No command uses the network, except the view, lab streaming and the bridge."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import pytest

from labelled_recording import labelled
from processes import feed_of
from tiny_model import tiny_spec, write_tiny_model

OFFLINE = Path(__file__).with_name("offline.py")
pytestmark = pytest.mark.skipif(not find_library("seccomp"), reason="libseccomp is not installed; systemd brings it.")


def offline(module, *arguments) -> list[str]:
    return [sys.executable, str(OFFLINE), module, *map(str, arguments)]


def run(*command, timeout_s=300) -> subprocess.CompletedProcess:
    return subprocess.run(offline(*command), capture_output=True, text=True, timeout=timeout_s, check=False)


def done(*command) -> str:
    result = run(*command)
    assert result.returncode == 0, (command, result.returncode, result.stderr)
    return result.stdout


@contextmanager
def offline_in_the_background(*arguments):
    process = subprocess.Popen(offline("myobridge", *arguments), stdout=subprocess.PIPE, text=True)
    try:
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


@contextmanager
def hand(folder):
    with offline_in_the_background("simulate", "--link", folder / "hand") as process:
        yield process.stdout.readline().strip()


def test_the_filter_ends_a_program_that_opens_a_network_socket(tmp_path):
    (tmp_path / "asks.py").write_text("import socket; socket.getaddrinfo('localhost', 80); socket.socket()")
    result = subprocess.run(offline("asks"), cwd=tmp_path, check=False)
    assert result.returncode == -signal.SIGSYS


def test_onnxruntime_sends_no_telemetry_and_stores_nothing(tmp_path):
    program = "from myobridge.model.load import open_model; from myobridge.model.shipped import find_model; import os;"
    program += "open_model(find_model('synth')); print(len(os.listdir('/proc/self/task')))"
    environment = {"HOME": str(tmp_path), "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout == "1\n", "another thread exists, which sends telemetry after nine seconds"
    assert not list(tmp_path.iterdir())


@pytest.mark.timeout(300)
def test_the_daemon_its_clients_and_the_hand_use_no_network(tmp_path):
    with hand(tmp_path) as port:
        model = write_tiny_model(tmp_path / "tiny.onnx", tiny_spec(fs_hz=2000.0))
        with offline_in_the_background("run", "--port", port, "--model", model, "--arm"):
            feed_of(port).close()
            doctor = run("myobridge", "doctor", "--port", port, "--model", model, "--no-clench", "--seconds", 2)
            assert doctor.returncode in (0, 1), doctor.stderr  # 1: it found something to do
            session = ("--repetitions", 1, "--seconds-per-pose", 1, "--seconds-of-rest", 1, "--model", model)
            done("myobridge", "record", "--port", port, "--out", tmp_path / "r.myo", *session)
        done("myobridge", "run", "--port", port, "--model", "synth", "--arm", "--seconds", 1)
        done("myobridge", "devices")
    done("myobridge", "replay", tmp_path / "r.myo", "--model", model)
    done("myobridge", "inspect", tmp_path / "r.myo", "--plots", tmp_path / "plots")
    for form in ("bids", "edf", "npz", "csv"):
        done("myobridge", "export", tmp_path / "r.myo", "--to", form)


def test_the_demo_and_all_its_processes_use_no_network():
    assert json.loads(done("myobridge", "demo", "--headless", "--seconds", 3, "--json", "-"))["commands_sent"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_training_and_evaluation_use_no_network(tmp_path):
    recording, model = tmp_path / "r.npz", tmp_path / "m.onnx"
    labelled().save(recording)
    done("myobridge_models", "train", recording, "--out", model, "--steps", 20)
    done("myobridge_models", "evaluate", model, recording)
    done("myobridge_models", "describe", "--fs", 2000)


def test_the_bridge_needs_the_network():
    result = run("myobridge", "bridge", "--emg", "lsl:Nobody", "--hand", "/dev/null")
    assert result.returncode == -signal.SIGSYS, result.stderr


@pytest.mark.parametrize("arguments", [("view",), ("lsl",)])
def test_only_the_view_and_lab_streaming_need_the_network(tmp_path, arguments):
    with hand(tmp_path) as port, offline_in_the_background("run", "--port", port, "--model", "synth"):
        feed_of(port).close()
        result = run("myobridge", *arguments, "--port", port)
    assert result.returncode == -signal.SIGSYS, result.stderr
