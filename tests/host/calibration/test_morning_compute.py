"""The arithmetic of a calibration is ended when it hangs, and after a stop it puts no model in place."""

import time

import numpy as np
import pytest

from myobridge.calibration.beside_messages import Taken
from myobridge.calibration.morning import compute
from myobridge.calibration.morning.compute import Computation

NONE = np.zeros(10, np.uint8)
EMG = Taken(np.zeros((10, 2), np.int16), 1000.0, 10, NONE, NONE, ())


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Makes a computation whose process does what a shell script says."""

    def make(script):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(compute.sys, "executable", str(program))
        (tmp_path / "base.onnx").write_bytes(b"old")
        computation = Computation(tmp_path / "base.onnx", tmp_path / "mine.onnx")
        computation.begin()
        return computation

    return make


def until(holds):
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


FINDS = """read -r given; echo ready; cat > /dev/null; echo '{"better": true, "model_bytes": 5}'; printf model"""


def test_a_process_that_hangs_is_ended_and_the_wearer_is_told(begun, monkeypatch):
    monkeypatch.setattr(compute, "LONGEST_S", 0.2)
    computation = begun("read -r given; echo ready; exec sleep 600")
    computation.give(EMG)
    until(lambda: computation.over() is not None)
    assert "could not be computed" in computation.over().refusal


def test_a_better_model_is_put_in_place_and_a_stop_then_comes_too_late(begun):
    computation = begun(FINDS)
    computation.give(EMG)
    until(lambda: computation.over() is not None)
    assert computation.keeping
    computation.cancel()
    assert computation.mine.read_bytes() == b"model"


def test_half_a_model_is_not_put_in_place(begun):
    computation = begun(FINDS.removesuffix("el"))
    computation.give(EMG)
    until(lambda: computation.over() is not None)
    assert "could not be computed" in computation.over().refusal
    assert not computation.mine.exists()


def test_nothing_is_put_in_place_after_a_stop(begun):
    computation = begun(FINDS)
    until(lambda: computation._loaded)
    computation.give(EMG)
    computation.cancel()
    until(lambda: computation.over() is not None)
    assert not computation.keeping
    assert not computation.mine.exists()
