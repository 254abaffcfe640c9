"""Mistakes with a board, as whole processes: one sentence and exit code 1. ../test_every_error.py has the others."""

import os
import pty

import pytest

from myobridge.wire import messages as m
from myobridge.wire.frame import PAYLOAD, encode
from processes import myobridge, running, simulated_hand
from tiny_model import tiny_spec, write_tiny_model


def refused(*arguments, words):
    result = myobridge(*arguments)
    assert result.returncode == 1, result.stderr + result.stdout
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("myobridge: ")
    assert line.endswith(".")
    for word in words:
        assert word in line


@pytest.fixture
def model(tmp_path):
    return write_tiny_model(tmp_path / "tiny.onnx")


def test_a_missing_port_is_one_sentence(tmp_path, model):
    refused("run", "--port", tmp_path / "none", "--model", model, words=["There is no port", "myobridge devices"])


def test_a_file_that_is_not_a_serial_port_is_one_sentence(tmp_path, model):
    (tmp_path / "file").write_text("no port")
    refused("run", "--port", tmp_path / "file", "--model", model, words=["is not a serial port"])


def test_a_port_in_use_is_one_sentence(tmp_path):
    with simulated_hand(tmp_path) as hand, running("run", "--port", hand.port, "--model", "synth") as first:
        assert first.poll() is None
        import time  # noqa: PLC0415

        time.sleep(1.5)
        refused("run", "--port", hand.port, "--model", "synth", words=["is in use by another program"])


def test_a_foreign_device_is_one_sentence(model):
    master, slave = pty.openpty()
    refused("run", "--port", os.ttyname(slave), "--model", model, words=["No board that speaks this protocol", "flash"])
    os.close(master)


def test_a_board_of_another_protocol_is_one_sentence(model):
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
        _, errors = daemon.communicate(timeout=60)
    assert daemon.returncode == 1
    assert f"The board speaks protocol {m.MAJOR + 1}.0" in errors
    assert "flash the firmware of this version" in errors
    os.close(master)


def _decoded(wire):
    from myobridge.wire.frame import FrameDecoder  # noqa: PLC0415

    return FrameDecoder().feed(wire)[0][PAYLOAD]


def test_a_model_for_another_rate_or_for_more_channels_is_one_sentence(tmp_path):
    many = write_tiny_model(tmp_path / "many.onnx", tiny_spec(channels=tuple("abcde"), scale_fs=(1.0,) * 5))
    with simulated_hand(tmp_path) as hand:
        refused("run", "--port", hand.port, "--model", many, words=["5 channels", "the board has 4"])
    fast = write_tiny_model(tmp_path / "fast.onnx", tiny_spec(fs_hz=997.0))
    with simulated_hand(tmp_path) as hand:
        refused("run", "--port", hand.port, "--model", fast, words=["cannot sample at this rate"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[acquisition]\nfs_hz = 500", ["500 Hz", "1000 Hz"]),
        ("[acquisition]\ninputs = [3]", ["2 channels", "names 1"]),
    ],
)
def test_a_config_that_does_not_fit_the_model_is_one_sentence(tmp_path, model, text, words):
    config = tmp_path / "config.toml"
    config.write_text(text)
    with simulated_hand(tmp_path, "--fs", 1000) as hand:
        refused("run", "--port", hand.port, "--model", model, "--config", config, words=words)
