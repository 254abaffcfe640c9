"""Every mistake gets one sentence: what, where, what to do. Exit code 1 (2 for wrong usage), no traceback."""

import os
import pty

import numpy as np
import pytest

from myobridge.recording import Recording
from myobridge.wire import messages as m
from myobridge.wire.frame import PAYLOAD, encode
from processes import myobridge, running, simulated_hand
from tiny_model import tiny_spec, write_tiny_model


def refused(*arguments, words, code=1):
    result = myobridge(*arguments)
    assert result.returncode == code, result.stderr + result.stdout
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr
    if code == 1:
        (line,) = result.stderr.strip().splitlines()
        assert line.startswith("myobridge: ")
        assert line.endswith(".")


@pytest.fixture
def model(tmp_path):
    return write_tiny_model(tmp_path / "tiny.onnx")


def test_no_such_port(tmp_path, model):
    refused("run", "--port", tmp_path / "none", "--model", model, words=["There is no port", "myobridge devices"])


def test_not_a_serial_port(tmp_path, model):
    (tmp_path / "file").write_text("no port")
    refused("run", "--port", tmp_path / "file", "--model", model, words=["is not a serial port"])


def test_port_in_use(tmp_path):
    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, "--model", "synth") as first:
        assert first.poll() is None
        import time  # noqa: PLC0415

        time.sleep(1.5)
        refused("run", "--port", hand.port, "--model", "synth", words=["is in use by another program"])


def test_a_device_that_is_not_ours(model):
    master, slave = pty.openpty()
    refused("run", "--port", os.ttyname(slave), "--model", model, words=["Nothing that speaks our protocol", "flash"])
    os.close(master)


def test_a_device_of_another_protocol(model):
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    with running("run", "--port", os.ttyname(slave), "--model", model) as daemon:
        hello = b""
        while b"\0" not in hello.lstrip(b"\0"):
            try:
                hello += os.read(master, 100)
            except BlockingIOError:
                continue
        nonce = m.Hello.unpack(_decoded(hello)).nonce
        ident = m.Ident(m.MAJOR + 1, 0, nonce, 0, (9, 9, 9), 0, 1, 5, 1, 0, 8, 10, 2_000_000)
        os.write(master, encode(m.Ident.TYPE, 0, ident.pack()))
        _, errors = daemon.communicate(timeout=10)
    assert daemon.returncode == 1
    assert f"The device speaks protocol {m.MAJOR + 1}.0" in errors
    assert "flash the firmware of this version" in errors
    os.close(master)


def _decoded(wire):
    from myobridge.wire.frame import FrameDecoder  # noqa: PLC0415

    return FrameDecoder().feed(wire)[0][PAYLOAD]


def test_model_for_another_rate_or_more_channels_than_the_device(tmp_path):
    many = write_tiny_model(tmp_path / "many.onnx", tiny_spec(channels=tuple("abcde"), scale_fs=(1.0,) * 5))
    with simulated_hand(tmp_path) as hand:
        refused("run", "--port", hand.port, "--model", many, words=["5 channels", "the device has 4"])
    fast = write_tiny_model(tmp_path / "fast.onnx", tiny_spec(fs_hz=997.0))
    with simulated_hand(tmp_path) as hand:
        refused("run", "--port", hand.port, "--model", fast, words=["cannot sample at this rate"])


def test_models_that_are_none(tmp_path):
    (tmp_path / "text.onnx").write_text("hello")
    foreign = write_tiny_model(tmp_path / "foreign.onnx", metadata="{}")
    for name, words in (("none", ["There is no model"]), ("text", ["not an ONNX model"]), ("foreign", ["not valid"])):
        refused("run", "--port", "/dev/null", "--model", tmp_path / f"{name}.onnx", words=words)
    assert foreign.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[servo]\nslew_deg_per_sec = 100", ["'servo.slew_deg_per_sec'", "'servo.slew_deg_per_s'"]),
        ("[saftey]\n", ["'saftey'", "'safety'"]),
        ("[safety]\nhold_ms = 1000", ["safety.hold_ms", "150"]),
        ("[servo]\nmin_deg = [0, 0, 0]", ["servo.min_deg"]),
        ("[servo]\nmin_deg = [90, 0, 0, 0, 0]\nmax_deg = [80, 180, 180, 180, 180]", ["min_deg"]),
        ("[acquisition]\nfs_hz = nan", ["fs_hz"]),
        ("[acquisition]\nfs_hz = 500", ["500 Hz", "1000 Hz"]),
        ("[acquisition]\ninputs = [3]", ["2 channels", "names 1"]),
        ("[link\n", ["not valid TOML"]),
    ],
)
def test_configs_with_mistakes(tmp_path, model, text, words):
    config = tmp_path / "config.toml"
    config.write_text(text)
    with simulated_hand(tmp_path, "--fs", 1000) as hand:
        refused("run", "--port", hand.port, "--model", model, "--config", config, words=words)


def test_recordings_with_mistakes(tmp_path, model):
    def replay(name, words):
        refused("replay", tmp_path / name, "--model", model, words=words)

    replay("none.npz", ["cannot be read", "check the path"])
    counts = np.zeros((500, 2), np.int16)
    Recording(counts, 1000.0).save(tmp_path / "whole.npz")
    whole = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) * 2 // 3])
    replay("cut.npz", ["is not a whole .npz recording"])
    nan = np.full((500, 2), 1.0)
    nan[100, 1] = np.nan
    np.savez(tmp_path / "nan.npz", emg=nan, fs=1000.0)
    replay("nan.npz", ["channel 1", "NaN"])
    Recording(counts, 2000.0).save(tmp_path / "fast.npz")
    replay("fast.npz", ["2000 Hz", "1000 Hz"])


def test_wrong_usage(tmp_path):
    refused("run", words=["--port"], code=2)
    refused("run", "--port", "x", "--model", "y", "--seconds", "-3", words=["--seconds"], code=2)
    refused("simulate", "--faults", "gremlins=1", words=["gremlins"])
    (tmp_path / "file").write_text("in the way")
    refused("simulate", "--link", tmp_path / "file", words=["The link"])


def test_debug_shows_where_a_mistake_was_found(tmp_path, model):
    result = myobridge("--debug", "run", "--port", tmp_path / "none", "--model", model)
    assert "Traceback" in result.stderr
