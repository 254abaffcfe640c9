"""The head and the class statistics of a model file: read and replaced without the onnx package, and never trusted."""

from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from headed_model import SPEC, head, held, write_headed_model
from myobridge.errors import UserError
from myobridge.model.check import check_model, statistics_in
from myobridge.model.file import STATISTICS_KEY
from myobridge.model.head import EARLIER, head_of, with_features, with_layers, with_statistics
from myobridge.model.onnx_reader import Refused
from myobridge.model.statistics import MAX_FACTORS, decode_statistics, encode_statistics

NAME = Path("m.onnx")
NEW = np.full((8, 14), 2.5, np.float32), np.arange(8, dtype=np.float32)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return write_headed_model(tmp_path_factory.mktemp("model") / "m.onnx").read_bytes()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_headed_model(tmp_path_factory.mktemp("model") / "m.onnx", [held(1)]).read_bytes()


def weights(data):
    """The initializers as the onnx package reads them."""
    return {
        tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load_model_from_string(data).graph.initializer
    }


def entry(data):
    return next(e.value for e in onnx.load_model_from_string(data).metadata_props if e.key == STATISTICS_KEY)


def test_a_head_is_read_as_the_onnx_package_reads_it(good):
    for (weight, bias), number in zip(head_of(good).layers, (1, 4, 7), strict=True):
        assert np.array_equal(weight, weights(good)[f"mlp.{number}.weight"])
        assert np.array_equal(bias, weights(good)[f"mlp.{number}.bias"])


def test_a_new_first_layer_changes_nothing_else(good):
    spec = msgspec.structs.replace(SPEC, name="mine")
    changed = with_layers(good, [NEW, *head_of(good).layers[1:]], spec)
    assert check_model(changed, NAME).spec == spec
    onnx.checker.check_model(onnx.load_model_from_string(changed), full_check=True)
    before, after = weights(good), weights(changed)
    assert np.array_equal(after.pop("mlp.1.weight"), NEW[0])
    assert np.array_equal(after.pop("mlp.1.bias"), NEW[1])
    assert np.array_equal(after.pop(EARLIER[0][0]), before.pop("mlp.1.weight"))
    assert np.array_equal(after.pop(EARLIER[0][1]), before.pop("mlp.1.bias"))
    assert all(np.array_equal(after[name], before[name]) for name in before | after)
    models = [onnx.load_model_from_string(data) for data in (good, changed)]
    assert models[0].graph.node == models[1].graph.node
    assert entry(changed) == entry(good)
    assert good == bytes(good), "the bytes that were given are unchanged"


def test_a_second_calibration_keeps_the_layers_of_the_training(good):
    of_training = head_of(good).layers
    once = with_layers(good, [NEW, *of_training[1:]], SPEC)
    twice = with_layers(once, [(2 * NEW[0], NEW[1]), *of_training[1:]], SPEC)
    assert len(twice) == len(once)
    assert head_of(twice).earlier[0][0] == pytest.approx(head()[0][0])
    assert np.array_equal(head_of(twice).layers[0][0], 2 * NEW[0])


def test_a_head_that_is_wholly_new_keeps_all_layers_of_the_training(good):
    of_training = head_of(good).layers
    others = [(weight + 1, bias + 1) for weight, bias in of_training]
    changed = with_layers(good, others, SPEC)
    check_model(changed, NAME)
    found = head_of(changed)
    back = head_of(with_layers(changed, found.earlier, SPEC))
    for is_there, wanted in ((found.layers, others), (found.earlier, of_training), (back.layers, of_training)):
        for layer, other in zip(is_there, wanted, strict=True):
            assert np.array_equal(layer[0], other[0])
            assert np.array_equal(layer[1], other[1])


def test_the_inputs_of_the_head_become_an_output(good):
    graph, name = with_features(good)
    model = onnx.load_model_from_string(graph)
    assert [value.name for value in model.graph.output] == ["angles", name]
    assert not model.metadata_props


def test_the_statistics_of_a_file_are_those_that_were_written(good, plain):
    assert statistics_in(plain) is None
    found = statistics_in(good)
    assert found.labels.tolist() == [0, 1, 2, 3, 4]
    assert found.means.shape == (5, 4)
    again = decode_statistics(encode_statistics(found))
    assert all(np.array_equal(one, other) for one, other in zip(found, again, strict=True))
    assert np.linalg.eigvalsh(found.covariance).min() > 0


def changed(good, **parts):
    """The text of statistics with other parts."""
    return encode_statistics(statistics_in(good)._replace(**parts))


NONSENSE = {
    "no JSON": lambda _: "{",
    "another format": lambda good: changed(good).replace('"format":1', '"format":2'),
    "not finite": lambda good: changed(good, means=np.full((5, 4), np.nan)),
    "endless": lambda good: changed(good, centre=np.full(4, np.inf)),
    "huge": lambda good: changed(good, factors=np.full((2, 4), 1e9)),
    "no spread": lambda good: changed(good, spread=np.zeros(4)),
    "negative spread": lambda good: changed(good, spread=np.full(4, -1.0)),
    "a mean too few": lambda good: changed(good, means=np.zeros((4, 4))),
    "another number of features": lambda good: changed(
        good, centre=np.zeros(5), means=np.zeros((5, 5)), spread=np.ones(5), factors=np.zeros((1, 5))
    ),
    "no feature": lambda good: changed(
        good, centre=np.zeros(0), means=np.zeros((5, 0)), spread=np.zeros(0), factors=np.zeros((0, 0))
    ),
    "too many factors": lambda good: changed(good, factors=np.zeros((MAX_FACTORS + 1, 4))),
    "half a factor": lambda good: changed(good, factors=np.zeros((3, 2))),
    "labels that fall": lambda good: changed(good, labels=np.array([4, 3, 2, 1, 0])),
    "a label twice": lambda good: changed(good, labels=np.array([0, 1, 1, 3, 4])),
    "a label without a pose": lambda good: changed(good, labels=np.array([0, 1, 2, 3, 9])),
    "one label": lambda good: changed(good, labels=np.array([0]), means=np.zeros((1, 4))),
    "too much": lambda good: changed(good) + " " * (1 << 20),
}


@pytest.mark.parametrize("make", NONSENSE.values(), ids=NONSENSE)
def test_statistics_that_are_nonsense_are_refused_in_one_sentence(good, plain, make):
    with pytest.raises(UserError) as caught:
        check_model(with_statistics(plain, make(good)), NAME)
    said = str(caught.value)
    assert said.startswith("m.onnx")
    assert "export" in said
    assert said.endswith(".")


def test_statistics_without_factors_are_statistics(good, plain):
    text = changed(good, factors=np.zeros((0, 4)))
    check_model(with_statistics(plain, text), NAME)
    assert decode_statistics(text).covariance.shape == (4, 4)


def without_a_layer(model):
    model.graph.initializer.remove(next(t for t in model.graph.initializer if t.name == "mlp.4.weight"))


def of_another_width(model):
    tensor = next(t for t in model.graph.initializer if t.name == "mlp.4.weight")
    tensor.CopyFrom(numpy_helper.from_array(np.zeros((6, 9), np.float32), tensor.name))


def with_another_earlier_layer(model):
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((3, 3), np.float32), EARLIER[0][0]))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), EARLIER[0][1]))


def of_integers(model):
    tensor = next(t for t in model.graph.initializer if t.name == "mlp.7.bias")
    tensor.CopyFrom(numpy_helper.from_array(np.zeros(5, np.int32), tensor.name))


@pytest.mark.parametrize(
    "break_it", [without_a_layer, of_another_width, with_another_earlier_layer, of_integers], ids=lambda f: f.__name__
)
def test_statistics_beside_a_head_that_does_not_fit_are_refused(good, break_it):
    model = onnx.load_model_from_string(good)
    break_it(model)
    with pytest.raises(UserError, match="the class statistics are not valid"):
        check_model(model.SerializeToString(), NAME)


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_changed_byte_of_the_statistics_is_refused_or_leaves_usable_numbers(good, at, byte):
    text = bytearray(entry(good).encode())
    text[at % len(text)] = byte
    try:
        found = decode_statistics(text.decode("utf-8", "replace"))
    except Refused:
        return
    assert all(np.isfinite(values).all() for values in found)
    assert np.isfinite(np.linalg.inv(found.covariance)).all()
