"""A new model for a running daemon: each request is answered, the loop continues, and the next model can be loaded."""

import time
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from hostile_models import HOSTILE
from kill_recorder import IDENT
from myobridge.board import board_config
from myobridge.daemon import model_swap
from myobridge.daemon.model_swap import ModelSwap
from myobridge.settings import AcquisitionSettings, Settings
from myobridge.wire import messages as m
from tiny_model import tiny_spec, write_tiny_model

CONFIG = board_config(IDENT, tiny_spec(), Settings())


class Asked:
    """A request and its answer."""

    def __init__(self, path):
        self.request = SimpleNamespace(path=str(path))
        self.answers = []

    def answer(self, ok, text):
        self.answers.append((ok, text))


class Hand:
    """A connection that streams and does not move the hand."""

    streaming, may_be_moving = True, False

    def __init__(self):
        self.session = SimpleNamespace(ident=IDENT, config=CONFIG)
        self.models = []

    def change_model(self, model, _pipeline):
        self.models.append(model.spec.name)


@pytest.fixture
def swap():
    return ModelSwap(Settings())


@pytest.fixture
def hand():
    return Hand()


def asked(swap, hand, path):
    """The answered request, and the turns of the loop meanwhile."""
    ask, turns = Asked(path), 0
    swap.begin(ask, hand)
    while not ask.answers:
        swap.finish(hand)
        turns += 1
        time.sleep(0.005)
    assert len(ask.answers) == 1
    return *ask.answers[0], turns


def test_a_model_that_never_ends_is_refused_while_the_loop_runs_and_the_next_model_is_accepted(swap, hand, tmp_path):
    ok, text, turns = asked(swap, hand, HOSTILE["large constant matrices"][0](tmp_path / "bad.onnx"))
    assert not ok
    assert "too long for a hand" in text
    assert turns > 10
    ok, text, _ = asked(swap, hand, write_tiny_model(tmp_path / "tiny.onnx"))
    assert (ok, text) == (True, "The model is now tiny.")
    assert hand.models == ["tiny"]


def test_a_model_that_wants_other_samples_is_refused(swap, hand, tmp_path):
    ok, text, _ = asked(swap, hand, write_tiny_model(tmp_path / "tiny.onnx", tiny_spec(oversampling=2)))
    assert not ok
    assert "wants 2 conversions in a sample, but the board makes 1" in text


def test_a_model_asks_a_board_for_conversions_and_the_settings_may_ask_for_more():
    more = Settings(acquisition=AcquisitionSettings(oversampling=4))
    rp2040 = replace(IDENT, board=m.Board.RP2040)
    asks = [(IDENT, 1, Settings()), (IDENT, 2, Settings()), (IDENT, 2, more), (rp2040, 2, Settings())]
    made = [board_config(ident, tiny_spec(oversampling=k), settings).oversampling for ident, k, settings in asks]
    assert made == [1, 2, 4, 16]


def test_without_a_free_thread_the_request_is_refused_and_the_next_is_accepted(swap, hand, tmp_path, monkeypatch):
    path = write_tiny_model(tmp_path / "tiny.onnx")
    with monkeypatch.context() as without:
        without.setattr(model_swap.Thread, "start", refuse)
        ok, text, _ = asked(swap, hand, path)
    assert not ok
    assert "cannot be loaded now (can't start new thread)" in text
    assert asked(swap, hand, path)[0]


def test_without_a_free_process_the_request_is_refused_and_the_next_is_accepted(swap, hand, tmp_path, monkeypatch):
    path = write_tiny_model(tmp_path / "tiny.onnx")
    with monkeypatch.context() as without:
        without.setattr("subprocess.Popen", refuse)
        ok, text, _ = asked(swap, hand, path)
    assert not ok
    assert "no process can be started" in text
    assert asked(swap, hand, path)[0]


def refuse(*_arguments, **_settings):
    raise RuntimeError("can't start new thread")
