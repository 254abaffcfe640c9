"""A model is tried in a process of its own: whatever its graphs do there, who asks only hears a sentence."""

import os
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hostile_models import HOSTILE
from myobridge.errors import UserError
from myobridge.model.file import STREAMING_KEY
from myobridge.model.load import open_model, read_model
from myobridge.model.shipped import shipped_models
from tiny_model import tiny_spec, untried, write_tiny_model

GREEDY = ("many constant matrices", "a long constant", "many tensors")
ENDLESS = "large constant matrices"
MOST_MB = 300


@pytest.fixture
def endless(tmp_path):
    """A model whose process is still at it; ended afterwards."""
    model = read_model(HOSTILE[ENDLESS][0](tmp_path / "m.onnx"))
    model.begin_trial()
    yield model
    if child := model._trial._child:
        child.process.kill()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_model_that_does_harm_is_refused_in_a_sentence(name, tmp_path):
    write, word = HOSTILE[name]
    path = write(tmp_path / "m.onnx")
    with pytest.raises(UserError, match=word) as caught:
        open_model(path)
    assert str(caught.value).startswith(str(path)) and str(caught.value).endswith(".")


@pytest.mark.parametrize("name", GREEDY)
def test_its_process_never_takes_more_memory_than_is_said(name, tmp_path):
    path = HOSTILE[name][0](tmp_path / "m.onnx")
    asker = (
        "import resource, sys; from pathlib import Path; from myobridge.model.load import *\n"
        "try: open_model(Path(sys.argv[1]))\n"
        "except UserError: print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    )
    run = subprocess.run([sys.executable, "-c", asker, path], capture_output=True, text=True, check=True, timeout=120)
    assert 50 < int(run.stdout) < MOST_MB


@pytest.mark.parametrize("name", shipped_models())
def test_the_shipped_models_pass_far_from_the_bounds(name):
    verdict = read_model(shipped_models()[name])._trial.wait()
    assert verdict.load_s < 0.5
    assert verdict.run_s < 0.05


def test_who_asks_goes_on_meanwhile(endless):
    answers = 0
    with pytest.raises(UserError, match="too long for a hand"):
        while not endless.ready():
            answers += 1
            time.sleep(0.01)
    assert answers > 5
    with pytest.raises(UserError, match="too long for a hand"):
        _ = endless.session


def test_a_process_that_gets_no_processor_is_given_up_and_the_file_is_not_blamed(endless, monkeypatch):
    os.kill(endless._trial._child.process.pid, signal.SIGSTOP)
    endless._trial._until_s = time.monotonic() + 0.1
    with pytest.raises(UserError, match="busy and try again"):
        _ = endless.session


def test_a_process_that_crashes_is_told_of(endless):
    os.kill(endless._trial._child.process.pid, signal.SIGSEGV)
    with pytest.raises(UserError, match="makes onnxruntime crash"):
        _ = endless.session


@pytest.mark.parametrize("error", [BlockingIOError(11, "no more processes"), MemoryError(), RuntimeError("no thread")])
def test_without_a_process_there_is_no_model(tmp_path, monkeypatch, error):
    def refuse(*_arguments, **_settings):
        raise error

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(UserError, match="no process can be started"):
        open_model(write_tiny_model(tmp_path / "m.onnx"))


def test_the_process_ends_with_the_one_that_asked(tmp_path):
    path = HOSTILE[ENDLESS][0](tmp_path / "m.onnx")
    asker = (
        "import os, signal, sys; from pathlib import Path; from myobridge.model.load import read_model\n"
        "model = read_model(Path(sys.argv[1])); model.begin_trial(); pid = model._trial._child.process.pid\n"
        "while os.sched_getscheduler(pid) != os.SCHED_BATCH: pass  # the first thing that it does\n"
        "os.kill(pid, signal.SIGSTOP); print(pid, flush=True); os._exit(0)"
    )
    run = subprocess.run([sys.executable, "-c", asker, path], capture_output=True, text=True, check=True, timeout=60)
    process = Path("/proc", run.stdout.strip(), "stat")
    for _ in range(1000):
        if not process.exists() or ") Z " in process.read_text():
            return
        time.sleep(0.01)
    pytest.fail("the process is still there")


def test_what_was_tried_is_what_runs_whatever_becomes_of_the_file(tmp_path):
    path = write_tiny_model(tmp_path / "m.onnx")
    model = read_model(path)
    path.write_bytes(b"another")
    assert [output.name for output in model.session.get_outputs()] == ["angles"]


def with_bad_weights(graph):
    """Its weights are finite, and infinite when they are multiplied."""
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(np.full_like(values, 3e38), tensor.name))


def test_both_graphs_of_a_file_are_tried(tmp_path):
    path = tmp_path / "m.onnx"
    streaming = onnx.load(shipped_models()["synth"])
    entry = next(entry for entry in streaming.metadata_props if entry.key == STREAMING_KEY)
    graph = onnx.GraphProto.FromString(b64decode(entry.value))
    last = next(node for node in graph.node if "angles" in node.output)
    last.output[0] = "before"
    graph.initializer.append(numpy_helper.from_array(np.float32([3e38]), "huge"))
    graph.node.extend(
        [helper.make_node("Mul", ["before", "huge"], ["large"]), helper.make_node("Mul", ["large", "huge"], ["angles"])]
    )
    entry.value = b64encode(graph.SerializeToString()).decode()
    path.write_bytes(streaming.SerializeToString())
    for windowed in (False, True):
        with pytest.raises(UserError, match="not numbers"):
            open_model(path, windowed=windowed)

    windowed_too = onnx.load(shipped_models()["synth"])
    with_bad_weights(windowed_too.graph)
    path.write_bytes(windowed_too.SerializeToString())
    for windowed in (False, True):
        with pytest.raises(UserError, match="not numbers"):
            open_model(path, windowed=windowed)


def test_a_name_that_no_text_can_hold_is_no_trouble(tmp_path):
    path = tmp_path / os.fsdecode(b"m\xff.onnx")
    assert open_model(write_tiny_model(path)).spec == tiny_spec()


def test_the_trial_refuses_what_would_not_have_raised(tmp_path):
    """The graph that the trial refuses runs without a word: only its angles are wrong."""
    path = HOSTILE["no number on a muscle"][0](tmp_path / "m.onnx")
    emg = np.full((1, 2, 40), 2, np.float32)
    with np.errstate(invalid="ignore"):
        (angles,) = untried(path).session.run(None, {"emg": emg})
    assert np.isnan(angles).all()
