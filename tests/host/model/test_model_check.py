"""The check of a model file's bytes before onnxruntime reads them: any bytes pass or are refused in one sentence."""

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

from myobridge.daemon.snapshot import level
from myobridge.decoder.postprocess import Postprocessor
from myobridge.decoder.prefilter import Prefilter
from myobridge.decoder.window import Window
from myobridge.errors import UserError
from myobridge.model import load as model_module
from myobridge.model.check import check_model
from myobridge.model.file import decode_spec, encode_spec
from myobridge.model.onnx_reader import MAX_FIELDS
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


def test_a_myobridge_model_passes_with_its_metadata(good):
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


def cast_to_whole_numbers(model):
    model.graph.node.add().CopyFrom(helper.make_node("Cast", ["emg"], ["places"], to=TensorProto.INT64))


def many_dimensions(model):
    model.graph.initializer[0].dims.extend([1 << 62] * 50_000)


def many_dimensions_of_an_input(model):
    for _ in range(20_000):
        model.graph.input[0].type.tensor_type.shape.dim.add().dim_value = 1 << 62


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
        (cast_to_whole_numbers, "casts"),
        (many_dimensions, "dimensions"),
        (many_dimensions_of_an_input, "dimensions"),
        (strings, "data type 8"),
        (metadata_twice, "metadata occurs twice"),
        (free_window, "emg"),
        (batch_of_seven, "emg"),
        (six_angles, "angles"),
        (further_input, "more"),
        (doubles, "not float32"),
        (no_shape, "angles"),
    ],
)
def test_a_model_that_the_export_never_writes_is_refused(model, change, word):
    change(model)
    assert word in refusal(model.SerializeToString())


def with_metadata(model, changes):
    model.metadata_props[0].value = msgspec.json.encode(msgspec.to_builtins(tiny_spec()) | changes).decode()
    return model.SerializeToString()


REST = [40.0] * 5
GATE = {"leave_deg": 10, "after_ms": 100}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"window_samples": 20_001}, "20 s"),
        ({"window_samples": 10**9}, "window_samples"),
        ({"window_samples": 20_000, "channels": ["x"] * 64, "scale_fs": [1] * 64}, "window_samples"),
        ({"hop_samples": 401, "window_samples": 500}, "hop_samples"),
        ({"history_hops": 5000}, "20 s"),
        ({"fs_hz": 20_000, "hop_samples": 1, "history_hops": 400_000}, "history_hops"),
        ({"fs_hz": 1e9}, "fs_hz"),
        ({"fs_hz": 5e-324}, "fs_hz"),
        ({"prefilter_sos": [[1, 0, 0, 1, -2, 1]]}, "not stable"),
        ({"prefilter_sos": [[1, 0, 0, 1, -1 - 1e-16, 1e-16]]}, "not stable"),
        ({"prefilter_sos": [[1, 0, 0, 0, 0, 0]]}, "not stable"),
        ({"prefilter_sos": [[1, 0, 0, 5e-324, 0, 0]]}, "amplifies"),
        ({"prefilter_sos": [[1001, 0, 0, 1, 0, 0]]}, "amplifies"),
        ({"prefilter_sos": [[1, 0, 0, 1, 0, 0.9999]]}, "amplifies"),
        ({"prefilter_sos": [[1e5, 0, 0, 1e-5, 0, 0], [1e-10, 0, 0, 1, 0, 0]]}, "amplifies"),
        ({"prefilter_sos": [[1e300, 0, 0, 1, 0, 0]]}, "prefilter_sos"),
        ({"prefilter_sos": [[1, 0, 0, 1, 0, 0]] * 17}, "prefilter_sos"),
        ({"scale_fs": [1e-300, 1]}, "scale_fs"),
        ({"scale_fs": [1e300, 1]}, "scale_fs"),
        ({"smoothing": {"min_cutoff_hz": 5e-324, "beta_hz_per_deg_s": 0}}, "min_cutoff_hz"),
        ({"smoothing": {"min_cutoff_hz": 1e300, "beta_hz_per_deg_s": 0}}, "min_cutoff_hz"),
        ({"smoothing": {"min_cutoff_hz": 1, "beta_hz_per_deg_s": 1e300}}, "beta_hz_per_deg_s"),
        ({"smoothing": {"min_cutoff_hz": 1, "beta_hz_per_deg_s": 0, "calm_deg_per_s": -1}}, "calm_deg_per_s"),
        ({"rest_gate": GATE | {"leave_deg": 181}}, "leave_deg"),
        ({"rest_gate": GATE | {"after_ms": 1e300}}, "after_ms"),
        ({"rest_gate": GATE | {"settling_ms": 1e300}}, "settling_ms"),
        ({"rest_gate": GATE | {"again_after_ms": 1e300}}, "again_after_ms"),
        ({"poses": [{"label": 4294967295, "name": "x", "angles_deg": REST}]}, "label"),
        ({"poses": [{"label": 1, "name": "x", "angles_deg": REST}] * 257}, "poses"),
        ({"poses": [{"label": 1, "name": "x" * 201, "angles_deg": REST}]}, "name"),
        ({"channels": ["x" * 81, "b"]}, "channels"),
        ({"training": {"notes": "x" * 100_000}}, "training"),
        ({"training": {"notes": "x" * 1_000_000}}, "larger than 128 kB"),
        ({"training": {str(n): n for n in range(65)}}, "training"),
        ({"training": {"x" * 81: 1}}, "training"),
        ({"training": {"steps": 1 << 60}}, "training"),
        ({"name": "\x1b[2J"}, "name"),
        ({"name": "x" * 201}, "name"),
    ],
)
def test_metadata_out_of_range_are_refused(model, changes, word):
    assert word in refusal(with_metadata(model, changes))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000, "NaN", "Infinity", "-9e99999"])
@pytest.mark.parametrize("field", ["fs_hz", "window_samples", "rest_pose_deg", "scale_fs", "training"])
def test_numbers_that_do_not_fit_in_a_float_are_refused(model, number, field):
    model.metadata_props[0].value = encode_spec(tiny_spec()).replace(f'"{field}":', f'"{field}":{number},"x":', 1)
    refusal(model.SerializeToString())


@given(st.data())
def test_metadata_that_pass_can_be_run_and_shown(data):
    """With each number at its bounds, nothing raises, and a snapshot holds no infinity, which JSON cannot represent."""
    at_bounds = {
        "scale_fs": st.sampled_from([[1e-9, 1e-9], [1e6, 1e-9]]),
        "prefilter_sos": st.sampled_from(
            [[[1000, 0, 0, 1, 0, 0]], [[1, 0, 0, 1, 0, 0.998]], [[1, 0, 0, 1, -0.999, 0]]]
        ),
        "smoothing": st.fixed_dictionaries(
            {
                "min_cutoff_hz": st.sampled_from([1e-3, 1e4]),
                "beta_hz_per_deg_s": st.sampled_from([0, 1e3]),
                "calm_deg_per_s": st.sampled_from([0, 1e6]),
            }
        ),
        "rest_gate": st.fixed_dictionaries(
            {name: st.sampled_from([1, 20_000]) for name in ("after_ms", "settling_ms", "again_after_ms")}
            | {"leave_deg": st.sampled_from([1e-300, 180])}
        ),
        "fs_hz": st.sampled_from([1000, 20_000]),
        "hop_samples": st.sampled_from([1, 40]),
        "history_hops": st.sampled_from([0, 500]),
    }
    changes = data.draw(st.fixed_dictionaries({}, optional=at_bounds))
    spec = decode_spec(msgspec.json.encode(msgspec.to_builtins(tiny_spec()) | changes).decode(), NAME)
    gain = 1 / (512 * np.array(spec.scale_fs))
    prefilter, window = Prefilter(spec.prefilter_sos, gain, spec.hop_samples), Window(2, 40, spec.hop_samples)
    counts = np.full((spec.hop_samples, 2), 511, np.int16)
    prefilter.reset(-counts[0])
    postprocess = Postprocessor(spec, (0,) * 5, (180,) * 5)
    for hop in range(400):
        window.append(prefilter(counts if hop % 3 else -counts), 0)
        assert all(0 <= angle <= 180 for angle in postprocess((3e38, -3e38, 0.0, 180.0, float(hop))))
    assert np.isfinite(level(window.newest(200))).all()


def test_a_repeated_field_is_refused_because_readers_differ_in_which_they_use(good):
    assert "graph twice" in refusal(good + b"\x3a\x00")


def test_the_number_of_fields_is_bounded(good):
    assert f"more than {MAX_FIELDS} fields" in refusal(good + b"\x72\x00" * (MAX_FIELDS + 1))


def test_a_file_above_the_limit_is_not_read_completely(tmp_path, monkeypatch):
    monkeypatch.setattr(model_module, "MAX_MODEL_BYTES", 1 << 20)
    path = tmp_path / "big.onnx"
    path.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(UserError, match="larger than 1 MB"):
        model_module.open_model(path)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_in_one_sentence(data):
    refusal(data)


@settings(max_examples=300)
@given(st.data())
def test_mutated_models_are_accepted_or_refused_in_one_sentence(good, data):
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
    code = "import sys, myobridge.decoder.inference; sys.exit('onnx' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
