"""A model file is judged by its bytes before onnxruntime sees it; no bytes do more than be refused in one sentence."""

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from myobridge import model as model_module
from myobridge.errors import UserError
from myobridge.model_check import check_model
from myobridge.onnx_reader import MAX_FIELDS
from tiny_model import tiny_spec, write_tiny_model

NAME = Path("m.onnx")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "m.onnx").read_bytes()


@pytest.fixture
def model(good):
    return onnx.load_model_from_string(good)


def refusal(data: bytes) -> str:
    with pytest.raises(UserError) as caught:
        check_model(data, NAME)
    text = str(caught.value)
    assert text.startswith("m.onnx") and "export" in text
    assert text.endswith(".")
    return text


def test_a_model_of_ours_passes_and_tells_its_metadata(good):
    assert check_model(good, NAME) == (tiny_spec(), None)


def external(model):
    model.graph.initializer[0].ClearField("raw_data")
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"


def external_in_a_constant(model):
    tensor = numpy_helper.from_array(np.zeros(1, np.float32))
    tensor.data_location = TensorProto.EXTERNAL
    model.graph.node.add().CopyFrom(helper.make_node("Constant", [], ["c"], value=tensor))


def custom_domain(model):
    model.graph.node[0].domain = "com.evil"


def custom_opset(model):
    model.opset_import.add().domain = "com.evil"


def foreign_operator(model):
    model.graph.node[0].op_type = "Loop"


def subgraph(model):
    model.graph.node[0].attribute.add().CopyFrom(helper.make_attribute("body", onnx.GraphProto()))


def local_function(model):
    model.functions.add().name = "f"


def not_finite(model):
    model.graph.initializer[0].raw_data = np.full(80, np.nan, np.float32).tobytes()


def infinite_attribute(model):
    model.graph.node[0].attribute.add().CopyFrom(helper.make_attribute("alpha", float("inf")))


def wrong_size(model):
    model.graph.initializer[0].dims[0] = 1 << 40


def strings(model):
    model.graph.initializer[0].data_type = TensorProto.STRING


def metadata_twice(model):
    model.metadata_props.add().CopyFrom(model.metadata_props[0])


def free_window(model):
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "window"


def batch_of_seven(model):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 7


def six_angles(model):
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 6


def further_input(model):
    model.graph.input.add().CopyFrom(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1, 1]))


def doubles(model):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def no_shape(model):
    model.graph.output[0].type.tensor_type.ClearField("shape")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (external, "TensorProto has a field 13"),
        (external_in_a_constant, "TensorProto has a field 14"),
        (custom_domain, "com.evil.Flatten"),
        (custom_opset, "com.evil"),
        (foreign_operator, "'Loop'"),
        (subgraph, "AttributeProto has a field 6"),
        (local_function, "ModelProto has a field 25"),
        (not_finite, "not finite"),
        (infinite_attribute, "not a finite number"),
        (wrong_size, "for the shape"),
        (strings, "data type 8"),
        (metadata_twice, "metadata twice"),
        (free_window, "emg"),
        (batch_of_seven, "emg"),
        (six_angles, "angles"),
        (further_input, "more"),
        (doubles, "not float32"),
        (no_shape, "angles"),
    ],
)
def test_what_no_export_of_ours_holds_is_refused(model, change, word):
    change(model)
    assert word in refusal(model.SerializeToString())


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"window_samples": 20_001}, "20 s"),
        ({"window_samples": 10**9}, "window_samples"),
        ({"hop_samples": 401, "window_samples": 500}, "hop_samples"),
        ({"history_hops": 5000}, "20 s"),
        ({"fs_hz": 1e9}, "fs_hz"),
        ({"prefilter_sos": [[1, 0, 0, 1, -2, 1]]}, "not stable"),
        ({"prefilter_sos": [[1, 0, 0, 0, 0, 0]]}, "not stable"),
        ({"prefilter_sos": [[1e300, 0, 0, 1, 0, 0]]}, "prefilter_sos"),
        ({"prefilter_sos": [[1, 0, 0, 1, 0, 0]] * 17}, "prefilter_sos"),
        ({"name": "\x1b[2J"}, "name"),
    ],
)
def test_metadata_that_would_take_the_machine_are_refused(model, changes, word):
    fields = msgspec.to_builtins(tiny_spec()) | changes
    model.metadata_props[0].value = msgspec.json.encode(fields).decode()
    assert word in refusal(model.SerializeToString())


def test_a_field_that_comes_twice_is_refused_for_readers_differ_in_which_they_take(good):
    assert "graph twice" in refusal(good + b"\x3a\x00")


def test_work_is_bounded_whatever_the_size(good):
    assert f"more than {MAX_FIELDS} fields" in refusal(good + b"\x72\x00" * (MAX_FIELDS + 1))


def test_a_file_above_the_limit_is_not_even_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(model_module, "MAX_MODEL_BYTES", 1 << 20)
    path = tmp_path / "big.onnx"
    path.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(UserError, match="larger than 1 MB"):
        model_module.open_model(path)


def grown(model, grow):
    """The model with a sum of nodes `grow` added to its first angle."""
    concat = model.graph.node.pop()
    model.graph.node.extend(grow)
    model.graph.node.extend([helper.make_node("ReduceL2", ["grown"], ["sum"]), concat])
    model.graph.node[-1].input[0] = "sum"
    return model


def write(model, path):
    path.write_bytes(model.SerializeToString())
    return path


def test_a_graph_that_wants_more_memory_than_there_is_is_refused_before_it_is_used(model, tmp_path):
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 1 << 50]), "huge"))
    path = write(grown(model, [helper.make_node("ConstantOfShape", ["huge"], ["grown"])]), tmp_path / "m.onnx")
    with pytest.raises(UserError, match="can be run"):
        model_module.open_model(path)


def test_a_graph_that_never_decides_in_time_is_refused_before_it_is_used(good, tmp_path, monkeypatch):
    monkeypatch.setattr(model_module, "MAX_RUN_S", 0.0)
    (tmp_path / "m.onnx").write_bytes(good)
    with pytest.raises(UserError, match="no hand can wait for"):
        model_module.open_model(tmp_path / "m.onnx")


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_a_sentence(data):
    refusal(data)


@settings(max_examples=300)
@given(st.data())
def test_mutated_models_are_accepted_whole_or_refused_in_a_sentence(good, data):
    mutant = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutant) - 1))
        if data.draw(st.booleans()):
            mutant[at] = data.draw(st.integers(0, 255))
        else:
            mutant[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    try:
        spec = check_model(bytes(mutant), NAME).spec
    except UserError as refused:
        assert str(refused).endswith(".")
    else:
        assert spec.window_samples == 40


def test_the_runtime_does_not_need_the_onnx_package():
    code = "import sys, myobridge.decode; sys.exit('onnx' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
