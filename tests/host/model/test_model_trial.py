"""The trial of a model in a child process: whatever its graphs do there, the parent only gets one sentence."""

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
    """A model whose trial is still running; the fixture ends the trial."""
    model = read_model(HOSTILE[ENDLESS][0](tmp_path / "m.onnx"))
    model.begin_trial()
    yield model
    if child := model._trial._child:
        child.process.kill()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_harmful_model_is_refused_in_one_sentence(name, tmp_path):
    write, word = HOSTILE[name]
    path = write(tmp_path / "m.onnx")
    with pytest.raises(UserError, match=word) as caught:
        open_model(path)
    assert str(caught.value).startswith(str(path)) and str(caught.value).endswith(".")


@pytest.mark.parametrize("name", GREEDY)
def test_the_child_process_stays_within_its_memory_limit(name, tmp_path):
    path = HOSTILE[name][0](tmp_path / "m.onnx")
    asker = (
        "import resource, sys; from pathlib import Path; from myobridge.model.load import *\n"
        "try: open_model(Path(sys.argv[1]))\n"
        "except UserError: print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    )
    run = subprocess.run([sys.executable, "-c", asker, path], capture_output=True, text=True, check=True, timeout=120)
    assert 50 < int(run.stdout) < MOST_MB


@pytest.mark.parametrize("name", shipped_models())
def test_the_shipped_models_pass_with_a_wide_margin(name):
    verdict = read_model(shipped_models()[name])._trial.wait()
    assert verdict.load_s < 0.5
    assert verdict.run_s < 0.05


def test_the_parent_process_goes_on_during_a_trial(endless):
    answers = 0
    with pytest.raises(UserError, match="too long for a hand"):
        while not endless.ready():
            answers += 1
            time.sleep(0.01)
    assert answers > 5
    with pytest.raises(UserError, match="too long for a hand"):
        _ = endless.session


def test_a_child_without_processor_time_is_ended_and_the_error_does_not_blame_the_file(endless, monkeypatch):
    os.kill(endless._trial._child.process.pid, signal.SIGSTOP)
    endless._trial._until_s = time.monotonic() + 0.1
    with pytest.raises(UserError, match="busy and try again"):
        _ = endless.session


def test_a_crash_of_the_child_is_reported(endless):
    os.kill(endless._trial._child.process.pid, signal.SIGSEGV)
    with pytest.raises(UserError, match="makes onnxruntime crash"):
        _ = endless.session


@pytest.mark.parametrize("error", [BlockingIOError(11, "no more processes"), MemoryError(), RuntimeError("no thread")])
def test_a_model_is_refused_if_no_process_can_be_started(tmp_path, monkeypatch, error):
    def refuse(*_arguments, **_settings):
        raise error

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(UserError, match="no process can be started"):
        open_model(write_tiny_model(tmp_path / "m.onnx"))


def test_the_child_ends_with_its_parent(tmp_path):
    path = HOSTILE[ENDLESS][0](tmp_path / "m.onnx")
    asker = (
        "import os, signal, sys; from pathlib import Path; from myobridge.model.load import read_model\n"
        "model = read_model(Path(sys.argv[1])); model.begin_trial(); pid = model._trial._child.process.pid\n"
        "while os.sched_getscheduler(pid) != os.SCHED_BATCH: pass  # the first step of the child\n"
        "os.kill(pid, signal.SIGSTOP); print(pid, flush=True); os._exit(0)"
    )
    run = subprocess.run([sys.executable, "-c", asker, path], capture_output=True, text=True, check=True, timeout=60)
    process = Path("/proc", run.stdout.strip(), "stat")
    for _ in range(1000):
        if not process.exists() or ") Z " in process.read_text():
            return
        time.sleep(0.01)
    pytest.fail("the child is still running")


def test_the_tried_bytes_run_even_if_the_file_changes(tmp_path):
    path = write_tiny_model(tmp_path / "m.onnx")
    model = read_model(path)
    path.write_bytes(b"another")
    assert [output.name for output in model.session.get_outputs()] == ["angles"]


def with_bad_weights(graph):
    """Makes the weights finite, but their products infinite."""
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


def test_a_file_name_that_is_not_utf_8_works(tmp_path):
    path = tmp_path / os.fsdecode(b"m\xff.onnx")
    assert open_model(write_tiny_model(path)).spec == tiny_spec()


def test_the_trial_refuses_nan_that_raises_no_exception(tmp_path):
    """The graph runs without an exception, and only its angles are wrong."""
    path = HOSTILE["no number on a muscle"][0](tmp_path / "m.onnx")
    emg = np.full((1, 2, 40), 2, np.float32)
    with np.errstate(invalid="ignore"):
        (angles,) = untried(path).session.run(None, {"emg": emg})
    assert np.isnan(angles).all()
