"""The runtime allows exactly the operators that the exported families use."""

import onnx

from myobridge.model.check import OPERATORS
from myobridge_models.export.export import _graph
from myobridge_models.export.streaming import streaming_graph
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.families.registry import FAMILIES, create


def graphs_of(family):
    """The graph of a model file of this family, and its streaming graph if it has one."""
    network = create(family, 500, 2, 0.0)
    windowed = onnx.load_model_from_string(_graph(network)).graph
    return [windowed, *([streaming_graph(network, windowed, 2)] if isinstance(network, CnnMlp) else [])]


def test_the_runtime_allows_exactly_the_operators_of_our_families():
    used = {node.op_type for family in FAMILIES for graph in graphs_of(family) for node in graph.node}
    assert used == OPERATORS
