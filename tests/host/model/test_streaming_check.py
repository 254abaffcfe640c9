"""The streaming graph passes the same checks as the file's own graph, and may keep at most one window."""

from base64 import b64decode, b64encode

import onnx
import pytest
from onnx import TensorProto, helper

from myobridge.errors import UserError
from myobridge.model.file import STREAMING_KEY
from myobridge.model.load import open_model
from myobridge.model.shipped import shipped_models


@pytest.fixture
def file():
    return onnx.load(shipped_models()["synth"])


def entry(file):
    return next(entry for entry in file.metadata_props if entry.key == STREAMING_KEY)


def dim(values, name, axis):
    value = next(value for value in values if value.name == name)
    return value.type.tensor_type.shape.dim[axis]


def foreign_operator(graph):
    graph.node[0].op_type = "Loop"


def another_batch(graph):
    dim(graph.input, "history", 0).dim_value = 2


def free_dimension(graph):
    dim(graph.input, "emg", 0).dim_param = "samples"


def less_than_a_hop(graph):
    dim(graph.input, "emg", 0).dim_value = 9


def nothing_new(graph):
    dim(graph.output, "features", 1).dim_value = 0


def more_than_a_window(graph):
    dim(graph.input, "past_features", 0).dim_value *= 100


def no_way_back(graph):
    graph.output.pop()
    graph.output.append(helper.make_tensor_value_info("lost", TensorProto.FLOAT, [1, 5]))


def without_a_weight(graph):
    graph.node[-2].input[0] = "nowhere"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (foreign_operator, "'Loop'"),
        (another_batch, "history"),
        (free_dimension, "emg"),
        (less_than_a_hop, "emg"),
        (nothing_new, "features"),
        (more_than_a_window, "more than a window"),
        (no_way_back, "lost"),
        (without_a_weight, "nowhere"),
    ],
)
def test_a_streaming_graph_that_the_export_never_writes_is_refused(file, tmp_path, change, word):
    graph = onnx.GraphProto.FromString(b64decode(entry(file).value))
    change(graph)
    entry(file).value = b64encode(graph.SerializeToString()).decode()
    path = tmp_path / "m.onnx"
    path.write_bytes(file.SerializeToString())
    with pytest.raises(UserError, match=word) as caught:
        open_model(path)
    assert "export" in str(caught.value)


@pytest.mark.parametrize("text", ["", "no base64!", b64encode(b"no graph").decode(), "äöü"])
def test_an_entry_that_is_not_a_graph_is_refused(file, tmp_path, text):
    entry(file).value = text
    path = tmp_path / "m.onnx"
    path.write_bytes(file.SerializeToString())
    with pytest.raises(UserError, match="the streaming graph is not valid"):
        open_model(path)
