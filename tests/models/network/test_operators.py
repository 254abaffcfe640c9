"""The operators that the runtime lets pass are those that the exports of our families use, and no others."""

import onnx

from myobridge.model.check import OPERATORS
from myobridge_models.export.export import _graph
from myobridge_models.export.streaming import streaming_graph
from myobridge_models.network.cnn_mlp import CnnMlp
from myobridge_models.network.families.registry import FAMILIES, create


def graphs_of(family):
    """The graph of a file of this family, and the one that keeps its state if there is one."""
    network = create(family, 500, 2, 0.0)
    windowed = onnx.load_model_from_string(_graph(network)).graph
    return [windowed, *([streaming_graph(network, windowed, 2)] if isinstance(network, CnnMlp) else [])]


def test_the_operators_are_those_that_our_families_use_and_no_others():
    used = {node.op_type for family in FAMILIES for graph in graphs_of(family) for node in graph.node}
    assert used == OPERATORS
